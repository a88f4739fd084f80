"""Settings: defaults < `recall.toml` < environment < flags, checked once.

`recall.toml` belongs to the vault, and a vault is data that may come from a stranger: it can't
name a folder outside itself, and it can't make a model be fetched (only a flag can).
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from recall.domain import DEFAULT_RULES, Facet, HeadingRules
from recall.errors import SettingsError, VaultNotFound
from recall.vault import DEFAULT_MAX_NOTE_BYTES

Runtime = Literal["auto", "onnx", "torch"]

FILE_NAME = "recall.toml"
INDEX_FOLDER = ".recall"
HOME_MARKS = (FILE_NAME, ".obsidian", INDEX_FOLDER, ".git")
RUNTIMES: tuple[Runtime, ...] = ("auto", "onnx", "torch")
DEFAULT_MODEL = "all-MiniLM-L6-v2"


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


def load_settings(
    vault: Path | None = None,
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
    """
    environ = os.environ if environ is None else environ
    named = vault or (Path(environ["RECALL_VAULT"]) if environ.get("RECALL_VAULT") else None)
    home = _named_home(named) if named else _find_home(start or Path.cwd())
    settings = _with_file(Settings(notes=home, index=home / INDEX_FOLDER), home)
    settings = _with_environment(settings, environ)
    return replace(
        settings,
        model=model or settings.model,
        allow_download=allow_download or settings.allow_download,
    )


def _named_home(folder: Path) -> Path:
    folder = folder.expanduser().resolve()
    if not folder.is_dir():
        raise VaultNotFound(
            f"There is no folder {folder}.", hint="Give --vault the folder that holds your notes."
        )
    for parent in folder.parents:
        # The notes folder of a project may be named instead of the project itself.
        if (parent / FILE_NAME).is_file() and _read_file(parent).get("notes") == (
            folder.relative_to(parent).as_posix()
        ):
            return parent
    return folder


def _find_home(start: Path) -> Path:
    start = start.resolve()
    for folder in (start, *start.parents):
        if any((folder / mark).exists() for mark in HOME_MARKS):
            return folder
    raise VaultNotFound(
        f"No vault found: neither {start} nor a folder above it holds {', '.join(HOME_MARKS)}.",
        hint="Run recall inside your vault, or name it with --vault DIR.",
    )


def _read_file(home: Path) -> dict[str, object]:
    file = home / FILE_NAME
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"{file} can't be read: {error}.", hint="Correct the file.") from error


def _with_file(settings: Settings, home: Path) -> Settings:
    table = _Table(_read_file(home), home / FILE_NAME)
    changed = replace(
        settings,
        notes=_inside(home, table.text("notes", "."), "notes", table.file),
        index=_inside(home, table.text("index", INDEX_FOLDER), "index", table.file),
        model=_model_of_vault(home, table.text("model", settings.model), table.file),
        runtime=_runtime(table.text("runtime", settings.runtime), str(table.file)),
        ignore=table.texts("ignore", settings.ignore),
        max_note_bytes=table.number("max_note_bytes", settings.max_note_bytes),
        max_notes_per_text=table.number("max_notes_per_text", settings.max_notes_per_text),
        rules=_rules(table),
    )
    table.refuse_unknown()
    return changed


def _rules(table: _Table) -> HeadingRules:
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


def _with_environment(settings: Settings, environ: Mapping[str, str]) -> Settings:
    changed = settings
    if model := environ.get("RECALL_MODEL"):
        changed = replace(changed, model=model)
    if runtime := environ.get("RECALL_RUNTIME"):
        changed = replace(changed, runtime=_runtime(runtime, "RECALL_RUNTIME"))
    if cache := environ.get("RECALL_CACHE"):
        changed = replace(changed, cache=Path(cache).expanduser().resolve())
    if threads := environ.get("RECALL_THREADS"):
        if not threads.isdecimal() or int(threads) < 1:
            raise SettingsError(
                f"RECALL_THREADS is {threads!r}.", hint="Give a whole number from 1 up."
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
    path = (home / folder).resolve()
    if path != home and home not in path.parents:
        raise SettingsError(
            f"{file}: {name} = {folder!r} lies outside the vault.",
            hint="Name a folder inside the one that holds recall.toml.",
        )
    return path


def _model_of_vault(home: Path, model: str, file: Path) -> str:
    is_folder = model.startswith((".", "/", "~", "\\")) or (home / model).is_dir()
    return str(_inside(home, model, "model", file)) if is_folder else model


class _Table:
    """A table of `recall.toml` that checks types and knows which keys were asked for."""

    def __init__(self, values: Mapping[str, object], file: Path, name: str = "") -> None:
        self.values = values
        self.file = file
        self.name = name
        self.known: set[str] = set()

    def text(self, key: str, default: str) -> str:
        value = self._get(key, default)
        if not isinstance(value, str) or not value:
            raise self._error(key, "must be a text")
        return value

    def texts(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = self._get(key, default)
        if not isinstance(value, (list, tuple)) or not all(isinstance(v, str) for v in value):
            raise self._error(key, "must be a list of texts")
        return tuple(value)

    def number(self, key: str, default: int) -> int:
        value = self._get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self._error(key, "must be a whole number from 1 up")
        return value

    def table(self, key: str) -> _Table:
        value = self._get(key, {})
        if not isinstance(value, dict):
            raise self._error(key, "must be a table")
        return _Table(value, self.file, key)

    def refuse_unknown(self) -> None:
        for key in self.values:
            if key not in self.known:
                near = difflib.get_close_matches(key, sorted(self.known), n=1)
                raise SettingsError(
                    f"{self.file}: there is no setting {self._full(key)}.",
                    hint=f"Did you mean {self._full(near[0])}?"
                    if near
                    else f"Known settings: {', '.join(sorted(self.known))}.",
                )

    def _get(self, key: str, default: object) -> object:
        self.known.add(key)
        return self.values.get(key, default)

    def _full(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key

    def _error(self, key: str, rule: str) -> SettingsError:
        return SettingsError(
            f"{self.file}: {self._full(key)} {rule}.", hint="See the settings in the README."
        )
