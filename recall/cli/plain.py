"""Reads the arguments that people type most without loading the parser, which takes long.

Only argument lists that can mean one thing are read here; everything else, every mistake among it,
is left to the parser. `tests/test_plain_arguments.py` holds that both read the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from recall.patterns import regex
from recall.records import dataclass, names_of

_COUNT = regex("[1-9][0-9]{0,3}")
_SHARE = regex(r"0?\.[0-9]{1,6}|[01]")


@dataclass(frozen=True, slots=True)
class Read:
    """A command, and what its function is called with."""

    command: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Form:
    """What may follow a command: at most one value for each option, in any order."""

    positional: str  # the parameter that words fill; "" for none
    flags: dict[str, str]  # option → parameter that becomes true
    values: dict[str, str]  # option → parameter that takes the next word
    takes_many: bool = False  # whether more than one word may fill it
    takes_none: bool = False  # whether it may stay unfilled


_EVERYWHERE = {"--json": "as_json"}
_ANSWERS = {**_EVERYWHERE, "--no-refresh": "no_refresh"}
_LISTS = {"--vault": "vault", "-k": "k"}
FORMS = {
    "index": _Form("", {**_EVERYWHERE, "--full": "full"}, {"--vault": "vault"}),
    "search": _Form("question", _ANSWERS, _LISTS),
    "suggest-links": _Form(
        "notes",
        {**_ANSWERS, "--explain": "explain", "--all": "everything"},
        {**_LISTS, "--min-score": "min_score"},
        takes_many=True,
    ),
    "prepublish": _Form(
        "notes",
        {
            **_EVERYWHERE,
            "--no-refresh": "no_refresh",
            "--staged": "staged",
            "--drafts": "drafts",
            "--all": "everything",
        },
        {"--vault": "vault", "--since": "since", "--fail-on": "fail_on", "--format": "format_"},
        takes_many=True,
        takes_none=True,
    ),
    "related": _Form("note", {**_ANSWERS, "--explain": "explain"}, _LISTS),
}


def read(words: Sequence[str]) -> Read | None:
    """What a list of words means, or None where the parser has to say it."""
    form = FORMS.get(words[0]) if words and "_RECALL_COMPLETE" not in os.environ else None
    if form is None:
        return None
    found: dict[str, Any] = {}
    positional: list[str] = []
    rest = iter(words[1:])
    for word in rest:
        if word in form.flags and form.flags[word] not in found:
            found[form.flags[word]] = True
        elif word in form.values and form.values[word] not in found:
            value = _value(form.values[word], next(rest, ""))
            if value is None:
                return None
            found[form.values[word]] = value
        elif word and not word.startswith("-"):
            positional.append(word)
        else:
            return None
    if form.positional and (positional or not form.takes_none):
        if not positional or (len(positional) > 1 and not form.takes_many):
            return None
        found[form.positional] = positional if form.takes_many else positional[0]
    elif positional:
        return None
    return Read(words[0], found)


def run(read: Read) -> int:
    """Do what was read; returns the exit code."""
    function, arguments = call(read)
    return function(**arguments) or 0


def call(read: Read) -> tuple[Callable[..., int | None], dict[str, Any]]:
    """The function that does what was read, and what it is called with."""
    from recall.arguments import DEFAULT_SUGGESTIONS
    from recall.cli import answering

    given = dict(read.arguments)
    if read.command == "index":
        return answering.answer_index, given
    if read.command == "prepublish":
        from recall.cli.checking import answer_prepublish

        return answer_prepublish, given
    functions: dict[str, Callable[..., None]] = {
        "search": answering.answer_search,
        "suggest-links": answering.answer_suggest_links,
        "related": answering.answer_related,
    }
    if read.command == "suggest-links":
        given.setdefault("k", DEFAULT_SUGGESTIONS)
    shared = {name: given.pop(name) for name in names_of(answering.Request) if name in given}
    return functions[read.command], {**given, "request": answering.Request(**shared)}


def _value(parameter: str, word: str) -> str | int | float | None:
    """The value of an option, if it is beyond doubt."""
    if parameter == "k":
        return int(word) if _COUNT.fullmatch(word) else None
    if parameter == "min_score":
        return float(word) if _SHARE.fullmatch(word) else None
    return word if word and not word.startswith("-") else None
