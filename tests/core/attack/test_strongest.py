import numpy as np
import pytest
import torch

from optgui.core.attack import Attack, AttackConfig, NormConfig, Victim, strongest
from tests.core.attack.samples import EPSILON, digits, network, sizes


def worst(norm, epsilon, seed=0):
    images, labels = digits()
    running = strongest(Victim(network()), images, labels, NormConfig.parse(norm), epsilon, seed)
    standings = []
    while True:
        try:
            standings.append(next(running))
        except StopIteration as end:
            return end.value, standings


@pytest.mark.parametrize("norm", EPSILON)
def test_it_is_at_least_as_strong_as_pgd_and_what_it_claims_is_so(norm):
    images, labels = digits()
    epsilon = EPSILON[norm] / 2
    found, standings = worst(norm, epsilon)
    with torch.no_grad():
        answers = network()(found.adversarial).argmax(1)
    assert torch.equal(found.fooled, answers != labels)
    change = sizes((found.adversarial.double() - images).numpy(), norm)
    assert change.max() <= epsilon + 1e-6
    assert [bool(stage) for stage in found.by] == found.fooled.tolist()
    config = AttackConfig.parse({"norm": norm, "epsilon": epsilon, "step_size": epsilon / 10, "seed": 3})
    attack = Attack(config, Victim(network()), images, labels)
    fooled = Victim(network()).logits(attack.changed(attack.run())).argmax(1) != labels
    assert found.fooled.sum() >= fooled.sum()
    shares = [standing.share for standing in standings]
    assert shares == sorted(shares)
    assert shares[-1] <= 1
    left = [standing.left for standing in standings]
    assert left == sorted(left, reverse=True)


def test_epsilon_zero_fools_nothing():
    found, _ = worst("Linf", 0.0)
    assert not found.fooled.any()
    np.testing.assert_array_equal(found.adversarial, digits()[0])


def test_an_image_misread_already_counts_as_it_is():
    images, labels = digits()
    labels[3] = (labels[3] + 1) % 10
    running = strongest(Victim(network()), images, labels, NormConfig(), 0.0)
    while True:
        try:
            next(running)
        except StopIteration as end:
            found = end.value
            break
    assert found.by[3] == "unchanged"
    assert found.fooled.tolist() == [row == 3 for row in range(12)]
