"""What git holds of a vault: read from its objects, without letting the repository run anything.

A repository comes with settings and hooks, perhaps a stranger's. Only plumbing that compares no
working file is called (`rev-parse`, `merge-base`, `ls-files --stage`, `ls-tree`, `cat-file`), so
that no filter, diff driver, file system monitor, pager or hook of the repository has a part in
it, and nothing is fetched. Names are separated by NUL: a path may hold a line end.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recall.errors import GitFailed
from recall.records import dataclass

if TYPE_CHECKING:
    import subprocess

REGULAR_FILES = frozenset({"100644", "100755"})  # not symbolic links, not submodules

# What the user's own shell may say to git. The rest is the affair of the git that called us.
_KEPT = ("GIT_CONFIG", "GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM")
_QUIET = {
    "GIT_ALLOW_PROTOCOL": "none",  # a partial clone must not fetch what it lacks
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_INERT = (
    "--no-pager",
    "-c", "core.fsmonitor=false",
    "-c", "core.quotePath=false",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as git keeps it."""

    mode: str
    blob: str  # object id of its content


class Repository:
    """The repository that a folder lies in. Paths are relative to that folder."""

    def __init__(self, folder: Path, *, environ: Mapping[str, str] | None = None) -> None:
        """Find it.

        Raises:
            GitFailed: The folder lies in no repository, git is not installed, or git refuses it.
        """
        given = os.environ if environ is None else environ
        self.folder = folder
        self._environ = {
            key: value
            for key, value in given.items()
            if not key.startswith("GIT_") or key.startswith(_KEPT)
        } | _QUIET
        self._git = _program()
        try:
            top, git_folder = self._places()
        except GitFailed:
            if "GIT_DIR" not in given:
                raise
            # A repository that git itself was told of (`git --git-dir …`): there is no other.
            self._environ["GIT_DIR"] = str(Path(given["GIT_DIR"]).absolute())
            self._environ["GIT_WORK_TREE"] = str(Path(given.get("GIT_WORK_TREE", ".")).absolute())
            top, git_folder = self._places()
        self.top = Path(top)  # of the working tree
        self.git_folder = Path(git_folder)  # of this working tree
        self._follow_index(given.get("GIT_INDEX_FILE"))

    def index_entries(self) -> dict[str, Entry]:
        """The files that the next commit holds."""
        return dict(self._entries("ls-files", "--stage", "-z", "--", "."))

    def tree_entries(self, commit: str) -> dict[str, Entry]:
        """The files that a commit holds."""
        return dict(self._entries("ls-tree", "-r", "-z", commit, "--", "."))

    def head(self) -> str | None:
        """The commit that is checked out; None before the first."""
        done = self._run("rev-parse", "--verify", "--quiet", "HEAD^{commit}", is_checked=False)
        return _line(done.stdout) or None if done.returncode == 0 else None

    def base(self, ref: str) -> str:
        """The commit in which HEAD and `ref` parted; `ref` itself where they never met.

        Raises:
            GitFailed: There is no such commit.
        """
        wanted = f"{ref}^{{commit}}"
        done = self._run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", wanted, is_checked=False
        )
        if done.returncode != 0 or not ref.strip():
            raise GitFailed(
                f"There is no commit {ref!r} in {self.top}.",
                hint="Name a branch, a tag or a commit; in a shallow clone, fetch it first.",
            )
        commit = _line(done.stdout).splitlines()[-1]
        head = self.head()
        if head is None:
            return commit
        met = self._run("merge-base", commit, head, is_checked=False)
        return _line(met.stdout) if met.returncode == 0 else commit

    def contents(self, blobs: Iterable[str], *, limit: int) -> dict[str, bytes]:
        """The bytes of those blobs that are there and no larger than `limit`."""
        wanted = "".join(f"{blob}\n" for blob in dict.fromkeys(blobs))
        if not wanted:
            return {}
        sizes = self._run("cat-file", "--batch-check", stdin=wanted.encode()).stdout.decode()
        told = [line.split(" ") for line in sizes.splitlines()]  # `id type size`, or `id missing`
        small = [line[0] for line in told if line[1] == "blob" and int(line[2]) <= limit]
        if not small:
            return {}
        answer = self._run("cat-file", "--batch", stdin="".join(f"{b}\n" for b in small).encode())
        return _unpacked(answer.stdout)

    def hooks_folder(self) -> Path:
        """Where git looks for hooks: `core.hooksPath`, else the repository's own folder."""
        said = self._run("rev-parse", "--git-path", "hooks")
        return Path(os.path.normpath(self.folder / _line(said.stdout)))

    def common_folder(self) -> Path:
        """The `.git` folder that all working trees share."""
        said = self._run("rev-parse", "--git-common-dir")
        return Path(os.path.normpath(self.folder / _line(said.stdout)))

    def _places(self) -> tuple[str, str]:
        top = self._run("rev-parse", "--show-toplevel")
        git_folder = self._run("rev-parse", "--absolute-git-dir")
        return _line(top.stdout), _line(git_folder.stdout)

    def _follow_index(self, named: str | None) -> None:
        """Read the index that `git commit` prepared for its hook, if it is of this repository."""
        if named:
            index = Path(named).absolute()
            if index.parent.resolve() == self.git_folder.resolve():
                self._environ["GIT_INDEX_FILE"] = str(index)

    def _entries(self, *arguments: str) -> Iterable[tuple[str, Entry]]:
        """Read `mode [type] blob [stage]<TAB>path<NUL>`, the form of both kinds of listings."""
        for line in self._run(*arguments).stdout.split(b"\0"):
            about, tab, path = line.partition(b"\t")
            if not tab:
                continue
            mode, *kind_and_blob = about.decode("ascii").split(" ")
            if arguments[0] == "ls-files":
                blob, stage = kind_and_blob
                if stage != "0":  # a merge that is not settled
                    continue
            else:
                blob = kind_and_blob[1]
            yield path.decode("utf-8", "surrogateescape"), Entry(mode, blob)

    def _run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        is_checked: bool = True,
    ) -> subprocess.CompletedProcess[bytes]:
        import subprocess  # late: notes that are named need no git

        done = subprocess.run(
            [self._git, *_INERT, "-C", str(self.folder), *arguments],
            input=stdin,
            capture_output=True,
            env=self._environ,
            check=False,
        )
        if is_checked and done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise GitFailed(
                f"git can't read {self.folder}: {said[0] if said else 'it gave no reason'}",
                hint="Run recall in a git repository, or name notes instead.",
            )
        return done


def blob_id(data: bytes, *, like: str) -> str:
    """The id that git gives a file of these bytes; `like` is another id of the repository."""
    head = f"blob {len(data)}\0".encode()
    if len(like) == 64:
        return hashlib.sha256(head + data).hexdigest()
    return hashlib.sha1(head + data, usedforsecurity=False).hexdigest()


def holds_same(data: bytes, blob: str) -> bool:
    """Whether a working file is what git holds, line ends aside (`core.autocrlf`)."""
    if blob_id(data, like=blob) == blob:
        return True
    return b"\r\n" in data and blob_id(data.replace(b"\r\n", b"\n"), like=blob) == blob


def _program() -> str:
    found = shutil.which("git")
    # Windows looks in the working directory first, and that may be a stranger's vault.
    if found is None or (os.name == "nt" and Path(found).resolve().parent == Path.cwd()):
        raise GitFailed("git is not installed.", hint="Install git, or name notes instead.")
    return str(Path(found).absolute())


def _line(output: bytes) -> str:
    return os.fsdecode(output.removesuffix(b"\n").removesuffix(b"\r"))


def _unpacked(answer: bytes) -> dict[str, bytes]:
    """Take apart what `cat-file --batch` says: `id type size`, the bytes, a line end."""
    found: dict[str, bytes] = {}
    at = 0
    while (end := answer.find(b"\n", at)) >= 0:
        head: Sequence[bytes] = answer[at:end].split(b" ")
        if len(head) != 3:  # `id missing`
            at = end + 1
            continue
        size = int(head[2])
        found[head[0].decode("ascii")] = answer[end + 1 : end + 1 + size]
        at = end + 1 + size + 1
    return found
