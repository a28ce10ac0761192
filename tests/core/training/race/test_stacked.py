"""Networks trained at once: their gradients are autograd's, their products torch's."""

import pytest
import torch
from torch import nn

from optgui.core.training.models import ModelConfig, make_network
from optgui.core.training.race.stacked import Separate, StackedPerceptron, product, stack_of
from tests.core.training.race.samples import losses, race
from tests.samples import finish, training

COUNT, BATCH = 3, 7


def networks(**model):
    config = ModelConfig.parse({"name": "MLP", **model})
    return [make_network(config, torch.Generator().manual_seed(seed)).double() for seed in range(COUNT)]


def batch(*shape):
    generator = torch.Generator().manual_seed(9)
    images = torch.randn(*shape, 1, 28, 28, generator=generator, dtype=torch.float64)
    return images, torch.randint(0, 10, shape, generator=generator)


@pytest.mark.parametrize("hidden", [[], [5], [6, 4, 3]], ids=str)
@pytest.mark.parametrize("shape", [(BATCH,), (COUNT, BATCH)], ids=["shared", "own"])
def test_stacked_gradients_are_autograds(hidden, shape):
    images, labels = batch(*shape)
    ours, theirs = networks(hidden=hidden), networks(hidden=hidden)
    stack = stack_of(ours)
    assert isinstance(stack, StackedPerceptron)
    found, right = stack.gradient(images, labels)
    for index, network in enumerate(theirs):
        own_images, own = (images[index], labels[index]) if len(shape) == 2 else (images, labels)
        logits = network[1:](own_images)
        loss = nn.functional.cross_entropy(logits, own)
        loss.backward()
        assert found[index].item() == pytest.approx(loss.item(), abs=1e-13)
        assert right[index] == (logits.argmax(1) == own).sum()
        for one, other in zip(ours[index].parameters(), network.parameters(), strict=True):
            torch.testing.assert_close(one.grad, other.grad, rtol=0, atol=1e-13)


def test_a_second_gradient_replaces_the_first():
    ours = networks(hidden=[5])
    stack = stack_of(ours)
    images, labels = batch(BATCH)
    stack.gradient(*batch(4))
    stack.gradient(images, labels)
    again = networks(hidden=[5])
    stack_of(again).gradient(images, labels)
    for one, other in zip(ours[0].parameters(), again[0].parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)


def test_stacked_networks_share_memory_with_their_stack():
    ours = networks(hidden=[5])
    stack = stack_of(ours)
    images, _ = batch(BATCH)
    with torch.no_grad():
        ours[1][2].weight.mul_(2)
    for found, network in zip(stack.logits(images), ours, strict=True):
        torch.testing.assert_close(found, network[1:](images).t())


def test_networks_that_are_no_relu_perceptrons_take_turns():
    images, labels = batch(BATCH)
    ours = networks(hidden=[5], activation="Tanh")
    stack = stack_of(ours)
    assert isinstance(stack, Separate)
    found, _ = stack.gradient(images, labels)
    for loss, network, logits in zip(found, ours, stack.logits(images), strict=True):
        assert loss.item() == nn.functional.cross_entropy(network[1:](images), labels).item()
        torch.testing.assert_close(logits, network[1:](images).t())


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 784, 5), (960, 64, 784)], ids=str)
def test_products_are_right_to_the_last_digits(shape):
    rows, between, columns = shape
    generator = torch.Generator().manual_seed(0)
    one, other = (torch.randn(n, between, generator=generator) for n in (rows, columns))
    turned = other.t().contiguous().t()
    exact = one.double() @ other.double().t()
    for found in (product(one, other), product(one, turned)):
        torch.testing.assert_close(found.double(), exact, rtol=1e-5, atol=1e-4)


def test_a_race_in_float32_goes_the_same_way():
    optimizer = {"name": "SGD", "lr": 0.05, "momentum": 0.5}
    ours = losses(finish(race([{"optimizer": optimizer}] * 2), 20), 1)
    theirs = [record.loss for record in finish(training(optimizer=optimizer), 20) if record.phase == "train"]
    count = min(len(ours), len(theirs))
    assert count >= 10
    assert ours[:count] == pytest.approx(theirs[:count], rel=1e-3)
