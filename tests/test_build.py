"""The index agrees with the vault, and only what is new costs anything."""

import os
import threading
import time
from pathlib import Path

import pytest
from vaults import ORCHARD, embedded, index_of, settle, write

from recall.build import identity_of
from recall.domain import DEFAULT_RULES, Facet, FileStamp, HeadingRules, Skipped
from recall.entries import index_note
from recall.errors import IndexBusy
from recall.index import Index
from recall.markdown import parse_note
from recall.planning import plan
from recall.vault import Vault


def paths(index: Index) -> list[str]:
    with index.read() as snapshot:
        return snapshot.paths()


@pytest.fixture
def orchard(tmp_path: Path) -> Index:
    write(tmp_path, ORCHARD)
    index = index_of(tmp_path)
    index.refresh()
    embedded(index).clear()
    return index


def test_the_first_build_indexes_every_note(tmp_path):
    write(tmp_path, ORCHARD)
    report = index_of(tmp_path).refresh()
    assert report.added == tuple(sorted(ORCHARD))
    assert (report.notes, report.links, report.unresolved_links) == (5, 1, 0)
    assert report.reason is None


def test_a_second_build_reads_no_note_and_embeds_nothing(orchard, tmp_path, monkeypatch):
    before = (tmp_path / ".recall" / "catalog.sqlite").read_bytes()
    opened: list[str] = []
    real = os.open
    monkeypatch.setattr(
        os, "open", lambda path, *rest: opened.append(str(path)) or real(path, *rest)
    )
    report = orchard.refresh()
    assert (report.unchanged, report.changes_anything) == (5, False)
    assert [path for path in opened if path.endswith(".md")] == []
    assert embedded(orchard) == []
    assert (tmp_path / ".recall" / "catalog.sqlite").read_bytes() == before


def test_an_edited_note_costs_only_its_new_passages(orchard, tmp_path):
    write(
        tmp_path,
        {
            "bees.md": ORCHARD["bees.md"] + b"\n## signals\n- Swarms settle in May.\n"
            if isinstance(ORCHARD["bees.md"], bytes)
            else ORCHARD["bees.md"] + "\n## signals\n- Swarms settle in May.\n"
        },
    )
    report = orchard.refresh()
    assert report.changed == ("bees.md",)
    assert embedded(orchard) == ["Swarms settle in May."]


def test_a_touched_note_is_read_but_not_embedded(orchard, tmp_path):
    os.utime(tmp_path / "bees.md")
    settle(tmp_path)
    report = orchard.refresh()
    assert (report.unchanged, report.changed) == (5, ())
    assert embedded(orchard) == []
    assert orchard.status().changed == ()


def test_a_renamed_note_is_moved_and_costs_no_embedding(orchard, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "bees.md").rename(tmp_path / "sub" / "hive.md")
    report = orchard.refresh()
    assert report.moved == (("bees.md", "sub/hive.md"),)
    assert embedded(orchard) == []
    assert "sub/hive.md" in paths(orchard)
    assert "bees.md" not in paths(orchard)


def test_a_deleted_note_is_gone_and_links_to_it_lead_nowhere(orchard, tmp_path):
    (tmp_path / "pears.md").unlink()
    report = orchard.refresh()
    assert report.removed == ("pears.md",)
    assert report.unresolved_links == 1
    assert "pears.md" not in paths(orchard)


def test_a_link_to_a_note_that_is_written_later_comes_to_life(orchard, tmp_path):
    write(tmp_path, {"plums.md": "# Plums\n\n[[Quinces]]\n"})
    assert orchard.refresh().unresolved_links == 1
    write(tmp_path, {"quinces.md": "# Quinces\n\nHard and yellow.\n"})
    assert orchard.refresh().unresolved_links == 0


def test_bad_notes_are_lines_in_the_report_and_never_the_end(tmp_path):
    write(tmp_path, {
        **ORCHARD,
        "latin1.md": b"caf\xe9",
        "broken.md": "---\ntitle: [unclosed\n---\n# Broken\n\nStill a note about hedges.\n",
        "empty.md": "",
    })  # fmt: skip
    report = index_of(tmp_path).refresh()
    assert [(item.path, item.reason) for item in report.skipped] == [
        ("latin1.md", "not UTF-8 (byte 0xe9 at offset 3)")
    ]
    assert [item.path for item in report.problems] == ["broken.md"]
    assert report.notes == 7


def test_an_unreadable_note_is_tried_again_only_once_it_changes(tmp_path):
    write(tmp_path, {**ORCHARD, "latin1.md": b"caf\xe9"})
    index = index_of(tmp_path)
    index.refresh()
    report = index.refresh()
    assert not report.changes_anything
    assert [item.path for item in report.skipped] == ["latin1.md"]
    write(tmp_path, {"latin1.md": "café"})
    assert index.refresh().added == ("latin1.md",)
    assert index.refresh().skipped == ()


def test_a_note_that_becomes_unreadable_leaves_the_index(orchard, tmp_path):
    write(tmp_path, {"bees.md": b"\xff\xfe"})
    report = orchard.refresh()
    assert report.removed == ("bees.md",)
    assert [item.path for item in report.skipped] == ["bees.md"]


def test_full_embeds_everything_again(orchard):
    report = orchard.refresh(full=True)
    assert report.reason == "asked for with --full"
    assert report.embedded == len(embedded(orchard)) > 5


def test_other_rules_for_headings_split_again_but_embed_only_new_texts(orchard, tmp_path):
    rules = HeadingRules({Facet.TAKE: ("signals",)}, (), DEFAULT_RULES.related)
    other = index_of(tmp_path, rules=rules)
    report = other.refresh()
    assert report.reason == "notes are cut into passages in another way now"
    # Now the claim's callout and the linkage are plain body text.
    assert "Old orchards kept grafted trees alive for centuries." not in embedded(other)


def test_a_paragraph_that_many_notes_repeat_is_no_answer(tmp_path):
    footer = "Thank you for reading this letter about gardens."
    notes = {f"{i}.md": f"# Letter {i}\n\nPlot number{i} has soil{i}.\n\n## Footer\n\n{footer}\n"
             for i in range(6)}  # fmt: skip
    write(tmp_path, notes)
    index = index_of(tmp_path)
    index.refresh()
    shown = [hit.passage.text for hit in index.search("thank you for reading this letter").hits]
    assert not any(footer in text for text in shown)


def test_two_orders_of_listing_make_the_same_index(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    write(first, ORCHARD)
    write(second, dict(reversed(ORCHARD.items())))
    found = []
    for root in (first, second):
        index = index_of(root)
        index.refresh()
        found.append([(s.card.path, s.score) for s in index.suggest_links("apples.md").suggestions])
    assert found[0] == found[1]


def test_while_another_process_writes_a_build_waits_and_then_says_so(orchard, tmp_path):
    write(tmp_path, {"new.md": "# New\n"})
    identity = identity_of(orchard.embedder, orchard.settings.rules)
    store = orchard._store
    with store.write(identity), pytest.raises(IndexBusy):
        index_of(tmp_path).refresh(wait_seconds=0.1)
    assert orchard.refresh().added == ("new.md",)


def test_a_build_that_waited_keeps_what_the_other_writer_added(orchard, tmp_path):
    write(tmp_path, {"first.md": "# First\n\nHedges of hornbeam.\n"})
    embedder = orchard.embedder
    with orchard._store.write(identity_of(embedder, DEFAULT_RULES)) as writer:
        waiting = threading.Thread(target=index_of(tmp_path).refresh)
        waiting.start()
        time.sleep(0.5)  # by now it has listed the vault and waits for the lock
        write(tmp_path, {"late.md": "# Late\n\nHedges of yew.\n"})
        text, stamp = Vault(tmp_path).read("late.md")
        writer.put(index_note(parse_note("late.md", text), stamp, embedder=embedder))
        numbers, texts = zip(*writer.missing_texts(), strict=True)
        writer.add_vectors(numbers, embedder.embed_passages(texts))
        writer.publish()
    waiting.join()
    assert {"first.md", "late.md"} <= set(paths(orchard))


STAMP = FileStamp(1, 2, 3, "hash")


def test_a_plan_tells_new_changed_gone_and_hopeless_files_apart():
    old = dict.fromkeys(["same.md", "edited.md", "gone.md"], (1, 2, 3, ""))
    new = {
        "same.md": FileStamp(1, 2, 3),
        "edited.md": FileStamp(1, 9, 9),
        "new.md": FileStamp(1, 2, 3),
        "vain.md": FileStamp(5, 5, 5),
    }
    found = plan(old, new, {"vain.md": Skipped("vain.md", "not UTF-8", FileStamp(5, 5, 5))})
    assert found.unchanged == ("same.md",)
    assert found.examine == ("edited.md", "new.md")
    assert found.gone == ("gone.md",)
    assert found.unreadable == ("vain.md",)


def test_an_unchanged_vault_has_the_stamps_that_the_index_holds(tmp_path):
    write(tmp_path, ORCHARD)
    settle(tmp_path)
    index = index_of(tmp_path)
    index.refresh()
    with index.read() as snapshot:
        assert snapshot.stamps_without_hashes() == index.vault.list().stamps
        write(tmp_path, {"bees.md": "# Bees\n\nAnother text.\n"})
        assert snapshot.stamps_without_hashes() != index.vault.list().stamps
