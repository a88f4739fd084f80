"""`recall doctor`: what it finds where something is wrong, and that it finds nothing else."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from vaults import ORCHARD, index_of, write

from recall.cli import main
from recall.domain import Health
from recall.index import Index
from recall.store.array_file import vouch
from recall.store.files import LEARNED
from recall.store.seal import SEAL, read_seal, write_seal

CATALOG = "catalog.sqlite"


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    write(tmp_path, ORCHARD)
    index_of(tmp_path).refresh()
    time.sleep(0.02)
    return tmp_path


def found(vault: Path, *, index: Index | None = None) -> dict[str, tuple[Health, str, str]]:
    """What is not good, by part."""
    findings = (index or index_of(vault)).doctor()
    return {f.part: (f.health, f.message, f.advice) for f in findings if f.health != Health.GOOD}


def craft(vault: Path, statement: str) -> None:
    """Change the catalog and seal it, as a fault of ours would."""
    folder = vault / ".recall"
    with closing(sqlite3.connect(folder / CATALOG)) as connection:
        connection.execute(statement)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    seal = read_seal(folder)
    write_seal(folder, seal.generation, [n for n in seal.stamps if n != CATALOG], changed=None)


def garble(file: Path, at: int) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 0x10
    times = file.stat()
    file.write_bytes(content)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_a_sound_vault_gets_a_clean_bill_of_every_part(vault):
    findings = list(index_of(vault).doctor())
    assert {finding.health for finding in findings} == {Health.GOOD}
    assert [finding.part for finding in findings] == [
        "notes", "permissions", "catalog", "vectors", "rows", "words", "texts",
        "table of notes", "what was learned", "index", "model",
    ]  # fmt: skip


def test_before_anything_is_indexed_it_says_what_to_run(tmp_path):
    write(tmp_path, ORCHARD)
    assert found(tmp_path) == {"index": (Health.WARNING, "nothing is indexed yet", "recall index")}


@pytest.mark.parametrize("part", ["catalog", "vectors"])
def test_a_garbled_byte_is_damage_and_comes_with_the_way_out(vault, part):
    file = next((vault / ".recall").glob("*.faiss" if part == "vectors" else CATALOG))
    garble(file, -40 if part == "vectors" else file.stat().st_size // 2)
    ((health, _, advice),) = found(vault).values()
    assert health is Health.DAMAGED
    assert "recall index --full" in advice
    index_of(vault).refresh()
    left = {part: message for part, (_, message, _) in found(vault).items()}
    aside = "an index that was damaged was set aside as catalog.sqlite.damaged"
    assert left == ({"leftovers": aside} if part == "catalog" else {})


@pytest.mark.parametrize(
    ("statement", "part"),
    [
        ("UPDATE texts SET notes = notes + 1 WHERE id = 1", "rows"),
        ("UPDATE notes SET card = '{}' WHERE path = 'bees.md'", "rows"),
        ("DELETE FROM words WHERE rowid = 1", "words"),
        ("UPDATE words_content SET c1 = 'hidden' WHERE id = 1", "words"),
        ("DELETE FROM dead; ", "none"),
        ("UPDATE texts SET text = 'forged' WHERE id = 2", "catalog"),
    ],
)
def test_a_catalog_that_contradicts_itself_is_found_though_it_is_sealed(vault, statement, part):
    craft(vault, statement)
    assert [p for p, (health, *_) in found(vault).items() if health is Health.DAMAGED] == [part] * (
        part != "none"
    )


def test_a_text_without_its_vector_is_found(vault):
    craft(vault, "UPDATE texts SET id = 999 WHERE id = 3")
    assert "rows" in found(vault) or "texts" in found(vault)


def test_what_was_learned_and_changed_behind_its_times_is_found_and_learned_anew(vault):
    folder = vault / ".recall"
    with (folder / LEARNED).open("r+b") as file:
        file.seek(-64, os.SEEK_END)
        file.write(b"\1" * 8)
    vouch(folder, LEARNED)  # as if the disk had done it
    message = f"{LEARNED} is not what was written"
    assert found(vault)["what was learned"] == (Health.WARNING, message, "recall index --full")
    index_of(vault).refresh(full=True)
    assert "what was learned" not in found(vault)


def test_a_note_changed_behind_its_times_is_found(vault):
    index = index_of(vault)
    (vault / "bees.md").write_text(ORCHARD["bees.md"].replace("hive", "wasp"))
    stamp = index.vault.list().stamps["bees.md"]
    craft(
        vault,
        f"UPDATE notes SET modified_ns = {stamp.modified_ns}, changed_ns = {stamp.changed_ns} "
        "WHERE path = 'bees.md'",
    )
    health, message, advice = found(vault)["index"]
    assert health is Health.DAMAGED
    assert "1 notes say something else" in message
    assert advice == "recall index --full"


def test_a_model_that_gives_other_vectors_is_found(vault):
    index = index_of(vault)
    embed = index.embedder.embed_passages
    index.embedder.embed_passages = lambda texts, **rest: embed([t[::-1] for t in texts], **rest)
    health, message, _ = found(vault, index=index)["model"]
    assert health is Health.DAMAGED
    assert message.startswith("a text gets another vector than it had")


@pytest.mark.parametrize(
    ("harm", "part", "said"),
    [
        (lambda folder: (folder / "vectors-77.faiss.part").touch(), "leftovers", "vectors-77"),
        (lambda folder: (folder / "catalog.sqlite.damaged").touch(), "leftovers", "set aside"),
        (lambda folder: (folder / SEAL).unlink(), "seal", "no checksums"),
        (lambda folder: (folder / CATALOG).chmod(0o644) or folder.chmod(0o755), "permissions",
         "others may read catalog.sqlite"),
        (lambda folder: folder.chmod(0o777), "permissions", "others may put files"),
        (lambda folder: os.mkfifo(folder / "pipe"), "permissions", "pipe is neither"),
        (lambda folder: (folder / "feedback.jsonl").write_text("{what\n") and
         (folder / "feedback.jsonl").chmod(0o600), "feedback", "1 lines"),
        (lambda folder: write(folder.parent, {"new.md": "# New\n"}), "index", "1 notes to look at"),
        (lambda folder: (folder.parent / "out.md").symlink_to("/"), "notes", "symbolic link"),
    ],
)  # fmt: skip
@pytest.mark.skipif(os.name != "posix", reason="modes and pipes of POSIX")
def test_what_is_odd_but_harms_no_answer_is_a_warning(
    vault: Path, harm: Callable[[Path], object], part: str, said: str
):
    harm(vault / ".recall")
    warnings = found(vault)
    assert {health for health, *_ in warnings.values()} == {Health.WARNING}
    assert said in warnings[part][1]
    assert warnings[part][2]


def test_the_command_prints_each_part_and_its_code_says_whether_all_is_well(
    tmp_path, capsys, models_dir, monkeypatch
):
    monkeypatch.setenv("RECALL_CACHE", str(models_dir.parent / "cache-of-doctor"))
    (models_dir.parent / "cache-of-doctor").mkdir(exist_ok=True)
    link = models_dir.parent / "cache-of-doctor" / "models"
    if not link.exists():
        link.symlink_to(models_dir, target_is_directory=True)
    write(tmp_path, {"bees.md": ORCHARD["bees.md"]})
    assert main(["index", "--vault", str(tmp_path)]) == 0
    capsys.readouterr()
    assert main(["doctor", "--vault", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "recall.doctor/1"
    assert told["healthy"] is True
    assert {finding["health"] for finding in told["findings"]} == {"good"}
    time.sleep(0.02)
    garble(tmp_path / ".recall" / CATALOG, 9000)
    assert main(["doctor", "--vault", str(tmp_path)]) == 1
    shown = capsys.readouterr().out
    assert "damaged  catalog" in shown
    assert shown.splitlines()[-1].startswith("catalog needs a hand: ")
