"""What was found in notes → SARIF 2.1.0, the format of code scanners (OASIS standard, 2020)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import quote

from recall import __version__
from recall.publishing import RULES, CheckReport, Finding, Publishing, Rule
from recall.render.as_text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recall.render.findings import Place

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(report: CheckReport, publishing: Publishing, place: Place) -> dict[str, object]:
    """One log with one run; places are relative to the root of the repository."""
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver(publishing)},
                "columnKind": "unicodeCodePoints",
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "toolExecutionNotifications": [
                            {"level": "warning", "message": {"text": visible(warning)}}
                            for warning in report.warnings
                        ],
                    }
                ],
                "results": _results(report.findings, place),
            }
        ],
    }


def _driver(publishing: Publishing) -> dict[str, object]:
    return {
        "name": "recall",
        "semanticVersion": __version__,
        "rules": [
            {
                "id": rule.value,
                "shortDescription": {"text": info.summary},
                "help": {"text": info.remedy},
                "defaultConfiguration": {
                    "enabled": rule in publishing.rules,
                    "level": publishing.severity_of(rule).value,
                },
            }
            for rule, info in RULES.items()
        ],
    }


def _results(findings: Sequence[Finding], place: Place) -> list[dict[str, object]]:
    seen: dict[str, int] = {}
    results = []
    for finding in findings:
        print_ = _fingerprint(finding)
        seen[print_] = seen.get(print_, 0) + 1  # the same link twice is two findings
        results.append(_result(finding, f"{print_}:{seen[print_]}", place))
    return results


def _result(finding: Finding, fingerprint: str, place: Place) -> dict[str, object]:
    properties = {"link": finding.link, "target": finding.target, "score": finding.score}
    return {
        "ruleId": finding.rule.value,
        "ruleIndex": list(Rule).index(finding.rule),
        "level": finding.severity.value,
        "message": {"text": visible(finding.message)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(place(finding.path), safe="/")},
                    "region": {"startLine": finding.line, "startColumn": finding.column},
                }
            }
        ],
        "partialFingerprints": {"recallSubject/v1": fingerprint},
        "properties": {key: value for key, value in properties.items() if value is not None},
    }


def _fingerprint(finding: Finding) -> str:
    """What stays the same while lines move."""
    told = "\0".join((finding.rule.value, finding.path, finding.subject))
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]
