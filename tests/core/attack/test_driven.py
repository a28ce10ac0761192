import numpy as np
import pytest
import torch
from torch import nn

from optgui.core.attack import Attack, AttackConfig, Victim
from optgui.core.attack.methods.driven import PixelOptimizer, pixel_by_pixel
from optgui.core.optimizers import OPTIMIZERS
from tests.core.attack.samples import digits, engine, network, run

USABLE = [name for name in OPTIMIZERS if not PixelOptimizer.refusal(name)]


def settings(optimizer, **more):
    method = {"name": "Driven", "optimizer": optimizer}
    return {"method": method, "norm": "L2", "epsilon": 1.0, "steps": 8, **more}


def test_gradient_descent_is_pgd_with_the_raw_gradient():
    driven = engine(settings({"name": "SGD", "lr": 2.0}))
    plain = engine({"step_rule": "gradient", "step_size": 2.0, "norm": "L2", "epsilon": 1.0, "steps": 8})
    run(driven)
    run(plain)
    np.testing.assert_allclose(driven.frame().adversarial, plain.frame().adversarial, atol=1e-6)


def test_adam_is_torchs_with_a_projection_after_each_step():
    images, labels = digits()
    module = network()
    delta = torch.zeros_like(images, requires_grad=True)
    optimizer = torch.optim.Adam([delta], lr=0.02)
    for _ in range(8):
        optimizer.zero_grad()
        (-nn.functional.cross_entropy(module(images + delta), labels, reduction="sum")).backward()
        optimizer.step()
        with torch.no_grad():
            length = delta.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
            delta.mul_((1.0 / length).clamp(max=1))
            delta.copy_((images + delta).clamp(0, 1) - images)
    attack = engine(settings({"name": "Adam", "lr": 0.02}))
    run(attack)
    np.testing.assert_allclose(attack.frame().perturbation, delta.detach(), atol=2e-5)


@pytest.mark.parametrize("stop", [False, True])
@pytest.mark.parametrize("name", USABLE)
def test_an_image_fares_alone_as_it_fares_in_a_batch(name, stop):
    images, labels = digits()
    config = AttackConfig.parse(settings({"name": name, "lr": 0.02}, stop_when_fooled=stop))
    victim = Victim(network())
    together = Attack(config, victim, images, labels).run()
    for row in (0, 11):
        alone = Attack(config, victim, images[row : row + 1], labels[row : row + 1]).run()
        torch.testing.assert_close(together[row], alone[0], rtol=0, atol=1e-4)


def test_one_optimizer_serves_all_images_only_where_it_moves_pixel_by_pixel():
    assert {name for name in USABLE if not pixel_by_pixel(name)} == {"Adafactor", "Muon"}


@pytest.mark.parametrize(
    ("name", "words"),
    [("LBFGS", "LBFGS cannot be used here: it looks several times"), ("SparseAdam", "dense gradients")],
)
def test_an_optimizer_that_cannot_drive_is_refused_with_the_reason(name, words):
    with pytest.raises(ValueError, match=words):
        AttackConfig.parse(settings(name))
