"""`action.yml`: its steps, run as GitHub's runner runs them, in a clone of a real repository."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from repositories import Repo, clean_environ
from vaults import ORCHARD

ROOT = Path(__file__).parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS = ACTION["runs"]["steps"]
NEW = {"notes/new.md": "# New\n\nOn [[Graftin]].\n"}
EXPRESSION = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")


@pytest.fixture
def origin(tmp_path, models_dir, monkeypatch):
    """A repository whose vault is a folder, with a commit before and one behind a change."""
    cache = tmp_path / "home" / ".cache" / "recall"
    cache.mkdir(parents=True)
    (cache / "models").symlink_to(models_dir, target_is_directory=True)
    for key in [key for key in os.environ if key.startswith(("GIT_", "RECALL_"))]:
        monkeypatch.delenv(key)
    repo = Repo(tmp_path / "origin")
    repo.git("config", "uploadpack.allowAnySHA1InWant", "true")  # as GitHub does
    repo.commit({f"notes/{path}": text for path, text in ORCHARD.items()})
    repo.commit(NEW)
    return repo


class Runner:
    """As much of GitHub's runner as the steps of the action ask for."""

    def __init__(self, folder: Path, workspace: Path, inputs: dict[str, str]) -> None:
        self.workspace = workspace
        self.inputs = {name: self._filled(i["default"]) for name, i in ACTION["inputs"].items()}
        self.inputs |= inputs
        self.files = {
            name: folder / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")
        }
        for file in self.files.values():
            file.touch()
        self.temp = folder / "temp"
        self.temp.mkdir()
        self.home = folder / "home"

    def run(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run one step by its name."""
        (step,) = (step for step in STEPS if step.get("name") == name)
        assert step["shell"] == "bash"
        environ = clean_environ() | {key: self._filled(v) for key, v in step["env"].items()}
        environ |= {name: str(file) for name, file in self.files.items()}
        environ |= {"RUNNER_TEMP": str(self.temp), "HOME": str(self.home)}
        environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.workspace,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )

    def outputs(self) -> dict[str, str]:
        lines = self.files["GITHUB_OUTPUT"].read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)

    def _filled(self, value: str) -> str:
        return EXPRESSION.sub(lambda found: self._value(found.group(1)), value)

    def _value(self, expression: str) -> str:
        if expression.startswith("inputs."):
            return self.inputs[expression.removeprefix("inputs.")]
        return {"github.action_path": str(ROOT)}.get(expression, "")  # of an event, nothing


def cloned(origin: Repo, folder: Path, *options: str) -> Path:
    origin.git("clone", "--quiet", *options, origin.root.as_uri(), str(folder))
    return folder


def test_every_step_names_what_runs_it():
    for step in STEPS:
        assert ("uses" in step) != ("run" in step)
        if "uses" in step:
            assert re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"])


def test_what_the_install_step_names_is_there():
    (step,) = (step for step in STEPS if step.get("name") == "Install recall")
    named = re.findall(r'"\$ACTION(/[^"]+)?"', step["run"])
    assert step["env"] == {"ACTION": "${{ github.action_path }}"}
    assert named == ["/constraints.txt", ""]
    assert (ROOT / "constraints.txt").is_file()
    assert (ROOT / "pyproject.toml").is_file()


def test_a_pull_request_with_a_broken_link_fails_and_annotates_its_line(origin, tmp_path):
    workspace = cloned(origin, tmp_path / "work", "--depth=1")  # what actions/checkout does
    before = origin.git("rev-parse", "HEAD^").strip()
    inputs = {"vault": "notes", "since": before, "sarif": "recall.sarif"}
    runner = Runner(tmp_path, workspace, inputs)
    done = runner.run("Check the notes")
    assert done.returncode == 1, done.stderr
    expected = "[[Graftin]] leads nowhere; likely meant: [[grafting]]"
    place = "file=notes/new.md,line=3,col=4,title=recall broken-link"
    assert done.stdout.splitlines() == [f"::error {place}::{expected}"]
    comment = Path(runner.outputs()["markdown"]).read_text(encoding="utf-8")
    assert comment.startswith("<!-- recall prepublish -->")
    assert "notes/new.md" in comment
    assert runner.files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8") == comment
    (run,) = json.loads((workspace / "recall.sarif").read_text(encoding="utf-8"))["runs"]
    assert [result["ruleId"] for result in run["results"]] == ["broken-link"]
    assert (workspace / "notes" / ".recall").is_dir()  # what the cache step keeps


def test_a_new_branch_has_no_commit_to_compare_with_so_every_note_is_checked(origin, tmp_path):
    inputs = {"vault": "notes", "since": "0" * 40, "fail-on": "none"}
    runner = Runner(tmp_path, cloned(origin, tmp_path / "work"), inputs)
    done = runner.run("Check the notes")
    assert done.returncode == 0, done.stderr
    assert "::error file=notes/new.md,line=3" in done.stdout
    assert not list((tmp_path / "work").glob("*.sarif"))
