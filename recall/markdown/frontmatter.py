"""The YAML block at the top of a note: where it stands, and what it says about the note.

Every scalar is read as the text it is written as (YAML's base schema): a title `2022` stays
"2022", a note id `0123` is no octal number, `12:30` no sexagesimal one, and nothing is built that
could grow: no merge keys, no types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import yaml
from frontmatter.default_handlers import YAMLHandler

from recall.markdown.mask import clean

MAX_LENGTH_CHARS = 65_536

_OPENING = re.compile(r"\ufeff?---[ \t]*(?:\r\n|\r|\n)")
_CLOSING = re.compile(r"(?:(?<=\n)|(?<=\r))(?:---|\.\.\.)[ \t]*(?:\r\n|\r|\n|\Z)")
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_DEEP = re.compile(r"(?:[-?:]\s){32}|(?:[\[{]\s*){32}")
_ALIAS = re.compile(r"(?:^|[\s,\[{:-])[&*][^\s,\]}]", re.MULTILINE)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]+")
_DATE = re.compile(r"\W*(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_DIGITS = re.compile(r"\d{8,14}(?:\.0*)?")
_SEPARATORS = re.compile(r"[,\s]+")


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
        created=_date(values, "created", "date"),
        updated=_date(values, "updated", "modified", "lastmod", "last_modified"),
        draft=_is_draft(values),
    )


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
        line = f"line {error.problem_mark.line + 2}: " if error.problem_mark else ""
        raise _Refused(f"{line}not valid YAML ({error.problem or error.context})") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _Refused("not valid YAML") from error
    if values is None or values == "":
        return {}
    if not isinstance(values, dict):
        raise _Refused("not a list of `key: value` lines")
    return {key.strip().lower(): value for key, value in values.items() if isinstance(key, str)}


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
    dates = (_read_date(_string(value)) for value in _found(values, *keys))
    return next((found for found in dates if found is not None), None)


def _read_date(text: str) -> date | None:
    """Read an ISO date or time, `YYYYMMDD[hhmm[ss]]`, or epoch seconds or milliseconds."""
    try:
        if written := _DATE.match(text):
            return date(int(written[1]), int(written[2]), int(written[3]))
        if not _DIGITS.fullmatch(text):
            return None
        digits = text.partition(".")[0]
        if len(digits) in {8, 12, 14} and "1900" <= digits[:4] < "2100":
            return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
        seconds = int(digits) / (1000 if len(digits) > 11 else 1)
        return datetime.fromtimestamp(seconds, tz=UTC).date()
    except (ValueError, OverflowError, OSError):
        return None


def _is_draft(values: Mapping[str, Any]) -> bool:
    said = {key: _string(values.get(key)).lower() for key in ("draft", "status")}
    hidden = {_string(value).lower() for value in _found(values, "publish", "published")}
    return said["draft"] in _TRUE or said["status"] == "draft" or bool(hidden & _FALSE)
