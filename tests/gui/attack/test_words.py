"""What the attack tab says in words."""

import numpy as np
import pytest

from optgui.core.attack import METHODS, NORMS, AttackConfig, AttackFrame, AttackRecord
from optgui.gui.attack.words import dataset_words, equivalents, flag, notes, percent, saturation, verdict

NAMES = tuple("0123456789")
RECORD = AttackRecord(3, 40, 0, 0.5, 0.9, 1.0, 2.0, 0, 0)


def config(**values):
    return AttackConfig.parse(values)


def frame(answer=3, label=7, *, first=7, success=True, step=5, norm=1.5, targets=None):
    def chances(best):
        return np.full((1, 10), 0.01, np.float32) + 0.9 * np.eye(10, dtype=np.float32)[[best]]

    picture = np.zeros((1, 1, 28, 28), np.float32)
    return AttackFrame(
        step=step,
        original=picture,
        adversarial=picture,
        perturbation=picture,
        labels=np.array([label]),
        targets=None if targets is None else np.array([targets]),
        predictions=np.array([answer]),
        probabilities=chances(answer),
        original_probabilities=chances(first),
        success=np.array([success]),
        norms=np.array([norm], np.float32),
        fooled_at=np.array([step if success else -1]),
        network_id="run-0@1",
    )


def test_the_equal_size_in_other_norms_is_spread_over_all_pixels():
    assert dict(equivalents(config(norm="L2", epsilon=2.8))) == {
        "as L∞": "0.1",
        "as L1": "78.4",
        "normalized units": f"{2.8 / 0.3081:.4g}",
        "grey levels of 255": "25.5",
    }
    assert dict(equivalents(config(norm="Linf", epsilon=0.1)))["as L2"] == "2.8"
    assert dict(equivalents(config(norm="L1", epsilon=78.4)))["as L2"] == "2.8"


@pytest.mark.parametrize("norm", ["L0", "Subspace", "HalfSpace"])
def test_norms_without_an_equal_size_have_none(norm):
    assert equivalents(config(norm=norm)) == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"epsilon": 2.0, "step_size": 0.2}, ""),
        ({"epsilon": 0.0}, "With ε = 0 nothing may change."),
        ({"epsilon": 20.0}, "unusually large"),
        ({"epsilon": 0.01, "step_size": 0.001}, "unusually small"),
        ({"norm": "Linf", "epsilon": 1.0, "step_size": 0.1}, "lets every pixel take any grey"),
        ({"norm": "Linf", "epsilon": 2.0}, "lets every pixel take any grey"),
        ({"epsilon": 1.0, "step_size": 1.5}, "longer than ε"),
        ({"epsilon": 1.0, "step_size": 2.5}, "longer than the ball is wide"),
        ({"epsilon": 1.0, "step_size": 2.5, "step_rule": "gradient"}, ""),
        ({"method": "BIM", "epsilon": 1.0, "step_size": 2.5, "step_rule": "gradient"}, "ball is wide"),
        ({"method": "FGSM", "epsilon": 1.0, "step_size": 2.5}, ""),
        ({"method": "DeepFool", "epsilon": 0.0, "step_size": 99.0}, ""),
    ],
)
def test_what_is_unusual_is_flagged(values, words):
    said = flag(config(**values))
    assert words in said
    assert bool(said) == bool(words)


def test_an_unusual_ball_and_an_unusual_step_are_both_said():
    said = flag(config(epsilon=0.01, step_size=0.5))
    assert "unusually small" in said
    assert "ball is wide" in said


@pytest.mark.parametrize("norm", list(NORMS))
def test_every_norm_has_something_usual(norm):
    assert "unusually large" in flag(config(norm=norm, epsilon=0.9 if norm == "Linf" else 1e5))


@pytest.mark.parametrize("method", list(METHODS))
def test_a_field_without_effect_says_so_and_no_other(method):
    said = notes(config(method=method))
    assert ("epsilon" in said) == METHODS[method].minimal
    assert all(words.startswith("Has no effect") for words in said.values())


def test_a_fooled_digit():
    assert verdict(config(), frame(), NAMES) == "<b>Fooled.</b> 7 is read as 3, 91 % sure."


def test_a_digit_that_needed_no_attack():
    assert "misreads this one without any attack" in verdict(config(), frame(first=3), NAMES)


def test_a_minimal_method_says_the_smallest_size():
    said = verdict(config(method="DeepFool"), frame(norm=1.25), NAMES)
    assert said.endswith("The smallest change found has size 1.25 px.")
    assert verdict(config(method="FMN", norm="L0"), frame(norm=12), NAMES).endswith("size 12 pixels.")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "not fooled yet: give the attack a larger ε"),
        ({"epsilon": 0.0}, "With ε = 0 nothing may change."),
        ({"method": "DeepFool"}, "Nothing that fools was found yet"),
    ],
)
def test_a_digit_that_stands(values, words):
    said = verdict(config(**values), frame(7, success=False), NAMES)
    assert said.startswith("The network reads 7, 91 % sure.")
    assert words in said


def test_a_target_that_was_not_reached():
    assert "does not read 4 yet" in verdict(config(), frame(3, success=False, targets=4), NAMES)


def test_before_the_first_step_nothing_is_advised():
    assert verdict(config(), frame(7, success=False, step=0), NAMES) == "The network reads 7, 91 % sure."


def test_class_names_of_another_data_set():
    names = ("T-shirt/top", *"12", "Dress", *"456", "Sneaker", *"89")
    assert verdict(config(), frame(), names).startswith("<b>Fooled.</b> Sneaker is read as Dress")


@pytest.mark.parametrize(
    ("length", "skipped", "rule", "words"),
    [
        (1.0, 0, "gradient", ""),
        (1e-6, 0, "gradient", "a raw step moves 2.0e-07 px"),
        (1e-6, 0, "normalized", "raw ones would hardly move"),
        (0.0, 1, "normalized", "exactly zero"),
        (0.0, 0, "normalized", ""),
    ],
)
def test_why_a_raw_step_crawls(length, skipped, rule, words):
    record = RECORD._replace(gradient_norm=length, skipped=skipped)
    said = saturation(config(step_rule=rule, step_size=0.2), record)
    assert words in said
    assert bool(said) == bool(words)


@pytest.mark.parametrize(
    ("values", "offer"),
    [
        ({}, "a larger ε, a larger step or more steps"),
        ({"method": "FGSM"}, "a larger ε"),
        ({"method": "Square"}, "a larger ε or more steps"),
    ],
)
@pytest.mark.parametrize("target", [None, 4])
def test_only_what_the_method_has_is_advised(values, offer, target):
    said = verdict(config(**values), frame(7, success=False, targets=target), NAMES)
    assert said.endswith(f"yet: give the attack {offer}.")


@pytest.mark.parametrize(
    ("values", "of_softmax"),
    [({}, True), ({"method": "APGD-CE"}, True), ({"method": "APGD-DLR"}, False), ({"loss": "Margin"}, False)],
)
def test_only_a_softmax_saturates(values, of_softmax):
    skipped = saturation(config(**values), RECORD._replace(gradient_norm=0.0, skipped=1))
    short = saturation(config(**values), RECORD._replace(gradient_norm=1e-6))
    assert skipped.startswith("The gradient is exactly zero")
    assert ("margin of logits instead" in skipped) is of_softmax
    assert ("softmax" in short) is of_softmax


def test_small_words():
    assert percent(0.99971) == "99.97 %"
    assert dataset_words("mnist") == "MNIST"
    assert dataset_words("weather") == "weather"
