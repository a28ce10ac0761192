"""Our minimum-norm attacks against foolbox's, on the first 500 test digits of MNIST.

Wants the extra `authority` and the folder of MNIST in OPTGUI_DATA.
"""

import numpy as np
import pytest
import torch

from optgui.core.attack import Attack, AttackConfig, Victim, norm_of
from tests.authority.test_attack_authority import foolbox, victim

__all__ = ["foolbox", "victim"]  # fixtures

COUNT = 500
CW = {"name": "CarliniWagner", "searches": 9, "inner": 100, "rate": 0.05}


def quantiles(network, images, changed, labels, norm, target=None):
    """The share that fools, and median and 90th percentile of the norms, where a failure is infinite."""
    assert changed.min() >= 0
    assert changed.max() <= 1
    with torch.no_grad():
        answers = network(changed).argmax(1)
    fooled = answers != labels if target is None else answers == target
    sizes = torch.where(fooled, norm_of(norm).norm(changed - images), torch.inf).double().numpy()
    return fooled.double().mean().item(), np.quantile(sizes, [0.5, 0.9], method="higher")


def ours(config, network, images, labels):
    attack = Attack(AttackConfig.parse(config), Victim(network), images, labels)
    return attack.changed(attack.run())


@pytest.mark.parametrize(
    ("config", "norm", "theirs", "settings"),
    [
        ({"method": "DeepFool", "steps": 50}, "L2", "L2DeepFoolAttack", {"steps": 50}),
        ({"method": "DeepFool", "steps": 50}, "Linf", "LinfDeepFoolAttack", {"steps": 50}),
        ({"method": "DDN", "steps": 100}, "L2", "DDNAttack", {"steps": 100}),
        ({"method": "FMN", "steps": 100}, "L1", "L1FMNAttack", {"steps": 100}),
        ({"method": "FMN", "steps": 100}, "L2", "L2FMNAttack", {"steps": 100}),
        ({"method": "FMN", "steps": 100}, "Linf", "LInfFMNAttack", {"steps": 100}),
        ({"method": "FMN", "steps": 100}, "L0", "L0FMNAttack", {"steps": 100}),
        ({"method": CW}, "L2", "L2CarliniWagnerAttack", {"steps": 100, "stepsize": 0.05}),
    ],
)
def test_changes_are_as_small_as_those_of_foolbox(foolbox, victim, config, norm, theirs, settings):
    network, images, labels = (part if callable(part) else part[:COUNT] for part in victim)
    torch.manual_seed(0)
    model = foolbox.PyTorchModel(network, bounds=(0, 1), device="cpu")
    expected = getattr(foolbox.attacks, theirs)(**settings).run(model, images, labels)
    _, wanted = quantiles(network, images, expected, labels, norm)
    changed = ours({**config, "norm": norm}, network, images, labels)
    fooled, sizes = quantiles(network, images, changed, labels, norm)
    assert fooled >= 0.995
    assert (sizes <= 1.03 * wanted).all()


@pytest.mark.parametrize(
    ("config", "norm", "theirs"),
    [
        ({"method": "DDN"}, "L2", "DDNAttack"),
        ({"method": "FMN"}, "L1", "L1FMNAttack"),
        ({"method": "FMN"}, "L2", "L2FMNAttack"),
        ({"method": "FMN"}, "Linf", "LInfFMNAttack"),
    ],
)
def test_changes_towards_a_target_are_as_small_as_those_of_foolbox(foolbox, victim, config, norm, theirs):
    network, images, labels = victim
    kept = (labels != 3).nonzero().squeeze(1)[:COUNT]
    images, labels = images[kept], labels[kept]
    targets = torch.full_like(labels, 3)
    model = foolbox.PyTorchModel(network, bounds=(0, 1), device="cpu")
    goal = foolbox.criteria.TargetedMisclassification(targets)
    expected = getattr(foolbox.attacks, theirs)(steps=100).run(model, images, goal)
    _, wanted = quantiles(network, images, expected, labels, norm, 3)
    changed = ours(
        {**config, "norm": norm, "steps": 100, "goal": "targeted", "target": 3}, network, images, labels
    )
    fooled, sizes = quantiles(network, images, changed, labels, norm, 3)
    assert fooled >= 0.995
    assert (sizes <= 1.03 * wanted).all()
