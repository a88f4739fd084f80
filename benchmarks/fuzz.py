"""Coverage-guided fuzzing of what reads text that strangers wrote (atheris over libFuzzer).

    python -m benchmarks.fuzz parser -max_total_time=1800

Every target says what must hold for any input; an exception is a finding, and so is a run of more
than `-timeout` seconds. A finding becomes a test. What follows the target is libFuzzer's.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["recall"]):
    from recall.domain import FileStamp, Filters, LinkSyntax, Name, Note, NoteCard
    from recall.edit import NewLink, add_links, put_in, take_out
    from recall.entries import index_note
    from recall.errors import NoteNotFound, NoteUnreadable
    from recall.index import Index
    from recall.markdown import parse_note, plain_text
    from recall.names import Resolver, link_keys, names_of, spelling
    from recall.naming import find_note
    from recall.search import search
    from recall.settings import Settings
    from recall.store import Store

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import contextlib

from standins import WordEmbedder

Target = Callable[[bytes], None]

MOST_BYTES = {"parser": 4096, "edit": 1024}  # of an input; of the others, which are short, 512
SLOWEST_SECONDS = 60  # of wall time, for one input; a busy machine is slow
STAMP = FileStamp(0, 0, 0, "")

# Sequences that mean something: without them a fuzzer first has to guess how Markdown looks.
TOKENS = (
    "[[", "]]", "|", "#", "#^", "![[", "](", "[^1]:", "<!--", "-->", "```", "~~~", "$$", "%%",
    "> [!note] ", "> ", "- ", "- [ ] ", "1. ", "---", "+++", "\\n---\\n", "aliases:", "tags: [",
    "title: ", "created: ", "related:", "&a ", "*a", "<<: ", "!!python/", "\\xef\\xbb\\xbf",
    "\\x0d\\x0a", "\\x0d", "\\xe2\\x80\\xa8", "<b>", "</b>", "<pre>", "&amp;", "&#", "://",
    "mailto:", "dendron://", "../", "./", ".md", "%20", "\\\\", "\\x09", "    ",
    "\\xf0\\x9f\\x98\\x80", "===", "|-|",
)  # fmt: skip
NOTES = (
    (
        "---\ntitle: A\naliases: [b, c]\ntags:\n  - x\nrelated:\n  - '[[d]]'\n---\n# A\n\n"
        "> [!note] Core claim\n> One [[b|c]].\n\n## Signals\n- two `[[x]]`\n"
    ),
    "Text [a](b.md#c) and ![[d#^e]] %%hidden%% <!-- out --> #tag\n\n```\n[[code]]\n```\n",
    "| a | b |\n|---|---|\n| [[c\\|d]] | $x$ |\n\n[^1]: note\n\nSetext\n===\n",
)
SEEDS = (
    *NOTES,
    'orchards -pears tag:fruit "grafted trees" in:sub/ since:2024 before:2025-01-01 is:draft a*',
    "b|c\na\tB\nsub/b\tb.md\nc d\t../b\n",
)


def parser() -> Target:
    """A note is read whatever it holds, and every span lies in it."""
    embedder = WordEmbedder()

    def run(data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        note = parse_note("a/b.md", text)
        _check_spans(note, text)
        kept = index_note(note, STAMP, embedder=embedder)
        for passage in kept.passages:
            assert 0 <= passage.span.start <= passage.span.end <= len(text)
            assert 1 <= passage.line <= text.count("\n") + text.count("\r") + 1
        plain_text(text)

    return run


def links() -> Target:
    """A link leads to a note of the vault or nowhere, and a spelling leads back to its note."""

    def run(data: bytes) -> None:
        parts = data.decode("utf-8", "replace").split("\n")
        asked, *lines = parts
        cards = {}
        for line in lines[:8]:
            path, _, title = line.partition("\t")
            if path and "\0" not in path and not {"", ".", ".."} & set(path.split("/")):
                cards[f"{path}.md"] = NoteCard(f"{path}.md", title or path, aliases=(title[::2],))
        names: dict[str, list[Name]] = {}
        for key, name in itertools.chain.from_iterable(map(names_of, cards.values())):
            names.setdefault(key, []).append(name)
        resolver = Resolver(lambda key: names.get(key, ()))
        for source in ("x.md", *cards):
            for syntax in LinkSyntax:
                _check_resolution(
                    resolver.resolve(asked, source=source, syntax=syntax), cards, source
                )
            for card in cards.values():
                if card.path != source:
                    spelling(card, resolver, source=source)
        for link in parse_note("x.md", f"[[{asked}]] [a]({asked}) ![[{asked}|{asked}]]").links:
            _check_link(link, cards, names)

    return run


def query() -> Target:
    """A question is answered or refused as a question, whatever is in it."""
    folder = Path(tempfile.mkdtemp())
    for name, text in zip(("a.md", "sub/b.md", "sub/c d.md"), NOTES, strict=True):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    index = Index(Settings(notes=folder, index=folder / ".recall"), embedder=WordEmbedder())
    index.refresh()

    paths = {"a.md", "sub/b.md", "sub/c d.md"}
    snapshot = Store(index.settings.index).read()  # stays open: opening is not what is tested

    def run(data: bytes) -> None:
        asked = data.decode("utf-8", "surrogateescape" if data[:1] == b"!" else "replace")
        found = search(
            asked, snapshot=snapshot, embedder=index.embedder, k=3, filters=Filters(),
            max_notes_per_text=4, is_there=index.vault.holds,
        )  # fmt: skip
        assert {hit.card.path for hit in found.hits} <= paths
        with contextlib.suppress(NoteNotFound, NoteUnreadable):
            assert find_note(asked, snapshot, folder=folder) in paths

    return run


def edit() -> Target:
    """Links are put into any text, what was there stays, and taking them out gives it back."""
    wanted = [NewLink("b.md", "B", "b", "b.md"), NewLink("c d.md", "C D", "c d", "c%20d.md")]
    paths = {"b": "b.md", "b.md": "b.md", "c d": "c d.md", "c d.md": "c d.md"}

    def run(data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        made, _ = add_links("a.md", text, wanted, lambda link: paths.get(link.target))
        assert put_in(text, made.insertions) == made.new
        assert take_out(made.new, made.insertions) == text
        assert sum(len(item.text) for item in made.insertions) == len(made.new) - len(text)

    return run


def _check_spans(note: Note, text: str) -> None:
    assert note.text == text
    for link in note.links:
        assert 0 <= link.span.start < link.span.end <= len(text)
    for section in note.sections:
        assert 0 <= section.span.start <= section.span.end <= len(text)
        for block in section.blocks:
            assert section.span.start <= block.span.start <= block.span.end <= section.span.end


def _check_resolution(found: object, cards: dict[str, NoteCard], source: str) -> None:
    path, candidates = found.path, found.candidates
    assert path is None or path in cards or path == source
    assert all(item in cards or item == source for item in candidates)
    assert not candidates or candidates[0] == path


def _check_link(link: object, cards: dict[str, NoteCard], names: dict[str, list[Name]]) -> None:
    """What is looked up must be among the link's keys: a build asks again only by those."""
    asked: set[str] = set()

    def lookup(key: str) -> list[Name]:
        asked.add(key)
        return names.get(key, [])

    for source in ("x.md", *cards):
        _check_resolution(Resolver(lookup).resolve_link(link, source=source), cards, source)
        assert asked <= set(link_keys(link)) | asked & {""}, (link, asked)


TARGETS: dict[str, Callable[[], Target]] = {
    "parser": parser,
    "links": links,
    "query": query,
    "edit": edit,
}


def main(arguments: list[str]) -> None:
    """Fuzz one target until libFuzzer's own options say stop."""
    target, *options = arguments
    folder = Path(tempfile.gettempdir(), f"recall-fuzz-{target}")  # a run goes on where one ended
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS):
        (corpus / str(number)).write_text(seed, encoding="utf-8")
    words = folder / "tokens"
    words.write_text("".join(f'"{_quoted(token)}"\n' for token in TOKENS), encoding="utf-8")
    atheris.Setup(
        [
            "fuzz",
            f"-dict={words}",
            f"-max_len={MOST_BYTES.get(target, 512)}",
            f"-timeout={SLOWEST_SECONDS}",
            f"-artifact_prefix={folder}/",
            "-print_final_stats=1",
            *options,
            str(corpus),
        ],
        TARGETS[target](),
    )
    atheris.Fuzz()


def _quoted(token: str) -> str:
    return token if "\\x" in token else token.replace("\\n", "\\x0a").replace('"', '\\"')


if __name__ == "__main__":
    main(sys.argv[1:])
