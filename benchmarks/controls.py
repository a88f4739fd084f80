"""Copies of a vault in which there is nothing to find: a method that scores there is fooled.

`benchmarks.masking.shuffle` makes every link point at a random note; `add_templates` puts notes
into a vault that hold nothing but what a template gives.
"""

from __future__ import annotations

import shutil
from pathlib import Path

FOLDER = "templates only"
COUNT = 12

# Headings and prompts as note templates have them; no author has written a word here yet.
_SKELETON = """\
---
title: {title}
tags:
  - journal
created: 2024-01-{day:02}
---

# {title}

> [!note] Core claim
> State the one thing that this note says.

> [!question] Reflective question
> What would have to be true for this to be wrong?

## signals
- What happened, who said so, and when?
- Which number would change your mind?

## my take
Say in your own words why this matters, and what follows from it.

## sources

## related
"""


def add_templates(vault: Path, out: Path) -> tuple[str, ...]:
    """Copy a vault with its index, and add template-only and empty notes.

    Returns:
        Their paths, sorted.
    """
    if out.exists():
        shutil.rmtree(out)
    shutil.copytree(vault, out)
    (out / FOLDER).mkdir(exist_ok=True)
    added = []
    for number in range(1, COUNT + 1):
        title = f"untitled {number}"
        is_empty = number % 4 == 0
        text = "" if is_empty else _SKELETON.format(title=title, day=number)
        (out / FOLDER / f"{title}.md").write_text(text, encoding="utf-8")
        added.append(f"{FOLDER}/{title}.md")
    return tuple(sorted(added))
