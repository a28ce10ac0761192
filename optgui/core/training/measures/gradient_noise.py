"""How noisy a mini-batch's gradient is: signal, noise, their ratio against batch size, and the noise scale.

All of it follows from the inner products of the gradients of single images, K_ij = g_i · g_j. In a linear
layer with inputs x and output gradients δ an image's gradient is δ x' (bias: δ), so that
K_ij = (δ_i · δ_j) (x_i · x_j + 1) needs no gradient at all (I. Goodfellow, Efficient Per-Example Gradient
Computations, 2015). Noise scale: S. McCandlish, J. Kaplan, D. Amodei and others, An Empirical Model of
Large-Batch Training, 2018. Standard errors: the jackknife (J. W. Tukey, 1958).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.func import functional_call, grad, vmap

from optgui.core.snapshot import frozen
from optgui.core.training.measures.slices import Slices, evaluating, slice_length

Array = NDArray[np.float64]

_WORK = 100_000_000  # multiplications of one slice of K, about 6 ms on one core of 2024
_ALONE = 32  # images whose gradients are computed one by one in one slice
_DRAWS = 20  # mini-batches measured in one slice


class _Factor(NamedTuple):
    """Single-image gradients of some parameters as outer products: g_i = δ_i (x_i, bias)'."""

    inputs: torch.Tensor  # x (n, a)
    deltas: torch.Tensor  # δ (n, b)
    bias: float  # 1 where there is a bias, else 0


class Moments(NamedTuple):
    """What the estimates need of n single-image gradients, float64 (n,)."""

    squares: Array  # |g_i|²
    along: Array  # g_i · ḡ, with ḡ their mean


class GradientNoise(NamedTuple):
    """Estimates without bias from single-image gradients, each with its standard error.

    The noise of a mini-batch of B is trace / B, the expected squared distance of its gradient from the
    mean; `signal` late in training is a small difference of large numbers and may come out negative.
    """

    signal: float  # |G|², squared length of the mean gradient over all images
    signal_error: float
    trace: float  # tr Σ, summed variance of the gradient of one image
    trace_error: float
    scale: float  # B_simple = tr Σ / |G|², images; inf if the signal is not above 0
    scale_error: float
    images: int  # behind the estimate

    def noise(self, batch: int, total: int | None = None) -> float:
        """Expected squared error of a batch's gradient.

        Args:
            batch: images drawn with replacement; shuffled, i.e. without, if `total` is given.
            total: training images that an epoch shuffles: noise × (1 − batch / total).

        Raises:
            ValueError: if the batch is not from 1 to `total`.
        """
        if batch < 1 or (total is not None and batch > total):
            raise ValueError(f"batch: expected a whole number from 1 to {total or 'any'}, got {batch}")
        return self.trace / batch * (1.0 if total is None else 1 - batch / total)

    def snr(self, batch: int, total: int | None = None) -> float:
        """Signal-to-noise ratio |G|² / noise of a batch, as `noise`; batch / scale with replacement."""
        noise = self.noise(batch, total)
        return self.signal / noise if noise > 0 else math.inf


class NoiseCurve(NamedTuple):
    """Noise of drawn mini-batches, measured: the mean of |ḡ_B − ḡ|² over draws, with standard errors."""

    batches: NDArray[np.int64]  # (n,)
    noise: Array  # (n,)
    errors: Array  # (n,)


def gram(body: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> Slices[torch.Tensor]:
    """K (n, n), inner products of single-image gradients of the cross-entropy, dropout off.

    Its cost grows as n²: for `measured_noise`, on demand. The weights are read in the first slice.

    Args:
        body: takes `images` as they are, to logits.
        images: (n, ...) normalized.
        labels: (n,) int64.
    """
    factors = yield from _factors(body, images, labels)
    rows = max(1, _WORK // (len(images) * sum(x.shape[1] + d.shape[1] for x, d, _ in factors)))
    table = torch.zeros(len(images), len(images), dtype=factors[0].deltas.dtype, device=images.device)
    for start in range(0, len(images), rows):
        part = slice(start, start + rows)
        for inputs, deltas, bias in factors:
            table[part].addcmul_(deltas[part] @ deltas.T, (inputs[part] @ inputs.T).add_(bias))
        yield
    return table


def moments(body: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> Slices[Moments]:
    """The moments alone, at a cost that grows as n: for a live reading. Arguments as of `gram`."""
    squares = torch.zeros(len(images), dtype=torch.float64, device=images.device)
    along = torch.zeros_like(squares)
    for inputs, deltas, bias in (yield from _factors(body, images, labels)):
        squares += deltas.square().sum(1) * inputs.square().sum(1).add_(bias)
        mean = deltas.T @ inputs / len(images)
        yield
        along += (torch.mm(inputs, mean.T).mul_(deltas)).sum(1) + bias * (deltas @ deltas.mean(0))
        yield
    return Moments(frozen(squares.cpu().numpy()), frozen(along.cpu().numpy()))


def moments_of(products: torch.Tensor) -> Moments:
    """The moments in K (n, n) of `gram`."""
    table = products.double()
    return Moments(frozen(table.diagonal().cpu().numpy().copy()), frozen(table.mean(1).cpu().numpy()))


def _factors(body: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> Slices[list[_Factor]]:
    """In closed form for a network of linear layers; otherwise the gradients themselves, one by one."""
    linear = [module for module in body.modules() if isinstance(module, nn.Linear)]
    owned = {id(parameter) for layer in linear for parameter in layer.parameters(recurse=False)}
    if linear and owned == {id(parameter) for parameter in body.parameters()}:
        return (yield from _factors_of_linear(body, linear, images, labels))
    weights = {name: value.detach().clone() for name, value in body.named_parameters()}
    buffers = {name: value.clone() for name, value in body.named_buffers()}

    def loss(parameters: dict[str, torch.Tensor], image: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        logits = functional_call(body, {**parameters, **buffers}, (image.unsqueeze(0),))
        return nn.functional.cross_entropy(logits, label.unsqueeze(0))

    alone = vmap(grad(loss), (None, 0, 0))
    rows = []
    for start in range(0, len(images), _ALONE):
        with evaluating(body):
            found = alone(weights, images[start : start + _ALONE], labels[start : start + _ALONE])
        rows.append(torch.cat([part.flatten(1) for part in found.values()], 1))
        yield
    return [_Factor(torch.cat(rows), torch.ones(len(images), 1, device=images.device), 0.0)]


def _factors_of_linear(
    body: nn.Module, linear: Sequence[nn.Linear], images: torch.Tensor, labels: torch.Tensor
) -> Slices[list[_Factor]]:
    length = slice_length(body, images)
    weights = {name: value.detach().clone() for name, value in body.named_parameters()}
    caught: dict[nn.Module, tuple[torch.Tensor, torch.Tensor]] = {}

    def catch(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        caught[layer] = (inputs[0].detach(), output)

    pieces = []
    for start in range(0, len(images), length):
        hooks = [layer.register_forward_hook(catch) for layer in linear]
        try:
            with torch.enable_grad(), evaluating(body):
                batch = images[start : start + length].detach().requires_grad_()
                logits = functional_call(body, weights, (batch,))
                loss = nn.functional.cross_entropy(logits, labels[start : start + length], reduction="sum")
        finally:
            for hook in hooks:
                hook.remove()
        deltas = torch.autograd.grad(loss, [caught[layer][1] for layer in linear])
        pieces.append([(caught[layer][0], delta) for layer, delta in zip(linear, deltas, strict=True)])
        yield
    factors = []
    for index, layer in enumerate(linear):
        inputs = _joined([piece[index][0] for piece in pieces])
        towards = _joined([piece[index][1] for piece in pieces])
        factors.append(_Factor(inputs, towards, float(layer.bias is not None)))
    return factors


def gradient_noise(found: Moments) -> GradientNoise:
    """The estimates, with jackknife errors.

    Raises:
        ValueError: if there are fewer than 3 images.
    """
    squares, along = found
    count = len(squares)
    if count < 3:
        raise ValueError(f"images: expected at least 3, got {count}")
    mean = float(along.mean())  # |ḡ|²
    signal, trace = _estimates(np.float64(mean), np.float64(squares.sum()), count)
    left = (count**2 * mean - 2 * count * along + squares) / (count - 1) ** 2  # |ḡ|² without image i
    signals, traces = _estimates(left, squares.sum() - squares, count - 1)
    scale, scale_error = math.inf, math.inf
    if signal > 0:
        scale = float(trace / signal)
        # log B is nearer to normal, and linearized it needs no image left out to keep the signal above 0.
        scale_error = scale * _jackknife(traces / trace - signals / signal) if trace > 0 else 0.0
    return GradientNoise(float(signal), _jackknife(signals), float(trace), _jackknife(traces),
                         scale, scale_error, count)  # fmt: skip


def pooled(readings: Sequence[GradientNoise]) -> GradientNoise:
    """The mean of independent readings, e.g. the last ten of a run; their ratio is taken afterwards.

    Raises:
        ValueError: if there is none.
    """
    if not readings:
        raise ValueError("readings: expected at least one, got none")
    count = len(readings)
    signal = math.fsum(one.signal for one in readings) / count
    trace = math.fsum(one.trace for one in readings) / count
    signal_error = math.hypot(*(one.signal_error for one in readings)) / count
    trace_error = math.hypot(*(one.trace_error for one in readings)) / count
    scale, scale_error = math.inf, math.inf
    if signal > 0:
        scale = trace / signal
        scale_error = scale * math.hypot(trace_error / trace if trace else 0.0, signal_error / signal)
    images = sum(one.images for one in readings)
    return GradientNoise(signal, signal_error, trace, trace_error, scale, scale_error, images)


def measured_noise(
    products: torch.Tensor, batches: Sequence[int], replacement: bool, draws: int = 100, seed: int = 0
) -> Slices[NoiseCurve]:
    """Draw mini-batches from the n images of K (n, n) and measure the noise of each size.

    Args:
        products: K of `gram`.
        batches: sizes, from 1 to n.
        replacement: draw every image anew; otherwise the batches of shuffled passes, whose noise is 0 at n.
        draws: mini-batches of each size, at least 2.
        seed: of the draws.

    Raises:
        ValueError: if a batch is not from 1 to n.
    """
    table = products.double().cpu()
    count = len(table)
    random = np.random.default_rng(seed)
    noise, errors = [], []
    for batch in batches:
        if not 1 <= batch <= count:
            raise ValueError(f"batches: expected whole numbers from 1 to {count}, got {batch}")
        found: list[float] = []
        while len(found) < draws:
            shares = np.zeros((min(_DRAWS, draws - len(found)), count))
            for row in shares:
                chosen = (
                    random.integers(0, count, batch) if replacement else random.permutation(count)[:batch]
                )
                row += np.bincount(chosen, minlength=count) / batch - 1 / count
            drawn = torch.from_numpy(shares)
            found += (drawn @ table).mul_(drawn).sum(1).clamp_min_(0).tolist()
            yield
        noise.append(np.mean(found))
        errors.append(np.std(found, ddof=1) / math.sqrt(draws))
    sizes = frozen(np.array(batches, dtype=np.int64))
    return NoiseCurve(sizes, frozen(np.array(noise)), frozen(np.array(errors)))


def _joined(pieces: Sequence[torch.Tensor]) -> torch.Tensor:
    return pieces[0] if len(pieces) == 1 else torch.cat(list(pieces))


def _estimates(mean: Array | np.float64, squares: Array | np.float64, count: int) -> tuple[Array, Array]:
    """|G|² and tr Σ without bias, from |ḡ|² and Σ |g_i|²."""
    trace = np.maximum(squares - count * mean, 0) / (count - 1)
    return np.asarray(mean - trace / count), np.asarray(trace)


def _jackknife(values: Array) -> float:
    """Standard error from the values with one image left out each."""
    count = len(values)
    return float(math.sqrt((count - 1) / count * np.square(values - values.mean()).sum()))
