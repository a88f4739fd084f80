from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benchmarks.masking import MaskedSource, VaultTexts, mask, shuffle
from recall.markdown import parse_note
from recall.vault import Vault

PROSE = (
    "Bread wants time more than it wants work, and most of what goes wrong in a kitchen goes wrong "
    "because somebody was in a hurry to see the loaf before it was ready to be seen at all."
)
JOURNAL = f"""\
---
title: sourdough keeps its own hours
related:
  - "[[Rye]]"
  - "[[Slow Food|the slow ones]]"
up: "[[Baking]]"
description: A starter is a schedule.
---

# sourdough keeps its own hours

{PROSE}

> [!note] Core claim
> A starter, like [[Rye]], keeps the baker and not the other way round.

## signals
- [[Baking]]
- Feeding twice a day beats feeding once, as [rye bakers](Rye.md) say.

## linkage
<div class="linkage-tree">
  <div class="linkage-tree-title">linkage tree</div>
  <ul>
    <li>tags
      <ul>
        <li>#bread</li>
      </ul>
    </li>
    <li>related
      <ul>
        <li>[[Baking]]</li>
        <li>[[Slow Food]]</li>
      </ul>
    </li>
  </ul>
</div>
"""
OTHERS = {
    "Rye.md": f"# Rye\n\nDark, dense. {PROSE}\n\nRelated: [[Baking]], [[Sourdough]]\n",
    "Baking.md": f"# Baking\n\nAn oven and [[Sourdough|a jar]]. {PROSE}\n",
    "Slow Food.md": f"# Slow Food\n\nSee [[Rye]].\n\n{PROSE}\n",
}


def write(folder: Path, notes: dict[str, str]) -> Path:
    for path, text in notes.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text.encode())
    return folder


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    return write(tmp_path / "vault", {"Sourdough.md": JOURNAL, **OTHERS})


def masked(vault: Path, **options) -> tuple[tuple[MaskedSource, ...], VaultTexts]:
    out = vault.parent / f"out-{'-'.join(str(value) for value in options.values())}"
    sources = mask(vault, out, **options)
    return sources, VaultTexts.read(Vault(out))


def masked_text(tmp_path: Path, text: str, *, anchor: str = "hidden") -> str:
    """Mask one note that links `Rye` and `Baking`, in a vault where those link nothing."""
    notes = {"Rye.md": "Rye is dark.\n", "Baking.md": "Baking is warm.\n", "a.md": text}
    sources, found = masked(write(tmp_path / "vault", notes), anchor=anchor)
    assert [source.path for source in sources] == ["a.md"]
    return found.notes["a.md"].text


def test_sources_are_notes_with_enough_links_and_words(tmp_path):
    many = " ".join(f"[[n{i}]]" for i in range(31))
    notes = {
        "one.md": f"{PROSE} [[n1]] [[n1|again]]",
        "two.md": f"{PROSE} [[n1]] [[n2]]",
        "few words.md": "Short. [[n1]] [[n2]] [[n3]]",
        "words in links.md": " ".join(f"[[n{i}|{PROSE}]]" for i in range(3)),
        "hub.md": f"{PROSE} {many}",
        "self.md": f"{PROSE} [[self]] [[#heading]] [[n1]] [[nowhere]]",
        **{f"n{i}.md": "A note." for i in range(31)},
    }
    vault = write(tmp_path / "vault", notes)
    sources, _ = masked(vault)
    assert sources == (MaskedSource("two.md", ("n1.md", "n2.md")),)


def test_two_characters_of_a_script_without_blanks_are_a_word(tmp_path):
    enough = "笔记之间的联系帮助人们回忆已经忘记的想法，" * 4  # eighty characters in four runs
    notes = {
        "够.md": f"{enough} [[n1]] [[n2]]",
        "少.md": f"{enough[:40]} [[n1]] [[n2]]",
        **{f"n{i}.md": "A note." for i in range(3)},
    }
    sources, _ = masked(write(tmp_path / "vault", notes))
    assert sources == (MaskedSource("够.md", ("n1.md", "n2.md")),)


def test_what_was_hidden_is_every_note_that_the_source_linked(vault):
    sources, _ = masked(vault)
    assert sources == (
        MaskedSource("Rye.md", ("Baking.md", "Sourdough.md")),
        MaskedSource("Sourdough.md", ("Baking.md", "Rye.md", "Slow Food.md")),
    )


@pytest.mark.parametrize("anchor", ["hidden", "mention"])
def test_no_link_from_or_to_a_source_is_left(vault, anchor):
    sources, found = masked(vault, anchor=anchor)
    paths = {source.path for source in sources}
    assert paths == {"Rye.md", "Sourdough.md"}
    left = {(path, target) for path in found.notes for target in found.targets(path)}
    assert {pair for pair in left if paths & set(pair)} == set()


def test_links_between_other_notes_stay(tmp_path):
    notes = {"a.md": f"{PROSE} [[b]] [[c]]", "b.md": "[[c]] and [[a]]", "c.md": "[[b]]"}
    _, found = masked(write(tmp_path / "vault", notes))
    assert found.targets("b.md") == {"c.md"}
    assert found.notes["c.md"].text == "[[b]]"


def test_the_journal_format_is_masked_to_the_letter(vault):
    _, found = masked(vault)
    assert (
        found.notes["Sourdough.md"].text
        == f"""\
---
title: sourdough keeps its own hours
related:
description: A starter is a schedule.
---

# sourdough keeps its own hours

{PROSE}

> [!note] Core claim
> A starter, like , keeps the baker and not the other way round.

## signals
- Feeding twice a day beats feeding once, as  say.

## linkage
<div class="linkage-tree">
  <div class="linkage-tree-title">linkage tree</div>
  <ul>
    <li>tags
      <ul>
        <li>#bread</li>
      </ul>
    </li>
    <li>related
      <ul>
      </ul>
    </li>
  </ul>
</div>
"""
    )


def test_hidden_leaves_no_name_where_a_link_was(vault):
    _, found = masked(vault)
    text = found.notes["Sourdough.md"].text
    assert not re.search(r"rye|slow|baking", text, re.IGNORECASE)
    assert found.notes["Baking.md"].text == f"# Baking\n\nAn oven and . {PROSE}\n"


def test_mention_leaves_what_a_reader_saw(vault):
    _, found = masked(vault, anchor="mention")
    text = found.notes["Sourdough.md"].text
    assert "> A starter, like Rye, keeps the baker and not" in text
    assert "as rye bakers say" in text
    assert '  - "the slow ones"\nup: "Baking"\n' in text
    assert "        <li>Baking</li>\n        <li>Slow Food</li>\n" in text
    assert found.notes["Rye.md"].text.endswith("\n\nRelated: Baking, Sourdough\n")


@pytest.mark.parametrize(
    "line",
    [
        "[[Rye]] [[Baking]]",
        "- [[Rye]], [[Baking]]",
        "  * **[[Rye]]** · _[[Baking]]_",
        "1. [[Rye]] and [[Baking]]",
        "- [ ] [[Rye]] ^a1b2",
        "> [[Rye]] | [[Baking]]",
        "Related: [[Rye]], [[Baking]]",
        "**See also:** [[Rye]] / [rising](Baking.md)",
        "related:: [[Rye]]",
        "### [[Rye]]",
        "| [[Rye]] | [[Baking\\|b]] |",
        "<li>[[Rye]]</li>",
        '<p>Related <a href="Rye.md">dark</a></p>',
        "![[Rye]]",
        "[r]: Rye.md 'Rye'",
    ],
)
def test_a_line_that_held_only_links_goes_whole(tmp_path, line):
    text = f"{PROSE} [[Rye]] [[Baking]]\n\n{line}\n\nLast.\n"
    assert masked_text(tmp_path, text) == f"{PROSE}  \n\n\nLast.\n"


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("- [[Rye]] bread", "- bread"),
        ("- [[Rye]]: dark", "- : dark"),
        ("As [[Rye]] shows", "As  shows"),
        ("It *rises* (*[[Baking]]*).", "It *rises* ()."),
        ("> [!tip] [[Rye]]", "> [!tip] "),
        ("[[Rye]] #grain", "#grain"),
        ("<ul><li>[[Rye]]</li>", "<ul><li></li>"),
        ('![alt](a.png) [the *dark* one](Rye.md#crumb "t")', "![alt](a.png) "),
        ("A [dark `]`](Rye.md) loaf", "A  loaf"),
        ("    a = [[Rye]]", "    a = [[Rye]]"),
        ("`[[Rye]]` and [web](https://example.org)", "`[[Rye]]` and [web](https://example.org)"),
    ],
)
def test_of_other_lines_only_the_link_goes(tmp_path, line, left):
    text = f"{PROSE} [[Rye]] [[Baking]]\n\n{line}\n"
    assert masked_text(tmp_path, text) == f"{PROSE}  \n\n{left}\n"


def test_a_reference_link_goes_with_its_definition(tmp_path):
    text = (
        f"{PROSE} [[Baking]]\n\nThe [dark one][rye], [Rye][] or [rye], but `[rye]` is code and "
        f"[other] is not.\n\n[rye]: Rye.md\n[other]: https://example.org\n"
    )
    assert masked_text(tmp_path, text) == (
        f"{PROSE} \n\nThe ,  or , but `[rye]` is code and [other] is not.\n\n"
        "[other]: https://example.org\n"
    )
    assert "The dark one, Rye or rye, but `[rye]`" in masked_text(tmp_path, text, anchor="mention")


def test_links_to_notes_that_do_not_exist_go_too(tmp_path):
    text = f"{PROSE} [[Rye]] [[Baking]] [[Not written yet]]\n"
    assert masked_text(tmp_path, text) == f"{PROSE}   \n"


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ('up: "[[Rye]]"', ""),
        ("up: [[Rye]]", ""),
        ("related: ['[[Rye]]', \"[[Baking]]\"]", ""),
        ("related: [[[Rye]], [[Baking]]]", ""),
        ('note: "as [[Rye]] says"', 'note: "as  says"\n'),
        ("note: as [[Rye]] says", "note: as  says\n"),
        ('related:\n- "[[Rye]]"\n- bread\n- "[[Baking]]"', "related:\n- bread\n"),
        ('up: [bread, "[[Rye]]"]', 'up: [bread, ""]\n'),
        ("up: [bread, [[Rye]]]", "up: [bread, ]\n"),
        ("up: [[[Rye]], bread]", 'up: ["", bread]\n'),
    ],
)
def test_frontmatter_stays_valid(tmp_path, written, left):
    text = f"---\ntags: [food]\n{written}\n---\n{PROSE} [[Rye]] [[Baking]]\n"
    found = masked_text(tmp_path, text)
    assert found == f"---\ntags: [food]\n{left}---\n{PROSE}  \n"
    assert parse_note("a.md", found).problems == ()
    mentioned = parse_note("a.md", masked_text(tmp_path, text, anchor="mention"))
    assert mentioned.problems == ()
    assert mentioned.tags == ("food",)


def test_track_missing_takes_one_target_and_nothing_else(vault):
    sources, found = masked(vault, track="missing", seed=3)
    assert [source.path for source in sources] == ["Sourdough.md"]
    (hidden,) = sources[0].hidden
    before = VaultTexts.read(Vault(vault))
    assert before.targets("Sourdough.md") - found.targets("Sourdough.md") == {hidden}
    for path in OTHERS:
        assert found.notes[path].text == before.notes[path].text


def test_track_missing_takes_every_link_to_its_target(vault):
    hidden = {masked(vault, track="missing", seed=seed)[0][0].hidden for seed in range(12)}
    assert hidden == {("Baking.md",), ("Rye.md",), ("Slow Food.md",)}


def test_a_copy_is_the_same_every_time(vault, tmp_path):
    for track in ("new", "missing"):
        first, second = tmp_path / f"1{track}", tmp_path / f"2{track}"
        assert mask(vault, first, track=track) == mask(vault, second, track=track)
        assert contents(first) == contents(second)


def contents(folder: Path) -> dict[str, bytes]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def test_at_most_so_many_sources_are_drawn_and_the_seed_says_which(tmp_path):
    notes = {f"n{i}.md": f"{PROSE} [[n{(i + 1) % 20}]] [[n{(i + 2) % 20}]]" for i in range(20)}
    vault = write(tmp_path / "vault", notes)
    drawn = [masked(vault, seed=seed, most=5)[0] for seed in (1, 2)]
    assert [len(sources) for sources in drawn] == [5, 5]
    assert drawn[0] != drawn[1]


def test_only_notes_are_copied_and_unread_ones_as_they_are(tmp_path):
    vault = write(tmp_path / "vault", {"a.md": f"{PROSE} [[b]] [[c]]", "b.md": "b", "c.md": "c"})
    (vault / "latin.md").write_bytes(b"caf\xe9 [[a]]")
    (vault / "image.png").write_bytes(b"png")
    (vault / ".obsidian").mkdir()
    (vault / ".obsidian" / "graph.md").write_text("[[a]] [[b]]")
    out = tmp_path / "out"
    mask(vault, out)
    copied = {path: data for path, data in contents(out).items() if path != ".masked"}
    assert sorted(copied) == ["a.md", "b.md", "c.md", "latin.md"]
    assert copied["latin.md"] == b"caf\xe9 [[a]]"


def test_a_second_copy_replaces_the_first_and_touches_what_is_right_already(vault, tmp_path):
    out = tmp_path / "out"
    mask(vault, out, anchor="mention")
    stamp = (out / "Slow Food.md").stat().st_mtime_ns
    (out / "stale.md").write_text("[[Rye]]")
    mask(vault, out, anchor="mention")
    assert sorted(contents(out)) == [
        ".masked",
        "Baking.md",
        "Rye.md",
        "Slow Food.md",
        "Sourdough.md",
    ]
    assert (out / "Slow Food.md").stat().st_mtime_ns == stamp


def test_a_folder_that_is_no_copy_is_left_alone(vault, tmp_path):
    notes = write(tmp_path / "mine", {"diary.md": "Private."})
    for out in (notes, vault, vault / "copy", tmp_path):
        with pytest.raises(ValueError, match=r"in one another|no masked copy"):
            mask(vault, out)
    assert contents(notes) == {"diary.md": b"Private."}


def test_line_ends_marks_and_stray_bytes_outlive_a_cut(tmp_path):
    text = f"\ufeff{PROSE}\r\n\r\n- [[Rye]]\r\n- keep\t\u2028\u00a0\r\n[[Baking]] \x0b end\r"
    assert masked_text(tmp_path, text) == (
        f"\ufeff{PROSE}\r\n\r\n- keep\t\u2028\u00a0\r\n\x0b end\r"
    )


def test_a_first_line_that_goes_does_not_make_a_rule_the_start_of_yaml(tmp_path):
    text = f"[[Rye]]\n---\nwas: no YAML\n---\n{PROSE} [[Baking]]\n"
    found = masked_text(tmp_path, text)
    assert found == f"\n---\nwas: no YAML\n---\n{PROSE} \n"
    assert parse_note("a.md", found).problems == ()


def test_a_link_that_the_first_cut_brings_to_light_goes_too(tmp_path):
    text = f"{PROSE} [[Rye]] [[Bak[[Rye]]ing]] [see [[Rye]]](Baking.md)\n"
    found = masked_text(tmp_path, text, anchor="mention")
    assert not VaultTexts({"a.md": parse_note("a.md", found)}).notes["a.md"].links


def test_a_link_in_the_title_hides_the_name_that_it_gave(tmp_path):
    notes = {
        "a.md": f"# About [[Rye]]\n\n{PROSE} [[Baking]]",
        "Rye.md": "Dark.",
        "Baking.md": "Read [[About Rye]].",
    }
    _, found = masked(write(tmp_path / "vault", notes))
    assert found.notes["Baking.md"].text == "Read ."


def test_dendron_links_keep_their_label_as_the_mention(tmp_path):
    notes = {
        "a.md": f"{PROSE} [[dark bread|food.grain.rye]] [[food.baking]]",
        "food.grain.rye.md": "Dark.",
        "food.baking.md": "Warm.",
    }
    sources, found = masked(write(tmp_path / "vault", notes), anchor="mention")
    assert sources == (MaskedSource("a.md", ("food.baking.md", "food.grain.rye.md")),)
    assert found.notes["a.md"].text == f"{PROSE} dark bread food.baking"


def test_shuffled_links_keep_their_number_and_lose_their_meaning(tmp_path):
    notes = {f"n{i}.md": f"{PROSE} [[n{(i + 1) % 40}]] [n](n{(i + 2) % 40}.md)" for i in range(40)}
    vault = write(tmp_path / "vault", notes)
    shuffle(vault, tmp_path / "shuffled", seed=1)
    before, after = VaultTexts.read(Vault(vault)), VaultTexts.read(Vault(tmp_path / "shuffled"))
    kept = [len(before.targets(path) & after.targets(path)) for path in notes]
    assert [len(after.targets(path)) for path in notes] == [2] * 40
    assert sum(kept) < 12  # about 4 of 80 by chance


TARGETS = ["Rye", "Baking", "Slow Food", "deep/Crumb"]
PARTS = [
    *(f"[[{name}]]" for name in TARGETS),
    *(f"[[{name}|label {i}]]" for i, name in enumerate(TARGETS)),
    *(f"[text]({name.replace(' ', '%20')}.md)" for name in TARGETS),
    "![[Rye]]", "[[Rye#crumb]]", "[[a]]", "[[#here]]", "[[Nowhere]]", "[r]", "[rye bread][r]",
    '<a href="Rye.md">rye</a>', "`[[Rye]]`", "plain words", "**", "*", "_", "[", "]", "(", ")", "|",
    "- ", "1. ", "> ", "# ", "<li>", "</li>", "<ul>", "</ul>", '"', "'", ": ", ", ", "---", "```",
    "\n", "\n", "\n", "\n\n", "\n[r]: Rye.md\n", "\nRelated: ", " ", "    ", "\r\n", "%%", "$",
    "\\", '<div class="linkage-tree">', "</div>", "| a | b |\n|---|---|\n", "---\nup: ",
    "\n---\n", '- "',
]  # fmt: skip


@given(
    st.lists(st.sampled_from(PARTS), max_size=40).map("".join),
    st.booleans(),
    st.sampled_from(["hidden", "mention"]),
)
@example("<li>```[[Rye]]---\nup: ```[[Rye]]", False, "hidden")
def test_whatever_a_note_is_made_of_its_links_go(tmp_path_factory, parts, has_front, anchor):
    folder = tmp_path_factory.mktemp("random")
    text = f"{PROSE}\n\n[[Rye]] [[Baking]]\n\n{parts}"
    if has_front:
        text = f"---\n{parts}\n---\n{text}"
    notes = {
        "a.md": text,
        **{f"{name}.md": "Links [[a]] and [[Rye]] here.\n" for name in TARGETS},
    }
    before = VaultTexts({path: parse_note(path, note) for path, note in notes.items()})
    sources, after = masked(write(folder / "vault", notes), anchor=anchor)
    if [source.path for source in sources] != ["a.md"]:
        return  # it links too little, or a fence or comment swallowed its prose
    assert [target for _, target in after.links("a.md")] == []
    assert [path for path in after.notes if "a.md" in after.targets(path)] == []
    was_valid = not before.notes["a.md"].problems
    assert not (was_valid and after.notes["a.md"].problems)
    touched = {
        line for link, _ in before.links("a.md") for line in lines_of_row(text, link.span.start)
    }
    if "[r]" not in text:
        assert_untouched_lines_are_equal(text, after.notes["a.md"].text, touched)


def lines_of_row(text: str, link: int) -> range:
    """The lines that go with a link: a row of a linkage tree goes whole, on however many it is."""
    row = text.rfind("<li>", text.rfind("\n\n", 0, link) + 1, link)
    return range(line_of(text, link if row < 0 else row), line_of(text, link) + 1)


def line_of(text: str, at: int) -> int:
    return len(re.findall(r"\r\n|\n|\r", text[:at]))


def assert_untouched_lines_are_equal(before: str, after: str, touched: set[int]) -> None:
    """Every line without a link is still there, in the same order."""
    rest = iter(re.split(r"\r\n|\n|\r", after))
    for number, line in enumerate(re.split(r"\r\n|\n|\r", before)):
        if number not in touched:
            assert line in rest, (number, line)
