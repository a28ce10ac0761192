"""Hessian products, eigenvalues and traces equal those of torch's and scipy's own Hessians."""

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import nn
from torch.func import functional_call

from optgui.core.training.measures import slices
from optgui.core.training.measures.hessian import hessian_of, top_eigenvalues, trace
from optgui.core.training.measures.slices import finish, slice_length
from tests.core.training.measures.samples import convolutional, flat, made, perceptron, tiny


def dense(body, images, labels):
    """The whole Hessian (size, size) by torch.func, and the gradient."""
    names = [name for name, _ in body.named_parameters()]
    shapes = [value.shape for value in body.parameters()]
    modes = [module.training for module in body.modules()]
    body.eval()

    def loss(vector):
        pieces = vector.split([shape.numel() for shape in shapes])
        named = {n: p.view(s) for n, p, s in zip(names, pieces, shapes, strict=True)}
        return nn.functional.cross_entropy(functional_call(body, named, (images,)), labels)

    at = flat(body.parameters())
    found = torch.func.jacrev(torch.func.grad(loss))(at), torch.func.grad(loss)(at)
    for module, mode in zip(body.modules(), modes, strict=True):
        module.training = mode
    return found


ACTIVATIONS = [nn.Tanh, nn.ReLU, nn.Sigmoid, nn.GELU]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_products_equal_the_dense_hessian(activation):
    body, inputs, labels = tiny(activation, dropout=0.5)
    matrix, gradient = dense(body, inputs, labels)
    hessian = finish(hessian_of(body, inputs, labels))
    torch.testing.assert_close(hessian.gradient, gradient, rtol=1e-10, atol=1e-12)
    for seed in range(3):
        vector = torch.randn(hessian.size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        torch.testing.assert_close(finish(hessian.product(vector)), matrix @ vector, rtol=1e-9, atol=1e-11)
    assert body.training


def test_the_loss_is_the_mean_over_the_subset_with_dropout_off():
    body, inputs, labels = tiny(dropout=0.5)
    hessian = finish(hessian_of(body, inputs, labels))
    assert hessian.loss == pytest.approx(nn.functional.cross_entropy(body.eval()(inputs), labels).item())


@pytest.mark.parametrize("length", [1, 7, 29])
def test_slices_add_up_to_the_whole(monkeypatch, length):
    body, inputs, labels = tiny()
    matrix, _ = dense(body, inputs, labels)
    monkeypatch.setattr("optgui.core.training.measures.hessian.slice_length", lambda *_: length)
    hessian = finish(hessian_of(body, inputs, labels))
    vector = torch.arange(hessian.size, dtype=torch.float64)
    work = hessian.product(vector)
    yields = 0
    while True:
        try:
            next(work)
            yields += 1
        except StopIteration as end:
            torch.testing.assert_close(end.value, matrix @ vector, rtol=1e-9, atol=1e-10)
            break
    assert yields == -(-30 // length) - 1


def test_scale_and_weight_decay_enter_the_product():
    body, inputs, labels = tiny()
    matrix, gradient = dense(body, inputs, labels)
    size = len(gradient)
    scale = torch.linspace(0.1, 3, size, dtype=torch.float64)
    hessian = finish(hessian_of(body, inputs, labels, scale, weight_decay=0.3))
    wanted = torch.diag(scale) @ (matrix + 0.3 * torch.eye(size, dtype=torch.float64)) @ torch.diag(scale)
    vector = torch.ones(size, dtype=torch.float64)
    torch.testing.assert_close(finish(hessian.product(vector)), wanted @ vector, rtol=1e-9, atol=1e-11)


def test_training_may_go_on_between_slices_and_nothing_of_it_is_touched():
    body, inputs, labels = tiny()
    nn.functional.cross_entropy(body(inputs), labels).backward()
    grads = flat([parameter.grad for parameter in body.parameters()])
    matrix, _ = dense(body, inputs, labels)
    hessian = finish(hessian_of(body, inputs, labels))
    with torch.no_grad():
        for parameter in body.parameters():
            parameter.add_(1.0)
    vector = torch.ones(hessian.size, dtype=torch.float64)
    with torch.no_grad():
        found = finish(hessian.product(vector))
    torch.testing.assert_close(found, matrix @ vector, rtol=1e-9, atol=1e-11)
    assert torch.equal(flat([parameter.grad for parameter in body.parameters()]), grads)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_top_eigenvalues_equal_numpys(activation):
    body, inputs, labels = tiny(activation)
    values = np.linalg.eigvalsh(dense(body, inputs, labels)[0].numpy())[::-1]
    hessian = finish(hessian_of(body, inputs, labels))
    found = finish(top_eigenvalues(hessian, count=4, tolerance=1e-8))
    np.testing.assert_allclose(found.values, values[:4], rtol=1e-7)
    assert found.vectors.shape == (4, hessian.size)
    for value, residual, vector in zip(found.values, found.residuals, found.vectors, strict=True):
        rest = torch.linalg.vector_norm(finish(hessian.product(vector)) - value * vector)
        assert rest.item() == pytest.approx(residual, abs=1e-9 * values[0])
        assert torch.linalg.vector_norm(vector).item() == pytest.approx(1)


@pytest.mark.parametrize("most", [2, 5, 9])
def test_an_eigenvalue_lies_within_the_residual_of_an_unfinished_value(most):
    body, inputs, labels = tiny()
    values = np.linalg.eigvalsh(dense(body, inputs, labels)[0].numpy())
    hessian = finish(hessian_of(body, inputs, labels))
    found = finish(top_eigenvalues(hessian, count=2, tolerance=0, most=most))
    assert found.products == most
    for value, residual in zip(found.values, found.residuals, strict=True):
        assert np.abs(values - value).min() <= residual * (1 + 1e-9)


@pytest.mark.parametrize("body", [perceptron((30,)), perceptron((20, 20), "Tanh"), perceptron(()),
                                  convolutional()])  # fmt: skip
def test_top_eigenvalues_of_a_digit_network_equal_scipys(body):
    images, labels = made(60)
    hessian = finish(hessian_of(body, images, labels))
    operator = LinearOperator(
        (hessian.size, hessian.size),
        lambda v: finish(hessian.product(torch.from_numpy(v.astype(np.float32).reshape(-1)))).numpy(),
        dtype=np.float32,
    )
    scipys = eigsh(operator, k=3, which="LA", v0=np.ones(hessian.size, np.float32))[0][::-1]
    found = finish(top_eigenvalues(hessian, count=3, tolerance=1e-4))
    np.testing.assert_allclose(found.values, scipys, rtol=1e-3)
    assert found.products <= 60


def test_a_warm_start_needs_few_products():
    body, inputs, labels = tiny()
    hessian = finish(hessian_of(body, inputs, labels))
    cold = finish(top_eigenvalues(hessian, tolerance=1e-6))
    warm = finish(top_eigenvalues(hessian, start=cold.vectors[0], tolerance=1e-5))
    assert warm.products == 1 < cold.products
    assert warm.values[0] == pytest.approx(cold.values[0])


def test_a_network_that_is_not_finite_has_no_eigenvalue():
    body, inputs, labels = tiny()
    with torch.no_grad():
        body[1].weight.fill_(float("nan"))
    found = finish(top_eigenvalues(finish(hessian_of(body, inputs, labels))))
    assert np.isnan(found.values).all()
    assert np.isnan(found.residuals).all()


@pytest.mark.parametrize("count", [0, 61])
def test_an_impossible_count_is_refused(count):
    body, inputs, labels = tiny()
    hessian = finish(hessian_of(body, inputs, labels))
    with pytest.raises(ValueError, match="count: expected a whole number from 1 to"):
        finish(top_eigenvalues(hessian, count))


def test_the_trace_agrees_within_its_standard_error():
    body, inputs, labels = tiny()
    matrix, _ = dense(body, inputs, labels)
    hessian = finish(hessian_of(body, inputs, labels))
    exact = float(matrix.diagonal().sum())
    deviations = []
    for seed in range(40):
        found = finish(trace(hessian, samples=20, generator=torch.Generator().manual_seed(seed)))
        deviations.append((found.value - exact) / found.error)
    assert np.mean(np.abs(deviations)) < 1.2  # 0.8 for a normal error
    off = matrix - torch.diag(matrix.diagonal())
    assert found.error == pytest.approx((2 * off.square().sum() / 20).sqrt().item(), rel=0.6)


def test_the_trace_wants_two_samples():
    body, inputs, labels = tiny()
    with pytest.raises(ValueError, match="samples: expected a whole number >= 2, got 1"):
        finish(trace(finish(hessian_of(body, inputs, labels)), samples=1))


def test_a_slice_is_counted_by_multiplications(monkeypatch):
    images, _ = made(2)
    monkeypatch.setattr(slices, "_WORK", 1_000_000)
    assert slice_length(perceptron((120,)), images) == 1_000_000 // (784 * 120 + 120 * 10)
    conv = 4 * (8 * 8 * 4 * 25) + 64 * 10  # a convolution counts four times
    assert slice_length(convolutional(), images) == 1_000_000 // conv
