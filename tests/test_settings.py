"""Settings: defaults < recall.toml < environment < flags."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from recall.domain import DEFAULT_RULES, Facet
from recall.errors import SettingsError, UsageError, VaultNotFound
from recall.settings import DEFAULT_EXCLUDE, DEFAULT_MODEL, SuggestSettings, load_settings


def load(vault: Path | None = None, **options):
    return load_settings(vault, environ=options.pop("environ", {}), **options)


def test_a_named_folder_is_the_vault_and_holds_its_index(tmp_path):
    settings = load(tmp_path)
    assert settings.notes == tmp_path
    assert settings.index == tmp_path / ".recall"
    assert settings.model == DEFAULT_MODEL


@pytest.mark.parametrize("mark", [".obsidian", ".git", ".recall", "recall.toml"])
def test_the_vault_is_looked_for_upwards(tmp_path, mark):
    if mark.endswith(".toml"):
        (tmp_path / mark).touch()
    else:
        (tmp_path / mark).mkdir()
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert load(start=deep).notes == tmp_path


def test_recall_toml_names_the_folders(tmp_path):
    (tmp_path / "recall.toml").write_text('notes = "notes"\nindex = "index"\n')
    settings = load(tmp_path)
    assert (settings.notes, settings.index) == (tmp_path / "notes", tmp_path / "index")


def test_naming_the_notes_folder_of_a_project_finds_the_project(tmp_path):
    (tmp_path / "recall.toml").write_text('notes = "notes"\nindex = "index"\n')
    (tmp_path / "notes").mkdir()
    assert load(tmp_path / "notes") == load(tmp_path)


def test_later_sources_win(tmp_path):
    (tmp_path / "recall.toml").write_text('model = "from-file"\n')
    environ = {"RECALL_MODEL": "from-environment"}
    assert load(tmp_path).model == "from-file"
    assert load(tmp_path, environ=environ).model == "from-environment"
    assert load(tmp_path, environ=environ, model="from-flag").model == "from-flag"


@pytest.mark.parametrize("key", ["notes", "index", "model"])
@pytest.mark.parametrize("folder", ["../elsewhere", "/etc"])
def test_a_vault_cannot_name_a_folder_outside_itself(tmp_path, key, folder):
    vault = tmp_path / "vault"
    vault.mkdir()
    (vault / "recall.toml").write_text(f'{key} = "{folder}"\n')
    with pytest.raises(SettingsError, match="outside the vault"):
        load(vault)


def test_a_vault_cannot_allow_a_download(tmp_path):
    (tmp_path / "recall.toml").write_text("allow_download = true\n")
    with pytest.raises(SettingsError, match="no setting allow_download"):
        load(tmp_path)


def test_a_misspelt_setting_is_named_with_the_one_that_was_meant(tmp_path):
    (tmp_path / "recall.toml").write_text('modle = "x"\n')
    with pytest.raises(SettingsError) as caught:
        load(tmp_path)
    assert caught.value.hint == "Did you mean model?"


@pytest.mark.parametrize(
    "line",
    [
        "notes = 3", 'ignore = "x"', "max_note_bytes = 0", "facets = 1", 'runtime = "gpu"', "= =",
        "max_notes_per_text = 99999999999999999999", f"max_note_bytes = {'9' * 5000}",
        f"x = {'[' * 5000}",
    ],
)  # fmt: skip
def test_a_wrong_value_is_an_error_that_names_the_file(tmp_path, line):
    (tmp_path / "recall.toml").write_text(line)
    with pytest.raises(SettingsError, match=r"recall\.toml"):
        load(tmp_path)


def test_headings_can_be_given_other_meanings(tmp_path):
    (tmp_path / "recall.toml").write_text('[facets]\nclaim = ["these"]\n')
    rules = load(tmp_path).rules
    assert rules.facets[Facet.CLAIM] == ("these",)
    assert rules.facets[Facet.TAKE] == DEFAULT_RULES.facets[Facet.TAKE]


def test_threads_must_be_a_number(tmp_path):
    assert load(tmp_path, environ={"RECALL_THREADS": "2"}).threads == 2
    with pytest.raises(SettingsError, match="RECALL_THREADS"):
        load(tmp_path, environ={"RECALL_THREADS": "many"})


def test_no_vault_anywhere_says_how_to_name_one(tmp_path):
    with pytest.raises(VaultNotFound) as caught:
        load(start=tmp_path)
    assert "--vault" in caught.value.hint


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(VaultNotFound, match="nowhere"):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize("folder", [".recall", "index"])
def test_an_index_folder_that_is_a_link_out_of_the_vault_is_named_as_such(tmp_path, folder):
    vault = tmp_path / "vault"
    vault.mkdir()
    (tmp_path / "outside").mkdir()
    (vault / folder).symlink_to(tmp_path / "outside", target_is_directory=True)
    if folder != ".recall":
        (vault / "recall.toml").write_text(f'index = "{folder}"\n')
    with pytest.raises(SettingsError) as caught:
        load(vault)
    assert caught.value.message == (
        f"{vault / folder} leads out of the vault, to {tmp_path / 'outside'}, over a symbolic link."
    )


def test_a_dangling_link_out_of_the_vault_is_no_index_folder(tmp_path):
    vault = tmp_path / "vault"
    vault.mkdir()
    (vault / ".recall").symlink_to(tmp_path / "nowhere")
    with pytest.raises(SettingsError, match="symbolic link"):
        load(vault)


@pytest.mark.parametrize("lines", ['index = "."', 'notes = "n"\nindex = "n"', 'index = "x/.."'])
def test_the_notes_folder_cannot_be_the_index_folder(tmp_path, lines):
    (tmp_path / "n").mkdir()
    (tmp_path / "recall.toml").write_text(lines)
    with pytest.raises(SettingsError, match="would mix index files with notes"):
        load(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_settings_in_a_named_pipe_are_refused_and_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "recall.toml")
    with pytest.raises(SettingsError, match="not a regular file"):
        load(tmp_path)


def test_settings_that_are_a_device_a_folder_or_huge_are_refused(tmp_path):
    file = tmp_path / "recall.toml"
    if Path("/dev/zero").exists():
        file.symlink_to("/dev/zero")
        with pytest.raises(SettingsError, match="not a regular file"):
            load(tmp_path)
        file.unlink()
    file.mkdir()
    with pytest.raises(SettingsError, match=r"recall\.toml can't be read"):
        load(tmp_path)
    file.rmdir()
    file.write_text("#" * 1_000_001)
    with pytest.raises(SettingsError, match="larger than 1 MB"):
        load(tmp_path)


def test_a_byte_order_mark_before_the_settings_is_accepted(tmp_path):
    (tmp_path / "recall.toml").write_bytes(b'\xef\xbb\xbfmodel = "named"\r\n')
    assert load(tmp_path).model == "named"


@pytest.mark.parametrize("key", ["notes", "index"])
@pytest.mark.parametrize("name", [r"a\u0000b", "x" * 5000], ids=["NUL", "long"])
def test_a_name_that_no_folder_can_have_is_an_error_that_names_the_setting(tmp_path, key, name):
    (tmp_path / "recall.toml").write_text(f'{key} = "{name}"\n')
    with pytest.raises(SettingsError, match=f"{key} = ") as caught:
        load(tmp_path)
    assert len(caught.value.message) < 500


def test_broken_settings_above_a_named_vault_are_no_concern_of_it(tmp_path):
    (tmp_path / "recall.toml").write_text("broken = = =")
    vault = tmp_path / "vault"
    vault.mkdir()
    assert load(vault).notes == vault


@pytest.mark.parametrize("name", ["", "  "])
def test_an_empty_name_names_no_vault(name):
    with pytest.raises(UsageError, match="name is empty"):
        load(name)


def test_an_empty_vault_in_the_environment_is_as_none(tmp_path):
    (tmp_path / ".recall").mkdir()
    assert load(start=tmp_path, environ={"RECALL_VAULT": ""}).notes == tmp_path


@pytest.mark.parametrize("name", ["x\0y", "x" * 5000])
def test_a_vault_whose_name_no_folder_can_have_is_not_found(name):
    with pytest.raises(VaultNotFound) as caught:
        load(name)
    assert "--vault" in caught.value.hint
    assert len(caught.value.message) < 500


def test_a_home_that_nobody_knows_is_not_found(monkeypatch):
    monkeypatch.delenv("HOME", raising=False)
    with pytest.raises(VaultNotFound, match="There is no folder"):
        load("~nobody-has-this-name/notes")


GONE = """
import os, sys
from recall.errors import VaultNotFound
from recall.settings import load_settings
os.chdir(sys.argv[1])
os.rmdir(sys.argv[1])
for vault in (None, "notes"):
    try:
        load_settings(vault, environ={})
    except VaultNotFound as error:
        print(bool(error.message and error.hint))
"""


@pytest.mark.skipif(os.name != "posix", reason="a folder in use can't be removed elsewhere")
def test_a_working_directory_that_is_gone_is_told(tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    ran = subprocess.run(
        [sys.executable, "-c", GONE, str(folder)],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1],
    )  # fmt: skip
    assert ran.stdout == "True\nTrue\n", ran.stderr


def test_what_is_never_suggested_can_be_named(tmp_path):
    assert load(tmp_path).suggest == SuggestSettings(DEFAULT_EXCLUDE)
    (tmp_path / "recall.toml").write_text('[suggest]\nexclude = ["log/"]\n')
    assert load(tmp_path).suggest == SuggestSettings(("log/",))
    (tmp_path / "recall.toml").write_text('[suggest]\nexcludes = ["log/"]\n')
    with pytest.raises(SettingsError) as raised:
        load(tmp_path)
    assert raised.value.hint == "Did you mean suggest.exclude?"
