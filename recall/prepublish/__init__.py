"""Check notes before they are published: which notes, by which rules, and what is known already.

    index.refresh()
    for finding in check(index, Selection(staged=True)).findings:
        ...

`selection` says which notes and which *edition* of the vault they belong to (the files, or what
git is about to commit); `checking` puts each note to the rules; `silence` and `baseline` say what
is not told. Nothing here writes to a note.
"""

from recall.prepublish.baseline import read_baseline, without_known, write_baseline
from recall.prepublish.checking import check
from recall.prepublish.selection import Selection

__all__ = [
    "Selection",
    "check",
    "read_baseline",
    "without_known",
    "write_baseline",
]
