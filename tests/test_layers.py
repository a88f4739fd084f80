"""The order of the modules, read from their imports."""

import ast
from pathlib import Path

import pytest

import recall

PACKAGE = Path(recall.__file__).parent

# A module may import those above it, never those below.
ORDER = (
    "digest",
    "blas",
    "processors",
    "records",
    "patterns",
    "domain",
    "errors",
    "words",
    "names",
    "manner",
    "markdown",
    "edit",
    "vault",
    "toml_file",
    "publishing",
    "settings",
    "passages",
    "embedding",
    "entries",
    "store",
    "feedback",
    "planning",
    "build",
    "search",
    "links",
    "applying",
    "naming",
    "judging",
    "arguments",
    "status",
    "suggesting",
    "doctor",
    "index",
    "evaluate",
    "prepublish",
    "render",
    "cli",
    "__main__",
)
FORBIDDEN_NAMES = ("utils", "helpers", "common", "manager")


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def layer(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_layers(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = node.module.split(".")
            if parts[0] == "recall":
                found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("recall.")}
    return found & set(ORDER)


@pytest.mark.parametrize("file", modules(), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_module_imports_only_what_stands_above_it(file):
    own = layer(file)
    if own == "__init__":  # the public interface points at the facade, late
        return
    below = {name for name in imported_layers(file) if ORDER.index(name) > ORDER.index(own)}
    assert below == set()


def test_every_module_has_its_place_in_the_order():
    assert {layer(file) for file in modules()} - {"__init__"} == set(ORDER)


def test_no_module_is_a_drawer():
    assert [file.stem for file in modules() if file.stem in FORBIDDEN_NAMES] == []


def test_nothing_below_the_command_line_prints_or_logs():
    for file in modules():
        if layer(file) in {"cli", "__main__"}:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "print", file
            if isinstance(node, ast.Import):
                assert "logging" not in {alias.name for alias in node.names} or "embedding" in str(
                    file
                ), file
