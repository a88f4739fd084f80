"""Where figures are kept: one JSON file a run, named by date, commit and benchmark."""

from __future__ import annotations

import itertools
import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

FOLDER = Path(__file__).parent / "results"


def keep(name: str, figures: dict[str, object]) -> Path:
    """Write the figures of one run, with what they were measured on; no other run's are lost."""
    today = datetime.now(UTC).date().isoformat()
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / f"{today}-{commit()}-{name}.json"
    for turn in itertools.count(2):
        if not file.exists():
            break
        file = FOLDER / f"{today}-{commit()}-{name}-{turn}.json"
    whole = {"benchmark": name, "date": today, "commit": commit(), "machine": machine(), **figures}
    file.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return file


def commit() -> str:
    """The short hash of the commit measured, with a plus sign if the tree differs from it."""
    here = FOLDER.parent
    git = ["git", "-C", str(here)]
    try:
        head = subprocess.run(
            [*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        changed = subprocess.run(
            [*git, "status", "--porcelain", "--untracked-files=no"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head}+" if changed else head


def machine() -> dict[str, object]:
    """What the figures depend on, without naming the machine."""
    return {
        "system": platform.system(),
        "cpu": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }
