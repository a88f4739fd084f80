"""Hooks in real repositories: what a commit meets, and what a hook that is there already meets."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from repositories import OWN, Repo, clean_environ, recall
from vaults import LONG, ORCHARD

from recall.errors import HookNotInstalled
from recall.prepublish.hook import hook_command, install_hook
from recall.publishing import FailOn

ROOT = Path(__file__).parent.parent
NEW = (  # of words enough to be compared
    "# A day in the trees\n\nA scion of a grafted tree keeps the fruit of its mother, and old "
    "orchards depend on it. Grafting took all morning.\n\nSee [[Graftin]].\n\n"
    f"{LONG}\n"
)


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch):
    for key in [key for key in os.environ if key.startswith("GIT_")]:
        monkeypatch.delenv(key)
    for key, value in OWN.items():
        monkeypatch.setenv(key, value)


@pytest.fixture
def repo(tmp_path, models_dir, monkeypatch):
    """The orchard in git, with the real model prepared."""
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "models").symlink_to(models_dir, target_is_directory=True)
    monkeypatch.setenv("RECALL_CACHE", str(cache))
    repo = Repo(tmp_path / "garden")
    rules = '[prepublish]\non = ["missing-link", "unlinked-mention"]\n'
    repo.commit(ORCHARD | {".gitignore": ".recall/\n", "recall.toml": rules})
    return repo


def commit(repo, **environ):
    """Commit what is staged: the exit code, and what is printed."""
    done = repo.call(
        "commit", "--message", "a day", RECALL_CACHE=os.environ["RECALL_CACHE"], **environ
    )
    return done.returncode, done.stdout


def test_a_commit_is_judged_by_its_staged_text_and_a_broken_link_stops_it(repo):
    install_hook(repo.root, fail_on=FailOn.BROKEN)
    repo.stage({"new.md": NEW})
    repo.write({"new.md": "# Not staged\n\n[[nobody at all]]\n"})
    code, said = commit(repo)
    assert code == 1
    assert "new.md:5: error: [[Graftin]] leads nowhere; likely meant: [[grafting]]" in said
    assert 'new.md:3: note: "Grafting" is named here without its link [[grafting]]' in said
    assert "nobody at all" not in said
    assert said.endswith("To commit all the same: git commit --no-verify\n")
    assert len(repo.git("log", "--oneline").splitlines()) == 1
    repo.stage({"new.md": NEW.replace("Graftin]", "grafting]")})
    code, said = commit(repo)
    assert (code, "nothing found" in said or "suggestion" in said) == (0, True)
    assert len(repo.git("log", "--oneline").splitlines()) == 2


@pytest.mark.slow
def test_advice_alone_stops_no_commit(repo):
    install_hook(repo.root, fail_on=FailOn.NONE)
    repo.stage({"new.md": NEW})
    code, said = commit(repo)
    assert (code, "[[Graftin]] leads nowhere" in said) == (0, True)


@pytest.mark.slow
def test_commit_with_a_name_judges_what_that_commit_will_hold(repo):
    install_hook(repo.root, fail_on=FailOn.BROKEN)
    repo.stage({"staged.md": "# Staged\n\n[[gone]]\n"})
    repo.write({"bees.md": "# Bees\n\n[[lost]]\n"})
    done = repo.call("commit", "-m", "bees", "bees.md", RECALL_CACHE=os.environ["RECALL_CACHE"])
    assert done.returncode == 1
    assert ("[[lost]]" in done.stdout, "[[gone]]" in done.stdout) == (True, False)


@pytest.mark.slow
def test_the_hook_works_in_a_second_working_tree_and_for_a_vault_in_a_folder(repo, tmp_path):
    repo.commit({"content/a.md": "# A\n"})
    install_hook(repo.root / "content", fail_on=FailOn.BROKEN)
    repo.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "second"))
    second = Repo.__new__(Repo)
    second.root = tmp_path / "second"
    second.stage({"content/b.md": "# B\n\n[[gone]]\n"})
    code, said = commit(second)
    assert (code, "content/b.md:3: error" in said) == (1, True)


@pytest.mark.slow
def test_no_module_of_the_vault_is_taken_for_one_of_ours(repo):
    install_hook(repo.root, fail_on=FailOn.BROKEN)
    for name in ("recall.py", "typer.py", "numpy.py"):
        (repo.root / name).write_text("raise SystemExit(7)\n")
    repo.stage({"new.md": "# New\n\n[[Apples]]\n"})
    assert commit(repo)[0] == 0


def test_a_hook_whose_recall_is_gone_says_so_and_stops_only_a_commit_that_it_guards(repo, tmp_path):
    gone = str(tmp_path / "gone python")
    for fail_on, code in ((FailOn.NONE, 0), (FailOn.BROKEN, 1)):
        install_hook(repo.root, fail_on=fail_on, python=gone)
        repo.stage({"new.md": f"# New {fail_on}\n"})
        found, said = commit(repo)
        assert (found, "recall is gone from where it was" in said) == (code, True)


def test_installing_again_changes_nothing_and_with_other_options_replaces_our_own(repo):
    first = install_hook(repo.root, fail_on=FailOn.NONE)
    assert (first.outcome, first.file) == ("installed", repo.root / ".git/hooks/pre-commit")
    assert install_hook(repo.root, fail_on=FailOn.NONE).outcome == "unchanged"
    assert install_hook(repo.root, fail_on=FailOn.BROKEN).outcome == "replaced"
    assert "--fail-on broken" in first.file.read_text()


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_a_hook_of_somebody_else_stays_as_it_is(repo, kind):
    hooks = repo.root / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    hook = hooks / "pre-commit"
    target = repo.root / "mine.sh"
    target.write_text("#!/bin/sh\necho mine\n")
    if kind == "file":
        shutil.copy(target, hook)
    elif kind == "link":
        hook.symlink_to(target)
    else:
        hook.mkdir()
    with pytest.raises(HookNotInstalled, match="recall did not write") as caught:
        install_hook(repo.root, fail_on=FailOn.NONE)
    assert "prepublish --staged" in caught.value.hint
    assert target.read_text() == "#!/bin/sh\necho mine\n"
    assert (hook.is_symlink(), hook.is_dir()) == (kind == "link", kind == "folder")


def test_a_folder_of_hooks_that_the_repository_names_is_used_if_it_is_its_own(repo):
    repo.git("config", "core.hooksPath", "tools/hooks")
    assert install_hook(repo.root, fail_on=FailOn.NONE).file == repo.root / "tools/hooks/pre-commit"


def test_hooks_outside_of_the_repository_are_left_alone(repo, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    repo.git("config", "core.hooksPath", str(shared))
    with pytest.raises(HookNotInstalled, match="outside of it"):
        install_hook(repo.root, fail_on=FailOn.NONE)
    assert list(shared.iterdir()) == []


def test_a_folder_with_any_name_is_quoted_for_the_shell():
    command = hook_command("my 'notes'; touch pwned", fail_on=FailOn.NONE, python="/opt/py thon")
    assert shlex.split(command)[-1] == "my 'notes'; touch pwned"
    assert shlex.split(command)[0] == "/opt/py thon"


@pytest.mark.slow
def test_the_command_installs_the_hook_and_says_where(repo):
    done = recall(repo.root, "prepublish", "--install-hook", "--fail-on", "broken")
    assert done.returncode == 0, done.stderr
    assert ".git/hooks/pre-commit" in done.stdout
    assert "A commit stops on: broken." in done.stdout


PRE_COMMIT = """
repos:
  - repo: {hooks}
    rev: v1
    hooks:
      - id: recall-system
        args: [--fail-on, {fail_on}]
"""
LOCAL = """
repos:
  - repo: local
    hooks:
      - id: recall
        name: recall prepublish
        entry: recall prepublish --staged --fail-on {fail_on}
        language: system
        types_or: [markdown]
        pass_filenames: false
        verbose: true
"""


@pytest.mark.slow
@pytest.mark.parametrize("form", [PRE_COMMIT, LOCAL], ids=["repository", "local"])
def test_pre_commit_runs_the_hook_in_a_real_repository(repo, tmp_path, form):
    hooks = Repo(tmp_path / "hooks")
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", hooks.root)
    hooks.git("add", ".pre-commit-hooks.yaml")
    hooks.git("commit", "--quiet", "-m", "hooks")
    hooks.git("tag", "v1")
    environ = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PRE_COMMIT_HOME": str(tmp_path / "pre-commit"),
    }
    config = form.format(hooks=hooks.root, fail_on="broken")
    repo.stage({".pre-commit-config.yaml": config})
    pre_commit(repo, "install", **environ)
    repo.stage({"new.md": NEW})
    repo.write({"new.md": "# Not staged\n\n[[nobody at all]]\n"})
    code, said = commit(repo, **environ)
    assert code == 1, said
    assert "new.md:5: error: [[Graftin]] leads nowhere; likely meant: [[grafting]]" in said
    assert 'new.md:3: note: "Grafting" is named here' in said
    assert "nobody at all" not in said
    repo.stage({".pre-commit-config.yaml": form.format(hooks=hooks.root, fail_on="none")})
    repo.stage({"new.md": NEW})
    code, said = commit(repo, **environ)
    assert (code, "[[Graftin]] leads nowhere" in said) == (0, True), said


def pre_commit(repo, *arguments, **environ):
    subprocess.run(
        [sys.executable, "-m", "pre_commit", *arguments],
        cwd=repo.root, env=clean_environ() | environ, check=True, capture_output=True,
    )  # fmt: skip
