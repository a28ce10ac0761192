"""Our attack against torchattacks and foolbox, on the first 1,000 test digits of MNIST.

Wants the extra `authority` and the folder of MNIST in OPTGUI_DATA.
"""

import importlib
import os
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from optgui.core import runtime
from optgui.core.attack import PRESETS, AttackEngine, Victim
from optgui.core.attack.strongest import strongest
from optgui.core.training import load_digits
from optgui.core.training.models import ModelConfig, make_network

COUNT = 1000


def other(name):
    """The package `name`, or a skip; what old packages warn about at import is not ours to mend."""
    runtime.torchvision("transforms")  # both packages import it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip(name, reason=f"the extra `authority` brings {name}")
        return importlib.import_module(name)


@pytest.fixture(scope="module")
def torchattacks():
    return other("torchattacks")


@pytest.fixture(scope="module")
def foolbox():
    return other("foolbox")


@pytest.fixture(scope="module")
def victim():
    """The tutorial's MLP after one epoch, and the digits it is attacked on."""
    if not os.environ.get("OPTGUI_DATA"):
        pytest.skip("OPTGUI_DATA names no folder with MNIST")
    runtime.use_threads(1)
    data = load_digits("mnist")
    images = torch.tensor(data.train_images).unsqueeze(1) / 255
    labels = torch.tensor(data.train_labels).long()
    generator = torch.Generator().manual_seed(0)
    network = make_network(ModelConfig(name="MLP", hidden=(120,)), generator)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for batch in torch.randperm(len(images), generator=generator).split(64):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(images[batch]), labels[batch]).backward()
        optimizer.step()
    test_images = torch.tensor(data.test_images[:COUNT]).unsqueeze(1) / 255
    test_labels = torch.tensor(data.test_labels[:COUNT]).long()
    network.eval()
    assert percent_left(network, test_images, test_labels) > 90
    return network, test_images, test_labels


def percent_left(network, images, labels):
    """How many per cent the network still reads rightly."""
    with torch.no_grad():
        return 100 * (network(images).argmax(1) == labels).double().mean().item()


def ours(config, victim):
    network, images, labels = victim
    attack = AttackEngine(config, network, images, labels)
    while not attack.done:
        attack.step()
    frame = attack.frame()
    left = 100 * (~frame.success).mean()
    assert left == percent_left(network, torch.tensor(frame.adversarial), labels)
    return frame, left


@pytest.mark.parametrize(("preset", "name"), [("PGD", "PGDL2"), ("PGD, L∞", "PGD")])
def test_pgd_leaves_as_many_digits_as_torchattacks_on_the_mean_of_five_seeds(
    torchattacks, victim, preset, name
):
    network, images, labels = victim
    config = PRESETS[preset]
    theirs = getattr(torchattacks, name)(
        network, eps=config.epsilon, alpha=config.step_size, steps=config.steps, random_start=True
    )
    left, expected = [], []
    for seed in range(5):
        torch.manual_seed(seed)
        expected.append(percent_left(network, theirs(images, labels), labels))
        left.append(ours(config.changed("seed", seed), victim)[1])
    assert np.mean(left) == pytest.approx(np.mean(expected), abs=1.0)


def test_fgsm_is_that_of_torchattacks_digit_by_digit(torchattacks, victim):
    network, images, labels = victim
    expected = torchattacks.FGSM(network, eps=0.1)(images, labels)
    frame, _ = ours(PRESETS["FGSM"], victim)
    with torch.no_grad():
        np.testing.assert_array_equal(frame.predictions, network(expected).argmax(1))
    np.testing.assert_allclose(frame.adversarial, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("preset", "attack", "settings"),
    [
        ("PGD", "L2ProjectedGradientDescentAttack", {"abs_stepsize": 0.2, "steps": 40}),
        ("PGD, L∞", "LinfProjectedGradientDescentAttack", {"abs_stepsize": 0.01, "steps": 40}),
    ],
)
def test_pgd_leaves_as_many_digits_as_foolbox(foolbox, victim, preset, attack, settings):
    network, images, labels = victim
    torch.manual_seed(0)
    model = foolbox.PyTorchModel(network, bounds=(0, 1), device="cpu")
    epsilon = PRESETS[preset].epsilon
    _, theirs, _ = getattr(foolbox.attacks, attack)(**settings)(model, images, labels, epsilons=epsilon)
    left = percent_left(network, theirs, labels)
    assert ours(PRESETS[preset], victim)[1] == pytest.approx(left, abs=1.0)


def test_pgd_without_random_start_takes_the_path_of_foolbox(foolbox, victim):
    """Few steps from the image itself: no random number is left, so every pixel must agree."""
    network, images, labels = victim
    model = foolbox.PyTorchModel(network, bounds=(0, 1), device="cpu")
    theirs = foolbox.attacks.L2ProjectedGradientDescentAttack(abs_stepsize=0.2, steps=5, random_start=False)
    _, expected, _ = theirs(model, images, labels, epsilons=0.7)
    config = PRESETS["PGD"].changed("random_start", False).changed("epsilon", 0.7).changed("steps", 5)
    attack = AttackEngine(config, network, images, labels)
    while not attack.done:
        attack.step()
    difference = np.abs(attack.frame().adversarial - expected.numpy()).max(axis=(1, 2, 3))
    # A hidden unit within rounding of its kink may send a digit or two another way.
    assert (difference < 1e-4).mean() >= 0.995


WORST = 500  # digits


@pytest.mark.parametrize(("norm", "epsilon"), [("Linf", 0.1), ("L2", 1.5)])
def test_the_worst_of_our_attacks_leaves_no_more_than_autoattack(torchattacks, victim, norm, epsilon):
    network, images, labels = victim[0], victim[1][:WORST], victim[2][:WORST]
    theirs = torchattacks.AutoAttack(
        network, norm=norm, eps=epsilon, version="standard", n_classes=10, seed=0
    )
    expected = percent_left(network, theirs(images, labels), labels)
    running = strongest(Victim(network), images, labels, norm, epsilon)
    try:
        while True:
            next(running)
    except StopIteration as end:
        worst = end.value
    change = (worst.adversarial.double() - images).flatten(1)
    sizes = torch.linalg.vector_norm(change, {"L2": 2, "Linf": torch.inf}[norm], dim=1)
    assert sizes.max() <= epsilon + 1e-6
    assert worst.adversarial.min() >= 0
    assert worst.adversarial.max() <= 1
    left = percent_left(network, worst.adversarial, labels)
    assert left == pytest.approx(100 * (1 - worst.fooled.double().mean().item()))
    assert left <= expected + 0.5


def test_apgd_leaves_as_many_digits_as_torchattacks(torchattacks, victim):
    network, images, labels = victim
    for loss, method in (("ce", "APGD-CE"), ("dlr", "APGD-DLR")):
        theirs = torchattacks.APGD(network, norm="Linf", eps=0.1, steps=50, loss=loss, seed=0)
        expected = percent_left(network, theirs(images, labels), labels)
        config = PRESETS["PGD, L∞"].changed("method", method).changed("steps", 50)
        assert ours(config, victim)[1] == pytest.approx(expected, abs=1.0)


@pytest.mark.parametrize(("norm", "epsilon"), [("Linf", 0.1), ("L2", 2.0)])
def test_square_leaves_about_as_many_digits_as_torchattacks(torchattacks, victim, norm, epsilon):
    """A random search: chance moves a digit or two in a hundred."""
    network, images, labels = victim[0], victim[1][:200], victim[2][:200]
    theirs = torchattacks.Square(network, norm=norm, eps=epsilon, n_queries=500, seed=0)
    expected = percent_left(network, theirs(images, labels), labels)
    base = PRESETS["PGD"].changed("norm", norm).changed("epsilon", epsilon)
    config = base.changed("method", "Square").changed("steps", 500).changed("stop_when_fooled", True)
    assert ours(config, (network, images, labels))[1] <= expected + 3
