"""Note → `Suggestion`s: candidates, their features, a ranker, and the evidence that is shown.

`suggest` is the one way in, and `why.explain` says why of any pair. What ranks behind it may
change; its contract does not: the note itself and (unless asked for) the notes it links already are
never suggested, and each suggestion carries evidence that can be looked up in both notes.
"""

from recall.links.duplicates import is_near_duplicate
from recall.links.learned import Learned, learn, learned_of
from recall.links.mentions import mentions_in
from recall.links.source import Source, indexed_source, note_source, read_draft
from recall.links.suggest import suggest
from recall.links.targets import Bar, Targets

__all__ = [
    "Bar",
    "Learned",
    "Source",
    "Targets",
    "indexed_source",
    "is_near_duplicate",
    "learn",
    "learned_of",
    "mentions_in",
    "note_source",
    "read_draft",
    "suggest",
]
