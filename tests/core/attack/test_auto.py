import math

import numpy as np
import pytest
import torch
from torch import nn

from optgui.core.attack import METHODS, Attack, AttackConfig, Victim
from optgui.core.attack.methods.auto import checkpoints
from tests.core.attack.samples import digits, network, settings_of


def attack_of(**settings):
    images, labels = digits()
    return Attack(AttackConfig.parse(settings), Victim(network()), images, labels)


def test_checkpoints_are_those_of_the_paper():
    """0.22, then the gap shrinks by 0.03 down to 0.06."""
    shares = [0.22, 0.41, 0.57, 0.70, 0.80, 0.87, 0.93, 0.99]
    assert checkpoints(100) == {round(100 * share) for share in shares}
    assert checkpoints(1) == {1}


def test_the_first_step_is_two_epsilon_long_and_the_second_has_momentum():
    """Algorithm 1 written out for L-infinity, where every projection is a clamp."""
    images, labels = digits()
    module = network()

    def gradient(delta):
        variable = (images + delta).clamp(0, 1).requires_grad_()
        loss = nn.functional.cross_entropy(module(variable), labels, reduction="sum")
        return torch.autograd.grad(loss, variable)[0]

    def confined(delta):
        return (images + delta.clamp(-0.01, 0.01)).clamp(0, 1) - images

    places = [torch.zeros_like(images)]
    places.append(confined(places[0] + 0.02 * gradient(places[0]).sign()))
    for _ in range(2):
        here, before = places[-1], places[-2]
        ahead = confined(here + 0.02 * gradient(here).sign())
        places.append(confined(here + 0.75 * (ahead - here) + 0.25 * (here - before)))
    attack = attack_of(method="APGD-CE", norm="Linf", epsilon=0.01, steps=30)
    for expected in places[1:]:
        attack.step()
        torch.testing.assert_close(attack.current, expected, rtol=0, atol=1e-6)


class Ridge(nn.Module):
    """Its cross-entropy is largest where the mean of the pixels is 0.52, and lower on both sides."""

    def forward(self, images):
        far = (images.mean((1, 2, 3)) - 0.52).abs()
        return torch.stack([far, *[torch.zeros_like(far)] * 9], 1)


def test_steps_are_halved_until_a_ridge_is_found():
    images, labels = torch.full((3, 1, 28, 28), 0.5), torch.zeros(3, dtype=torch.long)
    config = AttackConfig.parse({"method": "APGD-CE", "norm": "Linf", "epsilon": 0.3, "steps": 100})
    attack = Attack(config, Victim(Ridge()), images, labels)
    attack.run()
    means = attack.changed(attack.result()).mean((1, 2, 3))
    np.testing.assert_allclose(means, 0.52, atol=2e-3)
    assert (attack._method.size <= 0.6 / 8).all()


@pytest.mark.parametrize("norm", ["L2", "Linf"])
@pytest.mark.parametrize("method", ["APGD-CE", "APGD-DLR"])
def test_the_result_is_the_best_of_all_steps(method, norm):
    attack = attack_of(
        **settings_of(method, norm, steps=25, goal="targeted", target=3) | {"goal": "untargeted"}
    )
    best = attack.now.losses.clone()
    fooled = attack.now.fooled.clone()
    while not attack.done:
        attack.step()
        best = torch.maximum(best, attack.now.losses)
        fooled |= attack.now.fooled
    end = attack._method.look(attack.result())
    assert torch.equal(end.fooled, fooled)
    torch.testing.assert_close(end.losses, best)


def test_it_has_no_step_size_and_works_in_two_norms():
    for name in ("APGD-CE", "APGD-DLR"):
        assert "step_size" not in METHODS[name].uses
        assert "loss" not in METHODS[name].uses
        assert METHODS[name].norms == ("L2", "Linf")
    assert math.ceil(0.22 * 40) in checkpoints(40)
