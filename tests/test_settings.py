"""Settings: defaults < recall.toml < environment < flags."""

from pathlib import Path

import pytest

from recall.domain import DEFAULT_RULES, Facet
from recall.errors import SettingsError, VaultNotFound
from recall.settings import DEFAULT_MODEL, load_settings


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
    ["notes = 3", 'ignore = "x"', "max_note_bytes = 0", "facets = 1", 'runtime = "gpu"', "= ="],
)
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
