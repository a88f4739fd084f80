"""Write accepted links into notes, and take that back.

`editor` plans an edit for a note of the vault and its index; `apply` writes it, and `undo` takes
the last application back, both through the `journal`.
"""

from __future__ import annotations

from recall.applying.apply import Outcome, new_application
from recall.applying.editor import Editor, Plan
from recall.applying.journal import Journal
from recall.applying.undo import Restored, State, Undone

__all__ = [
    "Editor",
    "Journal",
    "Outcome",
    "Plan",
    "Restored",
    "State",
    "Undone",
    "new_application",
]
