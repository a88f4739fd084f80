"""Git repositories that tests make, out of reach of the settings of whoever runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from vaults import settle, write

OWN = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "An Author",
    "GIT_AUTHOR_EMAIL": "author@example.org",
    "GIT_COMMITTER_NAME": "An Author",
    "GIT_COMMITTER_EMAIL": "author@example.org",
}


def clean_environ() -> dict[str, str]:
    """The environment without what a git around the tests may have put there."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return kept | OWN


class Repo:
    """A repository in a folder."""

    def __init__(self, root: Path, *options: str) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main", *options)

    def git(self, *arguments: str, check: bool = True, **environ: str) -> str:
        """Call git in the folder; what it prints, both streams."""
        done = self.call(*arguments, **environ)
        if check:
            assert done.returncode == 0, done.stdout
        return done.stdout

    def call(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env=clean_environ() | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )

    def write(self, notes: dict[str, str | bytes]) -> None:
        write(self.root, notes)

    def stage(self, notes: dict[str, str | bytes]) -> None:
        """Write notes and stage them."""
        self.write(notes)
        self.git("add", "--", *notes)

    def commit(self, notes: dict[str, str | bytes]) -> None:
        self.stage(notes)
        self.git("commit", "--quiet", "--no-verify", "--message", "notes")

    def settle(self) -> None:
        settle(self.root)


def recall(cwd: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a process of its own."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "recall", *arguments],
        cwd=cwd,
        env=clean_environ() | environ,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
