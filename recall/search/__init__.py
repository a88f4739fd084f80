"""Question → `Hit`s: dense and lexical evidence for each note, fused, one row a note.

The way through: `question` takes apart what was typed, `spelling` and `wording` make the terms
that are looked for, `evidence` gathers what speaks for which note, `fusion` makes one score of
it, `verbatim` looks for what was typed to the letter, `floor` says whether the best is an answer at
all, `showing` chooses what is shown, and `answering` puts it together. `listing` answers where
there is no word, `narrowing` says why filters left nothing. `long_text` cuts a draft into the
passages it is searched by; `meanwhile` is the thread that looks up words beside the model.
"""

from recall.search.answering import search
from recall.search.long_text import text_passages
from recall.search.meanwhile import Meanwhile
from recall.search.question import needs_model

__all__ = ["Meanwhile", "needs_model", "search", "text_passages"]
