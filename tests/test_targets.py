"""Which notes are never suggested."""

import pytest
from vaults import ORCHARD, index_of, write

from recall.links.targets import is_excluded
from recall.settings import DEFAULT_EXCLUDE, SuggestSettings


@pytest.mark.parametrize(
    "path",
    [
        "2024-05-31.md",
        "journal/2024_05_31.md",
        "daily.journal.2024.05.31.md",
        "2024-05.md",
        "2024-W22.markdown",
        "Templates/Meeting.md",
        "meta/templates/deep/Meeting.md",
        "99 - Templates/Meeting.md",
    ],
)
def test_names_from_calendars_and_template_folders_are_excluded_by_default(path):
    assert is_excluded(path, DEFAULT_EXCLUDE)


@pytest.mark.parametrize(
    "path",
    [
        "2024-05-31 a walk with Ada.md",
        "202405311200.md",
        "1984.md",
        "C++ templates.md",
        "templates.md",
        "templates for letters/Meeting.md",
        "journal/2024-05-31/what I saw.md",
    ],
)
def test_names_that_an_author_gave_are_not(path):
    assert not is_excluded(path, DEFAULT_EXCLUDE)


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("log/*", "log/a.md", True),
        ("log/*", "my log/a.md", False),
        ("log/*", "deep/log/a.md", False),
        ("log/", "deep/log/a.md", True),
        ("log/", "log.md", False),
        ("my log/old/", "x/my log/old/y/a.md", True),
        ("*.excalidraw", "Sketch.Excalidraw.md", True),
        ("note ?", "note 1.md", True),
        ("DD*", "DDR5.md", True),
        ("dd*", "12.md", False),
        ("", "a.md", False),
        ("/", "a.md", False),
        ("[", "[.md", True),
    ],
)
def test_patterns_mean_file_names_folders_or_paths(pattern, path, fits):
    assert is_excluded(path, [pattern]) is fits


NOTES = {
    "pears.md": "# Pears\n\nGrafted trees bear sweeter fruit in old orchards.\n",
    "apples.md": "# Apples\n\nOld orchards of grafted trees bear sweeter fruit.\n",
    "idea.md": "---\ndraft: true\n---\n# Idea\n\nGrafted trees bear fruit in orchards.\n",
    "2020-01-01.md": "# A day\n\nSaw old orchards; grafted trees bear sweeter fruit.\n",
}


def suggested(index, note, **options):
    return {item.card.path for item in index.suggest_links(note, **options).suggestions}


def test_a_published_note_is_offered_no_drafts_unless_asked(tmp_path):
    write(tmp_path, NOTES)
    index = index_of(tmp_path)
    index.refresh()
    assert suggested(index, "apples.md") == {"pears.md"}
    assert suggested(index, "apples.md", drafts=True) == {"pears.md", "idea.md"}
    assert suggested(index, "idea.md") == {"apples.md", "pears.md"}


def test_excluded_notes_are_not_suggested_but_get_suggestions_and_are_related(tmp_path):
    write(tmp_path, NOTES)
    index = index_of(tmp_path, suggest=SuggestSettings(("pea*", "nowhere/")))
    index.refresh()
    assert suggested(index, "apples.md") == {"2020-01-01.md"}
    assert "apples.md" in suggested(index, "pears.md")
    related = {item.card.path for item in index.related("apples.md").suggestions}
    assert {"pears.md", "idea.md"} <= related


def test_what_is_left_out_makes_room_for_others_and_changes_no_score(tmp_path):
    days = {f"2020-01-{day:02}.md": NOTES["2020-01-01.md"] for day in range(1, 4)}
    write(tmp_path, {**ORCHARD, **days})
    scores = {}
    for exclude in ((), ("YYYY-MM-DD",)):
        index = index_of(tmp_path, suggest=SuggestSettings(exclude))
        index.refresh()
        found = index.suggest_links("apples.md", k=3 if exclude else 10).suggestions
        scores[exclude] = {item.card.path: item.score for item in found}
    assert len(scores["YYYY-MM-DD",]) == 3
    assert scores["YYYY-MM-DD",].items() < scores[()].items()
