"""Results → the JSON objects of the contract; their schemas are in `docs/json.md`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from recall.patterns import regex

if TYPE_CHECKING:
    from recall.domain import (
        BuildReport,
        Evidence,
        LearnedFacts,
        NoteSuggestions,
        Passage,
        SearchResult,
        Skipped,
        Status,
        Suggestion,
    )
    from recall.errors import RecallError
    from recall.publishing import CheckReport, Finding


# Halves of characters can't be UTF-8; the others steer terminals or end a line for some readers.
_ESCAPED = regex("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def one_line(value: Mapping[str, object]) -> str:
    """One JSON object, on one line, of characters that UTF-8 can carry."""
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if line.isprintable():  # so it holds none of them, and nothing need be compiled
        return line
    return _ESCAPED.sub(lambda found: f"\\u{ord(found.group()):04x}", line)


def search(result: SearchResult) -> dict[str, object]:
    """`recall.search/1`."""
    from recall.render.hits import matches  # late: only of hits it is told which words they hold

    return {
        "schema": "recall.search/1",
        "query": result.query,
        "took_ms": round(result.seconds * 1000, 1),
        "answered": result.answered,
        "corrections": [
            {"asked": made.asked, "searched": made.searched} for made in result.corrections
        ],
        "results": [
            {
                "rank": hit.rank,
                "score": hit.score,
                "path": hit.card.path,
                "title": hit.card.title,
                "section": hit.passage.facet.value,
                "line": hit.passage.line,
                "snippet": hit.passage.text,
                "matches": [list(found) for found in matches(hit.passage.text, result.terms)],
                "similar_to": hit.similar_to,
                "draft": hit.card.draft,
                "parts": {
                    "dense": hit.parts.dense,
                    "lexical": hit.parts.lexical,
                    "dense_rank": hit.parts.dense_rank,
                    "lexical_rank": hit.parts.lexical_rank,
                    "name": hit.parts.name,
                    "whole": hit.parts.whole,
                    "share": hit.parts.share,
                },
            }
            for hit in result.hits
        ],
        "warnings": list(result.warnings),
    }


def suggestions(found: Sequence[NoteSuggestions], *, schema: str) -> dict[str, object]:
    """`recall.suggest-links/1` and `recall.related/1`."""
    return {
        "schema": schema,
        "notes": [
            {
                "path": note.path,
                "title": note.title,
                "took_ms": round(note.seconds * 1000, 1),
                "suggestions": [_suggestion_json(item) for item in note.suggestions],
                "warnings": list(note.warnings),
            }
            for note in found
        ],
    }


def _suggestion_json(item: Suggestion) -> dict[str, object]:
    return {
        "rank": item.rank,
        "path": item.card.path,
        "title": item.card.title,
        "link": item.link,
        "score": item.score,
        "worth": item.worth,
        "weak": item.weak,
        "linked": item.linked,
        "dismissed": item.dismissed,
        "near_duplicate": item.near_duplicate,
        "written_as": item.written_as,
        "evidence": evidence_json(item.evidence),
    }


def evidence_json(evidence: Evidence) -> dict[str, object]:
    """What speaks for a suggestion."""
    mention = evidence.mention
    return {
        "here": _passage_json(evidence.here),
        "there": _passage_json(evidence.there),
        "shared_words": list(evidence.shared_words),
        "mention": {"text": mention.text, "line": mention.line, "where": mention.where}
        if mention
        else None,
        "common_neighbours": list(evidence.common_neighbours),
        "parts": dict(evidence.parts),
    }


def _passage_json(passage: Passage) -> dict[str, object]:
    return {"section": passage.facet.value, "line": passage.line, "text": passage.text}


def report(done: BuildReport) -> dict[str, object]:
    """`recall.index/1`."""
    return {
        "schema": "recall.index/1",
        "reason": done.reason,
        "added": list(done.added),
        "changed": list(done.changed),
        "moved": [{"from": old, "to": new} for old, new in done.moved],
        "removed": list(done.removed),
        "unchanged": done.unchanged,
        "skipped": _skipped_json(done.skipped),
        "problems": _skipped_json(done.problems),
        "notes": done.notes,
        "passages": done.passages,
        "embedded": done.embedded,
        "links": done.links,
        "unresolved_links": done.unresolved_links,
        "ambiguous_links": done.ambiguous_links,
        "seconds": round(done.seconds, 3),
    }


def status(found: Status) -> dict[str, object]:
    """`recall.status/1`."""
    counts = found.counts
    return {
        "schema": "recall.status/1",
        "notes_folder": found.notes_folder,
        "index_folder": found.index_folder,
        "model": found.model,
        "indexed": found.indexed,
        "built_at": found.built_at.isoformat() if found.built_at else None,
        "notes": counts.notes,
        "passages": counts.passages,
        "links": counts.links,
        "unresolved_links": counts.unresolved_links,
        "ambiguous_links": counts.ambiguous_links,
        "learned": _learned_json(found.learned),
        "accepted": found.accepted,
        "dismissed": found.dismissed,
        "rebuild": found.rebuild,
        "covered": found.covered[0],
        "coverable": found.covered[1],
        "added": list(found.added),
        "changed": list(found.changed),
        "removed": list(found.removed),
        "skipped": _skipped_json(found.skipped),
        "problems": _skipped_json(found.problems),
    }


def _learned_json(learned: LearnedFacts | None) -> dict[str, object] | None:
    if learned is None:
        return None
    return {
        "links": learned.links,
        "in_use": learned.uses_links,
        "ndcg_without": learned.plain,
        "ndcg_with": learned.adapted,
        "scores_asked": learned.asked,
        "scores_in_use": learned.corrects_scores,
        "calibration_error_without": learned.error_plain,
        "calibration_error_with": learned.error_corrected,
    }


def _skipped_json(items: Sequence[Skipped]) -> list[dict[str, str]]:
    return [{"path": item.path, "reason": item.reason} for item in items]


def prepublish(checked: CheckReport, *, failed: bool) -> dict[str, object]:
    """`recall.prepublish/1`."""
    return {
        "schema": "recall.prepublish/1",
        "took_ms": round(checked.seconds * 1000, 1),
        "failed": failed,
        "counts": {rule.value: count for rule, count in checked.counts().items()},
        "known": checked.known,
        "silenced": checked.silenced,
        "notes": [
            {
                "path": note.path,
                "title": note.title,
                "published": note.published,
                "findings": [_finding_json(finding) for finding in note.findings],
            }
            for note in checked.notes
        ],
        "warnings": list(checked.warnings),
    }


def _finding_json(finding: Finding) -> dict[str, object]:
    return {
        "rule": finding.rule.value,
        "severity": finding.severity.value,
        "line": finding.line,
        "column": finding.column,
        "subject": finding.subject,
        "message": finding.message,
        "link": finding.link,
        "target": finding.target,
        "score": finding.score,
    }


def error(failure: RecallError) -> dict[str, object]:
    """`recall.error/1`."""
    return {
        "schema": "recall.error/1",
        "error": {"kind": failure.kind, "message": failure.message, "hint": failure.hint},
    }
