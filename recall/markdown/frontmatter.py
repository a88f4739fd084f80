"""The YAML block at the top of a note: where it stands, and what it says about the note.

Every scalar is read as the text it is written as (YAML's base schema): a title `2022` stays
"2022", a note id `0123` is no octal number, `12:30` no sexagesimal one, and nothing is built that
could grow: no merge keys, no types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import yaml
from frontmatter.default_handlers import YAMLHandler

from recall.markdown.dates import read_date
from recall.markdown.mask import clean
from recall.patterns import regex
from recall.records import dataclass

MAX_LENGTH_CHARS = 65_536

_OPENING = regex(r"\ufeff?---[ \t]*(?:\r\n|\r|\n)")
_CLOSING = regex(r"(?:(?<=\n)|(?<=\r))(?:---|\.\.\.)[ \t]*(?:\r\n|\r|\n|\Z)")
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_DEEP = regex(r"(?:[-?:]\s){32}|(?:[\[{]\s*){32}")
_ALIAS = regex(r"(?:^|[\s,\[{:-])[&*][^\s,\]}]", re.MULTILINE)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_CONTROLS = regex("[\x00-\x1f\x7f-\x9f]+")
_CREATED = ("created", "date")
_UPDATED = ("updated", "modified", "lastmod", "last_modified")
_SEPARATORS = regex(r"[,\s]+")


@dataclass(frozen=True, slots=True)
class Frontmatter:
    """What the block says. `start` and `end` bound the YAML; prose starts at `body`."""

    start: int = 0
    end: int = 0
    body: int = 0
    title: str | None = None
    note_id: str | None = None
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    description: str | None = None
    created: date | None = None
    updated: date | None = None
    draft: bool = False
    problems: tuple[str, ...] = ()


def read_frontmatter(text: str) -> Frontmatter:
    """Read the block between `---` lines at the very top, if there is one."""
    opening = _OPENING.match(text)
    if opening is None:
        return Frontmatter()
    closing = _CLOSING.search(text, opening.end())
    if closing is None:
        return Frontmatter()
    start, end, body = opening.end(), closing.start(), closing.end()
    try:
        values = _load(clean(text[start:end]))
    except _Refused as refused:
        return Frontmatter(start, end, body, problems=(f"frontmatter ignored: {refused}",))
    return Frontmatter(
        start=start,
        end=end,
        body=body,
        title=_text(values, "title"),
        note_id=_text(
            values, "note_id", "note-id", "id", "uid", "zettel", "zettel_id", "zettel-id", "zid"
        ),
        aliases=_unique(_words(values, re.compile(","), "aliases", "alias")),
        tags=_unique(tag.lstrip("#") for tag in _words(values, _SEPARATORS, "tags", "tag")),
        keywords=_unique(_words(values, re.compile(","), "keywords", "keyword")),
        description=_text(values, "description", "desc", "summary"),
        created=_date(values, *_CREATED),
        updated=_date(values, *_UPDATED),
        draft=_is_draft(values),
        problems=(*_date_problems(values, *_CREATED), *_date_problems(values, *_UPDATED)),
    )


def frontmatter_words(text: str, key: str) -> tuple[str, ...]:
    """The texts that one key of the block gives, however they are listed; none if it can't be read.

    Args:
        text: Of the whole note.
        key: In any case. A single text is split at commas and blanks.
    """
    opening = _OPENING.match(text)
    closing = _CLOSING.search(text, opening.end()) if opening else None
    if opening is None or closing is None:
        return ()
    try:
        values = _load(clean(text[opening.end() : closing.start()]))
    except _Refused:
        return ()
    return tuple(filter(None, _words(values, _SEPARATORS, key.lower())))


def says_yes(words: tuple[str, ...]) -> bool:
    """Whether a value read by `frontmatter_words` is a yes: `true`, `yes`, `on` or `1`."""
    return bool(words) and words[0].lower() in _TRUE


class _Refused(Exception):
    """Why a block can't be used, in words for the author."""


def _load(block: str) -> Mapping[str, Any]:
    """Parse the YAML into a mapping of lower-case keys to strings, lists and mappings."""
    if len(block) > MAX_LENGTH_CHARS:
        raise _Refused(f"longer than {MAX_LENGTH_CHARS // 1024} KiB")
    try:
        if _DEEP.search(block) or _ALIAS.search(block):
            _refuse_growth(block)
        values = YAMLHandler().load(block, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        if number := _placeholder_line(block, error):
            raise _Refused(
                f"line {number}: a template placeholder {{{{…}}}} is not YAML; quote it"
            ) from error
        line = f"line {error.problem_mark.line + 2}: " if error.problem_mark else ""
        raise _Refused(f"{line}not valid YAML ({error.problem or error.context})") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _Refused("not valid YAML") from error
    if values is None or values == "":
        return {}
    if not isinstance(values, dict):
        raise _Refused("not a list of `key: value` lines")
    return {key.strip().lower(): value for key, value in values.items() if isinstance(key, str)}


def _placeholder_line(block: str, error: yaml.MarkedYAMLError) -> int | None:
    """The line of the file, up to the error, where a template was to be filled in."""
    if error.problem_mark is None:
        return None
    for number, line in enumerate(block.splitlines()[: error.problem_mark.line + 1]):
        before, opening, _ = line.partition("{{")
        if opening and before.rstrip()[-1:] in {"", ":", "-", "[", ","}:
            return number + 2
    return None


def _refuse_growth(block: str) -> None:
    """Refuse aliases inside of anchored parts, which expand, and nesting that exhausts stacks."""
    anchored: list[bool] = []
    for event in yaml.parse(block, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent) and any(anchored):
            raise _Refused("aliases inside of anchors are not read")
        if isinstance(event, yaml.CollectionStartEvent):
            anchored.append(event.anchor is not None)
            if len(anchored) > 100:  # far beyond any real note, far below any stack
                raise _Refused("nested too deeply")
        elif isinstance(event, yaml.CollectionEndEvent):
            anchored.pop()


def _found(values: Mapping[str, Any], *keys: str) -> Iterator[Any]:
    return (values[key] for key in keys if key in values)


def _string(value: object) -> str:
    if not isinstance(value, str) or value in _NULLS:
        return ""
    return " ".join(_CONTROLS.sub(" ", value).split())


def _text(values: Mapping[str, Any], *keys: str) -> str | None:
    return next((text for value in _found(values, *keys) if (text := _string(value))), None)


def _words(values: Mapping[str, Any], separator: re.Pattern[str], *keys: str) -> Iterator[str]:
    """Yield the strings of a list, however nested, or the parts of one string."""
    for value in _found(values, *keys):
        if isinstance(value, str):
            yield from (_string(part) for part in separator.split(value))
        else:
            yield from _strings(value)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for part in value:
            yield from _strings(part)
    else:
        yield _string(value)


def _unique(words: Iterator[str]) -> tuple[str, ...]:
    """Drop empty words and repeats that differ in case only; the first spelling stays."""
    kept: dict[str, str] = {}
    for word in words:
        if word:
            kept.setdefault(word.casefold(), word)
    return tuple(kept.values())


def _date(values: Mapping[str, Any], *keys: str) -> date | None:
    dates = (read_date(_string(value)) for value in _found(values, *keys))
    return next((found for found in dates if found is not None), None)


def _date_problems(values: Mapping[str, Any], *keys: str) -> Iterator[str]:
    """Say which dates are not understood, unless another key gives the date."""
    if _date(values, *keys) is not None:
        return
    for key in keys:
        if text := _string(values.get(key)):
            shown = text if len(text) <= 40 else f"{text[:40]}…"
            yield f"{key}: {shown!r} is not a date recall reads; write it as 2024-05-31"


def _is_draft(values: Mapping[str, Any]) -> bool:
    said = {key: _string(values.get(key)).lower() for key in ("draft", "status")}
    hidden = {_string(value).lower() for value in _found(values, "publish", "published")}
    return said["draft"] in _TRUE or said["status"] == "draft" or bool(hidden & _FALSE)
