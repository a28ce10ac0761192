"""The settings of a race: numbered entrants, a file and back, and what is refused."""

import pytest

from optgui.core.params import Kind, params_of
from optgui.core.training.race import PRESETS, EntrantConfig, RaceConfig


def test_entrants_are_numbered_where_they_are_not():
    config = RaceConfig.parse({"entrants": [{"id": 1}, {}, {"id": 1}, {"id": 9}]})
    assert [entrant.id for entrant in config.entrants] == [1, 0, 2, 9]


@pytest.mark.parametrize("count", [1, 13])
def test_too_few_and_too_many_entrants_are_refused(count):
    with pytest.raises(ValueError, match=f"entrants: expected 2 to 12 entrants, got {count}"):
        RaceConfig.parse({"entrants": [{}] * count})


def test_a_refused_value_names_its_entrant():
    with pytest.raises(ValueError, match=r"entrants.1.optimizer.lr: expected a number > 0"):
        RaceConfig.parse({"entrants": [{}, {"optimizer": {"name": "SGD", "lr": -1}}]})


def test_the_entrants_are_a_list_of_groups_for_a_form():
    (spec,) = [spec for spec in params_of(RaceConfig) if spec.name == "entrants"]
    assert spec.kind is Kind.LIST
    assert spec.config is EntrantConfig


def test_seeds_are_the_races_shifted():
    config = RaceConfig.parse({"seed": 2**31 - 1, "entrants": [{}, {"seed_shift": 2}]})
    assert [config.seed_of(entrant) for entrant in config.entrants] == [2**31 - 1, 1]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_survives_a_file(name):
    config = PRESETS[name]
    assert RaceConfig.model_validate_json(config.model_dump_json()) == config
    labels = [entrant.label for entrant in config.entrants]
    assert all(labels)
    assert len(set(labels)) == len(labels)
