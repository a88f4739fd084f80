"""What a vault's own links say of the probabilities of its suggestions."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from vaults import ORCHARD, index_of, write

from recall.index import Index
from recall.links.calibration import NO_CORRECTION
from recall.links.candidates import find_candidates
from recall.links.comparison import Comparison
from recall.links.features import compute
from recall.links.learned import edges_of, learn
from recall.links.own_links import (
    FEWEST_ASKED,
    LEAST_STRETCH,
    MOST_ASKED,
    OF_ASKING,
    SHIFT,
    ask,
    choose,
    fit,
)
from recall.links.source import indexed_source, without_its_links
from recall.render.as_text import Style, status
from recall.store.array_file import write_arrays
from recall.store.files import LEARNED
from recall.store.learned import read, read_facts

COMMON = 4
SUBJECTS = ("pears", "bees", "wells", "roofs")


def prose(number: int) -> str:
    subject = SUBJECTS[number % len(SUBJECTS)]
    words = " ".join(f"{subject} {kind}{number * 7 % 5}" for kind in ("old", "dry", "late") * 6)
    return f"About {subject} in year {number}: {words}."


def related_vault(
    notes: int, *, unlinked: int | None = None, links: int = 3
) -> dict[str, str | bytes]:
    """Notes that name their links in the frontmatter alone; one of them may have none at all."""
    texts: dict[str, str | bytes] = {}
    for number in range(notes):
        targets = [(number + 4 * step) % notes for step in range(1, links + 1)]
        listed = [f'  - "[[n{target:02}]]"\n' for target in targets if unlinked != target]
        head = "" if unlinked == number else "related:\n" + "".join(listed)
        texts[f"n{number:02}.md"] = (
            f"---\nkind: note\n{head}---\n# Note {number}\n\n{prose(number)}\n"
        )
    return texts


def vault_of(folder: Path, notes: dict[str, str | bytes]) -> Index:
    write(folder, notes)
    return index_of(folder)


def test_a_note_that_is_asked_is_compared_as_if_it_had_no_links_and_nothing_linked_it(tmp_path):
    with_links = vault_of(tmp_path / "with", related_vault(16))
    with_links.refresh(learns=False)
    with with_links.read() as snapshot:
        learned = learn(snapshot, max_notes_per_text=COMMON)
        edges = edges_of(snapshot.table(max_notes_per_text=COMMON))
        asked = {each.path: each for each in ask(learned, snapshot, edges)}["n05.md"]
    without = vault_of(tmp_path / "without", related_vault(16, unlinked=5))
    without.refresh(learns=False)
    with without.read() as snapshot:
        learned = learn(snapshot, max_notes_per_text=COMMON)
        source = indexed_source("n05.md", snapshot, max_notes_per_text=COMMON)
        found = find_candidates(
            source, snapshot, learned, exclude={"n05.md"}, max_notes_per_text=COMMON
        )
        compared = Comparison(source, found, snapshot)
        expected = compute(compared)
    assert learned.links == 48 - 6
    assert {path for path, linked in zip(compared.paths, asked.is_link, strict=True) if linked} == {
        "n09.md", "n13.md", "n01.md",
    }  # fmt: skip
    for name, values in expected.items():
        # How rare a word is and how long a note is are told from the frontmatter as well.
        off = 0.05 if "words" in name or name.startswith("bm25") else 1e-6
        assert asked.features[name] == pytest.approx(values, abs=off, nan_ok=True), name


def test_words_that_links_show_are_no_text_of_a_note_that_is_asked(tmp_path):
    notes = ORCHARD | {
        "new.md": "# New\n\nGood roots come first, says [[Grafting|Old Tom]] in his book.\n\n"
        "## More\n\n[[Apples]], [[Grafting]] and [[Bees]]\n"
    }
    index = vault_of(tmp_path, notes)
    index.refresh()
    with index.read() as snapshot:
        source = indexed_source("new.md", snapshot, max_notes_per_text=COMMON)
        bare = without_its_links(source)
    texts = [passage.text for passage in bare.passages]
    assert any("Good roots come first" in text for text in texts)
    assert not any("Tom" in text or "Apples" in text for text in texts)
    assert len(bare.vectors) == len(bare.passages) < len(source.passages)
    assert {"tom", "apples"}.isdisjoint(bare.term_counts)
    assert (bare.linked, bare.neighbours) == (frozenset(), frozenset())


def test_a_vault_whose_notes_link_more_than_was_said_is_corrected_upwards_but_not_all_the_way():
    said = np.full(200, np.log(0.2 / 0.8))
    was = np.arange(200) % 5 < 2  # two in five
    found = fit(said, was).of(said)[0]
    assert np.log(0.2 / 0.8) < found < np.log(0.4 / 0.6)
    assert found < fit(np.tile(said, 10), np.tile(was, 10)).of(said)[0] < np.log(0.4 / 0.6)


def test_what_is_so_as_it_was_said_needs_no_correction():
    said = np.repeat(np.log([0.25, 0.5, 0.75]) - np.log([0.75, 0.5, 0.25]), 40)
    was = np.concatenate([np.arange(40) < 10, np.arange(40) < 20, np.arange(40) < 30])
    found = fit(said, was)
    assert (found.shift, found.stretch) == pytest.approx((0, 0), abs=1e-6)


def test_however_wrong_the_scores_were_no_correction_turns_their_order():
    said = np.linspace(-5, 5, 4000)
    assert fit(said, said < 0).stretch == LEAST_STRETCH
    assert abs(fit(said[:1], said[:1] > 0).shift) < SHIFT


def test_a_vault_with_enough_links_is_asked_and_its_probabilities_are_corrected(tmp_path):
    index = vault_of(tmp_path, related_vault(24, links=5))
    index.refresh()
    facts = read_facts(index.settings.index)
    assert FEWEST_ASKED <= facts.asked <= MOST_ASKED
    assert facts.error_corrected < facts.error_plain
    assert index.status().learned == facts
    new = tmp_path.with_name("new.md")
    new.write_text(f"# New\n\n{prose(2)}\n", encoding="utf-8")
    corrected = index.suggest_links(new, k=9).suggestions
    (index.settings.index / LEARNED).unlink()
    plain = index_of(tmp_path).suggest_links(new, k=9).suggestions
    assert [item.card.path for item in plain] == [item.card.path for item in corrected]
    assert [item.score for item in plain] < [item.score for item in corrected]


def test_a_correction_that_does_not_help_notes_that_were_kept_out_is_not_used():
    note = np.repeat(np.arange(5), 10)
    said = np.zeros(50)  # every second is a link, which is so on the whole but of no note
    was = np.concatenate([np.arange(10) < number for number in (1, 3, 5, 7, 9)])
    correction, plain, corrected = choose(said, was, note)
    assert correction == NO_CORRECTION
    assert plain == 0 < corrected
    correction, plain, corrected = choose(said, np.tile(np.arange(10) < 9, 5), note)
    assert correction.shift > 0
    assert plain > corrected


def test_status_says_whether_a_correction_helped(tmp_path):
    index = vault_of(tmp_path, related_vault(24))
    index.refresh()
    found = index.status()
    said = replace(found.learned, shift=0.0, stretch=0.0)
    helps = replace(found, learned=replace(said, shift=0.2))
    does_not = replace(found, learned=said)
    fact = f"the links of {found.learned.asked} notes of yours"
    assert f"fitted to {fact} (off by" in status(helps, Style())
    assert f"as other vaults taught: {fact} did not help (off by" in status(does_not, Style())


def test_a_vault_with_few_links_is_left_with_what_other_vaults_taught(tmp_path):
    index = vault_of(tmp_path, ORCHARD)
    index.refresh()
    facts = read_facts(index.settings.index)
    assert (facts.asked, facts.shift, facts.stretch, facts.error_plain) == (0, 0, 0, None)


def test_a_vault_is_asked_again_once_a_tenth_of_its_links_is_new(tmp_path):
    notes = related_vault(24)
    index = vault_of(tmp_path, notes)
    index.refresh()
    for number, asked_links in ((0, 72), (1, 72), (2, 63)):  # of 72 links, 3, 6 and 9 go
        bare = notes[f"n{number:02}.md"].replace('  - "[[', "  - no ")
        write(tmp_path, {f"n{number:02}.md": bare})
        index.refresh()
        assert read_facts(index.settings.index).asked_links == asked_links
        assert read_facts(index.settings.index).links == 69 - 3 * number


def test_a_file_from_before_there_were_corrections_means_none(tmp_path):
    index = vault_of(tmp_path, related_vault(24))
    index.refresh()
    facts, arrays = read(index.settings.index)
    known = {name: value for name, value in asdict(facts).items() if name not in OF_ASKING}
    write_arrays(index.settings.index, LEARNED, {"facts": known}, arrays)
    held = read_facts(index.settings.index)
    assert (held.links, held.asked, held.shift) == (facts.links, 0, 0)
    with index_of(tmp_path).read():
        suggested = index_of(tmp_path).suggest_links("n00.md", k=9).suggestions
    assert suggested
