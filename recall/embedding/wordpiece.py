"""A WordPiece tokenizer for short texts, that holds only the pieces these texts could use.

Reading a vocabulary of 30,000 pieces into a tokenizer takes longer than the rest of a question. A
piece that is no part of the text can't come out of it, so a tokenizer with all pieces that are
gives the same tokens: the same library, the same rules, a smaller table.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tokenizers import Tokenizer

RULES = "tokenizer-rules.json"  # the tokenizer without its vocabulary
VOCABULARY = "vocabulary.txt"  # one piece a line, in the order of their numbers


class ShortTokenizer:
    """Tokenizes a few short texts without reading the whole tokenizer."""

    def __init__(self, folder: Path, *, max_tokens: int) -> None:
        """Read the rules and the vocabulary.

        Raises:
            OSError: A file is not there.
            ValueError: A file is not what `write_rules` wrote.
        """
        self._rules = json.loads((folder / RULES).read_text(encoding="utf-8"))
        pieces = (folder / VOCABULARY).read_text(encoding="utf-8").split("\n")
        self._number_of = dict(zip(pieces, range(len(pieces)), strict=True))
        self._always = [token["content"] for token in self._rules["added_tokens"]]
        self._always.append(self._rules["model"]["unk_token"])
        self._max_tokens = max_tokens
        self._pieces_of: dict[str, tuple[str, ...]] = {}  # words that were met
        self._splitter = self._with(self._always)

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The token ids of each text, cut off at the window."""
        tokenizer = self._with(self._pieces(texts))
        tokenizer.enable_truncation(self._max_tokens)
        return [encoding.ids for encoding in tokenizer.encode_batch_fast(list(texts))]

    def count(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text, not cut off."""
        tokenizer = self._with(self._pieces(texts))
        return [len(encoding.ids) for encoding in tokenizer.encode_batch_fast(list(texts))]

    def _pieces(self, texts: Sequence[str]) -> list[str]:
        words = {word for text in texts for word in self._words(text)}
        for word in words:
            if word not in self._pieces_of:
                self._pieces_of[word] = tuple(self._of(word))
        return [
            *self._always,
            *sorted({piece for word in words for piece in self._pieces_of[word]}),
        ]

    def _with(self, pieces: Iterable[str]) -> Tokenizer:
        from tokenizers import Tokenizer

        vocabulary = {piece: self._number_of[piece] for piece in pieces}
        rules = {**self._rules, "model": {**self._rules["model"], "vocab": vocabulary}}
        tokenizer = Tokenizer.from_str(json.dumps(rules))
        tokenizer.no_padding()
        return tokenizer

    def _words(self, text: str) -> Iterator[str]:
        normalizer, splitter = self._splitter.normalizer, self._splitter.pre_tokenizer
        plain = normalizer.normalize_str(text) if normalizer else text
        if splitter is None:
            yield plain
            return
        yield from (word for word, _ in splitter.pre_tokenize_str(plain))

    def _of(self, word: str) -> Iterator[str]:
        """Every piece of the vocabulary that stands somewhere in the word."""
        model = self._rules["model"]
        if len(word) > model["max_input_chars_per_word"]:
            return  # unknown as a whole
        prefix = model["continuing_subword_prefix"]
        for start in range(len(word)):
            lead = prefix if start else ""
            for end in range(start + 1, len(word) + 1):
                if (piece := lead + word[start:end]) in self._number_of:
                    yield piece


def write_rules(
    tokenizer: Tokenizer, folder: Path, *, max_tokens: int, probes: Sequence[str]
) -> bool:
    """Write what `ShortTokenizer` reads, if it can stand in for this tokenizer.

    Args:
        tokenizer: The whole one, which neither pads nor cuts.
        folder: Where the files go.
        max_tokens: The model's window.
        probes: Texts on which both must agree.

    Returns:
        Whether the files were written.
    """
    rules: dict[str, Any] = json.loads(tokenizer.to_str())
    model = rules["model"]
    if model["type"] != "WordPiece":
        return False
    pieces = sorted(model["vocab"], key=model["vocab"].__getitem__)
    special = [token["content"] for token in rules["added_tokens"]]
    if (
        [model["vocab"][piece] for piece in pieces] != list(range(len(pieces)))
        or any("\n" in piece for piece in pieces)
        or not {*special, model["unk_token"]} <= model["vocab"].keys()
    ):
        return False
    model["vocab"] = {}
    (folder / RULES).write_text(json.dumps(rules), encoding="utf-8", newline="")
    (folder / VOCABULARY).write_text("\n".join(pieces), encoding="utf-8", newline="")
    short = ShortTokenizer(folder, max_tokens=max_tokens)
    tokenizer.enable_truncation(max_tokens)
    if all(short.token_ids([text]) == [tokenizer.encode(text).ids] for text in probes):
        return True
    (folder / RULES).unlink()
    (folder / VOCABULARY).unlink()
    return False
