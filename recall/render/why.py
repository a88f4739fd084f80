"""Why a note is suggested for another, or not: in words and as `recall.why/1`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from recall.render.as_json import evidence_json
from recall.render.as_text import Style, evidence_lines, visible

if TYPE_CHECKING:
    from recall.links.why import Explanation, Obstacle

RANKED_LOW = {"no-candidate", "weak", "below-threshold", "beyond-list"}
SMALLEST = 0.005  # a part of a score that is shown as more than zero


def as_text(found: Explanation, style: Style) -> str:
    """The answer first, then what was compared."""
    return "\n".join(_lines(found, style))


def _lines(found: Explanation, style: Style) -> Iterator[str]:
    one, other = (style.bold(visible(card.title)) for card in (found.source, found.target))
    if found.is_suggested:
        yield f"{other} is suggested for {one}: rank {found.rank}, probability {found.score:.2f}."
    else:
        yield f"{other} is not suggested for {one}:"
        for obstacle in found.obstacles:
            yield f"  - {_sentence(obstacle, found)}"
    if found.score is None or found.rank is None:
        return
    if not found.is_suggested:
        is_barred = not RANKED_LOW.issuperset(found.obstacles)
        yield (
            f"{'Were it not for that, it would have' if is_barred else 'It has'} rank {found.rank} "
            f"of {found.candidates:,} candidates, with probability {found.score:.2f}."
        )
    by_words = f"{found.words_rank:,}" if found.words_rank else "none (no telling word is shared)"
    by_cosine = f"{found.cosine_rank:,}" if found.cosine_rank else "none"
    yield f"Rank among all notes: {by_cosine} by meaning, {by_words} by words."
    if found.evidence is not None:
        yield from evidence_lines(found.evidence, style, explain=False)
    if found.groups:
        ordered = sorted(found.groups.items(), key=lambda item: (-abs(item[1]), item[0]))
        for word, sign in (("for  ", 1), ("against", -1)):
            parts = [f"{name} {value:+.2f}" for name, value in ordered if sign * value >= SMALLEST]
            yield "     " + style.dim(word) + "  " + (", ".join(parts) or "nothing")
    if found.unread:
        yield (
            "     " + style.dim("model") + f"  reads {1 - found.unread:.0%} of the letters of "
            f"{visible(found.source.title)}: shared words count the more"
        )
    if found.said is not None:
        times = f"dismissed {found.said.dismissed} times, accepted {found.said.accepted} times"
        yield "     " + style.dim("said ") + f"  by you, of suggestions of it: {times}"
    ranks = ", ".join(f"{each.name} {each.value:g} (rank {each.rank})" for each in found.signals)
    yield "     " + style.dim("ranks") + "  " + ranks


def _sentence(obstacle: Obstacle, found: Explanation) -> str:
    where = ", ".join(map(str, found.link_lines))
    sentences = {
        "itself": "it is the same note.",
        "linked": f"it is linked already: line {where}." if where else "it is linked already.",
        "dismissed": "you dismissed it; recall dismiss --undo takes that back.",
        "excluded": "the setting suggest.exclude keeps it from being suggested.",
        "draft": "it is a draft, and this note is published; --drafts suggests it all the same.",
        "gone": "its file is not there any more.",
        "no-text-here": f"{visible(found.source.title)} has no text of its own to compare.",
        "no-text-there": f"{visible(found.target.title)} has no text of its own to compare.",
        "template-here": f"all that {visible(found.source.title)} says, many notes say.",
        "template-there": f"all that {visible(found.target.title)} says, many notes say.",
        "no-candidate": "no signal puts it among the candidates.",
        "weak": f"a reader would hardly accept it ({found.worth or 0:.2f}); --all shows it.",
        "below-threshold": f"its probability is below {found.min_score:g}.",
        "beyond-list": f"it is not among the first {found.k}.",
    }
    return sentences[obstacle]


def as_json(found: Explanation, *, warnings: Sequence[str] = ()) -> dict[str, object]:
    """`recall.why/1`."""
    return {
        "schema": "recall.why/1",
        "path": found.source.path,
        "title": found.source.title,
        "target_path": found.target.path,
        "target_title": found.target.title,
        "suggested": found.is_suggested,
        "obstacles": [obstacle.value for obstacle in found.obstacles],
        "links": [
            {"line": line, "place": link.place.value}
            for line, link in zip_longest(found.link_lines, found.links)
        ],
        "rank": found.rank,
        "score": found.score,
        "worth": found.worth,
        "candidates": found.candidates,
        "cosine_rank": found.cosine_rank,
        "words_rank": found.words_rank,
        "signals": [
            {"name": each.name, "value": each.value, "rank": each.rank} for each in found.signals
        ],
        "groups": dict(found.groups or {}),
        "unread": round(found.unread, 4),
        "said": {"accepted": found.said.accepted, "dismissed": found.said.dismissed}
        if found.said
        else None,
        "evidence": evidence_json(found.evidence) if found.evidence else None,
        "k": found.k,
        "min_score": found.min_score,
        "warnings": list(warnings),
    }
