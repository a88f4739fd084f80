"""Dates as people write them in the YAML block: only those that can mean one day."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from recall.patterns import regex

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_MONTH = r"(?P<month>[a-z]{3,9})\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{4})"
_GAP = r"[\s,./-]{1,3}"
_WEEKDAY = r"\W{0,3}(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b\W{0,3})?"
# What follows must not lengthen the last number: a time, a zone, anything else.
_NAMED = tuple(
    regex(rf"{_WEEKDAY}{order}(?!\d)", re.IGNORECASE)
    for order in (
        f"{_MONTH}{_GAP}{_DAY}{_GAP}{_YEAR}",
        f"{_DAY}{_GAP}(?:of )?{_MONTH}{_GAP}{_YEAR}",
        f"{_YEAR}{_GAP}{_MONTH}{_GAP}{_DAY}",
    )
)
_YEAR_FIRST = regex(r"\W*(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_COMPACT = regex(r"(\d{4})(\d\d)(\d\d)T\d\d")
_DIGITS = regex(r"\d{8,14}(?:\.0*)?")


def read_date(text: str) -> date | None:
    """Read a date, or what stands for one; a time behind it is not looked at.

    Year first (`2024-05-31`, `2024/5/31`), with the English name of the month (`31 May 2024`,
    `May 31st, 2024`), `YYYYMMDD[hhmm[ss]]`, epoch seconds or milliseconds. Never `05/06/2024`:
    half of the world reads it as another day than the other half.
    """
    try:
        if numbers := _YEAR_FIRST.match(text) or _COMPACT.match(text):
            return date(int(numbers[1]), int(numbers[2]), int(numbers[3]))
        for pattern in _NAMED:
            if (named := pattern.match(text)) and (month := _month(named["month"])):
                return date(int(named["year"]), month, int(named["day"]))
        return _read_digits(text)
    except (ValueError, OverflowError, OSError):
        return None


def _month(name: str) -> int | None:
    name = name.lower()
    for number, month in enumerate(_MONTHS, start=1):
        if name in {month, month[:3]} or (name, number) == ("sept", 9):
            return number
    return None


def _read_digits(text: str) -> date | None:
    if not _DIGITS.fullmatch(text):
        return None
    digits = text.partition(".")[0]
    if len(digits) in {8, 12, 14} and "1900" <= digits[:4] < "2100":
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    seconds = int(digits) / (1000 if len(digits) > 11 else 1)
    return datetime.fromtimestamp(seconds, tz=UTC).date()
