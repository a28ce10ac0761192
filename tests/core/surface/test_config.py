"""What may be set about a race, what is filled in, and what is refused with which sentence."""

import pytest

from optgui.core.optimizers import OPTIMIZERS
from optgui.core.params import params_of
from optgui.core.surface import SURFACES, DescentConfig, DescentOptimizer, RacerConfig, SurfaceConfig

OFFERED = [name for name in OPTIMIZERS if not DescentOptimizer.refusal(name)]


def ids_of(racers):
    return [racer.id for racer in DescentConfig.parse({"racers": racers}).racers]


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"surface": {"name": "Quadratic", "condition": 250, "angle": -12.5}, "start": [0.1, -2], "steps": 7},
        {"racers": [{"optimizer": {"name": name}, "visible": False} for name in OFFERED]},
        *({"surface": name} for name in SURFACES),
        {"surface": {"name": "Formula", "text": "x^2 + 10*sin(y)"}, "start": [1, 2]},
    ],
)
def test_config_survives_a_json_round_trip(data):
    config = DescentConfig.parse(data)
    assert DescentConfig.model_validate_json(config.model_dump_json()) == config
    assert DescentConfig.parse(config.model_dump(mode="json")) == config


def test_default_is_a_race_of_three_on_rosenbrock():
    config = DescentConfig()
    assert (config.surface.name, config.start, config.steps) == ("Rosenbrock", (-1.2, 1.0), 500)
    assert [racer.optimizer.name for racer in config.racers] == ["SGD", "SGD", "Adam"]
    assert [racer.id for racer in config.racers] == [0, 1, 2]


@pytest.mark.parametrize("name", list(SURFACES))
@pytest.mark.parametrize("form", ["text", "mapping", "config"])
def test_a_config_without_start_starts_where_its_surface_suggests(name, form):
    surface = {"text": name, "mapping": {"name": name}, "config": SurfaceConfig(name=name)}[form]
    assert DescentConfig.parse({"surface": surface}).start == SURFACES[name].start
    assert DescentConfig.parse({"surface": surface, "start": None}).start == SURFACES[name].start
    assert DescentConfig.parse({"surface": surface, "start": [0.5, 0.25]}).start == (0.5, 0.25)


@pytest.mark.parametrize(
    ("given", "filled"),
    [
        ([{}, {}, {}], [0, 1, 2]),
        ([{}, {"id": 0}], [1, 0]),
        ([{"id": 5}, {}, {"id": 5}], [5, 1, 2]),
        ([{"id": 1}, {}, {}], [1, 0, 2]),
        ([{"id": 9}, {"id": 4}], [9, 4]),
    ],
)
def test_missing_and_repeated_ids_are_filled_and_given_ones_kept(given, filled):
    assert ids_of(given) == filled


def test_racers_made_in_python_are_numbered_like_those_of_a_file():
    adam = DescentOptimizer.parse({"name": "Adam"})
    config = DescentConfig(racers=(RacerConfig(optimizer=adam), RacerConfig(optimizer=adam)))
    assert [racer.id for racer in config.racers] == [0, 1]
    assert config.racers[1].optimizer == adam


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"surface": "Foo"}, "surface.name: expected one of Quadratic, Ravine, .*, got 'Foo'"),
        ({"surface": {"name": "Quadratic", "condition": 0.5}},
         "surface.condition: expected a number from 1 to 1000, got 0.5"),
        ({"surface": {"name": "Beale", "condition": 2}}, "surface.condition: unknown field"),
        ({"surface": {"name": "Formula", "text": "x + foo"}}, "surface.text: column 5: unknown name 'foo'"),
        ({"start": [0, float("nan")]}, "start.1: expected 2 numbers"),
        ({"start": [0, 1e7]}, "start: expected 2 numbers from"),
        ({"steps": 0}, "steps: expected a whole number from 1 to 100000, got 0"),
        ({"racers": []}, "racers: expected 1 to 24 racers, got 0"),
        ({"racers": [{}] * 25}, "racers: expected 1 to 24 racers, got 25"),
        ({"racers": [{"id": -1}]}, "racers.0.id: expected a whole number >= 0, got -1"),
        ({"racers": [{}, {"optimizer": {"name": "SGD", "lr": -1}}]},
         "racers.1.optimizer.lr: expected a number > 0"),
        ({"racers": [{"optimizer": {"name": "Muon"}}]},
         "racers.0.optimizer.name: Muon cannot be used here: Muon only supports 2D parameters"),
        ({"wind": 1}, "wind: unknown field"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_with_a_sentence_that_names_the_field(data, sentence):
    with pytest.raises(ValueError, match=sentence):
        DescentConfig.parse(data)


def test_only_steps_and_visibility_are_live_besides_what_the_optimizers_say():
    live = {spec.name for config in (DescentConfig, RacerConfig) for spec in params_of(config) if spec.live}
    assert live == {"steps", "visible"}


@pytest.mark.parametrize("config", [DescentConfig, RacerConfig])
def test_every_field_has_words(config):
    assert all(spec.title and spec.help for spec in params_of(config))


@pytest.mark.parametrize("name", list(SURFACES))
def test_the_formula_to_show_is_the_surfaces_own_or_the_typed_one(name):
    typed = {"Formula": "x**2 + 10*sin(y)"}
    assert SurfaceConfig(name=name).formula == typed.get(name, SURFACES[name].formula)
