"""What is promised in docs/security.md of vaults that come from strangers."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import stat
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import pytest
from vaults import ORCHARD, index_of, write

from recall.cli import main
from recall.edit import NewLink, add_links
from recall.markdown import parse_note
from recall.prepublish.silence import read_silence
from recall.render import as_json, as_text, hits

ROOT = Path(__file__).parents[1]

# Every command in one process, with an ear for what Python itself reports of files and sockets.
WATCHED = """
import json, os, sys
vault, own = sys.argv[1], sys.argv[1] + "/.recall"
seen = {"sockets": [], "written": [], "programs": []}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
def listen(event, arguments):
    if event.startswith("socket."):
        seen["sockets"].append(event)
        raise PermissionError("the network is refused")
    if event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"):
        seen["programs"].append(str(arguments[0]))
    paths = ()
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES:
        paths = arguments[:1]
    elif event in ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.chmod", "os.link",
                   "os.symlink", "os.truncate", "os.utime", "shutil.move", "shutil.rmtree"):
        paths = arguments[:2]
    for path in paths:
        if isinstance(path, (str, bytes, os.PathLike)):
            full = os.path.abspath(os.fsdecode(path))
            if full.startswith(vault) and full != own and not full.startswith(own + "/"):
                seen["written"].append(full)
sys.addaudithook(listen)
from recall.cli import main
codes = [main([*command, "--vault", vault]) for command in json.loads(sys.argv[2])]
print(json.dumps({"codes": codes, **seen}), file=sys.stderr)
"""
COMMANDS = (
    ["index"], ["index", "--full"], ["search", "grafted trees"], ["suggest-links", "apples.md"],
    ["related", "apples.md"], ["why", "apples.md", "grafting.md"],
    ["suggest-links", "apples.md", "--diff"], ["undo", "--diff"], ["prepublish", "apples.md"],
    ["dismiss", "apples.md", "bees.md"], ["dismiss", "--list"], ["eval", "--sources", "2"],
    ["undo"], ["status"], ["doctor"],
)  # fmt: skip


def test_every_command_is_watched(capsys):
    assert main(["--help"]) == 0
    listed = re.findall(
        r"^  ([a-z-]+)  ", capsys.readouterr().out.partition("Commands:")[2], re.MULTILINE
    )
    assert {command[0] for command in COMMANDS} == set(listed)


def test_no_command_opens_a_socket_starts_a_program_or_writes_outside_the_index(
    tmp_path, models_dir
):
    vault, cache = tmp_path / "vault", tmp_path / "cache"
    write(vault, ORCHARD)
    cache.mkdir()
    (cache / "models").symlink_to(models_dir, target_is_directory=True)
    ran = subprocess.run(
        [sys.executable, "-c", WATCHED, str(vault), json.dumps(COMMANDS)],
        capture_output=True, text=True, check=True, cwd=ROOT,
        env={**os.environ, "RECALL_CACHE": str(cache)},
    )  # fmt: skip
    seen = json.loads(ran.stderr.strip().splitlines()[-1])
    assert set(seen.pop("programs")) <= {"git"}  # asked by prepublish
    codes = seen.pop("codes")
    failed = {asked[0] for asked, code in zip(COMMANDS, codes, strict=True) if code}
    assert failed <= {"undo", "prepublish"}  # nothing to take back; something to mend
    assert seen == {"sockets": [], "written": []}


ESCAPES = "\x1b]0;owned\x07\x1b[31mred\x1b[0m\u202eback\x9b2J"
HOSTILE: dict[str, str | bytes] = {
    "title.md": f'---\ntitle: "{ESCAPES.encode("unicode_escape").decode()}"\n---\nGrafted trees.\n',
    "heading.md": f"# {ESCAPES}\n\nGrafted trees {ESCAPES} and fruit.\n",
    f"name {ESCAPES.replace('/', '')}.md": "Grafted trees once more.\n",
    "two\nlines.md": "# Two lines\n\nGrafted trees in a name of two lines.\n",
    "passwd.md": "[[../../etc/passwd]] [a](../../../etc/passwd) ![[/etc/passwd]] [[C:\\a.ini]]\n",
    "bomb.md": "---\na: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in pairwise("abcdefghi"))
    + "title: *i\n---\nA bomb.\n",
    "object.md": "---\ntitle: !!python/object/apply:os.system ['touch owned']\n---\nAn object.\n",
    "deep yaml.md": "---\na: " + "[" * 20_000 + "\n---\nDeep.\n",
    "deep quote.md": "> " * 5_000 + "deep\n",
    "deep list.md": "".join(f"{'  ' * depth}- item\n" for depth in range(1_000)),
    "brackets.md": "[" * 50_000 + "]" * 50_000 + "\n",
    "nul.md": b"a\0b",
    "latin.md": "gr\xe4ft".encode("latin-1"),
    "good.md": "# Good\n\nGrafted trees bear sweeter fruit.\n",
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vault in which everything is meant badly."""
    root = tmp_path_factory.mktemp("hostile")
    write(root, HOSTILE)
    if os.name == "posix":
        os.mkfifo(root / "pipe.md")
        (root / "self.md").symlink_to("self.md")
        (root / "around").symlink_to(".", target_is_directory=True)
        (root / "out.md").symlink_to("/etc/passwd")
        (root / "device.md").symlink_to("/dev/zero")
        with contextlib.suppress(PermissionError):  # to make one of its own one has to be root
            os.mknod(root / "zero.md", 0o666 | stat.S_IFCHR, os.makedev(1, 5))
        with socket.socket(socket.AF_UNIX) as listening, tempfile.TemporaryDirectory() as short:
            listening.bind(f"{short}/socket")  # the path of a socket may not be long
            Path(short, "socket").rename(root / "socket.md")
        with (root / "huge.md").open("wb") as huge:
            huge.truncate(100_000_000)
    return root


def test_a_hostile_vault_is_indexed_and_every_file_left_out_has_its_reason(hostile):
    index = index_of(hostile)
    report = index.refresh()
    reasons = {item.path: item.reason for item in report.skipped}
    assert set(report.added) | set(reasons) >= set(HOSTILE)
    assert "good.md" in report.added
    assert reasons["nul.md"].startswith("holds NUL bytes")
    assert reasons["latin.md"].startswith("not UTF-8")
    if os.name == "posix":
        odd = {path for path, reason in reasons.items() if reason == "not a regular file"}
        assert odd == {"pipe.md", "socket.md"} | {"zero.md"} & {p.name for p in hostile.iterdir()}
        assert reasons["huge.md"].startswith("100.0 MB; notes over 4 MB are left out")
        links = {path for path, reason in reasons.items() if reason.startswith("a symbolic link")}
        assert links == {"self.md", "out.md", "device.md"}
    assert not (hostile / "owned").exists()
    assert not Path("owned").exists()
    with index.read() as snapshot:
        assert [link.resolution.path for link in snapshot.links_from("passwd.md")] == [None] * len(
            snapshot.links_from("passwd.md")
        )


def test_nothing_of_a_hostile_vault_steers_the_terminal(hostile):
    index = index_of(hostile)
    plain = as_text.Style()
    report = index.refresh()
    found = index.search("grafted trees", k=20)
    shown = [as_text.report(report, plain), as_text.status(index.status(), plain)]
    shown += [hits.search(found, plain, folder=hostile, explain=True)]
    shown += [
        as_text.suggestions([index.related("good.md", k=20)], plain, explain=True, all_of_them=True)
    ]
    assert len(found.hits) >= 5
    for text in shown:
        assert not [char for char in text if ord(char) in SIGNALS and char != "\n"]
    for value in (as_json.search(found), as_json.report(report), as_json.status(index.status())):
        line = as_json.one_line(value)
        assert not [char for char in line if ord(char) in SIGNALS - {0x202E}]
        assert json.loads(line) == value


SIGNALS = {*range(32), *range(127, 160), 0x202E}


@pytest.mark.skipif(os.name != "posix", reason="names that other systems do not allow")
def test_a_name_of_two_lines_stays_on_one(hostile, capsys):
    index = index_of(hostile)
    index.refresh()
    shown = hits.search(index.search("two lines", k=1), as_text.Style(), folder=hostile)
    assert "two␊lines.md" in shown


# What a scanner might look at again and again; each is repeated to fill a note.
UNITS = {
    "links": "[[a|b]] ", "open links": "[[a ", "brackets": "[", "nested": "[a](b ", "stars": "*a ",
    "underscores": "_", "ticks": "`a", "tables": "| a | b |\n|-|-|\n", "quotes": "> ",
    "tags": "#a ", "comments": "<!-- ", "percent": "%%a ", "maths": "$a", "html": "<b",
    "entities": "&amp", "urls": "https://a.b/(", "lists": "- a\n", "fences": "```\n",
    "footnotes": "[^a]: b\n", "yaml": "a: [b]\n", "blanks": " ", "lines": "\n",
    "carriage returns": "\r", "colons": "::", "related": "Related: [[a]]\n",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS)
def test_a_note_of_sixteen_megabytes_takes_time_in_proportion(unit):
    def seconds(megabytes: int) -> float:
        text = UNITS[unit] * (megabytes * 1_000_000 // len(UNITS[unit]))
        text = f"---\n{text}\n---\n" if unit == "yaml" else text
        started = time.process_time()
        parse_note("a.md", text)
        return time.process_time() - started

    small, large = min(seconds(2), seconds(2)), seconds(16)
    # A quadratic scanner takes 64 times as long.
    assert large < 16 * small + 0.5, f"{small:.2f} s for 2 MB, {large:.2f} s for 16 MB"


slow = pytest.mark.slow
EDITED = {
    "items": "- a\n", "open comments": "<!-- a\n",
    "blanks in a row": "Related: [[a]]" + " " * 4000 + "x",
}  # fmt: skip
MORE_EDITED = {
    "labels": "Related:\n\n", "rows": "Related: [[a]]\n", "comments": "<!-- a -->\n",
    "percent": "%% a %%\n", "headings": "## Related\n", "titles": "# a\n",
    "trees": "<ul><li>related", "keys and items": "related:\n- '[[a]]'\n",
    "callouts": "> [!note] Related\n> - [[a]]\n\n", "footnotes": "[^1]: a\n",
}  # fmt: skip


@pytest.mark.parametrize(
    "unit", [*EDITED.values(), *(pytest.param(unit, marks=slow) for unit in MORE_EDITED.values())]
)
def test_links_are_put_into_a_note_in_time_in_proportion_to_its_size(unit):
    link = NewLink("b.md", "Bees", "b", "b.md", names=("Bees",))

    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        started = time.process_time()
        add_links("a.md", text, [link], lambda _: None, mentions=True)
        return time.process_time() - started

    small, large = min(seconds(12_000), seconds(12_000)), seconds(48_000)
    # A quadratic editor takes 16 times as long.
    assert large < 8 * small + 0.2, f"{small:.2f} s for 12 KB, {large:.2f} s for 48 KB"


@pytest.mark.parametrize(
    "unit", ["<!-- recall: ignore ", "<!-- recall: ignore -->\n", "%% recall: ignore"]
)
def test_comments_that_silence_are_read_in_time_in_proportion_to_their_number(unit):
    text = unit * (200_000 // len(unit))
    started = time.process_time()
    read_silence(text)
    assert time.process_time() - started < 5  # it took minutes


@pytest.mark.slow
def test_a_million_links_are_indexed(tmp_path):
    write(tmp_path, {f"{n}.md": "[[a]] [[b]] [[c d]]\n" * 84_000 for n in range(4)})
    write(tmp_path, {"a.md": "# A\n", "c d.md": "# C\n"})
    index = index_of(tmp_path)
    report = index.refresh()
    assert (report.links, report.unresolved_links) == (4 * 84_000 * 3, 4 * 84_000)
    assert index.suggest_links("a.md").suggestions is not None


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('notes = "/etc"', "outside the vault"),
        ('index = "../../elsewhere"', "outside the vault"),
        ('model = "/etc/passwd"', "outside the vault"),
        ('model = "evil/model"', "is not on this machine"),
        ("allow_download = true", "no setting"),
        ("a = " + "[" * 100_000, "nested too deeply"),
        ("max_note_bytes = 99999999999999999999", "whole number"),
        ('ignore = ["' + "*a" * 60 + '"]', None),
    ],
)
def test_settings_from_a_stranger_reach_nothing_outside(tmp_path, capsys, toml, said):
    vault = tmp_path / "vault"
    write(vault, {"a" * 200 + ".md": "# A\n", "recall.toml": toml})
    code = main(["status", "--vault", str(vault), "--json"])
    if said == "is not on this machine":
        assert code == 0  # nothing is loaded yet
        code = main(["index", "--vault", str(vault), "--json"])
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    if said is None:
        assert code == 0
    else:
        assert code > 0
        assert said in told["error"]["message"]
    assert {path.name for path in tmp_path.iterdir()} == {"vault"}
