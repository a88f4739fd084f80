"""Whether recall takes links for what they mean, against a second, independent reading.

The reading here shares no code with recall: it walks the vault itself, leaves block structure to
markdown-it, finds links by regular expressions and resolves them over plain dictionaries. Links
are compared where they stand in the file. Each disagreement is shown with the link as written.

    python benchmarks/resolve.py VAULT... [--show N]

Each vault must have been indexed (`recall index --vault VAULT`).
"""

from __future__ import annotations

import argparse
import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from posixpath import dirname, normpath
from urllib.parse import unquote

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from benchmarks.results_file import keep
from recall import open_index

FRONTMATTER = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*$", re.S | re.M)
CODE_SPAN = re.compile(r"(?<![\\`])(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.S)
COMMENT = re.compile(r"<!--.*?-->|%%.*?%%", re.S)
WIKI = re.compile(r"(?<!\\)!?\[\[(?P<inside>[^\[\]\n]+?)\]\]")
# A look-ahead, so that a linked picture is found as well as the link around it.
INLINE = re.compile(
    r"""(?<!\\)(?=(?P<link>!?\[(?:\\.|[^\[\]\\]|\[(?:[^\[\]]|\[[^\]]*\])*\])*\]\(\s*
    (?:<(?P<angle>[^<>\n]*)>|(?P<bare>(?:[^\s()]|\([^\s()]*\))+))
    (?:\s+(?:"[^"]*"|'[^']*'|\([^)]*\)))?\s*\)))""",
    re.X,
)
DEFINITION = re.compile(r"^[ >]{0,3}\[(?!\^)[^\]\n]+\]:[ \t]*(?:<([^<>\n]+)>|(\S+))", re.M)
DENDRON_VAULT = re.compile(r"^dendron://[^/]*/")
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.I)

KINDS = ("id", "title", "alias", "heading")  # of names besides the path, in the order they win
PROPERTIES = {"id": "id", "title": "title", "alias": "alias", "aliases": "alias"}
FOLDER_NOTES = ("index", "readme")


@dataclass(frozen=True, slots=True)
class Written:
    """One link as it stands in a file."""

    text: str
    start: int
    end: int
    meanings: tuple[str, ...]  # what it may name, the likeliest first
    is_wiki: bool


@dataclass(frozen=True, slots=True)
class File:
    """One note as this script reads it."""

    links: tuple[Written, ...]
    names: tuple[tuple[str, str], ...]  # (kind, name)


@dataclass(slots=True)
class Figures:
    """What came out for one vault; `missed` and `extra` count disagreements by their class."""

    notes: int = 0
    links: int = 0  # that the script resolves
    links_same: int = 0
    pairs: int = 0
    pairs_same: int = 0
    recall_links: int = 0  # that recall resolves
    recall_links_same: int = 0
    recall_pairs: int = 0
    missed: Counter[str] = field(default_factory=Counter)
    extra: Counter[str] = field(default_factory=Counter)


def main() -> None:
    """Compare the vaults that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("vaults", nargs="+", type=Path, metavar="VAULT")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="examples of each class")
    arguments = parser.parse_args()
    results: dict[str, object] = {}
    print(HEADER)
    for vault in arguments.vaults:
        figures, examples = compare(vault)
        print(row(vault.resolve().name, figures))
        for kind, found in sorted(examples.items()):
            print(*(f"    {kind}: {line}" for line in found[: arguments.show]), sep="\n", end="")
            print("\n" if arguments.show else "", end="")
        results[vault.resolve().name] = asdict(figures)
    print("kept in", keep("resolve", {"vaults": results}).name)


HEADER = (
    f"{'vault':44} {'notes':>6} {'links':>7} {'same':>8} {'pairs':>7} {'same':>8}"
    f" {'recall':>7} {'script':>8}"
)


def row(name: str, figures: Figures) -> str:
    """One line of the table: shares of the script's links and pairs, then of recall's links."""
    return (
        f"{name[:44]:44} {figures.notes:6} {figures.links:7} "
        f"{_share(figures.links_same, figures.links)} {figures.pairs:7} "
        f"{_share(figures.pairs_same, figures.pairs)} {figures.recall_links:7} "
        f"{_share(figures.recall_links_same, figures.recall_links)}"
    )


def compare(vault: Path) -> tuple[Figures, dict[str, list[str]]]:
    """Set recall's links of every note beside this script's."""
    files = dict(read_vault(vault))
    resolver = Resolver(files)
    figures = Figures(notes=len(files))
    examples: dict[str, list[str]] = defaultdict(list)
    mine: set[tuple[str, str]] = set()
    theirs: set[tuple[str, str]] = set()
    with open_index(vault).read() as snapshot:
        for source, file in files.items():
            here = [(link, resolver.resolve(link, source)) for link in file.links]
            there = [
                ((item.link.span.start, item.link.span.end), item.resolution.path, item.link.target)
                for item in snapshot.links_from(source)
            ]
            for link, path in here:
                if path is None:
                    continue
                mine.add((source, path))
                figures.links += 1
                near = [p for span, p, _ in there if _overlap(span, (link.start, link.end))]
                if path in near:
                    figures.links_same += 1
                else:
                    kind = _class_of(near, "recall")
                    figures.missed[kind] += 1
                    examples[kind].append(f"{source}: {link.text} → {path}, recall: {near}")
            for span, found, target in there:
                if found is None:
                    continue
                theirs.add((source, found))
                figures.recall_links += 1
                close = [p for link, p in here if _overlap(span, (link.start, link.end))]
                if found in close:
                    figures.recall_links_same += 1
                else:
                    kind = _class_of(close, "script")
                    figures.extra[kind] += 1
                    examples[kind].append(f"{source}: {target} → {found}, script: {close}")
    figures.pairs, figures.recall_pairs = len(mine), len(theirs)
    figures.pairs_same = len(mine & theirs)
    return figures, examples


def _class_of(others: Sequence[str | None], who: str) -> str:
    if not others:
        return f"{who} sees no link"
    return f"{who} resolves it to another" if any(others) else f"{who} does not resolve it"


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:6.2f} %" if whole else f"{'–':>8}"


def read_vault(vault: Path) -> Iterator[tuple[str, File]]:
    """Every note of a folder, hidden folders left out."""
    for folder, folders, names in os.walk(vault):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f != "node_modules")
        for name in sorted(names):
            file = Path(folder, name)
            if file.suffix.lower() not in {".md", ".markdown"} or name.startswith("."):
                continue
            try:
                text = file.read_bytes().decode("utf-8")
            except UnicodeDecodeError:
                continue
            yield file.relative_to(vault).as_posix(), read_file(text)


def read_file(text: str) -> File:
    """The links and names of one note."""
    front = FRONTMATTER.match(text)
    head = text[: front.end()] if front else ""
    body = " " * len(head) + text[len(head) :]
    # Lines are what markdown-it counts, so frontmatter keeps its line ends and nothing else.
    blank = "".join(c if c in "\r\n" else " " for c in head) + text[len(head) :]
    tokens = MarkdownIt("commonmark").enable("table").parse(blank)
    links = [*_wikilinks(head), *_links(_without_code(body, blank, tokens))]
    names = [*_properties(front[1] if front else ""), *_first_heading(tokens)]
    return File(tuple(sorted(links, key=lambda link: link.start)), tuple(names))


def _without_code(body: str, lines_of: str, tokens: Sequence[Token]) -> str:
    """The body with code and comments blanked; offsets stay."""
    starts = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", lines_of)), len(body)]
    for token in tokens:
        if token.map is None or token.type not in {"fence", "code_block", "inline"}:
            continue
        start, end = starts[token.map[0]], starts[min(token.map[1], len(starts) - 1)]
        block = body[start:end]
        block = CODE_SPAN.sub(_fill, block) if token.type == "inline" else " " * len(block)
        body = body[:start] + block + body[end:]
    return COMMENT.sub(_fill, body)


def _fill(match: re.Match[str]) -> str:
    # Not with blanks: a label that is code is still a label.
    return re.sub(r"[^\r\n]", "\0", match[0])


def _links(body: str) -> Iterator[Written]:
    yield from _wikilinks(body)
    for match in INLINE.finditer(body):
        yield from _address(match["angle"] or match["bare"], match["link"], match.start())
    for match in DEFINITION.finditer(body):
        yield from _address(match[1] or match[2], match[0], match.start())


def _wikilinks(body: str) -> Iterator[Written]:
    for match in WIKI.finditer(body):
        # Dendron writes the label first: the part behind the bar is the second guess.
        parts = [part.strip() for part in re.split(r"\\?\|", match["inside"])[:2] if part.strip()]
        parts.sort(key=lambda part: not part.startswith("dendron://"))
        meanings = tuple(DENDRON_VAULT.sub("", part).partition("#")[0].strip() for part in parts)
        yield Written(match[0], match.start(), match.end(), meanings, is_wiki=True)


def _address(address: str, text: str, start: int) -> Iterator[Written]:
    target = unquote(re.split(r"[#?]", address)[0]).strip()
    if target and not SCHEME.match(address):
        yield Written(text, start, start + len(text), (target,), is_wiki=False)


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


def _first_heading(tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    for opening, inline in zip(tokens, tokens[1:], strict=False):
        if opening.type == "heading_open" and opening.tag == "h1":
            yield "heading", inline.content
            return


class Resolver:
    """What the targets of links mean, looked up in dictionaries."""

    def __init__(self, files: Mapping[str, File]) -> None:
        self.paths = {_key(_bare(path)): path for path in files}
        self.tails: dict[str, list[str]] = defaultdict(list)
        self.named: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for path, file in files.items():
            parts = _key(_bare(path)).split("/")
            for start in range(len(parts)):
                self.tails["/".join(parts[start:])].append(path)
            for kind, name in file.names:
                self.named[kind][_key(name)].append(path)

    def resolve(self, link: Written, source: str) -> str | None:
        """The note that a link means, or None."""
        for meaning in link.meanings:
            if not meaning:
                return source  # `[[#a heading of this note]]`
            if found := self._place(meaning, source, relative_first=not link.is_wiki):
                return found
            kinds = KINDS if link.is_wiki else ()
            if found := self._name(meaning, source, kinds):
                return found
        return None

    def _place(self, target: str, source: str, *, relative_first: bool) -> str | None:
        key = _key(_bare(target))
        relative = _key(normpath(f"{dirname(source)}/{_bare(target)}")).lstrip("/")
        tries = [key.lstrip("/") if target.startswith("/") else relative, normpath(key.strip("/"))]
        for place in tries if relative_first or target.startswith(".") else reversed(tries):
            for path in (place, *(f"{place}/{name}".lstrip("/") for name in FOLDER_NOTES)):
                if path in self.paths:
                    return self.paths[path]
        return None

    def _name(self, target: str, source: str, kinds: Sequence[str]) -> str | None:
        key = _key(_bare(target)).strip("/")
        folder_notes = [f"{key}/{name}" for name in FOLDER_NOTES if "/" in target]
        for table in (self.tails, *(self.named[kind] for kind in kinds)):
            keys = (key, _key(target), *folder_notes)
            if found := next((table[key] for key in keys if key in table), None):
                # As Obsidian does: below the own folder first, then the shortest path.
                own = dirname(source)
                return min(found, key=lambda path: (not path.startswith(own), len(path), path))
        return None


def _bare(path: str) -> str:
    return re.sub(r"\.(md|markdown)$", "", path, flags=re.I)


def _key(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


if __name__ == "__main__":
    main()
