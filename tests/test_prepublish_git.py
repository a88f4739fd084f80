"""What git is about to commit is what is judged, and a repository gets nothing run."""

import hashlib
import os

import pytest
from repositories import OWN, Repo
from vaults import LONG, ORCHARD, index_of, write

from recall.errors import GitFailed
from recall.prepublish import Selection, check
from recall.prepublish.git import Repository, blob_id, holds_same
from recall.publishing import Publishing, Rule

STAGED = Selection(staged=True)
LINKS = frozenset({Rule.BROKEN_LINK})


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch):
    for key in [key for key in os.environ if key.startswith("GIT_")]:
        monkeypatch.delenv(key)
    for key, value in OWN.items():
        monkeypatch.setenv(key, value)


@pytest.fixture
def repo(tmp_path):
    repo = Repo(tmp_path / "garden")
    repo.commit(ORCHARD)
    return repo


def report_of(root, selection=STAGED, *, rules=LINKS):
    index = index_of(root, publishing=Publishing(rules=rules))
    index.refresh()
    return check(index, selection)


def told(root, selection=STAGED, *, rules=LINKS):
    """(path, subject) of what is found."""
    return [(f.path, f.subject) for f in report_of(root, selection, rules=rules).findings]


def checked(root, selection=STAGED):
    return [note.path for note in report_of(root, selection).notes]


def test_only_the_notes_that_are_staged_are_checked(repo):
    repo.write({"bees.md": "# Bees\n\n[[gone]]\n", "untracked.md": "# U\n\n[[gone]]\n"})
    repo.stage({"ledger.md": "# Ledger\n\n[[lost]]\n", "new.md": "# New\n"})
    assert told(repo.root) == [("ledger.md", "lost")]
    assert checked(repo.root) == ["ledger.md", "new.md"]


def test_the_staged_text_is_judged_and_not_the_file(repo):
    repo.stage({"bees.md": "# Bees\n\n\n[[staged only]]\n"})
    repo.write({"bees.md": "# Bees\n\n[[file only]]\n"})
    (finding,) = report_of(repo.root).findings
    assert (finding.subject, finding.line) == ("staged only", 4)


def test_a_suggestion_for_a_staged_text_comes_from_the_staged_text(repo):
    text = f"# New\n\nA scion of a grafted tree keeps its fruit. Try Grafting.\n\n{LONG}\n"
    repo.stage({"new.md": text})
    repo.write({"new.md": "# New\n\nDebit and credit.\n"})
    found = report_of(repo.root, rules=frozenset({Rule.UNLINKED_MENTION})).findings
    assert [(f.target, f.line, f.column) for f in found] == [("grafting.md", 3, 48)]


def test_links_lead_to_what_the_commit_holds(repo):
    repo.write({"untracked.md": "# Untracked\n"})
    repo.stage({"new.md": "# New\n\n[[beside]] [[untracked]] [[Apples]]\n", "beside.md": "# B\n"})
    assert told(repo.root) == [("new.md", "untracked")]


def test_a_name_means_what_the_staged_version_of_a_note_is_called(repo):
    repo.commit({"named.md": "---\ntitle: Old name\n---\n"})
    repo.stage({"named.md": "---\ntitle: Staged name\n---\n"})
    repo.write({"named.md": "---\ntitle: File name\n---\n"})
    repo.stage({"new.md": "# New\n\n[[Staged name]] [[File name]] [[Old name]]\n"})
    assert told(repo.root) == [("new.md", "File name"), ("new.md", "Old name")]


def test_a_change_that_is_not_staged_changes_no_name(repo):
    repo.commit({"named.md": "---\ntitle: Committed name\n---\n"})
    repo.write({"named.md": "---\ntitle: File name\n---\n"})
    (repo.root / "bees.md").unlink()
    repo.stage({"new.md": "# New\n\n[[Committed name]] [[File name]] [[bees]]\n"})
    assert told(repo.root) == [("new.md", "File name")]


def test_a_note_that_the_commit_takes_away_breaks_the_links_of_notes_that_stay(repo):
    repo.git("rm", "--quiet", "pears.md")
    (finding,) = report_of(repo.root).findings
    assert (finding.path, finding.line) == ("apples.md", 15)
    assert finding.message == "[[Pears]] leads nowhere: this commit takes pears.md away"


def test_a_note_taken_away_from_git_only_breaks_links_as_well(repo):
    repo.git("rm", "--quiet", "--cached", "pears.md")
    assert told(repo.root) == [("apples.md", "Pears")]


def test_a_renamed_note_is_checked_and_its_old_name_is_missed(repo):
    repo.commit({"walk.md": "# A walk\n\nTo the [[mill-pond]].\n", "mill-pond.md": "# Water\n"})
    repo.git("mv", "mill-pond.md", "pond.md")
    repo.settle()
    assert checked(repo.root) == ["pond.md", "walk.md"]
    assert told(repo.root) == [("walk.md", "mill-pond")]


def test_a_rename_that_keeps_the_title_breaks_no_link_by_title(repo):
    repo.git("mv", "pears.md", "poires.md")
    repo.settle()
    assert told(repo.root) == []


def test_an_orphan_is_one_in_what_the_commit_holds(repo):
    repo.write({"untracked.md": "# Untracked\n\n[[new]]\n"})
    repo.stage({"new.md": "# New\n"})
    assert told(repo.root, rules=frozenset({Rule.ORPHAN})) == [("new.md", "")]
    repo.git("add", "untracked.md")
    assert told(repo.root, rules=frozenset({Rule.ORPHAN})) == []


def test_before_the_first_commit_everything_staged_is_new(tmp_path):
    repo = Repo(tmp_path / "garden")
    repo.stage({"new.md": "# New\n\n[[gone]] [[beside]]\n", "beside.md": "# Beside\n"})
    assert told(repo.root) == [("new.md", "gone")]
    assert checked(repo.root) == ["beside.md", "new.md"]


def test_a_vault_in_a_folder_of_the_repository_has_paths_of_its_own(tmp_path):
    repo = Repo(tmp_path / "site")
    repo.commit({"content/a.md": "# A\n", "README.md": "# Read me\n"})
    repo.stage({"content/posts/new.md": "# New\n\n[[a]] [[gone]]\n", "README.md": "# [[x]]\n"})
    assert told(repo.root / "content") == [("posts/new.md", "gone")]
    assert checked(repo.root / "content") == ["posts/new.md"]


def test_a_second_working_tree_has_an_index_of_its_own(repo, tmp_path):
    repo.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "second"))
    second = Repo.__new__(Repo)
    second.root = tmp_path / "second"
    second.stage({"new.md": "# New\n\n[[gone]]\n"})
    assert told(second.root) == [("new.md", "gone")]
    assert told(repo.root) == []


def test_submodules_links_and_other_files_are_no_notes(repo, tmp_path):
    inner = Repo(tmp_path / "inner")
    inner.commit({"inner.md": "# Inner\n\n[[gone]]\n"})
    repo.git(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.root), "sub.md"
    )
    (repo.root / "link.md").symlink_to("bees.md")
    (repo.root / "data.csv").write_text("[[gone]]")
    repo.git("add", "link.md", "data.csv")
    repo.settle()
    assert checked(repo.root) == []


@pytest.mark.parametrize("name", ["new\nline.md", "tab\there.md", "-n.md", "ümläut ☂.md", '"q".md'])
def test_names_of_all_kinds_are_read_as_they_are(repo, name):
    repo.stage({name: "# New\n\n[[gone]]\n"})
    assert told(repo.root) == [(name, "gone")]


def test_a_staged_file_that_is_no_text_is_a_warning(repo):
    repo.stage({"binary.md": b"\xff\xfe\x00", "new.md": "# New\n\n[[gone]]\n"})
    report = report_of(repo.root)
    assert [f.path for f in report.findings] == ["new.md"]
    assert report.warnings == ("binary.md was not checked: not UTF-8 (byte 0xff at offset 0)",)


def test_line_ends_that_git_changes_are_no_difference(repo):
    repo.git("config", "core.autocrlf", "true")
    repo.stage({"new.md": b"# New\r\n\r\n[[gone]]\r\n"})
    assert told(repo.root) == [("new.md", "gone")]
    data = b"a\r\nb\r\n"
    assert holds_same(data, blob_id(b"a\nb\n", like="0" * 40))
    assert not holds_same(data, blob_id(b"a\nc\n", like="0" * 40))


def test_a_blob_id_is_the_one_that_git_gives(repo):
    (repo.root / "x").write_bytes(b"# Bees\n")
    assert repo.git("hash-object", "x").strip() == blob_id(b"# Bees\n", like="0" * 40)
    assert blob_id(b"", like="0" * 64) == hashlib.sha256(b"blob 0\0").hexdigest()


def test_since_means_what_changed_after_head_left_the_branch(repo):
    repo.git("checkout", "--quiet", "-b", "draft")
    repo.commit({"mine.md": "# Mine\n\n[[gone]]\n"})
    repo.git("checkout", "--quiet", "main")
    repo.commit({"theirs.md": "# Theirs\n\n[[gone]]\n"})
    repo.git("checkout", "--quiet", "draft")
    repo.write({"unsaved.md": "# Not even staged\n\n[[gone]]\n"})
    assert checked(repo.root, Selection(since="main")) == ["mine.md", "unsaved.md"]
    assert checked(repo.root, Selection(since="HEAD")) == ["unsaved.md"]


@pytest.mark.parametrize("ref", ["nowhere", "--output=x", "", "HEAD:bees.md", "a b"])
def test_a_commit_that_is_not_there_is_an_error_in_plain_words(repo, ref):
    with pytest.raises(GitFailed, match="There is no commit"):
        check_since(repo.root, ref)
    assert not (repo.root / "x").exists()


def check_since(root, ref):
    index = index_of(root)
    index.refresh()
    return check(index, Selection(since=ref))


def test_a_vault_in_no_repository_is_an_error_in_plain_words(tmp_path):
    write(tmp_path, ORCHARD)
    with pytest.raises(GitFailed, match="not a git repository"):
        report_of(tmp_path)


def test_the_index_that_git_prepared_for_its_hook_is_the_one_that_is_read(repo, monkeypatch):
    repo.stage({"new.md": "# New\n\n[[gone]]\n"})
    other = repo.root / ".git/next-index-1.lock"
    other.write_bytes((repo.root / ".git/index").read_bytes())
    repo.git("reset", "--quiet")
    assert checked(repo.root) == []
    monkeypatch.setenv("GIT_INDEX_FILE", str(other))
    assert checked(repo.root) == ["new.md"]


def test_an_index_or_a_repository_of_somebody_else_is_not_followed(repo, tmp_path, monkeypatch):
    other = Repo(tmp_path / "other")
    other.stage({"theirs.md": "# Theirs\n"})
    repo.stage({"new.md": "# New\n"})
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.root / ".git/index"))
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    assert checked(repo.root) == ["new.md"]


def test_a_repository_kept_elsewhere_is_found_where_git_was_told_it_is(tmp_path, monkeypatch):
    vault = tmp_path / "vault"
    kept = Repo(tmp_path / "kept", "--bare")
    write(vault, {"new.md": "# New\n\n[[gone]]\n"})
    kept.git(f"--work-tree={vault}", f"--git-dir={kept.root}", "add", str(vault / "new.md"))
    monkeypatch.setenv("GIT_DIR", str(kept.root))
    monkeypatch.setenv("GIT_WORK_TREE", str(vault))
    assert told(vault) == [("new.md", "gone")]


def test_a_hostile_repository_gets_nothing_run(repo, tmp_path):
    pwned = tmp_path / "pwned"
    script = repo.root / "evil.sh"
    script.write_text(f'#!/bin/sh\necho "$0 $*" >> {pwned}\nexit 1\n')
    script.chmod(0o755)
    # Staged before the settings: git itself may run a filter when it writes the index.
    plant(repo, "new.md", b"# New\n\n[[gone]]\n")
    plant(repo, ".gitattributes", b"*.md diff=evil filter=evil\n")
    missing = "ab" * 20
    repo.git("-c", "core.fsmonitor=false", "update-index", "--add", "--cacheinfo",
             f"100644,{missing},lost.md", GIT_NO_LAZY_FETCH="1", check=False)  # fmt: skip
    evil = str(script)
    for key, value in {
        "core.fsmonitor": evil,
        "core.pager": evil,
        "core.editor": evil,
        "core.sshCommand": evil,
        "core.hooksPath": str(repo.root / "hooks"),
        "diff.external": evil,
        "diff.evil.textconv": evil,
        "diff.evil.command": evil,
        "filter.evil.clean": evil,
        "filter.evil.smudge": evil,
        "filter.evil.process": evil,
        "alias.ls-files": f"!{evil}",
        "alias.cat-file": f"!{evil}",
        "protocol.allow": "always",
        "protocol.ext.allow": "always",
        "extensions.partialClone": "origin",
        "remote.origin.url": f"ext::{evil}",
        "remote.origin.promisor": "true",
    }.items():
        repo.git("config", key, value)
    hooks = repo.root / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "fsmonitor-watchman", "pre-commit"):
        (hooks / name).symlink_to(script)
    (repo.root / ".gitattributes").write_text("*.md diff=evil filter=evil\n")
    pwned.unlink(missing_ok=True)
    report = report_of(repo.root)
    assert ("new.md", "gone") in [(f.path, f.subject) for f in report.findings]
    assert any(warning.startswith("lost.md was not checked") for warning in report.warnings)
    report_of(repo.root, Selection(since="HEAD"))
    Repository(repo.root).hooks_folder()
    assert not pwned.exists(), pwned.read_text()


def plant(repo, path, data):
    """Stage bytes as they are, without a filter."""
    (repo.root / ".planted").write_bytes(data)
    blob = repo.git("hash-object", "-w", "--no-filters", ".planted", GIT_NO_LAZY_FETCH="1").strip()
    repo.git("-c", "core.fsmonitor=false", "update-index", "--add", "--cacheinfo",
             f"100644,{blob},{path}", GIT_NO_LAZY_FETCH="1")  # fmt: skip
