"""Which files are notes, have they changed, and what do they say."""

import os
import sys
import time
from pathlib import Path

import pytest
from vaults import index_of

from recall.errors import NoteUnreadable, VaultNotFound
from recall.vault import UNTRUSTED, Vault, is_inside, is_unchanged


def write(root: Path, path: str, content: str | bytes = "text") -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def age(file: Path) -> None:
    """Let the file's change time lie far enough back to be trusted."""
    stat = file.stat()
    while time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) < 100_000_000:
        time.sleep(0.02)


def reasons(vault: Vault) -> dict[str, str]:
    return {item.path: item.reason for item in vault.list().skipped}


def test_notes_are_markdown_files_in_order_of_their_paths(tmp_path):
    for path in ("b.md", "a.markdown", "sub/c.MD", "image.png", "notes.txt"):
        write(tmp_path, path)
    assert list(Vault(tmp_path).list().stamps) == ["a.markdown", "b.md", "sub/c.MD"]


def test_hidden_folders_and_files_are_not_entered(tmp_path):
    for path in (".obsidian/x.md", ".trash/y.md", ".hidden.md", "node_modules/z.md", "a.md"):
        write(tmp_path, path)
    assert list(Vault(tmp_path).list().stamps) == ["a.md"]


@pytest.mark.parametrize("pattern", ["templates/", "*.draft.md", "deep/templates/"])
def test_ignored_patterns_name_folders_or_files(tmp_path, pattern):
    write(tmp_path, "deep/templates/t.draft.md")
    write(tmp_path, "kept.md")
    assert list(Vault(tmp_path, ignore=[pattern]).list().stamps) == ["kept.md"]


def test_a_symbolic_link_is_reported_and_not_followed(tmp_path):
    secret = write(tmp_path, "outside/secret.md")
    root = tmp_path / "vault"
    root.mkdir()
    (root / "link.md").symlink_to(secret)
    (root / "folder").symlink_to(tmp_path / "outside", target_is_directory=True)
    (root / "circle").symlink_to(root, target_is_directory=True)
    vault = Vault(root)
    assert vault.list().stamps == {}
    assert reasons(vault) == {"link.md": "a symbolic link; recall does not follow them"}
    with pytest.raises(NoteUnreadable):
        vault.read("link.md")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_reported_and_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.md")
    vault = Vault(tmp_path)
    assert reasons(vault) == {"pipe.md": "not a regular file"}
    with pytest.raises(NoteUnreadable, match="not a regular file"):
        vault.read("pipe.md")


def test_a_note_is_read_character_for_character(tmp_path):
    write(tmp_path, "a.md", b"\xef\xbb\xbfone\r\ntwo\rthree")
    text, _ = Vault(tmp_path).read("a.md")
    assert text == "\ufeffone\r\ntwo\rthree"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"caf\xe9", "not UTF-8 (byte 0xe9 at offset 3)"),
        (b"a\x00b", "holds NUL bytes, so it is not a text file"),
    ],
)
def test_what_is_not_text_is_refused_with_the_reason(tmp_path, content, reason):
    write(tmp_path, "a.md", content)
    with pytest.raises(NoteUnreadable) as caught:
        Vault(tmp_path).read("a.md")
    assert caught.value.message == reason


def test_a_note_over_the_limit_is_skipped_with_its_size(tmp_path):
    write(tmp_path, "a.md", b"x" * 2_100_000)
    vault = Vault(tmp_path, max_note_bytes=2_000_000)
    assert reasons(vault) == {"a.md": "2.1 MB; notes over 2 MB are left out (max_note_bytes)"}


def test_a_note_that_grew_since_it_was_listed_is_refused(tmp_path):
    write(tmp_path, "a.md", b"x" * 30)
    with pytest.raises(NoteUnreadable, match="left out"):
        Vault(tmp_path, max_note_bytes=20).read("a.md")


def test_a_note_that_vanished_is_gone(tmp_path):
    with pytest.raises(NoteUnreadable) as caught:
        Vault(tmp_path).read("a.md")
    assert caught.value.message == "gone"


def test_an_edit_that_keeps_size_and_time_is_noticed(tmp_path):
    file = write(tmp_path, "a.md", "old")
    age(file)
    _, before = Vault(tmp_path).read("a.md")
    stat = file.stat()
    file.write_text("new")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert not is_unchanged(before, Vault(tmp_path).list().stamps["a.md"])


def test_an_untouched_note_is_unchanged(tmp_path):
    file = write(tmp_path, "a.md")
    age(file)
    _, before = Vault(tmp_path).read("a.md")
    assert is_unchanged(before, Vault(tmp_path).list().stamps["a.md"])


def test_a_note_read_right_after_it_was_written_is_looked_at_again(tmp_path):
    write(tmp_path, "a.md")
    _, stamp = Vault(tmp_path).read("a.md")
    assert stamp.changed_ns == UNTRUSTED
    assert not is_unchanged(stamp, Vault(tmp_path).list().stamps["a.md"])


def test_a_missing_folder_says_what_to_do(tmp_path):
    with pytest.raises(VaultNotFound) as caught:
        Vault(tmp_path / "nowhere").list()
    assert "--vault" in caught.value.hint


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux allows such names")
def test_a_file_name_that_is_not_unicode_is_skipped(tmp_path):
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.md")).touch()
    assert list(reasons(Vault(tmp_path)).values()) == ["its name is not valid Unicode"]


def test_a_file_outside_the_vault_has_no_path_in_it(tmp_path):
    root = tmp_path / "vault"
    inside = write(root, "sub/a.md")
    outside = write(tmp_path, "b.md")
    assert Vault(root).relative(inside) == "sub/a.md"
    assert Vault(root).relative(outside) is None
    assert Vault(root).relative(root / ".." / "b.md") is None


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A vault with a link to a file outside, one to a note, and a folder that is a link."""
    write(tmp_path, "outside/secret.md", "secret")
    root = tmp_path / "vault"
    write(root, "a.md")
    (root / "sym.md").symlink_to(tmp_path / "outside" / "secret.md")
    (root / "twin.md").symlink_to(root / "a.md")
    (root / "folder").symlink_to(tmp_path / "outside", target_is_directory=True)
    return root


@pytest.mark.parametrize("path", ["sym.md", "twin.md", "folder/secret.md", "folder/../a.md"])
def test_a_file_reached_over_a_link_of_the_vault_is_refused_with_the_reason(linked, path):
    vault = Vault(linked)
    with pytest.raises(NoteUnreadable, match="a symbolic link; recall does not follow them"):
        vault.relative(linked / path)
    if ".." not in path:
        assert not vault.holds(path)
        with pytest.raises(NoteUnreadable, match="a symbolic link; recall does not follow them"):
            vault.read(path)


def test_a_link_outside_of_the_vault_is_the_users_own(linked, tmp_path):
    (tmp_path / "mine").symlink_to(linked, target_is_directory=True)
    (tmp_path / "note.md").symlink_to(linked / "a.md")
    vault = Vault(tmp_path / "mine")
    assert vault.relative(tmp_path / "mine" / "a.md") == "a.md"
    assert vault.relative(tmp_path / "note.md") == "a.md"
    assert vault.holds("a.md")
    assert vault.read("a.md")[0] == "text"


@pytest.mark.parametrize("path", ["../outside/secret.md", "x/../../outside/secret.md", "a\0.md"])
def test_a_path_that_leads_out_of_the_vault_names_no_note(linked, path):
    assert not Vault(linked).holds(path)
    assert not is_inside(path)


def test_an_absolute_path_names_no_note(linked, tmp_path):
    assert not Vault(linked).holds(str(tmp_path / "outside" / "secret.md"))


def test_links_in_a_circle_and_names_that_are_too_long_lie_outside(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "circle").symlink_to(outside / "circle")
    vault = Vault(tmp_path / "vault")
    assert vault.relative(outside / "circle" / "a.md") is None
    assert vault.relative(tmp_path / "vault" / ("x" * 5000)) is None


def test_a_file_over_the_limit_is_told_with_its_whole_size(tmp_path):
    write(tmp_path, "a.md", b"x" * 5_000_000)
    with pytest.raises(NoteUnreadable) as caught:
        Vault(tmp_path).read("a.md")
    assert caught.value.message.startswith("5.0 MB; notes over 4 MB")


def test_a_note_whose_program_set_a_whole_second_is_not_looked_at_again(tmp_path):
    file = write(tmp_path, "a.md")
    os.utime(file, (1_700_000_000, 1_700_000_000))
    if file.stat().st_ctime_ns % 1_000_000_000 == 0:
        pytest.skip("this file system keeps whole seconds")
    age(file)
    _, stamp = Vault(tmp_path).read("a.md")
    assert is_unchanged(stamp, Vault(tmp_path).list().stamps["a.md"])


@pytest.mark.skipif(os.name != "posix", reason="makes folders deeper than a path can be long")
def test_folders_nested_deeper_than_pythons_stack_are_walked(tmp_path):
    folders = [tmp_path / "/".join("d" * depth) for depth in range(1, 1051)]
    for folder in folders:
        folder.mkdir()
    note = folders[-1] / "a.md"
    note.touch()
    try:
        assert list(Vault(tmp_path).list().stamps) == [note.relative_to(tmp_path).as_posix()]
    finally:  # what cleans up after tests does recur
        note.unlink()
        for folder in reversed(folders):
            folder.rmdir()


def test_a_note_that_is_a_link_is_never_read_for_suggestions(linked, tmp_path):
    write(linked, "b.md", "# B\n\nA text about keys and doors.\n")
    index = index_of(linked)
    index.refresh()
    for path in ("sym.md", "folder/secret.md"):
        with pytest.raises(NoteUnreadable, match="a symbolic link; recall does not follow them"):
            index.suggest_links(linked / path)
    (linked / "b.md").unlink()
    (linked / "b.md").symlink_to(tmp_path / "outside" / "secret.md")
    with pytest.raises(NoteUnreadable, match="a symbolic link; recall does not follow them"):
        index.suggest_links(linked / "b.md")
    assert index.search("keys and doors").hits == ()


def test_a_draft_outside_of_the_vault_may_be_a_link(linked, tmp_path):
    index = index_of(linked)
    index.refresh()
    write(tmp_path, "drafts/real.md", "# Draft\n\nA text about keys.\n")
    (tmp_path / "draft.md").symlink_to(tmp_path / "drafts" / "real.md")
    assert index.suggest_links(tmp_path / "draft.md").title == "Draft"


def test_a_note_of_the_vault_that_is_not_indexed_yet_is_read_as_a_draft(linked):
    index = index_of(linked)
    index.refresh()
    write(linked, "sub/new.md", "# New\n\nA text about keys.\n")
    assert index.suggest_links(linked / "sub" / "new.md").path == "sub/new.md"


@pytest.mark.skipif(os.name != "posix", reason="symbolic links need rights elsewhere")
def test_what_a_killed_write_left_is_cleared_in_the_vault_and_nowhere_else(tmp_path, monkeypatch):
    def die(*_: object) -> None:
        raise SystemExit  # as a kill: nothing behind this line is done

    for folder in ("vault/sub", "outside"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.md").write_text("# A\n")
        written = Vault(tmp_path / folder)
        old = written.read("a.md")[1].sha256
        with monkeypatch.context() as dying:
            dying.setattr(Path, "replace", die)
            dying.setattr(Path, "unlink", lambda *_, **__: None)
            with pytest.raises(SystemExit):
                written.replace("a.md", "# B\n", expected_sha256=old)
    vault = Vault(tmp_path / "vault")
    (vault.root / "around").symlink_to(tmp_path / "outside", target_is_directory=True)
    for path in ("around/a.md", "../outside/a.md", "gone/a.md", "sub/a.md"):
        vault.clear_leftover(path)
    left = {file.parent.name for file in tmp_path.rglob(".recall-*.tmp")}
    assert left == {"outside"}
    assert (vault.root / "sub/a.md").read_text() == "# A\n"


def test_a_listing_is_sorted_by_path_whatever_the_folders_give(tmp_path):
    for path in ("b/z.md", "b.md", "a/ü.MD", "a/a.markdown", "c.txt", ".hidden/x.md"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("x")
    (tmp_path / "d.md").mkdir()
    (tmp_path / "d.md" / "inside.md").write_text("x")
    listing = Vault(tmp_path).list()
    assert list(listing.stamps) == ["a/a.markdown", "a/ü.MD", "b.md", "b/z.md", "d.md/inside.md"]
    assert listing.skipped == ()
