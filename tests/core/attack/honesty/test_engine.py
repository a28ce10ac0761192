import dataclasses
import sys

import numpy as np
import pytest
import torch
from scipy.stats import binomtest

from optgui.core.attack import AttackConfig, Standing, Victim, Worst, strongest
from optgui.core.attack.honesty import RowState, checks
from optgui.core.attack.honesty import engine as module
from optgui.core.engine import ENGINES, RunFailed, build
from optgui.core.training.models import network_of
from tests.core.attack.honesty.samples import (
    COUNT,
    EPSILON,
    LABELS,
    MASKED,
    OTHER,
    PIXELS,
    PLAIN,
    by_key,
    engine,
    inputs,
    read,
    run,
    without_seconds,
)

MARGIN = {"loss": "Margin"}


@pytest.fixture(autouse=True)
def _few_queries(monkeypatch):
    monkeypatch.setattr(checks, "QUERIES", 100)


def test_a_sound_attack_is_not_flagged_and_the_strongest_number_is_reported():
    frame = run(engine(MARGIN, other=OTHER))
    rows = by_key(frame)
    assert frame.flags == ()
    assert frame.complete
    assert frame.strongest is frame.rows[-1] is rows["strongest"]
    bounded = [row.robust for row in frame.rows if row.key != "unbounded"]
    assert frame.strongest.robust == min(bounded)
    assert 0 < frame.strongest.robust < 1
    assert rows["unbounded"].robust == 0
    assert np.isnan(rows["unbounded"].change)
    assert rows["noise"].robust > rows["as_set"].robust


def test_saturated_softmax_is_found_out():
    """Logits times 1e5: cross-entropy has no slope in float32, and the network reads as before."""
    np.testing.assert_array_equal(read(MASKED), LABELS)
    pixels = PIXELS.clone().requires_grad_()
    torch.nn.functional.cross_entropy(network_of(MASKED)(pixels), torch.from_numpy(LABELS)).backward()
    assert not pixels.grad.any()
    frame = run(engine(network=MASKED, other=PLAIN))
    rows, sound = by_key(frame), by_key(run(engine(MARGIN)))
    assert rows["as_set"].robust == 1
    assert rows["loss"].robust == pytest.approx(sound["as_set"].robust, abs=0.04)
    assert frame.strongest.robust == pytest.approx(sound["strongest"].robust, abs=0.04)
    assert {"weaker", "black_box", "unbounded", "gradients"} <= {flag.key for flag in frame.flags}


def test_bands_are_wilsons():
    for row in run(engine(other=OTHER)).rows:
        hits = round(row.robust * COUNT)
        band = binomtest(hits, COUNT).proportion_ci(0.95, method="wilson")
        assert (row.low, row.high) == pytest.approx((band.low, band.high), abs=1e-6)


stages = sys.modules["optgui.core.attack.strongest"]  # the package has a function of this name


class Claims:
    """Stands for an attack: says that it has found what `found` tells, in one step."""

    found = staticmethod(lambda config, images: torch.zeros_like(images))
    failing = ""

    def __init__(self, config, victim, images, labels):
        self.images, self.done, self.step_count = images, False, 0
        self._delta = self.found(config, images)
        self._fails = config.method.name == self.failing

    def step(self):
        if self._fails:
            raise RunFailed("network: expected a finite loss")
        self.done, self.step_count = True, 1

    def result(self):
        return self._delta

    def changed(self, delta):
        return self.images + delta


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    """Of the attacks in turn, whose strength has tests of its own."""
    short = [stage._replace(settings={**stage.settings, "steps": 5}) for stage in stages._STAGES]
    monkeypatch.setattr(stages, "_STAGES", short)


@pytest.fixture
def claims(monkeypatch):
    stand_in = type("Stub", (Claims,), {})
    monkeypatch.setattr(module, "Attack", stand_in)
    monkeypatch.setattr(module, "attacks_in_turn", nothing_found)
    return stand_in


def nothing_found(victim, images, labels, norm, epsilon, seed):
    yield Standing("", 1.0, len(images))
    return Worst(images, torch.zeros(len(images), dtype=torch.bool), ("",) * len(images))


def fooling(config, images):
    """True adversarial changes within the ball, of the first images that have one."""
    attack = by_hand(images)
    return attack if config.method.name == "PGD" else torch.zeros_like(attack)


def by_hand(images):
    from optgui.core.attack import Attack, Victim

    config = AttackConfig.parse({"epsilon": EPSILON, "loss": "Margin", "step_size": 0.05})
    rows = [int((PIXELS - image).abs().flatten(1).sum(1).argmin()) for image in images]
    return Attack(config, Victim(network_of(PLAIN)), images, torch.from_numpy(LABELS[rows])).run()


def test_only_what_a_fresh_look_confirms_within_ball_and_box_counts(claims):
    claims.found = staticmethod(
        lambda config, images: 1.0 - 2 * images
    )  # the negative: in the box, too large
    rows = by_key(run(engine()))
    assert rows["unbounded"].robust < 1
    assert all(row.robust == 1 for key, row in rows.items() if key not in ("unbounded", "transfer"))
    claims.found = staticmethod(lambda config, images: 3.0 - 6 * images)  # beyond the box
    assert by_key(run(engine()))["unbounded"].robust == 1
    claims.found = staticmethod(lambda config, images: torch.full_like(images, torch.nan))
    assert by_key(run(engine()))["unbounded"].robust == 1


def test_the_strongest_counts_each_digit_that_any_check_has_fooled(claims):
    def some(config, images):
        delta = by_hand(images)
        half = {"Square": slice(0, None, 2), "FMN": slice(1, None, 2)}.get(config.method.name)
        kept = torch.zeros_like(delta)
        if half is not None:
            kept[half] = delta[half]
        return kept

    claims.found = staticmethod(some)
    rows = by_key(run(engine()))
    assert rows["as_set"].robust == 1
    fooled = [round(COUNT * (1 - rows[key].robust)) for key in ("no_gradient", "smallest", "strongest")]
    assert fooled[0] > 0
    assert fooled[1] > 0
    assert fooled[2] == fooled[0] + fooled[1]


def test_a_check_that_fails_says_so_and_the_others_go_on(claims):
    claims.found = staticmethod(fooling)
    claims.failing = "Square"
    frame = run(engine())
    rows = by_key(frame)
    assert rows["no_gradient"].state is RowState.IMPOSSIBLE
    assert rows["no_gradient"].detail == "network: expected a finite loss"
    assert np.isnan(rows["no_gradient"].robust)
    assert rows["smallest"].state is RowState.DONE
    assert frame.strongest.robust < 1


def test_the_attacks_in_turn_are_the_strongest_ones():
    made = engine()
    rows = by_key(run(made))
    running = strongest(Victim(network_of(PLAIN)), PIXELS, torch.from_numpy(LABELS), "L2", EPSILON)
    while True:
        try:
            next(running)
        except StopIteration as end:
            worst = end.value
            break
    assert rows["in_turn"].robust == pytest.approx(1 - float(worst.fooled.double().mean()))
    assert rows["in_turn"].robust <= rows["as_set"].robust
    assert made.status().done == made.status().total


def test_an_exact_projection_that_takes_too_long_is_left_out_and_said():
    exact = {"exact": True, "norm": "Subspace"}
    assert any("Projecting" in note for note in engine(exact).frame().notes)
    assert not engine({"exact": True}).frame().notes


def test_digits_misread_without_any_attack_are_fooled_by_every_check():
    labels = LABELS.copy()
    labels[:6] = (labels[:6] + 1) % 10
    frame = run(engine({"epsilon": 0}, labels=labels))
    assert frame.clean == pytest.approx(1 - 6 / COUNT)
    for row in frame.rows:
        if row.state is RowState.DONE and row.key != "unbounded":
            assert row.robust == pytest.approx(frame.clean)
    assert any("ε = 0" in note for note in frame.notes)


def test_a_check_has_partial_numbers_while_it_runs_and_the_strongest_only_falls(monkeypatch):
    monkeypatch.setattr("optgui.core.attack.inputs.CHUNK", 12)
    made = engine(MARGIN, other=OTHER)
    partial, before = 0, {}
    while not made.done:
        for _ in range(4):
            if not made.done:
                made.step()
        frame = made.frame()
        for row in frame.rows[:-1]:
            partial += row.state is RowState.RUNNING and 0 < row.digits < COUNT
            assert row.digits in (0, 12, 24, COUNT)
        best = frame.strongest
        if best.digits:
            assert best.robust <= before.get(best.digits, 1.0)
            before[best.digits] = best.robust
            assert best.robust <= min(
                row.robust for row in frame.rows if row.digits == best.digits and row.key != "unbounded"
            )
    assert partial > 0
    assert made.status().done == made.status().total
    whole = by_key(run(engine(MARGIN, other=OTHER)))
    for row in made.frame().rows:
        assert row.robust == pytest.approx(whole[row.key].robust, abs=0.07)


def test_changes_are_points_against_the_attack_as_set():
    rows = by_key(run(engine(network=MASKED)))
    for row in rows.values():
        if row.state is RowState.DONE and row.key != "unbounded":
            assert row.change == pytest.approx(100 * (row.robust - rows["as_set"].robust))


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (None, "choose another network to try this"),
        (PLAIN, "the other network is the one under attack"),
        (
            dataclasses.replace(OTHER, dataset="digits"),
            "the other network was trained on digits, not on mnist",
        ),
    ],
)
def test_without_another_network_nothing_is_transferred(other, reason):
    row = by_key(engine(other=other).frame())["transfer"]
    assert row.state is RowState.IMPOSSIBLE
    assert row.detail == reason


def test_a_goal_or_an_open_box_is_left_aside_and_said():
    frame = run(engine({"goal": "targeted", "target": int(LABELS[0]), "clip": False}))
    assert len(frame.notes) == 2
    assert frame.attack.goal == "targeted"
    assert by_key(frame)["as_set"].robust < 1


@pytest.mark.parametrize("method", ["FGSM", "DeepFool", "Square", "CarliniWagner"])
def test_other_methods_are_checked_as_well(method):
    frame = run(engine({"method": method}, digits=6))
    assert frame.complete
    assert frame.strongest.robust <= by_key(frame)["as_set"].robust


@pytest.mark.parametrize(
    ("norm", "epsilon"), [("L1", 5), ("L0", 4), ("Linf", 0.02), ("Subspace", 1), ("HalfSpace", 0.1)]
)
def test_other_norms_are_checked_as_well(norm, epsilon):
    frame = run(engine({"norm": norm, "epsilon": epsilon, "step_size": epsilon / 8}, digits=6))
    assert frame.complete
    assert not any(row.detail.startswith("network") for row in frame.rows)


def test_same_seed_gives_the_same_frame():
    first, again = (run(engine(seed=5, other=OTHER)) for _ in range(2))
    assert repr(without_seconds(first)) == repr(without_seconds(again))


def test_more_digits_than_there_are_and_edits_are_refused():
    with pytest.raises(ValueError, match="digits: expected at most the 30 of the test set, got 31"):
        engine(digits=31)
    made = engine()
    with pytest.raises(ValueError, match="takes effect at the next start"):
        made.apply(made.config.changed("digits", 3))
    with pytest.raises(ValueError, match="request: expected none"):
        made.answer("frame")


def test_a_diverged_network_is_refused():
    broken = dataclasses.replace(PLAIN, arrays={key: value * np.nan for key, value in PLAIN.arrays.items()})
    with pytest.raises(ValueError, match="expected finite logits"):
        engine(network=broken)


def test_the_jobs_find_it_by_name():
    made = build("honesty", engine().config, inputs())
    assert "honesty" in ENGINES
    assert made.status().unit == "iterations"
    assert made.frame().strongest.state is RowState.WAITING
    assert run(made).complete
