"""The vaults that are listed, and masked copies of them with what is asked of each."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.masking import Anchor, MaskedSource, Track, mask
from benchmarks.tables import SEED
from recall.index import open_index


@dataclass(frozen=True, slots=True)
class Case:
    """One masked copy and what is asked of it."""

    vault: str
    copy: Path
    sources: tuple[MaskedSource, ...]


def find_vaults(
    data: Path, extra: Sequence[Path], only: Sequence[str]
) -> Iterator[tuple[str, Path]]:
    """The named vaults that are there, or those of use `test`: name, and folder of notes."""
    listed = tomllib.loads((Path(__file__).parent / "vaults.toml").read_text(encoding="utf-8"))
    for vault in listed["vault"]:
        if vault["name"] not in only if only else vault["use"] != "test":
            continue
        owner, name = vault["repository"].split("/")[-2:]
        for root in (data / "vaults", data, *extra):
            folder = root / f"{owner}+{name}" / vault["folder"]
            if folder.is_dir():
                yield vault["name"], folder
                break
    for name in only:
        if Path(name).is_dir():
            yield Path(name).resolve().name, Path(name)


def prepare(name: str, folder: Path, work: Path, track: Track, anchor: Anchor, most: int) -> Case:
    """Mask a vault into the work folder and index the copy, as far as that is not done yet."""
    copy = work / f"{name}-{track.value}-{anchor.value}-{most}"
    sources = mask(folder, copy, track=track, anchor=anchor, seed=SEED, most=most)
    open_index(copy).refresh()
    return Case(name, copy, sources)


def left_out_ranker(vault: str, folder: Path | None) -> Path | None:
    """The table of trees that was learned without a vault; None if the shipped one was."""
    file = folder / f"{vault}.json" if folder else None
    return file if file and file.is_file() else None
