"""Which files are notes, have they changed, what do they say; and putting a note's new text down.

A vault is data from wherever: symbolic links are not followed, only regular files are opened,
and what can't be read is reported with its reason instead of raised.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterator, MutableSequence, Sequence
from fnmatch import fnmatchcase
from itertools import accumulate
from operator import attrgetter
from pathlib import Path

from recall.domain import FileStamp, Skipped
from recall.errors import NoteUnreadable, NoteUnwritable, VaultNotFound
from recall.records import dataclass

SUFFIXES = (".md", ".markdown")
NEVER_ENTERED = frozenset({"node_modules", "__pycache__"})
DEFAULT_MAX_NOTE_BYTES = 4_000_000
LINKED = "a symbolic link; recall does not follow them"
UNTRUSTED = -1  # a change time that equals no real one: the file is read again next time


@dataclass(frozen=True, slots=True)
class Listing:
    """The notes of a vault at one moment."""

    stamps: dict[str, FileStamp]  # path → stamp without its hash, sorted by path
    skipped: tuple[Skipped, ...]  # files that look like notes but can't be one, sorted by path


@dataclass(frozen=True, slots=True)
class Vault:
    """A folder of notes."""

    root: Path
    ignore: Sequence[str] = ()  # glob patterns; one that ends in `/` names a folder
    max_note_bytes: int = DEFAULT_MAX_NOTE_BYTES

    def list(self) -> Listing:
        """Walk the folder once, opening no file.

        Raises:
            VaultNotFound: The folder is not there or may not be listed.
        """
        if not self.root.is_dir():
            raise VaultNotFound(
                f"There is no folder {self.root}.", hint="Name your notes with --vault DIR."
            )
        stamps: dict[str, FileStamp] = {}
        skipped: list[Skipped] = []
        folders = [""]  # not by recursion: folders may be nested deeper than Python's stack
        while folders:
            folder = folders.pop()
            lead = f"{folder}/" if folder else ""
            try:
                with _entries(self.root / folder, is_root=not folder) as entries:
                    found = self._look_through(entries, lead, stamps, skipped)
            except OSError as error:
                if not folder:
                    raise VaultNotFound(
                        f"The folder {self.root} can't be listed: {_reason(error)}.",
                        hint="Check its permissions.",
                    ) from error
                skipped.append(Skipped(folder, f"folder can't be listed: {_reason(error)}"))
                continue
            folders += reversed(found)
        # As good as sorted by then.
        in_order = {path: stamps[path] for path in sorted(stamps)}
        return Listing(in_order, tuple(sorted(skipped, key=_path_of)))

    def read(self, path: str) -> tuple[str, FileStamp]:
        """Read one note: its characters exactly, and the stamp of the bytes they came from.

        Raises:
            NoteUnreadable: It is gone, too large, not a regular file, not UTF-8, not allowed, or
                reached over a symbolic link.
        """
        data, stamp = self._read(path)
        return decode(data), stamp

    def replace(self, path: str, text: str, *, expected_sha256: str) -> None:
        """Put a new text in the place of a note's old one, in one step (see `writing`).

        Args:
            path: Of the note.
            text: What it shall say, characters exactly.
            expected_sha256: Of the bytes that it holds now; if they are others, nothing happens.

        Raises:
            NoteChanged: It says something else by now, or is gone.
            NoteUnwritable: It is no plain file of this vault, or may not be written.
        """
        from recall.vault.writing import replace_bytes  # late: most commands write no note

        try:
            leads_elsewhere = not is_inside(path) or self._leads_elsewhere(path)
        except OSError:
            leads_elsewhere = False  # gone: that is said below
        if leads_elsewhere:
            raise NoteUnwritable(f"{path}: {LINKED}.", hint="Name the note itself.")
        data = text.encode("utf-8")
        replace_bytes(self.root / path, data, expected_sha256=expected_sha256, shown=path)

    def clear_leftover(self, path: str) -> None:
        """Remove what a killed `replace` of this note left beside it; the note is not touched."""
        from recall.vault.writing import clear_leftover

        with contextlib.suppress(OSError):  # gone, folder and all
            if is_inside(path) and not self._folder_leads_elsewhere(path):
                clear_leftover(self.root / path)

    def read_bytes(self, path: str) -> bytes:
        """Read the bytes of one note.

        Raises:
            NoteUnreadable: It can't be opened; see `read`.
        """
        return self._read(path)[0]

    def holds(self, path: str) -> bool:
        """Whether the note is still there, in the vault itself."""
        if not is_inside(path):
            return False
        try:  # asked of every note that is shown, so with few objects
            way = accumulate(path.split("/"), "{}/{}".format)
            *folders, note = (os.lstat(f"{self.root}/{step}").st_mode for step in way)
        except OSError:
            return False
        return stat.S_ISREG(note) and not any(map(stat.S_ISLNK, folders))

    def may_hold(self, path: str) -> bool:
        """Whether a file at this path would be a note, judged by the path alone."""
        *folders, name = path.split("/")
        steps = ["/".join(folders[: at + 1]) + "/" for at in range(len(folders))]
        return (
            is_inside(path)
            and name.lower().endswith(SUFFIXES)
            and not any(part.startswith(".") for part in (*folders, name))
            and NEVER_ENTERED.isdisjoint(folders)
            and not any(self._is_ignored(step) for step in (*steps, path))
        )

    def relative(self, file: Path) -> str | None:
        """The path of a file as the vault knows it, or None for a file outside of it.

        Raises:
            NoteUnreadable: A symbolic link that lies in the vault is on the way to it.
        """
        try:
            root = self.root.resolve()
            way = file.absolute()
            for step in (way, *way.parents):
                if step.is_symlink() and step.parent.resolve().is_relative_to(root):
                    raise NoteUnreadable(f"{file}: {LINKED}.", hint="Name the note itself.")
            return way.resolve().relative_to(root).as_posix()
        except (ValueError, OSError, RuntimeError):  # outside, a NUL, too long, links in a circle
            return None

    def _read(self, path: str) -> tuple[bytes, FileStamp]:
        try:
            if self._leads_elsewhere(path):
                raise NoteUnreadable(LINKED)
            return _read_regular_file(self.root / path, self.max_note_bytes)
        except OSError as error:
            raise NoteUnreadable(_reason(error)) from error

    def _leads_elsewhere(self, path: str) -> bool:
        """Whether the note is a link, or lies in a folder that is one."""
        is_link = stat.S_ISLNK((self.root / path).lstat().st_mode)
        return is_link or self._folder_leads_elsewhere(path)

    def _folder_leads_elsewhere(self, path: str) -> bool:
        folders = (self.root / path).parents[: path.count("/")]
        return any(stat.S_ISLNK(folder.lstat().st_mode) for folder in folders)

    def _look_through(
        self,
        entries: Sequence[os.DirEntry[str]],
        lead: str,
        stamps: dict[str, FileStamp],
        skipped: MutableSequence[Skipped],
    ) -> Sequence[str]:
        """Add the notes among the entries of a folder; the folders among them are given back."""
        # Before every answer this is done for each file of the vault: it calls little.
        folders = []
        most, is_regular, put = self.max_note_bytes, stat.S_ISREG, tuple.__new__
        for entry in entries:
            name = entry.name
            path = lead + name
            if entry.is_dir(follow_symlinks=False):
                if name not in NEVER_ENTERED and not self._is_ignored(path + "/"):
                    folders.append(path)
            elif name.endswith(SUFFIXES) or name.lower().endswith(SUFFIXES):
                if self.ignore and self._is_ignored(path):
                    continue
                try:
                    info = entry.stat(follow_symlinks=False)
                    if not path.isascii():
                        path.encode("utf-8")
                except (OSError, UnicodeEncodeError) as error:
                    skipped.append(_unlisted(path, error))
                    continue
                size = info.st_size
                if size <= most and is_regular(info.st_mode):
                    stamp = (size, info.st_mtime_ns, info.st_ctime_ns, "")
                    stamps[path] = put(FileStamp, stamp)  # its own constructor takes longer
                else:
                    skipped.append(Skipped(path, self._why_no_note(info)))
        return folders

    def _why_no_note(self, info: os.stat_result) -> str:
        if stat.S_ISREG(info.st_mode):
            return _too_large(info.st_size, self.max_note_bytes)
        return LINKED if stat.S_ISLNK(info.st_mode) else "not a regular file"

    def _is_ignored(self, path: str) -> bool:
        return any(_matches(path, pattern) for pattern in self.ignore)


def is_inside(path: str) -> bool:
    """Whether a path that claims to be relative to the vault leads to a place in it."""
    if os.name == "nt" and any(sign in path for sign in "\\:"):
        return False
    return "\0" not in path and not {"", ".", ".."}.intersection(path.split("/"))


def decode(data: bytes) -> str:
    """The characters of a note; a byte order mark and line endings stay as they are.

    Raises:
        NoteUnreadable: The bytes are not UTF-8 text.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoteUnreadable(
            f"not UTF-8 (byte 0x{data[error.start]:02x} at offset {error.start})"
        ) from error
    if "\0" in text[:8192]:
        raise NoteUnreadable("holds NUL bytes, so it is not a text file")
    return text


def is_unchanged(old: FileStamp, new: FileStamp) -> bool:
    """Whether a file is surely as it was, judged without reading it."""
    # Asked for every file of a vault before every answer: nothing is made for it.
    return (
        old.modified_ns == new.modified_ns
        and old.changed_ns == new.changed_ns
        and old.size == new.size
    )


_name_of = attrgetter("name")
_path_of = attrgetter("path")


def _unlisted(path: str, error: OSError | UnicodeEncodeError) -> Skipped:
    shown = path.encode("utf-8", "backslashreplace").decode()
    return Skipped(
        shown, _reason(error) if isinstance(error, OSError) else "its name is not valid Unicode"
    )


@contextlib.contextmanager
def _entries(folder: Path, *, is_root: bool) -> Iterator[list[os.DirEntry[str]]]:
    """The entries of a folder that are not hidden, by name; to be looked at while it is open."""
    opened: Path | int = folder
    if os.scandir in os.supports_fd:  # then no look at an entry goes the way of its path again
        # A folder may have become a link to another since it was seen; the vault itself may be one.
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | (0 if is_root else os.O_NOFOLLOW))
    try:
        with os.scandir(opened) as entries:
            seen = [entry for entry in entries if entry.name[0] != "."]
        seen.sort(key=_name_of)
        yield seen
    finally:
        if isinstance(opened, int):
            os.close(opened)


def _read_regular_file(file: Path, limit: int) -> tuple[bytes, FileStamp]:
    # O_NONBLOCK: a named pipe put in the note's place must not hang us before it is recognised.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(file, flags | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as stream:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            raise NoteUnreadable("not a regular file")
        if info.st_size > limit:
            raise NoteUnreadable(_too_large(info.st_size, limit))
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise NoteUnreadable(_too_large(len(data), limit))
    import hashlib  # late: it loads the system's library, and most commands read no note

    stamp = _stamp(info)._replace(sha256=hashlib.sha256(data).hexdigest())
    return data, stamp._replace(changed_ns=UNTRUSTED) if _is_racy(stamp) else stamp


def _is_racy(stamp: FileStamp) -> bool:
    """Whether the file could be written again without its times showing it.

    The same trap as git's "racily clean" entries: a clock that ticks too slowly for two edits.
    """
    # FAT and some network folders keep whole seconds. One such time alone says nothing: programs
    # that restore or copy files set it.
    coarse = all(ns % 1_000_000_000 == 0 for ns in (stamp.modified_ns, stamp.changed_ns))
    tick_ns = 2_000_000_000 if coarse else 50_000_000
    return time.time_ns() - max(stamp.modified_ns, stamp.changed_ns) < tick_ns


def _stamp(info: os.stat_result) -> FileStamp:
    return FileStamp(info.st_size, info.st_mtime_ns, info.st_ctime_ns)


def _matches(path: str, pattern: str) -> bool:
    if pattern.endswith("/"):
        return path.endswith("/") and (
            fnmatchcase(path, pattern) or fnmatchcase(path, f"*/{pattern}")
        )
    return fnmatchcase(path, pattern) or fnmatchcase(path.rpartition("/")[2], pattern)


def _too_large(size: int, limit: int) -> str:
    return f"{size / 1e6:.1f} MB; notes over {limit / 1e6:g} MB are left out (max_note_bytes)"


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "gone"
    if isinstance(error, PermissionError):
        return "permission denied"
    return (error.strerror or type(error).__name__).lower()
