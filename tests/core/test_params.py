"""Configs: JSON and back, sentences for bad input, edits by path, and what a running job can take."""

import json
import math

import pytest

from optgui.core.attack import AttackConfig
from optgui.core.params import Config, Kind, changes, param, params_of, refuse_locked
from optgui.core.surface import DescentConfig
from optgui.core.training import DigitsConfig, TrainingConfig
from tests.configs import another, every_config, leaves, registries

CONFIGS = pytest.mark.parametrize("name", list(every_config()))
SPECS = [
    pytest.param(spec, id=f"{registry}-{entry.name}-{spec.name}")
    for registry, entries in registries().items()
    for entry in entries.values()
    for spec in params_of(entry.params)
]


def through_json(config):
    return type(config).parse(json.loads(json.dumps(config.model_dump(mode="json"), allow_nan=False)))


@CONFIGS
def test_every_config_survives_a_json_round_trip(name):
    config = every_config()[name]
    assert through_json(config) == config


@CONFIGS
def test_every_field_survives_a_json_round_trip_with_another_value(name):
    config = every_config()[name]
    for path, spec, value in leaves(config):
        edited = config.changed(path, another(spec, value))
        found = {place: now for place, _, now in leaves(through_json(edited))}
        assert found[path] == another(spec, value) != value
        assert path in [change.path for change in changes(config, through_json(edited))]


@CONFIGS
def test_no_config_takes_an_unknown_field_or_a_number_that_is_none(name):
    config = every_config()[name]
    data = config.model_dump(mode="json")
    with pytest.raises(ValueError, match="surprise: unknown field; expected"):
        type(config).parse({**data, "surprise": 1})
    for path, spec, _ in leaves(config):
        if spec.kind in (Kind.FLOAT, Kind.INT):
            with pytest.raises(ValueError, match=rf"^{path}: expected {spec.kind.value}.*, got nan"):
                config.changed(path, math.nan)


@CONFIGS
def test_a_config_cannot_be_changed_in_place(name):
    config = every_config()[name]
    for field in type(config).model_fields:
        with pytest.raises(ValueError, match="frozen"):
            setattr(config, field, getattr(config, field))


@pytest.mark.parametrize("spec", SPECS)
def test_every_parameter_of_every_entry_has_a_title_and_a_default_within_its_bounds(spec):
    assert spec.title
    items = spec.default if isinstance(spec.default, tuple) else (spec.default,)
    for item in items:
        if isinstance(item, (int, float)) and not isinstance(item, bool):
            assert spec.low is None or item >= spec.low
            assert spec.high is None or item <= spec.high
    if spec.slider:
        low, high = spec.slider
        assert low < high
        assert spec.scale == "linear" or low > 0


def optimizer(**fields):
    return {"optimizer": {"name": "SGD", **fields}}


@pytest.mark.parametrize(
    ("config", "data", "sentence"),
    [
        (TrainingConfig, {"learning_rate": 1}, "learning_rate: unknown field; expected optimizer, scheduler"),
        (TrainingConfig, optimizer(speed=1), "optimizer.speed: unknown field; expected lr, momentum"),
        (
            TrainingConfig,
            optimizer(lr=math.nan),
            "optimizer.lr: expected a number > 0 and <= 1000000, got nan",
        ),
        (
            TrainingConfig,
            optimizer(lr=math.inf),
            "optimizer.lr: expected a number > 0 and <= 1000000, got inf",
        ),
        (TrainingConfig, optimizer(lr=0), "optimizer.lr: expected a number > 0 and <= 1000000, got 0"),
        (
            TrainingConfig,
            optimizer(lr="fast"),
            "optimizer.lr: expected a number > 0 and <= 1000000, got 'fast'",
        ),
        (TrainingConfig, {"optimizer": {"name": "SDG"}}, "optimizer.name: expected one of SGD, Adam, AdamW"),
        (
            TrainingConfig,
            {"optimizer": 5},
            "optimizer: expected a registry entry and its own parameters, got 5",
        ),
        (
            TrainingConfig,
            {"optimizer": {"name": "Adam", "betas": [0.9]}},
            "optimizer.betas: expected 2 numbers >= 0 and < 1, got [0.9]",
        ),
        (
            TrainingConfig,
            {"optimizer": {"name": "Adam", "betas": [0.9, 1.0]}},
            "optimizer.betas: expected 2 numbers >= 0 and < 1, got [0.9, 1.0]",
        ),
        (TrainingConfig, {"batch_size": -1}, "batch_size: expected a whole number from 1 to 60000, got -1"),
        (TrainingConfig, {"batch_size": 1.5}, "batch_size: expected a whole number from 1 to 60000, got 1.5"),
        (
            TrainingConfig,
            {"batch_size": None},
            "batch_size: expected a whole number from 1 to 60000, got None",
        ),
        (
            TrainingConfig,
            {"dataset": "cifar"},
            "dataset: expected one of mnist, fashion-mnist, kmnist, builtin",
        ),
        (
            TrainingConfig,
            {"model": {"name": "MLP", "hidden": [0]}},
            "model.hidden: expected a list of whole numbers from 1 to 8192, got [0]",
        ),
        (
            TrainingConfig,
            {"model": {"activation": "Swish"}},
            "model.activation: expected one of ReLU, Tanh, Sigmoid, GELU, LeakyReLU, got 'Swish'",
        ),
        (
            TrainingConfig,
            {"scheduler": {"name": "MultiStepLR", "milestones": [0]}},
            "scheduler.milestones: expected a list of whole numbers >= 1, got [0]",
        ),
        (TrainingConfig, [1], "expected an object with named fields, got [1]"),
        (DescentConfig, {"start": [1]}, "start: expected 2 numbers from -1000000 to 1000000, got [1]"),
        (DescentConfig, {"surface": "Alps"}, "surface.name: expected one of Quadratic, Ravine"),
        (
            DescentConfig,
            {"racers": [{}, {"optimizer": {"name": "SGD", "lr": -1}}]},
            "racers.1.optimizer.lr: expected a number > 0 and <= 1000000, got -1",
        ),
        (
            DescentConfig,
            {"racers": [{"colour": "red"}]},
            "racers.0.colour: unknown field; expected id, optimizer",
        ),
        (AttackConfig, {"epsilon": -1}, "epsilon: expected a number from 0 to 1000000, got -1"),
        (AttackConfig, {"step_size": 0}, "step_size: expected a number > 0 and <= 1000000, got 0"),
        (AttackConfig, {"norm": "L7"}, "norm.name: expected one of L2, Linf, L1, L0, "),
        (AttackConfig, {"random_start": "perhaps"}, "random_start: expected true or false, got 'perhaps'"),
        (
            DigitsConfig,
            {"dataset": 3},
            "dataset: expected one of mnist, fashion-mnist, kmnist, builtin, got 3",
        ),
    ],
)
def test_a_refusal_names_the_field_and_what_was_expected(config, data, sentence):
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        config.parse(data)
    assert str(refused.value).startswith(sentence)
    assert "\n" not in str(refused.value)


class Bounds(Config):
    closed: float = param(1.0, title="", help="", low=0, high=2)
    open: float = param(1.0, title="", help="", above=0, below=2)
    free: int = param(1, title="", help="")
    few: tuple[int, ...] = param((1, 2), title="", help="", low=1)
    pair: tuple[float, float] = param((0.0, 0.5), title="", help="", low=0, below=1)
    word: str = param("a", title="", help="", choices=(("a", "A"), ("b", "B")))
    spots: tuple[tuple[float, float, float], ...] = param(((0.0, 1.0, 2.0),), title="", help="", low=0)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("closed", "a number from 0 to 2"),
        ("open", "a number > 0 and < 2"),
        ("free", "a whole number"),
        ("few", "a list of whole numbers >= 1"),
        ("pair", "2 numbers >= 0 and < 1"),
        ("word", "one of a, b"),
        ("spots", "a list of points of 3 numbers each >= 0"),
    ],
)
def test_a_parameter_says_in_words_what_it_takes(field, words):
    assert next(spec for spec in params_of(Bounds) if spec.name == field).expected == words


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("closed", 0),
        ("closed", 2),
        ("open", 1e-9),
        ("pair", (0, 0.99)),
        ("spots", ((0, 0, 0), (3, 2, 1))),
        ("spots", ()),
    ],
)
def test_values_at_their_bounds_are_taken(field, value):
    assert getattr(Bounds.parse({field: value}), field) == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("closed", 2.1),
        ("open", 0),
        ("open", 2),
        ("few", (0,)),
        ("pair", (0, 1)),
        ("word", "c"),
        ("spots", ((0, 0, -1),)),
        ("spots", 5),
    ],
)
def test_values_beyond_their_bounds_are_refused(field, value):
    with pytest.raises(ValueError, match=f"^{field}: expected"):
        Bounds.parse({field: value})


def test_a_list_of_points_knows_how_many_numbers_each_has():
    spec = next(spec for spec in params_of(Bounds) if spec.name == "spots")
    assert (spec.kind, spec.length, spec.default) == (Kind.POINTS, 3, ((0.0, 1.0, 2.0),))


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ([[1, 2]], "spots.0: expected a list of points of 3 numbers each >= 0, got [1, 2]"),
        ([[1, 2, 3], [1, "x", 3]], "spots.1.1: expected a list of points of 3 numbers each >= 0, got 'x'"),
        ([[1, 2, math.nan]], "spots.0.2: expected a list of points of 3 numbers each >= 0, got nan"),
        ([1, 2, 3], "spots.0: expected a list of points of 3 numbers each >= 0, got 1"),
    ],
)
def test_a_refused_point_is_named_by_its_place(value, sentence):
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        Bounds.parse({"spots": value})
    assert str(refused.value) == sentence


def test_a_moved_point_is_one_change_of_the_list():
    before = Bounds()
    after = before.changed("spots", [[0, 1, 2.5]])
    assert [(c.path, c.old, c.new) for c in changes(before, after)] == [
        ("spots", ((0.0, 1.0, 2.0),), ((0.0, 1.0, 2.5),))
    ]


def test_changed_gives_a_copy_with_one_field_at_a_dotted_path():
    before = DescentConfig()
    after = before.changed("racers.1.optimizer.lr", 0.5)
    assert (before.racers[1].optimizer.lr, after.racers[1].optimizer.lr) == (0.001, 0.5)
    assert after.racers[0] == before.racers[0]
    with pytest.raises(ValueError, match=r"^racers\.1\.optimizer\.lr: expected a number"):
        before.changed("racers.1.optimizer.lr", -1)


def test_changes_name_every_field_that_differs_and_whether_it_is_live():
    before = TrainingConfig()
    after = before.changed("optimizer.lr", 0.5).changed("epochs", 9).changed("batch_size", 7)
    assert [(c.path, c.old, c.new, c.live) for c in changes(before, after)] == [
        ("optimizer.lr", 0.1, 0.5, True),
        ("batch_size", 64, 7, True),
        ("epochs", 2, 9, True),
    ]
    assert list(changes(after, after)) == []


def test_another_entry_is_one_change_of_its_name():
    before = TrainingConfig()
    after = before.changed("optimizer", {"name": "Adam", "lr": 0.5})
    assert [(c.path, c.old, c.new, c.live) for c in changes(before, after)] == [
        ("optimizer.name", "SGD", "Adam", True)  # as part of a live field
    ]


def test_another_number_of_racers_is_one_change():
    before = DescentConfig()
    after = before.changed("racers", before.model_dump(mode="json")["racers"][:2])
    assert [(c.path, c.live) for c in changes(before, after)] == [("racers", False)]


@pytest.mark.parametrize(("path", "value"), [("seed", 7), ("dataset", "kmnist"), ("model.hidden", [7])])
def test_a_running_job_refuses_locked_fields_by_name(path, value):
    config = TrainingConfig()
    with pytest.raises(ValueError, match=rf"^{path}.*: takes effect at the next start"):
        refuse_locked(config, config.changed(path, value))


def test_a_running_job_takes_live_fields():
    config = TrainingConfig()
    refuse_locked(config, config.changed("optimizer.lr", 0.5).changed("optimizer.momentum", 0.5))
