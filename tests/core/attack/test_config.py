import json

import pytest

from optgui.core.attack import METHODS, NORMS, PRESETS, STEP_RULES, AttackConfig
from optgui.core.params import params_of


def test_a_script_names_what_it_wants_and_the_rest_has_defaults():
    config = AttackConfig.model_validate(
        {
            "method": "PGD",
            "norm": "L2",
            "epsilon": 2.0,
            "step_size": 0.2,
            "steps": 40,
            "random_start": True,
            "seed": 0,
        }
    )
    assert config.method.name == "PGD"
    assert config.step_rule == "normalized"
    assert config.clip
    assert not config.stop_when_fooled


@pytest.mark.parametrize("name", PRESETS)
def test_preset_survives_a_json_round_trip(name):
    config = PRESETS[name]
    assert AttackConfig.parse(json.loads(config.model_dump_json())) == config


@pytest.mark.parametrize("rule", STEP_RULES)
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("method", METHODS)
def test_every_method_norm_and_rule_survives_a_json_round_trip(method, norm, rule):
    settings = {"method": method, "norm": norm, "step_rule": rule}
    if norm not in METHODS[method].norms:
        with pytest.raises(ValueError, match=f"norm: .* works in .*, got {norm}"):
            AttackConfig.parse(settings)
        return
    config = AttackConfig.parse(settings)
    assert AttackConfig.parse(json.loads(config.model_dump_json())) == config


@pytest.mark.parametrize("name", METHODS)
def test_every_method_says_what_it_is_and_reads_fields_that_there_are(name):
    entry = METHODS[name]
    assert entry.label
    assert entry.help
    assert entry.formula
    assert entry.reference or name == "Noise"
    assert set(entry.uses) <= {spec.name for spec in params_of(AttackConfig)}
    assert set(entry.norms) <= set(NORMS)


def test_tutorial_preset_is_its_settings_in_pixels():
    config = PRESETS["As in the tutorial"]
    assert config.epsilon == pytest.approx(2.157, abs=5e-4)
    assert config.step_size == pytest.approx(0.00949, abs=5e-6)
    assert (config.norm.name, config.step_rule, config.steps) == ("L2", "gradient", 10_000)
    assert not config.clip
    assert not config.random_start


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("epsilon", float("nan"), "epsilon: expected a number"),
        ("epsilon", float("inf"), "epsilon: expected a number"),
        ("epsilon", -0.1, "epsilon: expected a number"),
        ("step_size", 0, "step_size: expected a number"),
        ("steps", 0, "steps: expected a whole number from 1 to 1"),
        ("steps", 1_000_001, "steps: expected a whole number from 1 to 1"),
        ("steps", 1.5, "steps: expected a whole number"),
        ("norm", "L7", "expected one of L2, .*, got 'L7'"),
        ("step_rule", "up", "step_rule: expected one of normalized, sign, gradient, got 'up'"),
        ("method", "Guess", "expected one of PGD, .*, got 'Guess'"),
        ("seed", -1, "seed: expected a whole number"),
        ("radius", 1, "radius: unknown field"),
    ],
)
def test_a_refused_value_is_named_with_what_was_expected(field, value, words):
    with pytest.raises(ValueError, match=words):
        AttackConfig.parse({field: value})


def test_every_field_has_words_and_lengths_have_their_unit():
    for spec in params_of(AttackConfig):
        assert spec.title
        assert spec.help
    assert {spec.name for spec in params_of(AttackConfig) if spec.unit == "px"} == {"epsilon", "step_size"}


def test_what_may_be_dragged_is_live():
    live = {spec.name for spec in params_of(AttackConfig) if spec.live}
    assert live == {"epsilon", "step_size", "steps", "goal", "target"}
