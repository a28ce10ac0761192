import pytest

from optgui.core.attack import AttackConfig
from optgui.core.attack.honesty.flags import Findings, flags_of

NAMES = {
    "as_set": "The attack as set",
    "steps": "More steps",
    "restarts": "More restarts",
    "loss": "Margin loss",
    "no_gradient": "Without gradient",
    "transfer": "From another network",
    "noise": "Random noise",
    "unbounded": "Without a bound",
}
SOUND = {
    "as_set": 0.2,
    "steps": 0.2,
    "restarts": 0.19,
    "loss": 0.18,
    "no_gradient": 0.35,
    "transfer": 0.6,
    "noise": 0.95,
    "unbounded": 0.0,
}


def flags(method="PGD", flat=0.0, tiny=0.0, same=("as_set", "steps", "restarts", "loss"), **robust):
    attack = AttackConfig.parse({"method": method})
    found = Findings(attack, NAMES, {**SOUND, **robust}, frozenset(same), 0.97, flat, tiny)
    return {flag.key: flag for flag in flags_of(found)}


def test_a_sound_attack_has_no_flag():
    assert flags() == {}


@pytest.mark.parametrize(
    ("robust", "expected"),
    [
        ({"loss": 0.15}, set()),
        ({"loss": 0.14}, {"weaker"}),
        ({"no_gradient": 0.19}, set()),
        ({"no_gradient": 0.18}, {"black_box"}),
        ({"transfer": 0.1}, {"weaker", "black_box"}),
        ({"steps": 0.18}, set()),
        ({"steps": 0.17}, {"unfinished"}),
        ({"restarts": 0.16}, {"unfinished"}),
        ({"unbounded": 0.005}, {"unbounded"}),
        ({"noise": 0.26}, set()),
        ({"noise": 0.24}, {"noise"}),
        ({"as_set": 0.97, "steps": 0.97, "restarts": 0.97, "loss": 0.97, "noise": 0.965}, set()),
    ],
)
def test_each_rule_begins_where_it_says(robust, expected):
    if robust.get("as_set") == 0.97:  # nothing fools within so small an epsilon, and noise does not either
        robust = {**robust, "no_gradient": 0.97, "transfer": 0.97}
    assert set(flags(**robust)) == expected


def test_gradients_are_flagged_from_more_than_a_twentieth_of_the_digits():
    assert flags(tiny=0.05) == {}
    flag = flags(tiny=0.3, flat=0.125)["gradients"]
    assert "30.0 %" in flag.sentence
    assert "12.5 % exactly zero" in flag.sentence


def test_sentences_name_the_numbers_and_what_to_do():
    flag = flags(loss=0.05)["weaker"]
    assert (
        flag.sentence == "The attack as set is too weak: it leaves 20.0 % where “Margin loss” leaves 5.0 %."
    )
    assert "strongest attack's number" in flag.advice
    assert "more steps 10.0 points" in flags(steps=0.1)["unfinished"].sentence


def test_an_attack_without_gradient_is_not_blamed_for_losing_to_one():
    assert "black_box" not in flags("Square", no_gradient=0.1)
    assert "noise" not in flags("Noise", noise=0.2)


def test_more_of_another_method_says_nothing_about_this_one():
    assert "unfinished" not in flags(same=("as_set",), steps=0.1)


def test_nothing_is_said_before_the_attack_itself_was_tried():
    found = Findings(AttackConfig(), NAMES, {}, frozenset(), 0.97, 1.0, 1.0)
    assert flags_of(found) == ()
