"""What holds for every method, norm and step rule, those that somebody adds included."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from optgui.core.attack import METHODS, NORMS, Attack, AttackConfig, AttackEngine, Victim
from optgui.core.engine import RunFailed
from tests.core.attack.samples import (
    EPSILON,
    EVERY,
    Indifferent,
    digits,
    engine,
    network,
    run,
    settings_of,
    sizes,
)

NORMALIZED = [(method, norm) for method, norm, rule in EVERY if rule == "normalized"]
STOPPING = [case for case in NORMALIZED if "stop_when_fooled" in METHODS[case[0]].uses]
RESTARTING = [case for case in NORMALIZED if "restarts" in METHODS[case[0]].uses]
WITHOUT_GRADIENT = ("Square", "Noise")
WALLS = [(True, False), (True, True), (False, False)]  # clip, exact


def attack_of(settings, images=None, labels=None, **more):
    own_images, own_labels = digits()
    return Attack(
        AttackConfig.parse(settings),
        Victim(network()),
        own_images if images is None else images,
        own_labels if labels is None else labels,
        **more,
    )


@pytest.mark.parametrize(("clip", "exact"), WALLS)
@pytest.mark.parametrize("random_start", [False, True])
@pytest.mark.parametrize(("method", "norm", "rule"), EVERY)
def test_it_stays_in_ball_and_box_and_claims_what_the_network_says(
    method, norm, rule, random_start, clip, exact
):
    walls = {"clip": clip, "exact": exact, "random_start": random_start}
    attack = engine(settings_of(method, norm, rule, **walls))
    while True:
        frame = attack.frame()
        change = sizes(frame.adversarial.astype(np.float64) - frame.original, norm)
        assert change.max() <= EPSILON[norm] + 1e-6
        if clip:
            assert frame.adversarial.min() >= 0
            assert frame.adversarial.max() <= 1
        np.testing.assert_allclose(frame.norms, change, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(frame.perturbation, frame.adversarial - frame.original)
        with torch.no_grad():
            answers = network()(torch.tensor(frame.adversarial)).argmax(1)
        np.testing.assert_array_equal(frame.success, answers.numpy() != frame.labels)
        if attack.done:
            break
        attack.step()
    assert np.abs(frame.perturbation).max() > 0


@pytest.mark.parametrize(("method", "norm", "rule"), EVERY)
def test_it_raises_the_loss(method, norm, rule):
    attack = engine(settings_of(method, norm, rule, steps=12))
    frame = attack.frame()
    own = np.arange(12), frame.labels
    run(attack)
    gained = np.log(frame.original_probabilities[own]) - np.log(attack.frame().probabilities[own])
    assert gained.mean() > (0 if method == "Noise" else 0.01)


@pytest.mark.parametrize(("method", "norm", "rule"), EVERY)
def test_epsilon_zero_leaves_the_images_as_they_are(method, norm, rule):
    if norm == "HalfSpace":
        pytest.skip("its ball is no point: what adds no ink is allowed")
    attack = engine(settings_of(method, norm, rule, epsilon=0, random_start=True))
    run(attack)
    np.testing.assert_array_equal(attack.frame().adversarial, digits()[0].numpy())


@pytest.mark.parametrize(("method", "norm"), NORMALIZED)
def test_a_huge_epsilon_leaves_only_the_box(method, norm):
    attack = engine(settings_of(method, norm, epsilon=1e6))
    run(attack)
    frame = attack.frame()
    assert np.isfinite(frame.adversarial).all()
    assert frame.adversarial.min() >= 0
    assert frame.adversarial.max() <= 1


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize(("method", "norm", "rule"), EVERY)
def test_a_zero_gradient_moves_nothing_and_is_counted(method, norm, rule, attached):
    if method in WITHOUT_GRADIENT:
        pytest.skip("asks for no gradient")
    attack = engine(
        settings_of(method, norm, rule, random_start=True), Indifferent(attached), labels=torch.full((12,), 9)
    )
    before = attack.frame().adversarial
    records = run(attack)
    np.testing.assert_array_equal(attack.frame().adversarial, before)
    assert [record.skipped for record in records] == [12] * attack.until
    assert {record.gradient_norm for record in records} == {0}
    assert attack.frame().fooled_at.tolist() == [-1] * 12


class Breaking(nn.Module):
    """Reads images until somebody breaks it."""

    def __init__(self, left=3):
        super().__init__()
        self.inner = network()
        self.left = left

    def forward(self, images):
        self.left -= 1
        return self.inner(images) if self.left > 0 else self.inner(images) * torch.nan


@pytest.mark.parametrize(("method", "norm"), NORMALIZED)
def test_a_network_that_answers_nan_fails_the_run_and_the_images_stay(method, norm):
    module = Breaking()
    attack = engine(settings_of(method, norm, random_start=True), module)
    with pytest.raises(RunFailed, match="network: expected a finite loss"):
        run(attack)
    step = attack.step_count
    with pytest.raises(RunFailed, match="network: expected a finite loss"):
        attack.step()
    assert attack.step_count == step
    assert np.isfinite(attack.frame().adversarial).all()


@pytest.mark.parametrize(("method", "norm"), NORMALIZED)
def test_the_same_seed_repeats_it_bit_for_bit(method, norm):
    settings = settings_of(method, norm, random_start=True, restarts=2, seed=7)
    first, again = engine(settings), engine(settings)
    assert run(first) == run(again)
    np.testing.assert_array_equal(first.frame().adversarial, again.frame().adversarial)


@pytest.mark.parametrize(("method", "norm"), STOPPING)
def test_leaving_fooled_images_out_changes_nothing_for_the_others(method, norm):
    settings = settings_of(method, norm, random_start=True, restarts=2, epsilon=EPSILON[norm] * 0.6)
    stopped, whole = (attack_of({**settings, "stop_when_fooled": stop}) for stop in (True, False))
    fooled = torch.zeros(12, dtype=torch.bool)
    seen = {}
    while not whole.done:
        whole.step()
        fooled |= whole.now.fooled
        if not stopped.done:
            stopped.step()
        for row, delta in zip(stopped.active.tolist(), stopped.current, strict=True):
            if not fooled[row]:
                torch.testing.assert_close(delta, whole.current[row], rtol=0, atol=1e-5)
        for row in fooled.nonzero().squeeze(1).tolist():
            seen.setdefault(row, stopped.result()[row])
    changed = stopped.changed(stopped.result())
    answers = network()(changed).argmax(1)
    assert (answers != digits()[1])[fooled].all()
    for row, delta in seen.items():
        assert torch.equal(stopped.result()[row], delta)


@pytest.mark.parametrize(("method", "norm"), RESTARTING)
def test_restarts_keep_the_best(method, norm):
    settings = settings_of(method, norm, random_start=True, epsilon=EPSILON[norm] / 2, seed=1)
    attack = attack_of({**settings, "restarts": 4})
    ends = []
    while not attack.done:
        attack.step()
        if attack.iteration == 6:
            ends.append(attack.result())
    assert attack.step_count == 24
    victim = Victim(network())
    look = attack_of(settings)._method.look
    scores = []
    for end in ends:
        seen = look(end)
        fooled = victim.logits(attack.changed(end)).argmax(1) != digits()[1]
        scores.append(torch.where(fooled, 1e6, 0.0) + seen.losses)
    for before, after in itertools.pairwise(scores):
        assert (after >= before - 1e-4).all()
    if method == "PGD":  # others may find the same from everywhere
        assert (scores[-1] > scores[0] + 1e-5).any()


@pytest.mark.parametrize("goal", ["targeted", "least_likely"])
@pytest.mark.parametrize(("method", "norm"), NORMALIZED)
def test_it_climbs_towards_a_target(method, norm, goal):
    images, labels = digits()
    left = labels != 5
    images, labels = images[left], labels[left]
    attack = engine(settings_of(method, norm, goal=goal, target=5, steps=12), images=images, labels=labels)
    frame = attack.frame()
    if goal == "least_likely":
        np.testing.assert_array_equal(frame.targets, frame.original_probabilities.argmin(1))
    run(attack)
    after = attack.frame()
    rows = np.arange(len(labels))
    gained = np.log(after.probabilities[rows, after.targets]) - np.log(
        frame.original_probabilities[rows, frame.targets]
    )
    assert gained.mean() > 0
    np.testing.assert_array_equal(after.success, after.predictions == after.targets)


@pytest.mark.parametrize(("method", "norm"), NORMALIZED)
def test_a_radius_for_each_image_is_that_many_attacks(method, norm):
    if method in WITHOUT_GRADIENT:
        pytest.skip("each image's luck depends on its place in the batch")
    if (method, norm) == ("Driven", "L0"):
        pytest.skip("Adam's first step is equally long in all pixels, so that rounding chooses among them")
    radii = EPSILON[norm] * torch.linspace(0.5, 1.5, 12)
    settings = settings_of(method, norm)
    together = attack_of(settings, epsilon=radii).run()
    images, labels = digits()
    for row in (0, 5, 11):
        alone = attack_of(
            {**settings, "epsilon": radii[row].item()}, images[row : row + 1], labels[row : row + 1]
        )
        torch.testing.assert_close(alone.run()[0], together[row], rtol=0, atol=2e-5)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("method", WITHOUT_GRADIENT)
def test_a_radius_for_each_image_bounds_a_search_too(method, norm):
    if norm not in METHODS[method].norms:
        pytest.skip("does not work in it")
    radii = EPSILON[norm] * torch.linspace(0.5, 1.5, 12)
    delta = attack_of(settings_of(method, norm), epsilon=radii).run()
    assert (sizes(delta, norm) <= radii.numpy() + 1e-6).all()


@pytest.mark.parametrize(("method", "norm"), NORMALIZED)
def test_another_epsilon_goes_on_from_the_present_images(method, norm):
    if method in ("FGSM", "Noise"):
        pytest.skip("does not go on from where it is")
    # Clipping takes a smooth change out of its subspace, and the projection brings it back.
    attack = engine(settings_of(method, norm, clip=norm != "Subspace"))
    run(attack)
    before = attack.frame().adversarial
    attack.apply(attack.config.changed("epsilon", EPSILON[norm] * 1.5))
    np.testing.assert_allclose(attack.frame().adversarial, before, atol=2e-6)
    run(attack)
    assert attack.step_count == 12


@pytest.mark.parametrize(("method", "norm"), NORMALIZED)
def test_a_slice_reads_the_same_numbers_as_single_steps(method, norm):
    settings = settings_of(method, norm, restarts=2, stop_when_fooled=True)
    single, sliced = engine(settings), engine(settings)
    records = []
    while not sliced.done:
        records += sliced.run_slice(60)
    expected = run(single)
    assert [record[:3] for record in records] == [record[:3] for record in expected]
    np.testing.assert_allclose([r[3:] for r in records], [r[3:] for r in expected], rtol=1e-5)
    assert single.frame().fooled_at.tolist() == sliced.frame().fooled_at.tolist()


def test_a_slice_hands_over_what_was_done_before_it_failed():
    attack = engine({"steps": 9}, Breaking(6))
    records = attack.run_slice(60)
    assert attack.step_count == len(records) == 3
    with pytest.raises(RunFailed, match="network: expected a finite loss"):
        attack.run_slice(60)


def test_targets_may_only_show_the_way():
    images, labels = digits()
    towards = (labels + 3) % 10
    attack = Attack(
        AttackConfig.parse({"epsilon": 3.0, "stop_when_fooled": True}),
        Victim(network()),
        images,
        labels,
        targets=towards,
    )
    answers = network()(attack.changed(attack.run())).argmax(1)
    assert (answers != labels).all()
    assert not (answers == towards).all()


def test_the_engine_takes_a_module_of_any_kind():
    module = nn.Sequential(nn.Conv2d(1, 4, 5), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 24 * 24, 10))
    images, _ = digits()
    labels = module(images).argmax(1)
    config = AttackConfig.parse({"method": "APGD-DLR", "epsilon": 3.0, "steps": 30, "stop_when_fooled": True})
    attack = AttackEngine(config, module, images, labels)
    while not attack.done:
        attack.run_slice(60)
    assert attack.frame().success.any()
