"""A system that says no: no room, no permission, no steady clock. An answer, or a clear error."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from vaults import ORCHARD, index_of, settle, write

from benchmarks.corruption import answers
from benchmarks.small_vault import grow, note
from recall.cli.asking import bring_up_to_date
from recall.errors import IndexUnwritable

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes, mounts and users of POSIX")

ROOT = Path(__file__).parents[1]
NOBODY = 65534


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 600 KB."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(tmp_path)],
        capture_output=True, check=False,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip("mounting a small disk needs to be root, in a system that allows it")
    yield tmp_path
    gc.collect()  # an index that was asked keeps its files open until it is gone
    subprocess.run(["umount", str(tmp_path)], check=True)


def fill(disk: Path) -> Path:
    """Leave not a byte."""
    file = disk / "fill"
    with file.open("ab", buffering=0) as stream:
        for size in (4096, 1):
            try:
                while True:
                    stream.write(b"x" * size)
            except OSError:
                continue
    return file


def test_on_a_full_disk_the_old_index_answers_and_a_build_says_that_there_is_no_room(small_disk):
    vault = small_disk / "vault"
    grow(vault, notes=3)
    index_of(vault).refresh()
    before = answers(index_of(vault))
    write(vault, {"new.md": note(9, 3, random.Random(0))})
    filling = fill(small_disk)
    for full in (False, True):
        with pytest.raises(IndexUnwritable) as caught:
            index_of(vault).refresh(full=full)
        assert "has room" in caught.value.hint or "free some space" in caught.value.hint
        assert answers(index_of(vault)) == before
    filling.unlink()
    report = index_of(vault).refresh()
    assert (report.reason, report.added, report.unchanged) == (None, ("new.md",), 3)
    assert not list((vault / ".recall").glob("*.damaged"))


def test_on_a_full_disk_no_link_is_written_and_the_note_and_the_record_stay_as_they_were(
    small_disk,
):
    vault = small_disk / "vault"
    write(vault, ORCHARD)
    index = index_of(vault)
    index.refresh()
    editor = index.editor()
    edit = editor.plan(index.suggest_links("apples.md", k=1)).edit
    editor.write([])  # makes the files that are kept
    before = {file.name: file.read_bytes() for file in vault.glob("*.md")}
    filling = fill(small_disk)
    with contextlib.suppress(IndexUnwritable):  # no room even for the record
        assert [outcome.is_written for outcome in editor.write([edit])] == [False]
    assert {file.name: file.read_bytes() for file in vault.glob("*.md")} == before
    assert not list(vault.glob(".recall-*"))
    assert editor.journal.records() == ()
    filling.unlink()
    assert [outcome.is_written for outcome in editor.write([edit])] == [True]
    editor.undo()
    assert {file.name: file.read_bytes() for file in vault.glob("*.md")} == before


def test_on_a_disk_that_may_only_be_read_the_index_answers_and_nothing_is_written(small_disk):
    vault = small_disk / "vault"
    write(vault, ORCHARD)
    index = index_of(vault)
    index.refresh()
    edit = index.editor().plan(index.suggest_links("apples.md", k=1)).edit
    write(vault, {"new.md": "# New\n\nGrafted trees again.\n"})
    del index
    gc.collect()  # which lets go of its files
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    index = index_of(vault)
    warning = bring_up_to_date(index, refresh=True)
    assert [text.endswith("Answering from the index as it was.") for text in warning] == [True]
    found = {hit.card.path for hit in index.search("grafted trees", k=2).hits}
    assert found == {"apples.md", "grafting.md"}
    assert not [found.message for found in index.doctor() if found.health == "damaged"]
    with pytest.raises(IndexUnwritable):
        index.editor().write([edit])
    with pytest.raises(IndexUnwritable):
        index.dismiss("apples.md", "bees.md")


AS_NOBODY = """
import os, sys, tempfile
from pathlib import Path
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/tests"]
from vaults import ORCHARD, index_of, write
from recall.cli.asking import bring_up_to_date
from recall.errors import RecallError
with tempfile.TemporaryDirectory() as folder:  # load all modules: nobody may not read them
    write(Path(folder), ORCHARD)
    bring_up_to_date(index_of(Path(folder)), refresh=True)
    index_of(Path(folder)).search("fruit")
    list(index_of(Path(folder)).doctor())
if os.geteuid() == 0:  # root may do anything
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
index = index_of(Path(sys.argv[2]))
try:
    print(bring_up_to_date(index, refresh=True))
    with index.read() as snapshot:
        print(snapshot.paths())
        print(*[f"{item.path}: {item.reason}" for item in snapshot.skipped()], sep="; ")
    print(sorted(hit.card.path for hit in index.search("grafted trees", k=2).hits))
    print([f.message for f in index.doctor() if f.health == "damaged"])
except RecallError as error:
    print(error.kind, "|", error.hint)
"""


def as_nobody(vault: Path) -> list[str]:
    """What an ordinary user who is not the owner is told."""
    ran = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(ROOT), str(vault)],
        capture_output=True, text=True, check=False, cwd="/",
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


@pytest.fixture
def shared() -> Iterator[Path]:
    """A vault in a folder that anybody may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    vault = folder / "vault"
    write(vault, ORCHARD)
    yield vault
    for path in (vault, *vault.rglob("*")):
        path.chmod(0o700)
    shutil.rmtree(folder)


def allow(vault: Path, mode: int) -> None:
    """Give a folder and all in it to nobody in particular, with this mode for the folder."""
    for path in (vault, *vault.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    vault.chmod(mode)


def test_notes_that_may_not_be_read_are_lines_in_the_report(shared):
    write(shared, {"locked/deep.md": "# Deep\n", "secret.md": "# Secret\n"})
    allow(shared, 0o777)
    (shared / "secret.md").chmod(0o000)
    (shared / "locked").chmod(0o000)
    told = as_nobody(shared)
    if os.geteuid() != 0:
        pytest.skip("only root can make a note that belongs to somebody else")
    assert told[0] == "()"
    assert told[1] == str(sorted(ORCHARD))
    assert told[2] == (
        "locked: folder can't be listed: permission denied; secret.md: permission denied"
    )
    assert told[4] == "[]"


def test_in_a_vault_that_may_not_be_written_the_first_build_says_so(shared):
    if os.geteuid() != 0:
        pytest.skip("only root can make a folder that belongs to somebody else")
    allow(shared, 0o755)
    hint = "check that the folder is there, is yours and has room"
    assert as_nobody(shared) == [f"index-unwritable | {hint}"]


def test_an_index_that_may_not_be_written_answers_and_says_that_it_is_not_up_to_date(shared):
    if os.geteuid() != 0:
        pytest.skip("only root can make a folder that belongs to somebody else")
    index_of(shared).refresh()
    write(shared, {"new.md": "# New\n\nGrafted trees again.\n"})
    allow(shared, 0o755)
    told = as_nobody(shared)
    assert "Answering from the index as it was." in told[0]
    assert told[1] == str(sorted(ORCHARD))
    assert told[3] == "['apples.md', 'grafting.md']"
    assert told[4] == "[]"


# Every lock that is asked for is refused, as by some network folders.
NO_LOCKS = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#define REFUSE(name) int name(int fd, int command, ...) { \\
    va_list rest; va_start(rest, command); void *value = va_arg(rest, void *); va_end(rest); \\
    if (command == F_SETLK || command == F_SETLKW || command == F_GETLK) { \\
        errno = atoi(getenv("LOCK_ERRNO")); return -1; } \\
    return ((int (*)(int, int, ...))dlsym(RTLD_NEXT, #name))(fd, command, value); }
REFUSE(fcntl)
REFUSE(fcntl64)
int flock(int fd, int command) { errno = atoi(getenv("LOCK_ERRNO")); return -1; }
"""
REFRESH = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/tests"]
from vaults import index_of
from recall.errors import RecallError
index = index_of(Path(sys.argv[2]))
try:
    index.refresh(wait_seconds=0.1)
except RecallError as error:
    print(error.kind, "|", error.message.replace(sys.argv[2], "VAULT"))
if index.exists:
    print([hit.card.path for hit in index.search("hive at the meadow", k=1).hits])
    editor = index.editor()
    edit = editor.plan(index.suggest_links("apples.md", k=1)).edit
    try:
        editor.write([edit])
    except RecallError as error:
        print(error.kind, "|", error.message.replace(sys.argv[2], "VAULT"))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="preloads a library")
@pytest.mark.parametrize("refusal", ["ENOLCK", "EOPNOTSUPP"])
def test_a_file_system_without_locks_is_named_and_an_index_on_it_answers(tmp_path, refusal):
    library = tmp_path / "nolocks.so"
    (tmp_path / "nolocks.c").write_text(NO_LOCKS)
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    command = [compiler, "-shared", "-fPIC", "-o", library, tmp_path / "nolocks.c", "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    vault = tmp_path / "vault"
    write(vault, ORCHARD)

    def refresh() -> list[str]:
        return subprocess.run(
            [sys.executable, "-c", REFRESH, str(ROOT), str(vault)],
            capture_output=True, text=True, check=True,
            env={**os.environ, "LD_PRELOAD": str(library),
                 "LOCK_ERRNO": str(getattr(errno, refusal))},
        ).stdout.splitlines()  # fmt: skip

    said = "index-unwritable | the file system of VAULT/.recall gives no locks"
    assert refresh() == [said]
    index_of(vault).refresh()
    write(vault, {"new.md": "# New\n"})
    assert refresh() == [said, "['bees.md']", said]
    assert (vault / "apples.md").read_text(encoding="utf-8") == ORCHARD["apples.md"]


@pytest.mark.parametrize("jump_seconds", [-50 * 365 * 86_400, -3600, 3600, 20 * 365 * 86_400])
def test_a_clock_that_jumps_hides_no_edit(tmp_path, jump_seconds):
    write(tmp_path, ORCHARD)
    then = time.time() + jump_seconds
    for file in tmp_path.glob("*.md"):
        os.utime(file, (then, then))
    settle(tmp_path)
    index = index_of(tmp_path)
    index.refresh()
    assert index.refresh().unchanged == len(ORCHARD)
    bees = tmp_path / "bees.md"
    bees.write_text(ORCHARD["bees.md"].replace("hive", "wasp"))
    os.utime(bees, (then, then))  # as if it had not been written
    assert index.refresh().changed == ("bees.md",)


def test_the_modes_of_an_index_do_not_depend_on_the_umask(tmp_path):
    write(tmp_path, ORCHARD)
    before = os.umask(0)
    try:
        index = index_of(tmp_path)
        index.refresh()
        index.dismiss("apples.md", "bees.md")
        with index.read():
            found = {
                file.name: stat.S_IMODE(file.stat().st_mode)
                for file in (tmp_path / ".recall", *(tmp_path / ".recall").iterdir())
            }
    finally:
        os.umask(before)
    assert found.pop(".recall") == 0o700
    assert set(found.values()) == {0o600}
    assert {"catalog.sqlite", "catalog.seal", "vectors-1.faiss", "feedback.jsonl"} <= set(found)
