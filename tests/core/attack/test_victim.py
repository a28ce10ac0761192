import pytest
import torch
from torch import nn

from optgui.core.attack import LOSSES, Goal, Victim
from optgui.core.training.models import ModelConfig, make_network
from tests.core.attack.samples import digits

NETWORKS = {
    "perceptron": {"name": "MLP", "hidden": (24,)},
    "deep": {"name": "MLP", "hidden": (30, 20, 16)},
    "tanh": {"name": "MLP", "hidden": (24,), "activation": "Tanh"},
    "softmax": {"name": "Softmax"},
}


def made(name):
    config = ModelConfig.parse(NETWORKS[name])
    return make_network(config, torch.Generator().manual_seed(1)).eval()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_gradient_is_that_of_autograd_for_every_network(name, loss):
    module = made(name)
    images, labels = digits()
    variable = images.clone().requires_grad_()
    logits = module(variable)
    goal = Goal(labels)
    expected, slopes = LOSSES[loss].loss(logits.detach(), goal)
    logits.backward(slopes)
    victim = Victim(module)
    for inference in (False, True):
        with torch.inference_mode(inference):
            pulled = victim.pull(images, goal, LOSSES[loss].loss)
        torch.testing.assert_close(pulled.logits, logits.detach(), rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(pulled.losses, expected, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(pulled.gradient, variable.grad, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_jacobian_is_that_of_autograd_for_every_network(name):
    module = made(name)
    images, _ = digits(3)
    expected = torch.autograd.functional.jacobian(lambda x: module(x).sum(0), images)
    logits, jacobian = Victim(module).jacobian(images)
    torch.testing.assert_close(logits, module(images).detach(), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(jacobian, expected.transpose(0, 1), rtol=1e-4, atol=1e-6)


def test_a_closed_gradient_needs_relu_between_linear_layers_with_biases():
    assert Victim(made("perceptron"))._layers is not None
    assert Victim(made("deep"))._layers is not None
    assert Victim(made("tanh"))._layers is None
    assert Victim(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)))._layers is None


def test_the_victim_is_a_copy():
    module = made("perceptron")
    victim = Victim(module)
    before = victim.logits(digits()[0])
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
    assert torch.equal(victim.logits(digits()[0]), before)
