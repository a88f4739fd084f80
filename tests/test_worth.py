"""Which suggestions are worth showing."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from vaults import ORCHARD, index_of, write

from recall.cli import main
from recall.index import Index
from recall.links.features import FEATURES, RELATIVE
from recall.links.why import Obstacle
from recall.links.worth import CONSIDERED, FEWEST, INPUTS, LEAST_WORTH, Worth, is_weak, load_worth


@pytest.fixture(scope="module")
def garden(tmp_path_factory) -> Index:
    """Apples, what is near to them, and notes that share next to nothing with them."""
    root = tmp_path_factory.mktemp("garden")
    kinds = ["tram", "ferry", "bridge", "harbour", "lamp", "street", "tunnel", "station"]
    others = {
        f"{kind} {town}.md": f"# {kind} {town}\n\nThe {kind} of {town} was built in a hurry.\n"
        for kind in kinds
        for town in ("Aachen", "Bern", "Cork", "Dover", "Essen")
    }
    write(root, ORCHARD | others)
    index = index_of(root)
    index.refresh()
    return index


def test_a_worth_is_a_logistic_function_and_an_unknown_feature_counts_as_typical():
    weights = np.zeros(1 + len(INPUTS))
    weights[:2] = 2.0, 1.0
    typical = np.zeros(1 + len(INPUTS))
    typical[1] = 3.0
    features = {name: np.zeros(2) for name in INPUTS}
    features[INPUTS[0]] = np.array([1.0, np.nan])
    found = Worth(-4.0, weights, typical)(features, np.array([0.5, 1.0]))
    assert found.tolist() == pytest.approx([1 / (1 + math.exp(2)), 1 / (1 + math.exp(-1))])


def test_the_shipped_function_knows_its_features():
    computed = {*FEATURES, *(f"{name}_{kind}" for name in RELATIVE for kind in ("rank", "z"))}
    assert set(INPUTS) <= computed
    assert load_worth().weights.shape == load_worth().typical.shape == (1 + len(INPUTS),)


def test_among_a_few_notes_none_is_weak():
    assert is_weak(np.full(FEWEST - 1, 0.1)).any() == np.False_
    assert is_weak(np.array([0.1, LEAST_WORTH] * FEWEST)).tolist() == [True, False] * FEWEST


def test_weak_suggestions_are_left_out_on_demand_and_the_next_move_up(garden):
    everything = garden.suggest_links("apples.md", k=CONSIDERED).suggestions
    weak = [item.weak for item in everything]
    assert {True, False} == set(weak)
    assert weak == [item.worth < LEAST_WORTH for item in everything]
    worthy = [item.card.path for item in everything if not item.weak]
    shown = garden.suggest_links("apples.md", k=2, include_weak=False).suggestions
    assert [item.card.path for item in shown] == worthy[:2]
    assert [item.rank for item in shown] == [1, 2][: len(shown)]


def test_why_says_that_a_suggestion_is_weak(garden):
    everything = garden.suggest_links("apples.md", k=CONSIDERED).suggestions
    first = next(item for item in everything if item.weak)
    found = garden.why("apples.md", first.card.path, k=CONSIDERED)
    assert found.obstacles == (Obstacle.WEAK,)
    assert found.worth == first.worth


def test_people_see_what_is_worth_it_and_all_of_it_with_all(garden, capsys):
    def answer(*options: str) -> str:
        vault = str(garden.settings.notes)
        assert main(["suggest-links", "apples.md", "--vault", vault, "-k", "20", *options]) == 0
        return capsys.readouterr().out

    items = json.loads(answer("--json"))["notes"][0]["suggestions"]
    links = {item["written_as"]: item["weak"] for item in items}
    assert {True, False} == set(links.values())
    shown = answer()
    assert {link for link in links if link in shown} == {n for n, weak in links.items() if not weak}
    everything = answer("--all")
    assert all(link in everything for link in links)
    assert everything.count("  weak\n") == sum(links.values())


def test_related_notes_are_shown_near_or_not(garden):
    found = garden.related(Path("apples.md"), k=CONSIDERED).suggestions
    assert {item.weak for item in found} == {False}
