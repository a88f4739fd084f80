"""What can go wrong, one tree. Each error says what, where, and what to do next.

RecallError
├── UsageError            the command line or a call is wrong            exit 2
├── SettingsError         recall.toml or the environment is wrong        exit 2
├── VaultNotFound         no folder of notes here
├── NoteNotFound          nothing, or several notes, by that name
├── NoteUnreadable        the file is there but can't be indexed
├── NoteChanged           it says something else than when it was read
├── NoteUnwritable        it may not be written, or not without harm
├── NothingToUndo         no application is on record
├── JournalDamaged        the record of applications can't be read
├── GitFailed             git is not there, or can't say what a commit holds
├── HookNotInstalled      a hook of somebody else is in the way
├── BaselineUnreadable    the file of known findings can't be read or written
├── ModelMissing          the embedding model is not on this machine
├── ModelDamaged          its files are not what they should be
├── IndexMissing          nothing was indexed yet
├── IndexOutdated         made with another layout, model or recipe
├── IndexDamaged          its files don't fit together
├── IndexUnreadable       its folder or files may not be read
├── IndexUnwritable       they may not be written, or there is no room
└── IndexBusy             another process is writing it
"""

from __future__ import annotations


class RecallError(Exception):
    """The root of the tree: a message for the user, and a hint on what to do next."""

    kind = "error"
    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(RecallError):
    """The command line, or a call of the library, makes no sense."""

    kind = "usage"
    exit_code = 2


class SettingsError(RecallError):
    """A setting in `recall.toml`, the environment or a flag is wrong."""

    kind = "settings"
    exit_code = 2


class VaultNotFound(RecallError):
    """There is no folder of notes where one was looked for."""

    kind = "vault-not-found"


class NoteNotFound(RecallError):
    """No note, or more than one, answers to that name."""

    kind = "note-not-found"


class NoteUnreadable(RecallError):
    """A file can't be read as a note; the message is the reason shown in reports."""

    kind = "note-unreadable"


class NoteChanged(RecallError):
    """A note says something else than when it was read, so it is not overwritten."""

    kind = "note-changed"


class NoteUnwritable(RecallError):
    """A note may not be written, or not without changing more than its text."""

    kind = "note-unwritable"


class NothingToUndo(RecallError):
    """No application of links is on record."""

    kind = "nothing-to-undo"


class JournalDamaged(RecallError):
    """The record of applications can't be read."""

    kind = "journal-damaged"


class GitFailed(RecallError):
    """git is not installed, the folder lies in no repository, or a commit is not there."""

    kind = "git-failed"


class HookNotInstalled(RecallError):
    """Another hook is there, or hooks are shared with other repositories."""

    kind = "hook-not-installed"


class BaselineUnreadable(RecallError):
    """The file that holds the findings already known can't be read or written."""

    kind = "baseline-unreadable"


class ModelMissing(RecallError):
    """The embedding model is not on this machine."""

    kind = "model-missing"


class ModelDamaged(RecallError):
    """The model's files are not the ones that were expected, or can't be loaded."""

    kind = "model-damaged"


class IndexMissing(RecallError):
    """Nothing was indexed here yet."""

    kind = "index-missing"


class IndexOutdated(RecallError):
    """The index was made with another layout, model or recipe than asked for now."""

    kind = "index-outdated"


class IndexDamaged(RecallError):
    """The files of the index are incomplete or don't belong together."""

    kind = "index-damaged"


class IndexUnreadable(RecallError):
    """The system does not let us read the index."""

    kind = "index-unreadable"


class IndexUnwritable(RecallError):
    """The system does not let us write the index, or the disk is full."""

    kind = "index-unwritable"


class IndexBusy(RecallError):
    """Another process is writing the index."""

    kind = "index-busy"
