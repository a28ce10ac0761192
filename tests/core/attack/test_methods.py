import numpy as np
import pytest
import torch
from torch import nn

from optgui.core.attack import METHODS, PRESETS, AttackConfig, AttackEngine, Method, MethodEntry
from optgui.core.params import Config, param
from optgui.core.training.models import MEAN, STD
from tests.core.attack.samples import Indifferent, digits, engine, network, run


def test_one_step_of_sign_without_random_start_is_fgsm():
    images, labels = digits()
    module = network()
    variable = images.clone().requires_grad_()
    nn.functional.cross_entropy(module(variable), labels).backward()
    expected = (images + 0.1 * variable.grad.sign()).clamp(0, 1)
    attack = engine({"norm": "Linf", "epsilon": 0.1, "step_size": 0.1, "steps": 1, "step_rule": "sign"})
    run(attack)
    np.testing.assert_allclose(attack.frame().adversarial, expected, atol=1e-7)


def test_normalized_step_in_linf_is_the_sign_step():
    settings = {"norm": "Linf", "epsilon": 0.1, "step_size": 0.03, "steps": 6}
    normalized, sign = engine(settings), engine({**settings, "step_rule": "sign"})
    run(normalized)
    run(sign)
    np.testing.assert_array_equal(normalized.frame().adversarial, sign.frame().adversarial)


@pytest.mark.parametrize("radius", [0.4, 7.0])
def test_raw_gradient_step_is_the_tutorials_on_normalized_images(radius):
    """delta <- project(delta + 0.1 g) as the tutorial has it, written in units of normalized pixels."""
    images, labels = digits(1)
    normalized = (images - MEAN) / STD
    body = network(scale=2.0)[1:]
    delta = torch.zeros_like(normalized)
    for _ in range(60):
        delta.requires_grad_()
        loss = nn.functional.cross_entropy(body(normalized + delta), labels)
        (gradient,) = torch.autograd.grad(loss, delta)
        delta = (delta + 0.1 * gradient).detach()
        if (length := delta.norm()) > radius:
            delta = delta * (radius / length)
    config = PRESETS["As in the tutorial"].changed("epsilon", radius * STD).changed("steps", 60)
    attack = AttackEngine(config, network(scale=2.0), images, labels)
    run(attack)
    change = attack.frame().perturbation
    np.testing.assert_allclose(change, STD * delta, atol=1e-5)
    assert np.abs(change).max() > 1e-3
    assert (np.linalg.norm(change) > 0.99 * radius * STD) == (radius == 0.4)


class DriftParams(Config):
    drift: float = param(0.25, title="Drift", help="What every pixel gains.")


class Drift(Method):
    def propose(self, delta, now):
        return delta + self.task.config.method.values["drift"]


@pytest.fixture
def drift(monkeypatch):
    """A method that somebody adds: one more entry of METHODS."""
    entry = MethodEntry("Drift", "Drift", DriftParams, make=Drift)
    monkeypatch.setattr(METHODS, "_entries", {**METHODS._entries, "Drift": entry})


@pytest.mark.usefixtures("drift")
def test_a_new_entry_is_a_new_method_with_parameters_of_its_own():
    attack = engine({"method": {"name": "Drift", "drift": 0.5}, "norm": "Linf", "epsilon": 1, "steps": 1})
    run(attack)
    frame = attack.frame()
    np.testing.assert_allclose(frame.adversarial, (frame.original + 0.5).clip(0, 1), atol=1e-7)
    assert engine({"method": "Drift"}).config.method.values == {"drift": 0.25}


@pytest.mark.usefixtures("drift")
def test_no_method_moves_an_image_whose_gradient_is_zero():
    attack = engine({"method": "Drift"}, Indifferent(attached=True))
    assert attack.step().skipped == 12
    np.testing.assert_array_equal(attack.frame().perturbation, 0)


def test_a_gradient_too_small_to_square_still_moves_a_normalized_step():
    class Faint(nn.Module):
        def forward(self, images):
            return 1e-25 * images.flatten(1)[:, :10]

    images, labels = digits()
    attack = AttackEngine(AttackConfig.parse({"steps": 1, "clip": False}), Faint(), images, labels)
    record = attack.step()
    assert record.skipped == 0
    assert record.norm == pytest.approx(0.2, rel=1e-5)


@pytest.mark.parametrize("norm", ["L2", "Linf", "L1"])
def test_momentum_that_grows_keeps_its_direction_for_as_long_as_one_likes(norm):
    settings = {"norm": norm, "epsilon": 0.5, "step_size": 0.05, "steps": 300}
    attack = engine({**settings, "method": {"name": "MI-FGSM", "decay": 2.0}})
    run(attack)
    frame = attack.frame()
    assert np.isfinite(frame.adversarial).all()
    assert np.abs(frame.perturbation).max() > 0
