"""Settings: defaults < `recall.toml` < environment < flags, checked once.

`recall.toml` belongs to the vault, and a vault is data that may come from a stranger: it can't
name a folder outside itself, and it can't make a model be fetched (only a flag can).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from recall.domain import DEFAULT_RULES, Facet, HeadingRules
from recall.errors import SettingsError, UsageError, VaultNotFound
from recall.publishing import NOTHING_CHOSEN, Publishing, read_publishing
from recall.records import dataclass, replace
from recall.toml_file import FILE_NAME, Table, plain, read_file, shortened
from recall.vault import DEFAULT_MAX_NOTE_BYTES

Runtime = Literal["auto", "onnx", "torch"]

INDEX_FOLDER = ".recall"
HOME_MARKS = (FILE_NAME, ".obsidian", INDEX_FOLDER, ".git")
RUNTIMES: tuple[Runtime, ...] = ("auto", "onnx", "torch")
DEFAULT_MODEL = "all-MiniLM-L6-v2"
MAX_FOLDER_CHARS = 4096


# Names that calendars and template plugins give; hardly anyone means such a note when linking.
DEFAULT_EXCLUDE = (
    "YYYY-MM-DD", "YYYY_MM_DD", "*.YYYY.MM.DD", "YYYY-MM", "YYYY-wWW",
    "templates/", "template/", "_templates/", "[0-9]*templates/",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SuggestSettings:
    """What the table `[suggest]` says."""

    exclude: tuple[str, ...] = (
        DEFAULT_EXCLUDE  # notes that are never suggested; see `links.targets`
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """All that can be chosen, resolved to absolute paths and checked."""

    notes: Path
    index: Path
    model: str = DEFAULT_MODEL
    runtime: Runtime = "auto"
    cache: Path | None = None  # where prepared models are kept; None: the user's cache folder
    threads: int | None = None
    allow_download: bool = False  # may a model be fetched from its hub? Only by flag or environment
    ignore: tuple[str, ...] = ()
    max_note_bytes: int = DEFAULT_MAX_NOTE_BYTES
    max_notes_per_text: int = 4  # a text that more notes hold is template text: never an answer
    rules: HeadingRules = DEFAULT_RULES
    suggest: SuggestSettings = SuggestSettings()
    publishing: Publishing = NOTHING_CHOSEN


def load_settings(
    vault: Path | str | None = None,
    *,
    start: Path | None = None,
    environ: Mapping[str, str] | None = None,
    model: str | None = None,
    allow_download: bool = False,
) -> Settings:
    """Find the vault and read its settings.

    Args:
        vault: The folder of the vault; without it, it is looked for upwards from `start`.
        start: Where to begin looking; the working directory by default.
        environ: The environment; the process's own by default.
        model: A flag that beats all other sources.
        allow_download: Whether a hub model may be fetched.

    Raises:
        VaultNotFound: There is no such folder, or none is found upwards.
        SettingsError: A setting is unknown, of the wrong type or not allowed.
        UsageError: The name of the folder is empty.
    """
    environ = os.environ if environ is None else environ
    named = vault if vault is not None else environ.get("RECALL_VAULT") or None
    home = _find_home(start) if named is None else _named_home(named)
    settings = _with_file(Settings(notes=home, index=home / INDEX_FOLDER), home)
    settings = _with_environment(settings, environ)
    return replace(
        settings,
        model=model or settings.model,
        allow_download=allow_download or settings.allow_download,
    )


def _named_home(name: Path | str) -> Path:
    if not str(name).strip():
        raise UsageError("The vault's name is empty.", hint="Name a folder: --vault DIR.")
    try:
        folder = Path(name).expanduser().resolve()
        is_there = folder.is_dir()
    except (OSError, ValueError, RuntimeError) as error:  # too long, a NUL, no home, no cwd
        raise VaultNotFound(
            f"There is no folder {shortened(str(name))}: {plain(error)}.",
            hint="Give --vault the full path of the folder that holds your notes.",
        ) from error
    if not is_there:
        raise VaultNotFound(
            f"There is no folder {folder}.", hint="Give --vault the folder that holds your notes."
        )
    for parent in folder.parents:
        # The notes folder of a project may be named instead of the project itself. What else
        # lies above is no concern of this vault, broken or not.
        with suppress(SettingsError):
            if read_file(parent).get("notes") == folder.relative_to(parent).as_posix():
                return parent
    return folder


def _find_home(start: Path | None) -> Path:
    try:
        start = (start or Path.cwd()).resolve()
    except FileNotFoundError as error:
        raise VaultNotFound(
            "The folder you are in is gone.",
            hint="Change to a folder that is there, or name the vault with --vault DIR.",
        ) from error
    for folder in (start, *start.parents):
        if any(os.path.lexists(folder / mark) for mark in HOME_MARKS):
            return folder
    raise VaultNotFound(
        f"No vault found: neither {start} nor a folder above it holds {', '.join(HOME_MARKS)}.",
        hint="Run recall inside your vault, or name it with --vault DIR.",
    )


def _with_file(settings: Settings, home: Path) -> Settings:
    table = Table(read_file(home), home / FILE_NAME)
    notes = _inside(home, table.text("notes", "."), "notes", table.file)
    index = _inside(home, table.text("index", INDEX_FOLDER), "index", table.file)
    if index == notes:
        raise SettingsError(
            f"{table.file}: index is the folder of the notes: it would mix index files with notes.",
            hint="Name a folder of its own, or leave index out.",
        )
    changed = replace(
        settings,
        notes=notes,
        index=index,
        model=_model_of_vault(home, table.text("model", settings.model), table.file),
        runtime=_runtime(table.text("runtime", settings.runtime), str(table.file)),
        ignore=table.texts("ignore", settings.ignore),
        max_note_bytes=table.number("max_note_bytes", settings.max_note_bytes),
        max_notes_per_text=table.number("max_notes_per_text", settings.max_notes_per_text),
        rules=_rules(table),
        suggest=_suggest(table),
        publishing=_publishing(table.table("prepublish"), home),
    )
    table.refuse_unknown()
    return changed


def _publishing(table: Table, home: Path) -> Publishing:
    chosen = read_publishing(table)
    return replace(
        chosen, baseline=_inside(home, str(chosen.baseline), "prepublish.baseline", table.file)
    )


def _rules(table: Table) -> HeadingRules:
    facets = table.table("facets")
    named = {
        facet: facets.texts(facet.value, DEFAULT_RULES.facets.get(facet, ()))
        for facet in (Facet.CLAIM, Facet.SIGNALS, Facet.TAKE, Facet.QUESTION)
    }
    facets.refuse_unknown()
    sections = table.table("sections")
    rules = HeadingRules(
        facets=named,
        furniture=sections.texts("furniture", DEFAULT_RULES.furniture),
        related=sections.texts("related", DEFAULT_RULES.related),
    )
    sections.refuse_unknown()
    return rules


def _suggest(table: Table) -> SuggestSettings:
    values = table.table("suggest")
    found = SuggestSettings(exclude=values.texts("exclude", DEFAULT_EXCLUDE))
    values.refuse_unknown()
    return found


def _with_environment(settings: Settings, environ: Mapping[str, str]) -> Settings:
    changed = settings
    if model := environ.get("RECALL_MODEL"):
        changed = replace(changed, model=model)
    if runtime := environ.get("RECALL_RUNTIME"):
        changed = replace(changed, runtime=_runtime(runtime, "RECALL_RUNTIME"))
    if cache := environ.get("RECALL_CACHE"):
        try:
            changed = replace(changed, cache=Path(cache).expanduser().resolve())
        except (OSError, ValueError, RuntimeError) as error:
            raise SettingsError(
                f"RECALL_CACHE is {shortened(cache)!r}: {plain(error)}.", hint="Name a folder."
            ) from error
    if threads := environ.get("RECALL_THREADS"):
        if not threads.isdecimal() or len(threads) > 4 or int(threads) < 1:
            raise SettingsError(
                f"RECALL_THREADS is {shortened(threads)!r}.", hint="Give a whole number from 1 up."
            )
        changed = replace(changed, threads=int(threads))
    if download := environ.get("RECALL_ALLOW_DOWNLOAD"):
        changed = replace(changed, allow_download=download not in {"0", "false", "no"})
    return changed


def _runtime(value: str, source: str) -> Runtime:
    for runtime in RUNTIMES:
        if runtime == value:
            return runtime
    raise SettingsError(f"{source}: runtime is {value!r}.", hint=f"Use {', '.join(RUNTIMES)}.")


def _inside(home: Path, folder: str, name: str, file: Path) -> Path:
    try:
        path = _resolved(home / folder)
    except (OSError, ValueError, RuntimeError) as error:
        raise SettingsError(
            f"{file}: {name} = {shortened(folder)!r} is not a folder: {plain(error)}.",
            hint="Name a folder inside the one that holds recall.toml.",
        ) from error
    if path == home or home in path.parents:
        return path
    if home in Path(os.path.normpath(home / folder)).parents:
        raise SettingsError(
            f"{home / folder} leads out of the vault, to {path}, over a symbolic link.",
            hint="Put a folder in its place.",
        )
    raise SettingsError(
        f"{file}: {name} = {folder!r} lies outside the vault.",
        hint="Name a folder inside the one that holds recall.toml.",
    )


def _model_of_vault(home: Path, model: str, file: Path) -> str:
    is_folder = model.startswith((".", "/", "~", "\\")) or len(model) > MAX_FOLDER_CHARS
    with suppress(OSError):
        is_folder = is_folder or (home / model).is_dir()
    return str(_inside(home, model, "model", file)) if is_folder else model


def _resolved(folder: Path) -> Path:
    if len(str(folder)) > MAX_FOLDER_CHARS:
        raise ValueError("no folder has a name that long")
    return folder.resolve()
