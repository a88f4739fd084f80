"""Links are written into notes in one step, on record, and taken back to the byte."""

import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from killing import NOTES
from vaults import ORCHARD, index_of, settle, write

from recall.applying import State
from recall.applying.apply import new_application, write_all
from recall.applying.journal import KEPT_APPLICATIONS, Journal
from recall.applying.undo import undo
from recall.domain import NoteSuggestions
from recall.edit import Edit, Insertion, Shape
from recall.errors import (
    IndexBusy,
    IndexDamaged,
    JournalDamaged,
    NoteChanged,
    NoteUnwritable,
    NothingToUndo,
    UsageError,
)
from recall.index import Index
from recall.vault import Vault

OLD, NEW = "# A\r\n\r\nText.", "# A\r\n\r\nText.\r\n\r\n[[b]]"
EDIT = Edit("a.md", OLD, (Insertion(len(OLD), NEW[len(OLD) :]),))


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    write(tmp_path, {"a.md": OLD, "b.md": "# B\n", "sub/c.md": "# C\n"})
    return Vault(tmp_path)


@pytest.fixture
def journal(vault: Vault) -> Journal:
    return Journal(vault.root / ".recall")


def applied(vault: Vault, journal: Journal, *edits: Edit) -> list:
    return write_all(edits or [EDIT], vault, journal, application=new_application())


def bytes_of(vault: Vault, path: str = "a.md") -> bytes:
    return (vault.root / path).read_bytes()


def adding(path: str, old: str, text: str = "!") -> Edit:
    return Edit(path, old, (Insertion(len(old), text),))


# ---- Writing one note


def test_what_is_written_is_taken_back_to_the_byte(vault, journal):
    (outcome,) = applied(vault, journal)
    assert (outcome.is_written, bytes_of(vault)) == (True, NEW.encode())
    (note,) = undo(vault, journal).notes
    assert (note.state, bytes_of(vault)) == (State.RESTORED, OLD.encode())


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o640, 0o755, 0o666])
def test_permissions_and_owner_are_kept(vault, journal, mode):
    file = vault.root / "a.md"
    file.chmod(mode)
    before = file.stat()
    applied(vault, journal)
    after = file.stat()
    assert stat.S_IMODE(after.st_mode) == mode
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="the system has no extended attributes")
def test_extended_attributes_are_kept(vault, journal):
    try:
        os.setxattr(vault.root / "a.md", "user.colour", b"red")
    except OSError:
        pytest.skip("the file system keeps no extended attributes")
    applied(vault, journal)
    assert os.getxattr(vault.root / "a.md", "user.colour") == b"red"


def test_nothing_is_left_beside_the_note_and_what_a_killed_run_left_is_removed(vault, journal):
    applied(vault, journal)
    undo(vault, journal)
    names = {file.name for file in vault.root.iterdir()}
    assert names == {"a.md", "b.md", "sub", ".recall"}


@pytest.mark.parametrize("now", [OLD + " ", "", OLD.replace("\r\n", "\n")])
def test_a_note_that_was_edited_meanwhile_is_not_overwritten(vault, journal, now):
    (vault.root / "a.md").write_bytes(now.encode())
    (outcome,) = applied(vault, journal)
    assert isinstance(outcome.error, NoteChanged)
    assert "a.md was changed by another program meanwhile" in outcome.error.message
    assert bytes_of(vault) == now.encode()
    assert journal.records() == ()


def test_an_edit_in_the_last_moment_is_seen(vault):
    """Between the look that comes first and the rename, with the new file already there."""
    from recall.vault.writing import replace_bytes

    class Meddled(type(vault.root)):
        def with_name(self, name):
            beside = super().with_name(name)
            Path(self).write_bytes(b"edited")  # the first thing that is done with the new file
            return beside

    with pytest.raises(NoteChanged):
        replace_bytes(Meddled(vault.root / "a.md"), b"new", expected_sha256=sha(OLD), shown="a.md")
    assert bytes_of(vault) == b"edited"


def sha(text: str) -> str:
    from recall.applying.journal import sha256_of

    return sha256_of(text)


def test_a_note_that_is_gone_is_said(vault, journal):
    (vault.root / "a.md").unlink()
    (outcome,) = applied(vault, journal)
    assert isinstance(outcome.error, NoteChanged)
    assert not (vault.root / "a.md").exists()


def test_a_note_with_two_names_is_refused_and_both_stay_one_file(vault, journal):
    os.link(vault.root / "a.md", vault.root / "twin.md")
    (outcome,) = applied(vault, journal)
    assert isinstance(outcome.error, NoteUnwritable)
    assert "hard links" in outcome.error.message
    assert (vault.root / "a.md").samefile(vault.root / "twin.md")
    assert bytes_of(vault) == OLD.encode()


@pytest.mark.parametrize("what", ["file", "folder"])
def test_nothing_is_written_through_a_symbolic_link(vault, journal, tmp_path_factory, what):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "c.md").write_text("# C\n")
    if what == "file":
        (vault.root / "sub/c.md").unlink()
        (vault.root / "sub/c.md").symlink_to(outside / "c.md")
    else:
        (vault.root / "sub/c.md").unlink()
        (vault.root / "sub").rmdir()
        (vault.root / "sub").symlink_to(outside, target_is_directory=True)
    with pytest.raises(NoteUnwritable):
        vault.replace("sub/c.md", "new", expected_sha256=sha("# C\n"))
    (outcome,) = applied(vault, journal, adding("sub/c.md", "# C\n"))
    assert outcome.error is not None
    assert (outside / "c.md").read_text() == "# C\n"


@pytest.mark.parametrize("path", ["../a.md", "/a.md", "sub/../../a.md", ""])
def test_nothing_is_written_outside_of_the_vault(vault, path):
    with pytest.raises(NoteUnwritable):
        vault.replace(path, "new", expected_sha256=sha(OLD))


def test_a_read_only_note_is_left_alone(vault, journal):
    (vault.root / "a.md").chmod(0o444)
    (outcome,) = applied(vault, journal)
    assert "a.md is read-only" in outcome.error.message
    assert bytes_of(vault) == OLD.encode()


def test_a_full_disk_leaves_the_old_note(vault, journal, monkeypatch):
    import errno

    real = os.fsync

    def full(descriptor):
        if Path(f"/proc/self/fd/{descriptor}").readlink().suffix == ".tmp":
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    if not Path("/proc/self/fd").exists():
        pytest.skip("the system does not tell what a descriptor stands for")
    monkeypatch.setattr(os, "fsync", full)
    (outcome,) = applied(vault, journal)
    assert "can't be written: no space left on device" in outcome.error.message
    assert bytes_of(vault) == OLD.encode()
    assert not list(vault.root.glob(".recall-*"))


# ---- Several notes


def test_one_note_that_fails_stops_no_other(vault, journal):
    edits = [EDIT, adding("b.md", "something else"), adding("sub/c.md", "# C\n")]
    outcomes = applied(vault, journal, *edits)
    assert [outcome.is_written for outcome in outcomes] == [True, False, True]
    assert bytes_of(vault, "b.md") == b"# B\n"
    done = undo(vault, journal)
    assert [note.path for note in done.notes] == ["a.md", "sub/c.md"]
    assert (bytes_of(vault), bytes_of(vault, "sub/c.md")) == (OLD.encode(), b"# C\n")


def test_undo_goes_back_one_application_at_a_time(vault, journal):
    applied(vault, journal)
    applied(vault, journal, adding("b.md", "# B\n"), adding("a.md", NEW))
    assert {note.path for note in undo(vault, journal).notes} == {"a.md", "b.md"}
    assert bytes_of(vault) == NEW.encode()
    undo(vault, journal)
    assert bytes_of(vault) == OLD.encode()
    with pytest.raises(NothingToUndo):
        undo(vault, journal)


def test_undo_refuses_when_a_note_was_edited_since_and_writes_nothing(vault, journal):
    applied(vault, journal, EDIT, adding("b.md", "# B\n"))
    (vault.root / "b.md").write_text("# B, edited\n")
    with pytest.raises(NoteChanged, match=r"of its 2 notes, these were edited.*: b\.md"):
        undo(vault, journal)
    assert bytes_of(vault) == NEW.encode()
    done = undo(vault, journal, only_unchanged=True)
    assert [(note.path, note.state) for note in done.notes] == [
        ("a.md", State.RESTORED),
        ("b.md", State.CHANGED),
    ]
    assert (bytes_of(vault), bytes_of(vault, "b.md")) == (OLD.encode(), b"# B, edited\n")


def test_undo_says_when_a_note_was_moved(vault, journal):
    applied(vault, journal)
    (vault.root / "a.md").rename(vault.root / "z.md")
    with pytest.raises(NoteChanged, match=r"a\.md was moved or deleted since"):
        undo(vault, journal)


def test_a_note_that_is_as_before_already_is_no_reason_to_refuse(vault, journal):
    applied(vault, journal, EDIT, adding("b.md", "# B\n"))
    (vault.root / "a.md").write_bytes(OLD.encode())
    states = [note.state for note in undo(vault, journal).notes]
    assert states == [State.AS_BEFORE, State.RESTORED]


def test_undo_where_nothing_was_ever_written_makes_no_folder(vault, journal):
    with pytest.raises(NothingToUndo):
        undo(vault, journal)
    assert not journal.file.parent.exists()


def test_a_rehearsal_writes_nothing(vault, journal):
    applied(vault, journal)
    done = undo(vault, journal, is_rehearsal=True)
    assert (done.is_written, done.notes[0].old, bytes_of(vault)) == (False, OLD, NEW.encode())
    undo(vault, journal)


# ---- The journal


def test_the_journal_survives_a_build_from_nothing(tmp_path):
    write(tmp_path, ORCHARD)
    index = index_of(tmp_path)
    index.refresh()
    old = (tmp_path / "bees.md").read_text()
    index.editor().write([adding("bees.md", old)])
    index.refresh(full=True)
    (tmp_path / ".recall/catalog.sqlite").write_bytes(b"damaged")
    index.refresh()
    assert index.editor().undo().notes[0].state is State.RESTORED
    assert (tmp_path / "bees.md").read_text() == old


@pytest.mark.parametrize("tail", [b"{", b'{"format": 1, "path": "a.md"', b"\xff\xfe"])
def test_a_line_that_was_being_written_when_the_process_died_is_as_if_it_had_not_been(
    vault, journal, tail
):
    applied(vault, journal)
    whole = journal.file.read_bytes()
    journal.file.write_bytes(whole + tail)
    assert len(journal.records()) == 1
    applied(vault, journal, adding("b.md", "# B\n"))
    assert journal.file.read_bytes().startswith(whole + b"{")
    assert len(journal.records()) == 2


@pytest.mark.parametrize(
    "line",
    ["{}", "[]", "nonsense", '{"format": 2}', "\ud7ff" * 3, "null", "[" * 100_000],
)
def test_a_damaged_journal_is_said_and_nothing_is_written(vault, journal, line):
    applied(vault, journal)
    with journal.file.open("a") as stream:
        stream.write(f"{line}\n")
    for attempt in (lambda: undo(vault, journal), lambda: applied(vault, journal)):
        with pytest.raises(JournalDamaged):
            attempt()
    assert bytes_of(vault) == NEW.encode()


@pytest.mark.parametrize("path", ["../outside.md", "/etc/hostname", "a/../../b.md"])
def test_a_planted_journal_leads_to_no_file_outside(vault, journal, path):
    applied(vault, journal)
    line = json.loads(journal.file.read_text())
    journal.file.write_text(json.dumps({**line, "path": path}) + "\n")
    with pytest.raises(JournalDamaged, match="no path in the vault"):
        undo(vault, journal)


def test_a_planted_record_takes_out_nothing_that_its_hashes_do_not_hold(vault, journal):
    applied(vault, journal)
    line = json.loads(journal.file.read_text())
    for change in ({"insertions": [[0, "# A"]]}, {"old_sha256": sha("x")}, {"insertions": []}):
        journal.file.write_text(json.dumps({**line, **change}) + "\n")
        with pytest.raises(NoteChanged):
            undo(vault, journal)
        assert bytes_of(vault) == NEW.encode()


def test_a_planted_record_with_a_place_beyond_all_numbers_is_damage(vault, journal):
    applied(vault, journal)
    line = json.loads(journal.file.read_text())
    journal.file.write_text(json.dumps({**line, "insertions": [[float("inf"), "# A"]]}) + "\n")
    with pytest.raises(JournalDamaged):
        undo(vault, journal)


def test_a_folder_in_the_place_of_the_journal_is_to_be_moved_away(vault, journal):
    journal.file.mkdir(parents=True)
    for attempt in (lambda: undo(vault, journal), lambda: applied(vault, journal)):
        with pytest.raises(JournalDamaged) as caught:
            attempt()
        assert caught.value.hint.startswith("Move it away")
    assert bytes_of(vault) == OLD.encode()


def test_a_link_in_the_place_of_the_journal_is_not_written_through(vault, journal, tmp_path):
    journal.file.parent.mkdir()
    precious = tmp_path / "precious"
    precious.write_text("mine")
    journal.file.symlink_to(precious)
    with pytest.raises(Exception, match="not a regular file"):
        applied(vault, journal)
    assert (precious.read_text(), bytes_of(vault)) == ("mine", OLD.encode())


def test_only_so_many_applications_are_kept(vault, journal):
    text = "# B\n"
    for _ in range(KEPT_APPLICATIONS // 50):
        applied(vault, journal, adding("b.md", text))
        text += "!"
    record = journal.records()[0]
    journal.keep([replace(record, application=f"{n:04}") for n in range(KEPT_APPLICATIONS + 7)])
    applied(vault, journal)
    names = {record.application for record in journal.records()}
    assert len(names) == KEPT_APPLICATIONS + 1
    assert "0006" not in names
    assert "0007" in names


def test_two_processes_write_no_notes_at_once(vault, journal):
    with journal.alone(), pytest.raises(IndexBusy), journal.alone(wait_seconds=0.0):
        pass
    with journal.alone(wait_seconds=0.0):
        pass


# ---- Killed at every step


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system can't fork")
@pytest.mark.parametrize("what", ["apply", "undo"])
def test_a_process_killed_at_any_step_leaves_old_or_new_notes_and_undo_the_old(memory_disk, what):
    script = Path(__file__).parent / "killing.py"
    done = subprocess.run(
        [sys.executable, str(script), str(memory_disk), what], capture_output=True, check=True
    )
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(steps) > 60
    states = set()
    for step in steps:
        kinds = tuple(
            "old" if step["left"][path] == text else "new" if step["left"][path] == f"{text}\nnew"
            else "spoilt"
            for path, text in NOTES.items()
        )  # fmt: skip
        states.add(kinds)
        assert "spoilt" not in kinds, step
        assert step["after"] == NOTES, step
        assert step["litter"] == [], step
    old, new = ("old", "new") if what == "apply" else ("new", "old")
    assert states == {
        (old, old, old), (new, old, old), (new, new, old), (new, new, new),
    }  # fmt: skip


# ---- From suggestions to edits


@pytest.fixture
def index(own_orchard: Index) -> Index:
    """Give the vault whose notes are edited."""
    return own_orchard


def test_an_accepted_link_is_no_longer_suggested_and_after_undo_it_is(index):
    found = index.suggest_links("apples.md", k=1)
    (suggestion,) = found.suggestions
    editor = index.editor()
    plan = editor.plan(found)
    assert [(added.written, added.shape) for added in plan.edit.added] == [
        ("[[grafting]]", Shape.LIST)
    ]
    editor.write([plan.edit])
    index.refresh()
    later = index.suggest_links("apples.md", k=10)
    assert suggestion.card.path not in {item.card.path for item in later.suggestions}
    related = index.related("apples.md")
    assert {"grafting.md"} <= {item.card.path for item in related.suggestions if item.linked}
    editor.undo()
    settle(index.vault.root)
    index.refresh()
    assert index.suggest_links("apples.md", k=1).suggestions[0].card.path == "grafting.md"


def accepted(index: Index) -> list[tuple[str, str]]:
    return [(item.path, item.target_path) for item in index.judged()]


def test_undo_forgets_that_its_links_were_accepted_and_nothing_else(index):
    index.accept("bees.md", "grafting.md")
    editor = index.editor()
    editor.write([editor.plan(index.suggest_links("apples.md", k=1)).edit], was_asked=True)
    assert accepted(index) == [("apples.md", "grafting.md"), ("bees.md", "grafting.md")]
    assert editor.undo(is_rehearsal=True).notes[0].withdrawn == ("grafting.md",)
    assert len(accepted(index)) == 2
    assert editor.undo().notes[0].withdrawn == ("grafting.md",)
    assert accepted(index) == [("bees.md", "grafting.md")]


def test_links_that_nobody_was_asked_about_are_not_remembered_as_accepted(index):
    editor = index.editor()
    editor.write([editor.plan(index.suggest_links("apples.md", k=1)).edit])
    assert accepted(index) == []


def test_a_note_that_undo_leaves_alone_keeps_what_was_accepted_for_it(index):
    editor = index.editor()
    plans = [editor.plan(index.suggest_links(note, k=1)) for note in ("apples.md", "bees.md")]
    editor.write([plan.edit for plan in plans], was_asked=True)
    file = index.vault.root / "apples.md"
    file.write_text(file.read_text() + "More.\n")
    editor.undo(only_unchanged=True)
    assert [note for note, _ in accepted(index)] == ["apples.md"]


def test_undo_forgets_what_was_accepted_also_where_the_index_is_gone(index):
    editor = index.editor()
    editor.write([editor.plan(index.suggest_links("apples.md", k=1)).edit], was_asked=True)
    for file in index.settings.index.glob("catalog.sqlite*"):
        file.unlink()
    editor.undo()
    index.refresh()
    assert accepted(index) == []


def test_what_can_not_be_remembered_is_said_before_a_note_changes(index):
    editor = index.editor()
    plan = editor.plan(index.suggest_links("grafting.md", k=1))
    (index.settings.index / "feedback.jsonl").mkdir()
    with pytest.raises(IndexDamaged):
        editor.write([plan.edit], was_asked=True)
    assert (index.vault.root / "grafting.md").read_text() == ORCHARD["grafting.md"]


def test_a_plan_is_made_of_the_note_as_it_is_now(index):
    found = index.suggest_links("apples.md", k=1)
    file = index.vault.root / "apples.md"
    file.write_text(file.read_text() + "\nSee [[Grafting]].\n")
    plan = index.editor().plan(found)
    assert (plan.edit.insertions, plan.unplaced[0].reason) == ((), "linked already")


def test_a_draft_outside_of_the_vault_is_not_written(index, tmp_path_factory):
    draft = tmp_path_factory.mktemp("drafts") / "draft.md"
    draft.write_text("# Draft\n\nA grafted tree bears fruit in the orchard.\n")
    found = index.suggest_links(draft)
    assert found.suggestions
    with pytest.raises(UsageError, match="no note of this vault"):
        index.editor().plan(found)


def test_a_mention_becomes_the_link_if_the_evidence_is_in_this_note(tmp_path):
    text = "# Winter\n\nIn winter comes grafting: a grafted tree keeps the fruit of its mother.\n"
    write(tmp_path, {**ORCHARD, "winter.md": text})
    index = index_of(tmp_path)
    index.refresh()
    found = index.suggest_links("winter.md", k=1)
    assert found.suggestions[0].card.path == "grafting.md"
    assert index.editor().plan(found, mentions=True).edit.new == text.replace(
        "comes grafting", "comes [[grafting]]"
    )
    assert index.editor().plan(found).edit.new.endswith("\n- [[grafting]]\n")


def test_the_habit_of_the_vault_decides_where_a_note_has_no_place(tmp_path):
    places = {f"n{n}.md": f"# N{n}\n\nOn grafted trees.\n\nLinks: [[bees]]\n" for n in range(3)}
    write(tmp_path, {**ORCHARD, **places})
    index = index_of(tmp_path)
    index.refresh()
    found = index.suggest_links("grafting.md", k=2)
    plan = index.editor().plan(found)
    names = ", ".join(added.written for added in plan.edit.added)
    assert plan.edit.new == plan.edit.old + f"\nLinks: {names}\n"


def test_a_vault_of_markdown_links_gets_them(tmp_path):
    links = {f"n/{n}.md": f"# N{n}\n\nOn [hives](../bees.md).\n" for n in range(3)}
    write(tmp_path, {**ORCHARD, **links, "n/new.md": "# New\n\nA grafted tree, its fruit.\n"})
    index = index_of(tmp_path)
    index.refresh()
    found = index.suggest_links("n/new.md", k=10)
    apples = tuple(item for item in found.suggestions if item.card.path == "grafting.md")
    plan = index.editor().plan(NoteSuggestions(found.path, found.title, apples, 0.0))
    assert [added.written for added in plan.edit.added] == ["[Grafting](../grafting.md)"]
    assert apples[0].written_as == "[Grafting](../grafting.md)"
    assert apples[0].link == "[[grafting]]"


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("# S\n\nA grafted tree. See [[fruit/quince|Quince]].\n", "[[tools/grafting|Grafting]]"),
        ("# S\n\nA grafted tree. See [[quince]].\n\n## Related\n- [Bees](bees.md)\n",
         "[Grafting](tools/grafting.md)"),
        ('---\nrelated: ["[[bees]]"]\n---\nA grafted tree, [b](bees.md), [q](fruit/quince.md).\n',
         "[[grafting]]"),
        ("# S\n\nA grafted tree.\n", "[[grafting]]"),
    ],
)  # fmt: skip
def test_a_suggestion_is_shown_as_it_would_be_written(tmp_path, source, written):
    notes = {name: text for name, text in ORCHARD.items() if name != "grafting.md"}
    moved = {"tools/grafting.md": ORCHARD["grafting.md"], "fruit/quince.md": "# Quince\n\nSour.\n"}
    write(tmp_path, {**notes, **moved, "source.md": source})
    index = index_of(tmp_path)
    index.refresh()
    found = index.suggest_links("source.md", k=10)
    grafting = tuple(item for item in found.suggestions if item.card.path == "tools/grafting.md")
    assert grafting[0].written_as == written
    plan = index.editor().plan(NoteSuggestions(found.path, found.title, grafting, 0.0))
    assert [added.written for added in plan.edit.added] == [written]
