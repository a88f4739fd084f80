"""The short way to read arguments gives what the parser gives, or leaves it to the parser."""

from dataclasses import asdict

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from recall.cli import plain
from recall.cli.answering import Use
from recall.cli.commands import app

COMMANDS = typer.main.get_command(app).commands
TYPED = """
    index search suggest-links related status --json --no-refresh --explain --full --vault -k
    --min-score -- -k3 --vault=x --no-drafts --tag 3 0 10000 007 0.5 .25 1 1.0 nan -1 a b.md - ü
    --help prepublish --staged --since --all --fail-on broken --format sarif --drafts
"""
WORDS = st.sampled_from([*TYPED.split(), "", "two words"])
LISTS = st.builds(lambda command, rest: [command, *rest], st.sampled_from(list(plain.FORMS)),
                  st.lists(WORDS, max_size=6))  # fmt: skip


def parsed(words: list[str]) -> dict[str, object]:
    """What the parser makes of a list of words."""
    command = COMMANDS[words[0]]
    with command.make_context(words[0], list(words[1:])) as context:
        return {name: list(v) if isinstance(v, tuple) else v for name, v in context.params.items()}


def shortest(command: str) -> list[str]:
    """The command with no more words than it needs."""
    form = plain.FORMS[command]
    return [command, *(["x"] if form.positional and not form.takes_none else [])]


@given(LISTS)
def test_what_is_read_the_short_way_is_what_the_parser_reads(words):
    read = plain.read(words)
    if read is None:
        return
    everything = parsed(words)
    assert read.command == words[0]
    assert {name: everything[name] for name in read.arguments} == read.arguments
    left_out = {name: everything[name] for name in everything.keys() - read.arguments.keys()}
    untouched = parsed(shortest(words[0]))
    assert left_out == {name: untouched[name] for name in left_out}


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        (["index"], {}),
        (["search", "audio models", "-k", "3", "--json"],
         {"question": "audio models", "k": 3, "as_json": True}),
        (["suggest-links", "a.md", "b.md", "--min-score", ".25", "--explain"],
         {"notes": ["a.md", "b.md"], "min_score": 0.25, "explain": True}),
        (["related", "--vault", "v", "a", "--no-refresh"],
         {"note": "a", "vault": "v", "no_refresh": True}),
        (["prepublish", "--staged", "--fail-on", "broken", "--format", "github"],
         {"staged": True, "fail_on": "broken", "format_": "github"}),
        (["prepublish", "a.md", "b.md", "--json"], {"notes": ["a.md", "b.md"], "as_json": True}),
    ],
)  # fmt: skip
def test_plain_lists_are_read_the_short_way(words, arguments):
    assert plain.read(words) == plain.Read(words[0], arguments)


@pytest.mark.parametrize("command", list(plain.FORMS))
def test_both_ways_begin_with_the_same_defaults(command):
    words = shortest(command)
    function, arguments = plain.call(plain.read(words))
    begun = {**(function.__kwdefaults__ or {}), **arguments}
    if request := begun.pop("request", None):
        begun |= asdict(request)
    if "use" in begun:  # it can only be asked for by the parser
        assert begun.pop("use") is None
        begun |= asdict(Use())
    begun.pop("filters", None)  # made of several options; none of them has a short way
    by_parser = parsed(words)
    assert begun == {name: by_parser[name] for name in begun}
