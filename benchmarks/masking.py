"""Copies of a vault on disk: with links taken out, or with all of them pointing anywhere.

What is taken out is decided by `recall.evaluate.masking`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from recall.evaluate.masking import SUFFIX, Anchor, MaskedSource, Track, VaultTexts, masked
from recall.evaluate.unlinking import Cut, unlink
from recall.vault import Vault

__all__ = ["Anchor", "MaskedSource", "Track", "VaultTexts", "mask", "shuffle"]

_MARKER = ".masked"
_UNLINKABLE = re.compile(r"[|#^\[\]\"'\\:,]")


def mask(
    vault_dir: Path,
    out_dir: Path,
    *,
    track: Track | str = Track.NEW,
    anchor: Anchor | str = Anchor.HIDDEN,
    seed: int = 0,
    most: int = 150,
    spare: Collection[tuple[str, str]] = (),
) -> tuple[MaskedSource, ...]:
    """Copy the notes of a vault without the links that are to be found again.

    Args:
        vault_dir: The folder of notes; only read.
        out_dir: A folder that is not there, is empty, or is an earlier copy. Files that are as
            they should be are not touched, so an index made of the copy stays fresh.
        track: `new` or `missing`.
        anchor: `hidden` or `mention`.
        seed: Of the choice of sources and, in track `missing`, of the links.
        most: How many sources at most.
        spare: Links that stay all the same: (linking, linked) paths.

    Returns:
        The sources by path, with what was hidden.

    Raises:
        ValueError: `out_dir` holds something else, or lies in the vault.
    """
    _check_folder(vault_dir, out_dir)
    vault, others = _read(vault_dir)
    sources, without = masked(
        vault, track=Track(track), anchor=Anchor(anchor), seed=seed, most=most, spare=spare
    )
    _write(out_dir, {path: note.text.encode() for path, note in without.notes.items()} | others)
    return sources


def shuffle(vault_dir: Path, out_dir: Path, *, seed: int = 0) -> None:
    """Copy a vault with every link pointing at a random note: a control without anything to find.

    A note links as many others as before, but what it links and who is linked mean nothing.
    Masked in turn, a method can find such links only by a leak.
    """
    _check_folder(vault_dir, out_dir)
    vault, others = _read(vault_dir)
    names = {path: SUFFIX.sub("", path) for path in sorted(vault.notes)}
    linkable = [
        path
        for path, name in names.items()
        if not _UNLINKABLE.search(name) and vault.resolver.resolve(name, source="").path == path
    ]
    texts = {}
    for path in vault.notes:
        targets = sorted(vault.targets(path))
        drawn = random.Random(f"shuffle {seed} {path}").sample(
            linkable, min(len(targets) + 1, len(linkable))
        )
        new = dict(zip(targets, (other for other in drawn if other != path), strict=False))
        cuts = [
            Cut(link.span, f"[[{names[new[target]]}]]" if target in new else "")
            for link, target in vault.links(path)
        ]
        if cuts:
            texts[path] = unlink(vault.notes[path].text, cuts, drops_lines=False)
    shuffled = {path: note.text for path, note in vault.notes.items()} | texts
    _write(out_dir, {path: text.encode() for path, text in shuffled.items()} | others)


def _read(folder: Path) -> tuple[VaultTexts, dict[str, bytes]]:
    """A folder's notes, and the bytes of the note files that are no text."""
    vault = Vault(folder)
    texts = VaultTexts.read(vault)
    others = [path for path in vault.list().stamps if path not in texts.notes]
    return texts, {path: (folder / path).read_bytes() for path in others}


def _check_folder(vault_dir: Path, out_dir: Path) -> None:
    vault, out = vault_dir.resolve(), out_dir.resolve()
    if vault == out or vault in out.parents or out in vault.parents:
        raise ValueError(f"{out_dir} and {vault_dir} lie in one another")
    if out.exists() and any(out.iterdir()) and not (out / _MARKER).is_file():
        raise ValueError(f"{out_dir} holds something that is no masked copy")


def _write(out_dir: Path, files: Mapping[str, bytes]) -> None:
    out_dir.mkdir(parents=True, exist_ok=True)
    (out_dir / _MARKER).write_text("A copy of a vault with links taken out; see masking.py.\n")
    for path in Vault(out_dir, max_note_bytes=1 << 40).list().stamps:
        if path not in files:
            (out_dir / path).unlink()
    for path, data in files.items():
        file = out_dir / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.is_file() or file.read_bytes() != data:
            file.write_bytes(data)
