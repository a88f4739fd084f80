"""Whether recall takes links for what they mean, against a second, independent reading.

The reading here shares no code with recall: it walks the vault itself, leaves block structure to
markdown-it, finds links by regular expressions and resolves them over plain dictionaries. Links
are compared where they stand in the file. Run `recall index --vault VAULT` on each vault first.

    python benchmarks/resolve.py VAULT... [--show N]
"""

from __future__ import annotations

import argparse
import contextlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from posixpath import dirname, normpath
from urllib.parse import unquote

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from benchmarks.results_file import keep
from recall import open_index

FRONTMATTER = re.compile(
    r"\A\ufeff?---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*$", re.DOTALL | re.MULTILINE
)
CODE_SPAN = re.compile(r"(?<![\\`])(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
LINE = re.compile(r"[^\r\n]+")
COMMENT = re.compile(r"<!--.*?-->|%%.*?%%", re.DOTALL)
WIKI = re.compile(r"(?<!\\)!?\[\[(?P<inside>[^\[\]\n]+?)\]\]")
# A look-ahead, so that a linked picture is found as well as the link around it.
INLINE = re.compile(
    r"""(?<!\\)(?=(?P<link>!?\[(?:\\.|[^\[\]\\]|\[(?:[^\[\]]|\[[^\]]*\])*\])*\]\(\s*
    (?:<(?P<angle>[^<>\n]*)>|(?P<bare>(?:[^\s()]|\([^\s()]*\))+))
    (?:\s+(?:"[^"]*"|'[^']*'|\([^)]*\)))?\s*\)))""",
    re.VERBOSE,
)
DEFINITION = re.compile(r"^[ >]{0,3}\[(?!\^)[^\]\n]+\]:[ \t]*(?:<([^<>\n]+)>|(\S+))", re.MULTILINE)
DENDRON_VAULT = re.compile(r"^dendron://[^/]*/")
SUFFIX = re.compile(r"\.(?:md|markdown)$", re.IGNORECASE)
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)

KINDS = ("id", "title", "alias", "heading")  # of names besides the path, in the order they win
PROPERTIES = {"id": "id", "title": "title", "alias": "alias", "aliases": "alias"}
FOLDER_NOTES = ("index", "readme")


@dataclass(frozen=True, slots=True)
class Written:
    """One link as it stands in a file."""

    start: int
    end: int
    meanings: tuple[str, ...]  # before and behind the bar: one of them is the target
    is_wiki: bool


@dataclass(frozen=True, slots=True)
class File:
    """One note as this script reads it."""

    text: str
    links: Sequence[Written]
    names: Sequence[tuple[str, str]]  # (kind, name)


@dataclass(frozen=True, slots=True)
class Read:
    """Where a link stands, and the note that one side takes it for."""

    start: int
    end: int
    path: str | None


@dataclass(slots=True)
class Side:
    """What one side resolves, and how much of it the other takes for the same note."""

    links: int = 0
    links_same: int = 0
    pairs: set[tuple[str, str]] = field(default_factory=set)  # (source, another note)
    otherwise: dict[str, list[str]] = field(default_factory=dict)  # how the other differs → where

    def add(
        self, source: str, text: str, mine: Sequence[Read], theirs: Sequence[Read], other: str
    ) -> None:
        """Count the links of one note, each against the other side's at the same place."""
        for link in mine:
            if link.path is None:
                continue
            self.links += 1
            if link.path != source:
                self.pairs.add((source, link.path))
            there = [its.path for its in theirs if its.start < link.end and link.start < its.end]
            if link.path in there:
                self.links_same += 1
                continue
            elsewhere = [path for path in there if path]
            kind = "resolves it to another" if elsewhere else "does not resolve it"
            kind = f"{other} {kind if there else 'sees no link'}"
            paths = " not ".join([link.path, *elsewhere])
            line = f"{source}: {text[link.start : link.end]} → {paths}"
            self.otherwise.setdefault(kind, []).append(line)

    def counts(self) -> dict[str, object]:
        """What is kept in the results file."""
        kinds = {kind: len(lines) for kind, lines in sorted(self.otherwise.items())}
        pairs = len(self.pairs)
        return {"links": self.links, "same": self.links_same, "pairs": pairs, "otherwise": kinds}


def main() -> None:
    """Compare the vaults that the command line names."""
    parser = argparse.ArgumentParser(description="Check recall's links against a second reading.")
    parser.add_argument("vaults", nargs="+", type=Path, metavar="VAULT")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="examples of each class")
    arguments = parser.parse_args()
    results: dict[str, object] = {}
    print(f"{'of what the script resolves, recall finds':>73}   and the reverse")
    print(f"{'vault':36} notes   links  the same   pairs  the same   links  the same")
    for vault in arguments.vaults:
        notes, script, recall = compare(vault)
        name, pairs_same = vault.resolve().name, len(script.pairs & recall.pairs)
        print(
            f"{name[:36]:36} {notes:5} {script.links:7} {_share(script.links_same, script.links)}"
            f" {len(script.pairs):7} {_share(pairs_same, len(script.pairs))}"
            f" {recall.links:7} {_share(recall.links_same, recall.links)}"
        )
        for kind, lines in sorted((script.otherwise | recall.otherwise).items()):
            print(f"  {kind}: {len(lines)}")
            print("".join(f"    {line}\n" for line in lines[: arguments.show]), end="")
        sides = {"script": script.counts(), "recall": recall.counts()}
        results[name] = {"notes": notes, **sides, "pairs_same": pairs_same}
    print("kept in", keep("resolve", {"vaults": results}).name)


def compare(vault: Path) -> tuple[int, Side, Side]:
    """The number of notes, and this script's and recall's links beside each other."""
    files = dict(read_vault(vault))
    resolver = Resolver(files)
    script, recall = Side(), Side()
    with open_index(vault).read() as snapshot:
        for source, file in files.items():
            mine = [
                Read(link.start, link.end, resolver.resolve(link, source)) for link in file.links
            ]
            theirs = [
                Read(item.link.span.start, item.link.span.end, item.resolution.path)
                for item in snapshot.links_from(source)
            ]
            script.add(source, file.text, mine, theirs, "recall")
            recall.add(source, file.text, theirs, mine, "script")
    return len(files), script, recall


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:7.2f} %" if whole else f"{'–':>9}"


def read_vault(vault: Path) -> Iterator[tuple[str, File]]:
    """Every note of a folder, hidden folders left out."""
    for file in sorted(vault.rglob("*")):
        path = file.relative_to(vault)
        is_hidden = any(part.startswith(".") or part == "node_modules" for part in path.parts)
        if is_hidden or not SUFFIX.search(file.name) or file.is_symlink() or not file.is_file():
            continue
        with contextlib.suppress(UnicodeDecodeError):
            yield path.as_posix(), read_file(file.read_bytes().decode("utf-8"))


def read_file(text: str) -> File:
    """The links and names of one note."""
    front = FRONTMATTER.match(text)
    head = text[: front.end()] if front else ""
    # Frontmatter keeps its line ends and nothing else: offsets and line numbers stay.
    body = re.sub(r"[^\r\n]", " ", head) + text[len(head) :]
    tokens = MarkdownIt("commonmark").enable("table").parse(body)
    body = _without_code(body, tokens)
    links = [*_wikilinks(head), *_wikilinks(body)]
    for match in INLINE.finditer(body):
        links += _address(match["angle"] or match["bare"], *match.span("link"))
    for match in DEFINITION.finditer(body):
        links += _address(match[1] or match[2], *match.span())
    h1 = [b.content for a, b in pairwise(tokens) if (a.type, a.tag) == ("heading_open", "h1")]
    names = [*_properties(front[1] if front else ""), *(("heading", text) for text in h1[:1])]
    return File(text, links, names)


def _without_code(body: str, tokens: Sequence[Token]) -> str:
    """The body with code and comments blanked; offsets stay."""
    lines = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", body)), len(body)]
    for token in tokens:
        if token.map is None or token.type not in {"fence", "code_block", "inline"}:
            continue
        start, end = lines[token.map[0]], lines[min(token.map[1], len(lines) - 1)]
        code = CODE_SPAN if token.type == "inline" else LINE
        body = body[:start] + code.sub(_fill, body[start:end]) + body[end:]
    return COMMENT.sub(_fill, body)


def _fill(match: re.Match[str]) -> str:
    # Not with blanks: a label that is code is still a label.
    return re.sub(r"[^\r\n]", "\0", match[0])


def _wikilinks(body: str) -> Iterator[Written]:
    for match in WIKI.finditer(body):
        parts = [part.strip() for part in re.split(r"\\?\|", match["inside"])[:2] if part.strip()]
        meanings = tuple(DENDRON_VAULT.sub("", part).partition("#")[0].strip() for part in parts)
        if meanings:
            yield Written(*match.span(), meanings, is_wiki=True)


def _address(address: str, start: int, end: int) -> Iterator[Written]:
    target = unquote(re.split(r"[#?]", address)[0]).strip()
    if target and not SCHEME.match(address):
        yield Written(start, end, (target,), is_wiki=False)


def _properties(front: str) -> Iterator[tuple[str, str]]:
    try:
        properties = yaml.safe_load(front)
    except yaml.YAMLError:
        return
    if not isinstance(properties, dict):
        return
    for key, value in properties.items():
        kind = PROPERTIES.get(str(key).lower())
        for name in value if isinstance(value, list) else [value]:
            if kind and name is not None:
                yield kind, str(name)


class Resolver:
    """What the targets of links mean, looked up in dictionaries."""

    def __init__(self, files: Mapping[str, File]) -> None:
        self.paths: dict[str, str] = {}
        self.tails: dict[str, list[str]] = defaultdict(list)
        self.named: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for path, file in files.items():
            # With and without `.md`, rather than cutting targets: a note may be called `a.md.md`.
            for key in (_key(path), _key(SUFFIX.sub("", path))):
                self.paths.setdefault(key, path)
                parts = key.split("/")
                for start in range(len(parts)):
                    self.tails["/".join(parts[start:])].append(path)
            for kind, name in file.names:
                self.named[kind][_key(name)].append(path)
        # `[[a|b]]` links `a` in Obsidian and `b` in Dendron: which of them are files decides.
        barred = [link.meanings for file in files.values() for link in file.links]
        sides = [[_key(part) in self.tails for part in parts] for parts in barred]
        self.is_label_first = sides.count([False, True]) > sides.count([True, False])

    def resolve(self, link: Written, source: str) -> str | None:
        """The note that a link means, or None."""
        meaning = link.meanings[-1 if self.is_label_first else 0]
        if not meaning:
            return source  # `[[#a heading of this note]]`
        return self._place(meaning, source, relative_first=not link.is_wiki) or self._name(
            meaning, source, KINDS if link.is_wiki else ()
        )

    def _place(self, target: str, source: str, *, relative_first: bool) -> str | None:
        rooted = normpath(_key(target).strip("/") or ".")
        beside = normpath(f"{_key(dirname(source))}/{_key(target)}").lstrip("/")
        tries = [rooted if target.startswith("/") else beside, rooted]
        for place in tries if relative_first or target.startswith(".") else reversed(tries):
            for path in (place, *(f"{place}/{name}".removeprefix("./") for name in FOLDER_NOTES)):
                if path in self.paths:
                    return self.paths[path]
        return None

    def _name(self, target: str, source: str, kinds: Sequence[str]) -> str | None:
        key = _key(target).strip("/")
        keys = (key, *(f"{key}/{name}" for name in FOLDER_NOTES if "/" in target))
        for table in (self.tails, *(self.named[kind] for kind in kinds)):
            if found := next((table[key] for key in keys if key in table), None):
                # The nearest: below the own folder first, then the shortest path.
                own = f"{dirname(source)}/".lstrip("/")
                return min(found, key=lambda path: (not path.startswith(own), len(path), path))
        return None


def _key(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


if __name__ == "__main__":
    main()
