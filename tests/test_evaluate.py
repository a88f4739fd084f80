"""`recall eval`: what is hidden stays hidden, and nothing of the user's is changed."""

import signal
import tempfile
from pathlib import Path

import numpy as np
import pytest
from standins import WordEmbedder
from vaults import index_of, settle, write

from recall.cli.evaluating import stopping_when_killed
from recall.domain import DEFAULT_RULES
from recall.errors import IndexOutdated, UsageError
from recall.evaluate import evaluate
from recall.evaluate.masking import Anchor, Track, VaultTexts, masked
from recall.evaluate.reuse import ReusingEmbedder
from recall.index import Index
from recall.render import evaluation
from recall.render.as_text import Style

PROSE = (
    "Bread wants time more than it wants work, and most of what goes wrong in a kitchen goes wrong "
    "because somebody was in a hurry to see the loaf before it was ready to be seen."
)
TOPICS = {
    "rye": "Dark dense loaves of rye flour from the north keep for weeks.",
    "starter": "A jar of wild yeast and flour is fed twice a day.",
    "oven": "Stone and iron hold the heat when the door is opened.",
    "salt": "Two in a hundred parts of salt slow the yeast down.",
    "crumb": "Holes in the crumb tell how wet the dough has been.",
    "scoring": "A razor cuts the skin so that the loaf opens where it should.",
}


def note(name: str, links: list[str]) -> str:
    """A note of the journal format that links others everywhere a note can."""
    first, second = links
    return (
        f'---\nrelated:\n  - "[[{first}]]"\n---\n# {name}\n\n{TOPICS[name]} {PROSE}\n\n'
        f"As [[{second}|so often]] here, the {name} decides.\n\n## linkage\n"
        f'<div class="linkage-tree"><ul>\n<li>[[{first}]]</li>\n<li>[[{second}]]</li>\n'
        "</ul></div>\n"
    )


def bakery() -> dict[str, str]:
    names = list(TOPICS)
    return {
        f"{name}.md": note(name, [names[i - 1], names[(i + 1) % len(names)]])
        for i, name in enumerate(names)
    }


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    """The bakery, indexed; temporary files go where the test can see them."""
    vault = tmp_path / "vault"
    write(vault, {**bakery(), "other.md": "# Other\n\nDebit stands left, credit right.\n"})
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    index = index_of(vault)
    index.refresh()
    return index


def contents(folder: Path) -> dict[str, bytes]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def test_every_link_of_the_sources_is_asked_for_and_the_figures_agree(index):
    found = evaluate(index)
    assert (found.notes, found.sources, found.hidden) == (7, 6, 12)
    assert [method.name for method in found.methods] == ["recall", "cosine"]
    for method in found.methods:  # with six notes to choose from, ten suggestions hold all links
        assert (method.found, method.recall.mean) == (12, 1.0)
        assert 0 < method.ndcg.low <= method.ndcg.mean <= method.ndcg.high <= 1
    assert found.misses == ()


def test_the_same_vault_gives_the_same_figures(index):
    first, second = evaluate(index, sources=3), evaluate(index, sources=3)
    assert first.methods == second.methods
    assert (first.sources, first.hidden) == (3, 6)


def test_nothing_of_the_vault_or_its_index_is_changed_and_nothing_is_left_behind(index, tmp_path):
    before = contents(tmp_path)
    evaluate(index)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("stage", ["hiding links", "reading", "writing", "asking"])
def test_the_copy_is_gone_when_it_is_stopped_at_any_stage(index, tmp_path, stage):
    seen = []

    def stop(now: str, done: int, total: int) -> None:
        seen.append([file.name for file in (tmp_path / "temporary").iterdir()])
        if now == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(index, on_progress=stop)
    assert bool(seen[-1]) is (stage != "hiding links")
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_polite_kill_ends_it_as_ctrl_c_does():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), stopping_when_killed():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_only_texts_that_hiding_links_made_are_embedded_anew(index):
    embedder = index.embedder
    assert isinstance(embedder, WordEmbedder)
    embedder.passages_embedded.clear()
    found = evaluate(index)
    assert found.embedded == len(embedder.passages_embedded)
    assert embedder.passages_embedded  # the sentences that held a link
    assert all("here, the" in text for text in embedder.passages_embedded)
    assert not any("so often" in text for text in embedder.passages_embedded)


def test_a_vector_that_is_taken_over_is_that_of_the_very_text(index):
    with index.read() as snapshot:
        texts = [stored.passage.text for stored in snapshot.passages("rye.md")]
        reusing = ReusingEmbedder(index.embedder, snapshot)
        asked = [texts[0], "a text of no note", *texts, texts[0] + " "]
        rows = reusing.embed_passages(asked)
    assert reusing.computed == 2
    np.testing.assert_array_equal(rows, WordEmbedder().embed_passages(asked))


def test_the_copy_is_what_an_index_of_the_masked_notes_alone_would_be(index, tmp_path):
    # The strongest form of "nothing leaks": no index that ever saw the links gives other answers.
    vault = VaultTexts.read(index.vault, DEFAULT_RULES)
    chosen, without = masked(vault, track=Track.NEW, anchor=Anchor.HIDDEN)
    write(tmp_path / "alone", {path: each.text for path, each in without.notes.items()})
    alone = index_of(tmp_path / "alone")
    alone.refresh()
    expected = {
        source.path: [i.card.path for i in alone.suggest_links(source.path, k=50).suggestions]
        for source in chosen
    }
    asked = {}
    suggest = Index.suggest_links

    def listen(self, note, **options):
        found = suggest(self, note, **options)
        asked[found.path] = [item.card.path for item in found.suggestions]
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Index, "suggest_links", listen)
        evaluate(index)
    assert asked == expected


def test_neither_names_nor_links_nor_the_linkage_tree_are_left_in_a_source(index):
    vault = VaultTexts.read(index.vault)
    chosen, without = masked(vault, track=Track.NEW, anchor=Anchor.HIDDEN)
    paths = {source.path for source in chosen}
    for source in chosen:
        text = without.notes[source.path].text
        assert "[[" not in text
        assert "<li>" not in text
        assert "so often" not in text
        own = source.path.removesuffix(".md")
        for target in source.hidden:
            name = target.removesuffix(".md")
            assert name not in text.replace(TOPICS[own], "").split()
    links = {(p, t) for p in without.notes for t in without.targets(p)}
    assert not {pair for pair in links if paths & set(pair)}


def test_dismissed_and_excluded_notes_count_like_all_others(index, tmp_path):
    whole = evaluate(index).methods
    index.dismiss("rye.md", "starter.md", "scoring.md")
    assert evaluate(index).methods == whole


def test_a_vault_without_links_is_told_so(tmp_path):
    write(tmp_path, {"a.md": f"# A\n\n{PROSE}\n"})
    index = index_of(tmp_path)
    index.refresh()
    found = evaluate(index)
    assert (found.sources, found.methods) == (0, ())
    assert evaluation.as_text(found, Style()).startswith("No note qualifies")


@pytest.mark.parametrize("sources", [0, -1, 2001, 1.5, "many", True])
def test_a_number_of_sources_that_is_none_is_refused(index, sources):
    with pytest.raises(UsageError):
        evaluate(index, sources=sources)


def test_an_index_of_another_model_is_not_mixed_in(index, tmp_path):
    other = Index(index.settings, embedder=WordEmbedder(name="other"))
    with pytest.raises(IndexOutdated):
        evaluate(other)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_miss_says_where_the_link_was_found_instead(tmp_path):
    notes = {f"n{i}.md": f"# n{i}\n\n{TOPICS['rye']} {i} {PROSE}\n" for i in range(30)}
    far = "Debit stands left, credit right."
    write(tmp_path, {
        **notes,
        "far.md": f"# Far\n\n{far}\n",
        "a.md": f"# A\n\n{TOPICS['rye']} {PROSE} [[far]] [[n1]]\n",
    })  # fmt: skip
    settle(tmp_path)
    index = index_of(tmp_path)
    index.refresh()
    found = evaluate(index)
    (miss,) = [miss for miss in found.misses if miss.target_path == "far.md"]
    assert (miss.path, miss.title, miss.target_title) == ("a.md", "A", "Far")
    assert miss.rank is None or miss.rank > 10
    text = evaluation.as_text(found, Style())
    assert "  A → Far\n    a.md → far.md: rank" in text
