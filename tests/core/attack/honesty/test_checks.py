import numpy as np
import pytest

from optgui.core.attack import METHODS, NORMS, AttackConfig
from optgui.core.attack.honesty import HonestyConfig, checks_of, words

ORDER = [
    "as_set",
    "steps",
    "restarts",
    "loss",
    "ratio",
    "no_gradient",
    "smallest",
    "transfer",
    "noise",
    "in_turn",
    "unbounded",
]


def checks(**settings):
    found = checks_of(AttackConfig.parse(settings))
    assert [check.key for check in found] == ORDER
    return {check.key: check for check in found}


@pytest.mark.parametrize(
    ("method", "norm"), [(method, norm) for method, entry in METHODS.items() for norm in entry.norms]
)
def test_every_attack_has_its_checks_in_its_norm_and_each_runs_or_says_why_not(method, norm):
    found = checks(method=method, norm=norm, epsilon=0.5)
    for check in found.values():
        assert (check.attack is None) == bool(check.refusal)
        assert check.detail
        if check.attack is not None:
            assert check.attack.norm.name == norm
            assert check.steps > 0
            assert check.key == "unbounded" or check.attack.epsilon == 0.5
            assert (check.attack.goal, check.attack.clip) == ("untargeted", True)


def test_more_is_ten_times_as_much_of_the_same():
    found = checks(method="MI-FGSM", steps=30, step_size=0.03, restarts=2)
    as_set, more, again = (found[key].attack for key in ("as_set", "steps", "restarts"))
    assert (more.method.name, more.steps, more.step_size, more.restarts) == ("MI-FGSM", 300, 0.03, 2)
    assert (again.steps, again.restarts, again.random_start) == (30, 20, True)
    assert found["steps"].steps == 10 * found["as_set"].steps == 600
    assert found["restarts"].steps == 600
    assert as_set.random_start is False


def test_more_ends_at_ten_thousand_steps():
    found = checks(steps=4_000)
    assert found["steps"].attack.steps == 10_000
    assert found["restarts"].attack.restarts == 10
    assert found["restarts"].steps == 10_000
    assert checks(steps=10_000)["steps"].refusal == "it takes 10,000 steps already"


def test_one_step_is_followed_by_many():
    found = checks(method="FGSM", norm="Linf", epsilon=0.1)
    for key in ("steps", "restarts", "unbounded"):
        assert found[key].attack.method.name == "PGD"
        assert found[key].attack.steps == 100
    assert found["loss"].attack.method.name == "FGSM"


def test_another_loss_is_the_margin_or_else_the_cross_entropy():
    assert checks()["loss"].attack.loss == "Margin"
    assert checks()["loss"].name == "Margin loss"
    assert checks(loss="Margin")["loss"].attack.loss == "CrossEntropy"
    assert checks(loss="Margin")["loss"].name == "Cross-entropy"
    raw = checks(step_rule="gradient", step_size=0.001)["loss"].attack
    assert (raw.step_rule, raw.method.name) == ("normalized", "PGD")


def test_what_has_no_gradient_is_checked_by_what_has():
    for method in ("Noise", "Square"):
        found = checks(method=method)
        assert found["loss"].attack.method.name == found["unbounded"].attack.method.name == "PGD"


def test_a_method_that_does_not_know_the_norm_is_refused_by_name():
    found = checks(norm="L1", epsilon=10)
    assert found["no_gradient"].refusal == "Square works in L2 and L∞"
    assert found["ratio"].attack.loss == "DLR"
    assert checks(norm="Subspace")["smallest"].refusal == "FMN works in L2, L∞, L1 and L0"


def test_the_unbounded_attack_climbs_from_the_picture_in_a_ball_that_holds_every_picture():
    corners = np.ones((1, 784))
    sizes = {"L2": np.linalg.norm(corners), "Linf": 1, "L1": corners.sum(), "L0": corners.sum()}
    for norm in NORMS:
        attack = checks(norm=norm, epsilon=0.5, random_start=True, restarts=3)["unbounded"].attack
        assert attack.epsilon >= sizes.get(norm, sizes["L2"])
        assert (attack.random_start, attack.restarts) == (False, 1)


def test_words_say_method_loss_and_steps():
    assert words(AttackConfig.parse({"restarts": 3})) == "PGD, cross-entropy, 3 × 40 steps"
    assert words(AttackConfig.parse({"method": "FGSM"})) == "FGSM, cross-entropy, 1 step"
    assert words(AttackConfig.parse({"method": "Noise", "steps": 1_000})) == "Noise, 1,000 draws"
    assert words(AttackConfig.parse({"method": "DeepFool"})) == "DeepFool, 40 steps"


def test_config_survives_json_and_refuses_what_no_test_set_has():
    config = HonestyConfig.parse({"digits": 10_000, "seed": 4})
    assert HonestyConfig.model_validate_json(config.model_dump_json()) == config
    with pytest.raises(ValueError, match="digits: expected a whole number from 1 to 10000, got 0"):
        HonestyConfig.parse({"digits": 0})
