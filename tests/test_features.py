"""What the numbers of a pair say."""

from pathlib import Path

import numpy as np
import pytest
from vaults import index_of, write

from recall.links.candidates import find_candidates
from recall.links.comparison import Comparison
from recall.links.features import compute
from recall.links.learned import learned_of
from recall.links.source import indexed_source

MOST = 10  # notes that may hold a text before it is template text

# `here.md` says quince three times and medlar once; each is said by one other note, which links.
GROVE = {
    "here.md": "Quince, quince, quince and medlar.\n",
    "quince.md": "---\ntitle: one\n---\nA quince grew beside [[alpha]].\n",
    "medlar.md": "---\ntitle: two\n---\nA medlar grew beside [[bravo]].\n",
    "alpha.md": "Ladders lean on walls.\n",
    "bravo.md": "Lanterns hang in sheds.\n",
    "other.md": "Hens walk through gates.\n",
}


def features_of(root: Path, path: str) -> dict[str, dict[str, float]]:
    """Feature → candidate → value."""
    index = index_of(root)
    index.refresh()
    with index.read() as snapshot:
        source = indexed_source(path, snapshot, max_notes_per_text=MOST)
        learned = learned_of(snapshot, index.settings.index, max_notes_per_text=MOST)
        candidates = find_candidates(
            source, snapshot, learned, exclude={path}, max_notes_per_text=MOST
        )
        compared = Comparison(source, candidates, snapshot)
        columns = compute(compared)
    return {
        name: dict(zip(compared.paths, column.tolist(), strict=True))
        for name, column in columns.items()
    }


def test_a_word_that_is_said_often_counts_as_its_tf_idf_says(tmp_path):
    write(tmp_path, GROVE)
    found = features_of(tmp_path, "here.md")
    plain, weighed = found["bm25"], found["bm25_weighed"]
    assert plain["quince.md"] == pytest.approx(plain["medlar.md"])
    # Equally rare, so that the weights differ by ln(1 + 3) / ln(1 + 1).
    assert weighed["quince.md"] == pytest.approx(2 * weighed["medlar.md"])
    assert np.isnan(weighed["other.md"])


def test_notes_vote_as_much_as_their_words_are_telling(tmp_path):
    write(tmp_path, GROVE)
    votes = features_of(tmp_path, "here.md")["votes_by_words"]
    # Weights are squares of the scores, here 2 to 1.
    assert (votes["alpha.md"], votes["bravo.md"]) == pytest.approx((0.8, 0.2))
    assert votes["other.md"] == 0.0


def test_the_note_itself_does_not_vote(tmp_path):
    write(tmp_path, {**GROVE, "here.md": f"{GROVE['here.md']}See [[other]].\n"})
    assert features_of(tmp_path, "here.md")["votes_by_words"]["other.md"] == 0.0
