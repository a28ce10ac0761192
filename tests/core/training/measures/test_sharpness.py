"""A reading that starts from the last one is as good as one from scratch, and follows the optimizer."""

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import nn

from optgui.core.optimizers import OptimizerConfig
from optgui.core.training.measures.hessian import hessian_of
from optgui.core.training.measures.preconditioner import preconditioner
from optgui.core.training.measures.sharpness import Sharpness
from optgui.core.training.measures.slices import finish
from tests.core.training.measures.samples import flat, made, perceptron, tiny


def largest(body, images, labels, found=None):
    """λ_max by scipy, of P^-1/2 (H + w I) P^-1/2 put together here."""
    hessian = finish(hessian_of(body, images, labels))
    scale = np.ones(hessian.size) if found is None else found.scale.numpy().astype(np.float64)
    decay = 0.0 if found is None else found.weight_decay

    def apply(vector):
        scaled = scale * vector.reshape(-1)
        product = finish(hessian.product(torch.from_numpy(scaled).float())).numpy()
        return scale * (product + decay * scaled)

    operator = LinearOperator((hessian.size, hessian.size), apply, dtype=np.float64)
    return eigsh(operator, k=1, which="LA", v0=np.ones(hessian.size), tol=1e-4)[0][0]


def descend(optimizer, body, images, labels):
    optimizer.zero_grad()
    nn.functional.cross_entropy(body(images), labels).backward()
    optimizer.step()


@pytest.mark.parametrize("settings", [
    {"name": "SGD", "lr": 0.05}, {"name": "SGD", "lr": 0.02, "momentum": 0.9},
    {"name": "Adam", "lr": 0.001}, {"name": "Adam", "lr": 0.001, "weight_decay": 0.1},
    {"name": "RMSprop", "lr": 0.001},
], ids=str)  # fmt: skip
def test_warm_readings_along_a_run_equal_scipys(settings):
    images, labels = made(100)
    body = perceptron((20,), "Tanh")
    optimizer = OptimizerConfig.parse(settings).make(body.parameters(), foreach=False)
    sharpness = Sharpness(images, labels)
    products = []
    for step in range(1, 61):
        descend(optimizer, body, images, labels)
        if step % 10 == 0:
            reading = finish(sharpness.update(body, preconditioner(optimizer)))
            products.append(reading.products)
            wanted = largest(body, images, labels, preconditioner(optimizer))
            assert reading.value == pytest.approx(wanted, rel=0.04)
            assert reading.residual <= 0.06 * reading.value
            assert reading.loss == pytest.approx(nn.functional.cross_entropy(body(images), labels).item())
    assert max(products[1:]) <= 12


def test_an_overtaking_direction_is_found_from_the_old_eigenvector():
    """Two groups of images, each seen by a hidden unit of its own; first one is sharp, then the other."""
    body = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Tanh(), nn.Linear(2, 2, bias=False))
    inputs = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1], [0.1, 1.0]])
    labels = torch.tensor([0, 1, 0, 1])
    sharpness = Sharpness(inputs, labels, tolerance=0.01)
    for first, second in ((3.0, 0.2), (0.2, 3.0), (1.0, 1.1)):
        with torch.no_grad():
            body[0].weight.copy_(torch.tensor([[0.5, 0.0], [0.0, 0.5]]))
            body[2].weight.copy_(torch.tensor([[first, -second], [-first, second]]))
        assert finish(sharpness.update(body)).value == pytest.approx(largest(body, inputs, labels), rel=1e-3)


def test_two_measures_of_one_run_read_the_same_bits_and_touch_nothing():
    images, labels = made(50)
    body = perceptron((10,))
    before, state = flat(body.parameters()), torch.get_rng_state()
    readings = []
    for _ in range(2):
        sharpness = Sharpness(images, labels)
        readings.append([finish(sharpness.update(body)) for _ in range(3)])
    assert readings[0] == readings[1]
    assert torch.equal(flat(body.parameters()), before)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(parameter.grad is None for parameter in body.parameters())


def test_a_resumed_measure_goes_on_with_the_same_bits():
    images, labels = made(50)
    body = perceptron((10,))
    first = Sharpness(images, labels)
    finish(first.update(body))
    second = Sharpness(images, labels)
    second.vector = first.vector.clone()
    assert finish(first.update(body)) == finish(second.update(body))


def test_a_run_that_blew_up_reads_nan_and_recovers():
    body, inputs, labels = tiny()
    sharpness = Sharpness(inputs, labels)
    wanted = finish(sharpness.update(body)).value
    weight = body[1].weight.detach().clone()
    with torch.no_grad():
        body[1].weight.fill_(float("nan"))
    assert np.isnan(finish(sharpness.update(body)).value)
    with torch.no_grad():
        body[1].weight.copy_(weight)
    assert finish(sharpness.update(body)).value == pytest.approx(wanted, rel=0.01)


def test_a_fresh_optimizer_and_one_without_a_divisor_have_no_preconditioner():
    body = perceptron((10,))
    assert preconditioner(torch.optim.Adam(body.parameters())) is None
    images, labels = made(20)
    optimizer = torch.optim.SGD(body.parameters(), lr=0.1, momentum=0.9)
    descend(optimizer, body, images, labels)
    assert preconditioner(optimizer) is None


def test_adams_preconditioner_is_what_its_step_divides_by():
    body = perceptron((10,))
    images, labels = made(20)
    optimizer = torch.optim.Adam(body.parameters(), lr=0.01, foreach=False)
    for _ in range(5):
        before = flat(body.parameters())
        descend(optimizer, body, images, labels)
    averages = flat([optimizer.state[parameter]["exp_avg"] for parameter in body.parameters()])
    found = preconditioner(optimizer)
    torch.testing.assert_close(
        flat(body.parameters()), before - 0.01 * averages * found.scale**2, rtol=1e-4, atol=1e-7
    )
    assert found.weight_decay == 0
