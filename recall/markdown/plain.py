"""What a reader sees of inline Markdown: no markup, white space folded."""

from __future__ import annotations

import re
from html import unescape

from recall.markdown.mask import shield, unshield
from recall.patterns import regex

_MARKUP = regex(r"[*_~=<>&\[\]{}|^\\`\ufdd0-\ufdef]|://")
_PLACEHOLDER = regex(r"\{\{[^{}]*\}\}|\{%[^{}]*%\}|<%[^<]*?%>")
_AUTOLINK = regex(r"<(?:[a-zA-Z][a-zA-Z0-9+.\-]{1,31}:[^\s<>]*|[^\s<>@]+@[^\s<>@]+)>")
_PHRASE_TAG = regex(
    r"</?(?:a|abbr|b|cite|code|del|em|font|i|ins|kbd|mark|q|s|samp|small|span|strong|sub|sup|u"
    r"|var)\b[^<>]*>",
    re.IGNORECASE,
)
_TAG = regex(r"</?[a-zA-Z][^<>]*>|<[!?][^<>]*>")
_WIKILINK = regex(r"(!?)\[\[([^\[\]\n]*)\]\]")
_SIZE = regex(r"\s*\d+(?:x\d+)?\s*")  # of an embedded image
_DOTTED = regex(r"dendron://\S+|[\w-]+(?:\.[\w-]+){2,}(?:#\S*)?|[\w-]+(?:\.[\w-]+)+#\S*")
_INLINE_LINK = regex(
    r"""!?\[((?:[^\[\]]++|\[[^\[\]]*+\])*+)\]\([ \t\n]*
    (?:<[^<>\n]*>|[^()\s]*+(?:\([^()\s]*+\)[^()\s]*+)*)
    (?:\s+(?:"[^"]*"|'[^']*'|\([^()]*\)))?\s*\)(?:\{[^{}\n]*\})?""",
    re.VERBOSE,
)
_REFERENCE_LINK = regex(r"!?\[([^\[\]^][^\[\]]*)\]\[[^\[\]]*\]")
_FOOTNOTE = regex(r"\[\^[^\[\]\s]+\]:?")
_URL = regex(r"\b[a-zA-Z][a-zA-Z0-9+.\-]{1,15}://(?:[!#-'*-;=?-Z^-z|~\\]|\([^\s()<>]*\))+")
_EMPTY_BRACKETS = regex(r"\(\s*\)|<\s*>|\[\]")
_STARS = regex(
    r"(?<![0-9*])\*{2,}+(?=\S)|(?<=[^\s*])\*{2,}+(?!\d)"
    r"|(?<![0-9A-Za-z*])\*(?=[^\s*])|(?<=[^\s*])\*(?![0-9A-Za-z*])"
)
_UNDERSCORES = regex(r"(?<!\w)_++(?=\S)|(?<=[^\s_])_++(?!\w)")
_STRUCK = regex(r"~~+")
_HIGHLIGHT = regex(r"==([^=\s](?:[^=\n]*[^=\s])?)==")
_ENTITY = regex(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_BLOCK_ID = regex(r"(?:^|\s)\^[A-Za-z0-9-]+\s*$")
_PIPE = regex(r"(?<!\\)\|")
_SEPARATOR_ROW = regex(r"^[ \t]*\|?[ \t]*:?-[-:| \t]*$", re.MULTILINE)
_SUFFIX = regex(r"\.(?:md|markdown)$", re.IGNORECASE)
_MAX_NESTING = 4  # an image in a link is two


def plain_text(markdown: str) -> str:
    """Read inline Markdown as text: `[[a|b]]` as `b`, `[t](u)` as `t`, no emphasis, one line."""
    return read(shield(markdown))


def read(shielded: str) -> str:
    """Read a shielded block as plain text."""
    if not _MARKUP.search(shielded):
        return " ".join(shielded.split())
    text = shielded
    if "{" in text or "<%" in text:
        text = _PLACEHOLDER.sub(" ", text)
    if "<" in text:
        text = _TAG.sub(" ", _PHRASE_TAG.sub("", _AUTOLINK.sub("", text)))
    if "[" in text:
        text = _without_links(text)
    text = _without_emphasis(text)
    if "://" in text:
        text = _EMPTY_BRACKETS.sub("", _URL.sub("", text))
    if "^" in text:
        text = _BLOCK_ID.sub("", text)
    if "&" in text:
        text = _ENTITY.sub(lambda entity: unescape(entity.group()), text)
    text = unshield(text).replace("\\|", "|")
    return " ".join(text.split())


def read_table(shielded: str) -> str:
    """Read a shielded table: its cells from left to right, without the separator row."""
    text = _SEPARATOR_ROW.sub("", shielded)
    text = _WIKILINK.sub(_shown, text) if "[[" in text else text
    return read(_PIPE.sub(" ", text))


def _shown(link: re.Match[str]) -> str:
    """What a wikilink shows: its label, else its target's name; an embed is another's text."""
    target, bar, label = link.group(2).replace("\\|", "|").partition("|")
    if bar and label.strip() and not _DOTTED.fullmatch(label.strip()):
        return "" if _SIZE.fullmatch(label) else label
    if link.group(1):
        return ""
    name, _, heading = target.partition("#")
    name = name.rstrip("/ ").rpartition("/")[2].strip()
    return _SUFFIX.sub("", name) or heading.lstrip("^").strip()


def _without_links(text: str) -> str:
    if "[[" in text:
        text = _WIKILINK.sub(_shown, text)
    if "[^" in text:
        text = _FOOTNOTE.sub("", text).replace("^[", "[")
    for _ in range(_MAX_NESTING):
        if "](" not in text:
            break
        text, found = _INLINE_LINK.subn(r"\1", text)
        if not found:
            break
    return _REFERENCE_LINK.sub(r"\1", text) if "][" in text else text


def _without_emphasis(text: str) -> str:
    if "*" in text:
        text = _STARS.sub("", text)
    if "_" in text:
        text = _UNDERSCORES.sub("", text)
    if "~~" in text:
        text = _STRUCK.sub("", text)
    return _HIGHLIGHT.sub(r"\1", text) if "==" in text else text
