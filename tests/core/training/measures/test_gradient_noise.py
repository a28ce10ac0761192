"""Noise estimates against gradients of one image at a time, and against mini-batches that were drawn."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from optgui.core.training.measures.gradient_noise import (
    gradient_noise,
    gram,
    measured_noise,
    moments,
    moments_of,
    pooled,
)
from optgui.core.training.measures.slices import finish
from tests.core.training.measures.samples import convolutional, flat, made, perceptron


def gradients(body, images, labels):
    """The gradient of every image's loss, one backward each: (n, size), float64."""
    rows = []
    for image, label in zip(images, labels, strict=True):
        loss = nn.functional.cross_entropy(body(image.unsqueeze(0)), label.unsqueeze(0))
        rows.append(flat(torch.autograd.grad(loss, list(body.parameters()))).double())
    return torch.stack(rows)


def without_bias():
    body = nn.Sequential(nn.Flatten(), nn.Linear(784, 12, bias=False), nn.Tanh(), nn.Linear(12, 10))
    with torch.no_grad():
        for parameter in body.parameters():
            parameter.copy_(0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    return body


BODIES = [perceptron(), perceptron((20, 15), "GELU"), perceptron(()), without_bias(), convolutional()]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("length", [1_000_000, 7])
def test_inner_products_equal_those_of_single_gradients(monkeypatch, body, length):
    monkeypatch.setattr("optgui.core.training.measures.gradient_noise.slice_length", lambda *_: length)
    images, labels = made(50)
    rows = gradients(body, images, labels)
    with torch.no_grad():  # as a caller may hold it
        found = finish(gram(body, images, labels))
        alone = finish(moments(body, images, labels))
    torch.testing.assert_close(found.double(), rows @ rows.T, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(alone.squares, rows.square().sum(1), rtol=1e-4)
    np.testing.assert_allclose(alone.along, rows @ rows.mean(0), rtol=1e-3, atol=1e-4)
    assert all(parameter.grad is None for parameter in body.parameters())


def test_dropout_is_off_and_the_network_keeps_its_mode():
    plain = perceptron()
    body = nn.Sequential(plain[0], plain[1], plain[2], nn.Dropout(0.5), plain[3])
    images, labels = made(10)
    torch.testing.assert_close(finish(gram(body, images, labels)), finish(gram(plain, images, labels)))
    assert body.training


def test_signal_and_trace_are_those_of_the_single_gradients():
    images, labels = made(60)
    body = perceptron()
    rows = gradients(body, images, labels).numpy()
    found = gradient_noise(finish(moments(body, images, labels)))
    trace = rows.var(axis=0, ddof=1).sum()
    assert found.trace == pytest.approx(trace, rel=1e-4)
    assert found.signal == pytest.approx((rows.mean(0) ** 2).sum() - trace / 60, rel=1e-3)
    assert found.scale == pytest.approx(found.trace / found.signal)
    assert found.images == 60


def test_standard_errors_equal_a_jackknife_by_hand():
    images, labels = made(12)
    body = perceptron((5,))
    rows = gradients(body, images, labels).numpy()

    def estimates(some):
        trace = some.var(axis=0, ddof=1).sum()
        return (some.mean(0) ** 2).sum() - trace / len(some), trace

    left = np.array([estimates(np.delete(rows, index, 0)) for index in range(12)])
    errors = np.sqrt(11 / 12 * ((left - left.mean(0)) ** 2).sum(0))
    found = gradient_noise(finish(moments(body, images, labels)))
    assert found.signal_error == pytest.approx(errors[0], rel=1e-3)
    assert found.trace_error == pytest.approx(errors[1], rel=1e-3)


def test_samples_of_a_known_distribution_are_estimated_without_bias_and_with_honest_errors():
    """Gradients N(mean, diag): |G|² = |mean|², tr Σ = sum of variances."""
    random = np.random.default_rng(0)
    mean, spread = np.full(20, 0.2), np.linspace(0.5, 2, 20)
    signal, trace = (mean**2).sum(), (spread**2).sum()
    found = []
    for _ in range(400):
        rows = mean + spread * random.normal(size=(60, 20))
        found.append(gradient_noise(moments_of(torch.from_numpy(rows @ rows.T))))
    signals, traces = np.array([[one.signal, one.trace] for one in found]).T
    assert signals.mean() == pytest.approx(signal, abs=3.5 * signals.std() / 20)
    assert traces.mean() == pytest.approx(trace, abs=3.5 * traces.std() / 20)
    assert np.mean([one.signal_error for one in found]) == pytest.approx(signals.std(), rel=0.15)
    assert np.mean([one.trace_error for one in found]) == pytest.approx(traces.std(), rel=0.15)
    together = pooled(found)
    assert together.scale == pytest.approx(trace / signal, abs=3.5 * together.scale_error)
    assert together.scale_error < 0.1 * together.scale
    assert together.images == 24_000


@pytest.mark.parametrize("replacement", [True, False])
def test_measured_noise_falls_as_one_over_the_batch(replacement):
    images, labels = made(100)
    products = finish(gram(perceptron(), images, labels))
    noise = gradient_noise(moments_of(products))
    batches = (1, 2, 5, 10, 50, 100)
    curve = finish(measured_noise(products, batches, replacement, draws=2_000))
    population = noise.trace * 99 / 100  # with replacement these 100 images are all there is
    for batch, found, error in zip(batches, curve.noise, curve.errors, strict=True):
        wanted = population / batch if replacement else noise.noise(batch, total=100)
        assert found == pytest.approx(wanted, abs=4 * error + 1e-6 * noise.trace)


def test_batches_drawn_by_torch_have_the_noise_that_is_foretold():
    """Means of gradients over torch's own permutations, and over its own draws with replacement."""
    images, labels = made(80)
    body = perceptron((6,))
    rows = gradients(body, images, labels)
    noise = gradient_noise(finish(moments(body, images, labels)))
    generator = torch.Generator().manual_seed(0)

    def spread(draw):
        means = torch.stack([rows[draw()].mean(0) for _ in range(1_500)])
        return (means - rows.mean(0)).square().sum(1).mean().item()

    shuffled = spread(lambda: torch.randperm(80, generator=generator)[:16])
    replaced = spread(lambda: torch.randint(80, (16,), generator=generator))
    assert shuffled == pytest.approx(noise.noise(16, total=80), rel=0.05)
    assert replaced == pytest.approx(noise.noise(16) * 79 / 80, rel=0.05)
    assert shuffled < 0.9 * replaced


def test_the_ratio_grows_with_the_batch_and_is_infinite_without_noise():
    images, labels = made(40)
    noise = gradient_noise(finish(moments(perceptron(), images, labels)))
    assert noise.snr(64) == pytest.approx(64 / noise.scale)
    assert noise.snr(10, total=40) == pytest.approx(noise.snr(10) / 0.75)
    assert math.isinf(noise.snr(40, total=40))


def test_no_signal_means_an_infinite_scale():
    rows = np.array([[1.0], [-1.0], [1.0], [-1.0]])
    found = gradient_noise(moments_of(torch.from_numpy(rows @ rows.T)))
    assert found.signal < 0
    assert math.isinf(found.scale)
    assert math.isinf(found.scale_error)


def test_impossible_questions_are_refused():
    products = torch.eye(5)
    with pytest.raises(ValueError, match="images: expected at least 3, got 2"):
        gradient_noise(moments_of(torch.eye(2)))
    with pytest.raises(ValueError, match="batches: expected whole numbers from 1 to 5, got 6"):
        finish(measured_noise(products, [1, 6], replacement=True))
    with pytest.raises(ValueError, match="batch: expected a whole number from 1 to 5, got 6"):
        gradient_noise(moments_of(products)).noise(6, total=5)
    with pytest.raises(ValueError, match="readings: expected at least one"):
        pooled([])
