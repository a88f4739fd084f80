"""Results → terminal text.

Everything that comes from a note is data: control characters are shown as visible signs, so a
title can't move the cursor or colour the terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from recall.patterns import regex
from recall.records import dataclass

if TYPE_CHECKING:
    from recall.domain import (
        BuildReport,
        Counts,
        Evidence,
        LearnedFacts,
        Mention,
        NoteSuggestions,
        Passage,
        Skipped,
        Status,
        Suggestion,
    )
    from recall.errors import RecallError

LISTED = 20  # files named in a report before the rest is only counted
LONG_ENOUGH = 2.0  # seconds of a build whose speed says more than how long it takes to start

# C0 and C1 controls, and the characters that reorder or hide text around them.
_CONTROL = regex("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Style:
    """What the terminal can show, or nothing beyond plain text."""

    colour: bool = False
    hyperlinks: bool = False  # it understands OSC 8

    def bold(self, text: str) -> str:
        """Stress a text."""
        return f"\x1b[1m{text}\x1b[0m" if self.colour else text

    def dim(self, text: str) -> str:
        """Put a text back."""
        return f"\x1b[2m{text}\x1b[0m" if self.colour else text

    def mark(self, text: str) -> str:
        """Mark a word that matched."""
        return f"\x1b[1;33m{text}\x1b[0m" if self.colour else text

    def added(self, text: str) -> str:
        """Show that a line was put in."""
        return f"\x1b[32m{text}\x1b[0m" if self.colour else text

    def removed(self, text: str) -> str:
        """Show that a line was taken out."""
        return f"\x1b[31m{text}\x1b[0m" if self.colour else text

    def link(self, text: str, address: str) -> str:
        """Let a click on a text lead somewhere (OSC 8)."""
        return f"\x1b]8;;{address}\x1b\\{text}\x1b]8;;\x1b\\" if self.hyperlinks else text


def visible(text: str) -> str:
    """A text from a note, safe to print: control characters become visible signs."""
    return _CONTROL.sub(lambda found: _sign(found.group()), text)


def _sign(char: str) -> str:
    return chr(0x2400 + ord(char)) if ord(char) < 0x20 else "\N{SYMBOL FOR DELETE}"


def suggestions(
    found: Sequence[NoteSuggestions], style: Style, *, explain: bool, all_of_them: bool
) -> str:
    """The suggestions for each note, with what speaks for them."""
    return "\n\n".join(
        _note_text(note, style, explain=explain, all_of_them=all_of_them) for note in found
    )


def _note_text(note: NoteSuggestions, style: Style, *, explain: bool, all_of_them: bool) -> str:
    lines = [f"{style.bold(visible(note.title))}  {style.dim(visible(note.path))}"]
    lines += [f"   note: {warning}" for warning in note.warnings]
    if not note.suggestions:
        more = "." if all_of_them else "; --all shows what comes nearest."
        lines.append(f"   Nothing to suggest{more}")
    for item in note.suggestions:
        lines += suggestion_lines(item, style, explain=explain)
    return "\n".join(lines)


def suggestion_lines(item: Suggestion, style: Style, *, explain: bool) -> Iterator[str]:
    """One suggestion, with what speaks for it."""
    said = {
        "already linked": item.linked,
        "dismissed": item.dismissed,
        "nearly the same note": item.near_duplicate,
        "weak": item.weak,
    }
    mark = "".join(style.dim(f"  {words}") for words, holds in said.items() if holds)
    link = style.bold(visible(item.written_as or item.link))
    yield f" {item.rank:>2}  {link}  {item.score:.2f}{mark}"
    yield from evidence_lines(item.evidence, style, explain=explain)


def evidence_lines(evidence: Evidence, style: Style, *, explain: bool) -> Iterator[str]:
    """What speaks for a suggestion, a line each."""
    for word, passage in (("here ", evidence.here), ("there", evidence.there)):
        yield "     " + style.dim(f"{word}  {_where(passage)}") + "  " + _shortened(passage.text)
    said = []
    if evidence.mention:
        said.append(_mention_text(evidence.mention))
    if evidence.shared_words:
        said.append("shared words: " + ", ".join(visible(w) for w in evidence.shared_words))
    if evidence.common_neighbours:
        said.append("both linked with: " + ", ".join(map(visible, evidence.common_neighbours)))
    for line in said:
        yield "     " + style.dim("why  ") + "  " + line
    if explain:
        parts = ", ".join(f"{name} {value:g}" for name, value in sorted(evidence.parts.items()))
        yield "     " + style.dim("parts") + "  " + parts


def _where(passage: Passage) -> str:
    return f"line {passage.line}, {passage.facet}:"


def _mention_text(mention: Mention) -> str:
    whose = "this note" if mention.where == "here" else "that note"
    return f'{whose} says "{visible(mention.text)}" in line {mention.line}, without a link'


def report(done: BuildReport, style: Style) -> str:
    """What a build did."""
    lines = []
    if done.reason:
        lines.append(f"Everything was done again: {done.reason}.")
    lines.append(f"{style.bold(amount(done.notes, 'note'))} indexed{_changes_text(done)}.")
    lines.append(
        f"{amount(done.passages, 'passage')}, {amount(done.embedded, 'text')} embedded; "
        f"{amount(done.links, 'link')}, {_loose_ends(done)}."
    )
    lines.append(_speed_text(done))
    lines += _listed("Skipped", done.skipped)
    if done.changes_anything:  # said once is enough; `recall status` says it again
        lines += _listed("Indexed, but not all was understood", done.problems)
    return "\n".join(lines)


def _changes_text(done: BuildReport) -> str:
    again = bool(done.reason)  # then every note counts as added to the index that was begun anew
    counted = [
        (0 if again else len(done.added), "added"),
        (len(done.changed), "changed"),
        (len(done.moved), "moved"),
        (len(done.removed), "removed"),
        (done.unchanged, "unchanged"),
        (len(done.skipped), "skipped"),
    ]
    said = ", ".join(f"{count:,} {word}" for count, word in counted if count)
    if again and done.added:
        return f", all read again{': ' if said else ''}{said}"
    return f": {said or 'no notes found'}"


def _speed_text(done: BuildReport) -> str:
    read = len(done.added) + len(done.changed) + len(done.moved)
    text = f"{done.seconds:.1f} s"
    if done.seconds >= LONG_ENOUGH:
        if read:
            text += f", {read / done.seconds:,.0f} notes/s"
        if done.embedded:
            text += f", {done.embedded / done.seconds:,.0f} passages/s"
    return text + "."


def status(found: Status, style: Style) -> str:
    """What is indexed, what is stale, what was skipped."""
    rows = [
        ("notes", found.notes_folder),
        ("index", found.index_folder),
        ("model", found.model),
    ]
    if found.indexed and not found.rebuild:
        counts = found.counts
        rows += [
            ("holds", f"{amount(counts.notes, 'note')}, {amount(counts.passages, 'passage')}"),
            (
                "links",
                f"{counts.links:,}, {_loose_ends(counts)}",
            ),
            ("built", f"{found.built_at:%Y-%m-%d %H:%M:%S} UTC" if found.built_at else "never"),
            ("learned", _learned_text(found.learned)),
            *_scores_row(found.learned),
            *_said_row(found),
            ("stale", _stale_text(found)),
            ("cover", _cover_text(found)),
        ]
    lines = [f"{style.dim(name)}  {visible(value)}" for name, value in rows]
    if not found.indexed:
        waiting = amount(len(found.added), "note")
        lines.append(f"Nothing is indexed yet. Run recall index: {waiting} to read.")
    elif found.rebuild:
        lines.append(f"The next recall index starts from nothing: {found.rebuild}.")
    lines += _listed("Skipped", found.skipped)
    lines += _listed("Indexed, but not all was understood", found.problems)
    return "\n".join(lines)


def amount(number: int, noun: str) -> str:
    """A number of things, in words."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _loose_ends(counted: BuildReport | Counts) -> str:
    text = f"{counted.unresolved_links:,} of them to no note"
    if counted.ambiguous_links:
        text += f", {counted.ambiguous_links:,} to one of several"
    return text


def _learned_text(learned: LearnedFacts | None) -> str:
    if learned is None:
        return "nothing yet"
    if learned.plain is None or learned.adapted is None:
        return f"what the notes share; from links, not yet: there are {learned.links:,} of them"
    tried = f"nDCG@10 {learned.plain:.3f} → {learned.adapted:.3f} on links that were kept out"
    if learned.uses_links:
        return f"from {amount(learned.links, 'link')} of yours ({tried})"
    return f"nothing from {amount(learned.links, 'link')} of yours: it did not help ({tried})"


def _scores_row(learned: LearnedFacts | None) -> list[tuple[str, str]]:
    if learned is None or learned.error_plain is None or learned.error_corrected is None:
        return []  # as other vaults taught
    change = f"{learned.error_plain:.3f} → {learned.error_corrected:.3f}"
    tried = f"off by {change} on notes that were kept out"
    asked = f"the links of {amount(learned.asked, 'note')} of yours"
    if learned.corrects_scores:
        return [("scores", f"fitted to {asked} ({tried})")]
    return [("scores", f"as other vaults taught: {asked} did not help ({tried})")]


def _said_row(found: Status) -> list[tuple[str, str]]:
    if not found.dismissed:
        return []  # accepted ones are links now, and taught as such
    text = f"{amount(found.dismissed, 'suggestion')} dismissed"
    if found.accepted:
        text += f", {found.accepted:,} accepted"
    return [("said", f"{text}: notes that were dismissed often come later for others, too")]


def _stale_text(found: Status) -> str:
    parts = [
        (len(found.added), "not indexed yet"),
        (len(found.changed), "changed"),
        (len(found.removed), "gone"),
    ]
    said = ", ".join(f"{count:,} {word}" for count, word in parts if count)
    return f"{said}; the next command brings them up to date" if said else "nothing, up to date"


def _cover_text(found: Status) -> str:
    held, all_of_them = found.covered
    share = f" ({held / all_of_them:.1%})" if held < all_of_them else ""
    return f"{held:,} of {amount(all_of_them, 'note')}{share}"


def _listed(title: str, items: Sequence[Skipped]) -> Iterator[str]:
    if items:
        yield f"{title}:"
    for item in items[:LISTED]:
        yield f"  {visible(item.path)}: {visible(item.reason)}"
    if len(items) > LISTED:
        yield f"  and {len(items) - LISTED:,} more (all of them with --json)"


def error(failure: RecallError) -> str:
    """What went wrong and what to do next, for stderr."""
    hint = f"\n{visible(failure.hint)}" if failure.hint else ""
    return f"recall: {visible(failure.message)}{hint}"


def _shortened(text: str, most: int = 150) -> str:
    if len(text) <= most:
        return visible(text)
    return visible(text[: max(text.rfind(" ", 0, most), most // 2)]) + " …"
