"""What is shown of a network is what its layers compute."""

import numpy as np
import pytest
import torch
from torch import nn

from optgui.core.training.measures.inside import (
    UpdateRatios,
    activations,
    dead_units,
    first_weights,
    gradient_norm,
    judge,
)
from optgui.core.training.measures.slices import finish
from tests.core.training.measures.samples import convolutional, flat, made, perceptron


def test_activations_are_those_of_every_layer_in_order():
    images, _ = made(3)
    body = perceptron((20,))
    found = activations(body, images[1])
    assert [(layer.name, layer.kind) for layer in found] == [
        ("flatten", "Flatten"), ("linear1", "Linear"), ("activation1", "ReLU"), ("linear2", "Linear"),
    ]  # fmt: skip
    value = images[1:2]
    for layer, module in zip(found, body, strict=True):
        value = module(value)
        np.testing.assert_array_equal(layer.values, value[0].detach().numpy())
        assert not layer.values.flags.writeable
    assert [layer.values.shape for layer in activations(convolutional(), images[:1])] == [
        (4, 8, 8), (4, 8, 8), (4, 4, 4), (64,), (10,),
    ]  # fmt: skip
    assert not any(module._forward_hooks for module in body.modules())


def test_activations_are_without_dropout():
    images, _ = made(1)
    body = nn.Sequential(nn.Flatten(), nn.Dropout(0.9), nn.Linear(784, 3))
    found = activations(body, images[0])
    np.testing.assert_array_equal(found[1].values, images.flatten().numpy())
    assert body.training


def test_first_weights_are_images_on_a_symmetric_scale():
    body = perceptron((20,))
    found = first_weights(body)
    assert found.images.shape == (20, 28, 28)
    np.testing.assert_array_equal(found.images[3].ravel(), body.linear1.weight[3].detach().numpy())
    assert found.scale == pytest.approx(body.linear1.weight.abs().max().item())
    with torch.no_grad():
        body.linear1.weight.zero_()
    assert found.images.any()
    assert first_weights(convolutional()).images.shape == (4, 5, 5)


@pytest.mark.parametrize("body", [nn.Sequential(nn.ReLU()), nn.Sequential(nn.Linear(6, 2))])
def test_weights_that_are_no_images_are_refused(body):
    with pytest.raises(ValueError, match="network: expected a"):
        first_weights(body)


def test_worst_digits_and_cells_of_the_confusion_matrix(monkeypatch):
    monkeypatch.setattr("optgui.core.training.measures.inside.slice_length", lambda *_: 7)
    images, labels = made(60)
    body = perceptron((20,))
    found = finish(judge(body, images, labels))
    with torch.no_grad():
        logits = body(images)
    losses = nn.functional.cross_entropy(logits, labels, reduction="none").numpy()
    np.testing.assert_allclose(found.losses, losses, rtol=1e-5)
    assert found.worst(5).tolist() == np.argsort(-losses)[:5].tolist()
    np.testing.assert_array_equal(found.predictions, logits.argmax(1).numpy())
    cells = [set(found.cell(true, guess)) for true in range(10) for guess in range(10)]
    assert sum(map(len, cells)) == len(set.union(*cells)) == 60
    true, guess = int(found.labels[4]), int(found.predictions[4])
    cell = found.cell(true, guess)
    assert 4 in cell
    assert (found.labels[cell] == true).all()
    assert (found.predictions[cell] == guess).all()
    assert (np.diff(found.losses[cell]) <= 0).all()


def test_a_loss_that_is_no_number_is_the_worst():
    images, labels = made(10)
    images[6] = float("nan")
    assert finish(judge(perceptron((20,)), images, labels)).worst(1).tolist() == [6]


def test_dead_units_are_zero_for_every_image():
    images, _ = made(50)
    body = perceptron((20, 10))
    with torch.no_grad():
        body.linear1.bias[:5] = -1e4
        body.linear2.bias[:10] = 1e4
        body.linear2.bias[4] = -1e6
    shares = dead_units(body, images)
    assert [one.name for one in shares] == ["activation1", "activation2"]
    hidden = body.activation1(body.linear1(images.flatten(1)))
    assert shares[0].share == pytest.approx((hidden == 0).all(0).float().mean().item())
    assert shares[0].share >= 0.25
    assert shares[1].share == pytest.approx(0.1)
    assert dead_units(perceptron((20,), "Tanh"), images) == ()
    conv = convolutional()
    with torch.no_grad():
        conv[0].bias[0] = -1e4
    assert dead_units(conv, images)[0].share == pytest.approx(0.25)


def test_update_ratios_are_lengths_of_steps_over_lengths_of_weights():
    images, labels = made(20)
    body = perceptron((20,))
    optimizer = torch.optim.SGD(body.parameters(), lr=0.1)
    ratios = UpdateRatios(body)
    nn.functional.cross_entropy(body(images), labels).backward()
    before = [parameter.detach().clone() for parameter in body.parameters()]
    ratios.keep()
    optimizer.step()
    wanted = [0.1 * p.grad.norm() / old.norm() for p, old in zip(body.parameters(), before, strict=True)]
    np.testing.assert_allclose(ratios.read(), torch.stack(wanted).numpy(), rtol=1e-4)
    assert ratios.names == ("linear1.weight", "linear1.bias", "linear2.weight", "linear2.bias")
    with torch.no_grad():
        body.linear2.bias.zero_()
    ratios.keep()
    assert ratios.read().tolist() == [0, 0, 0, 0]
    with torch.no_grad():
        body.linear2.bias.fill_(1)
    assert ratios.read().tolist() == [0, 0, 0, np.inf]


def test_the_gradient_norm_is_that_of_all_parameters_together():
    images, labels = made(20)
    body = perceptron((20,))
    assert gradient_norm(list(body.parameters())) == 0
    nn.functional.cross_entropy(body(images), labels).backward()
    whole = flat([parameter.grad for parameter in body.parameters()])
    assert gradient_norm(list(body.parameters())) == pytest.approx(whole.norm().item())
