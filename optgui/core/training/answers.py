"""Answers to the questions about a network in training.

A long one is a generator in slices. Each looks at the network as it stood when it was asked, draws from
generators of its own, and leaves the run bit for bit as it was.
"""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from optgui.core.snapshot import frozen_copy
from optgui.core.training.config import TrainingConfig
from optgui.core.training.data import TrainingData
from optgui.core.training.loop import Loop
from optgui.core.training.measures.finder import find_rate
from optgui.core.training.measures.gradient_noise import gradient_noise, gram, measured_noise, moments_of
from optgui.core.training.measures.hessian import Hessian, hessian_of, top_eigenvalues, trace
from optgui.core.training.measures.inside import activations, dead_units, first_weights, judge
from optgui.core.training.measures.limits import Limit, stability_limit
from optgui.core.training.measures.preconditioner import preconditioner
from optgui.core.training.measures.sharpness import Sharpness
from optgui.core.training.measures.slices import Slices, slice_length
from optgui.core.training.models import CLASSES, make_network
from optgui.core.training.questions import (
    Activations,
    CellDigits,
    Curvature,
    DigitLayers,
    Eigenvalues,
    EigenvaluesFound,
    FindRate,
    HessianTrace,
    Inside,
    JudgedDigits,
    LookInside,
    NoiseFound,
    NoiseNow,
    Question,
    RateFound,
    SharpnessNow,
    TraceFound,
    WorstDigits,
)

# Training images whose mean loss the curvature is of, the first ones: all of so few if every step follows
# exactly them; otherwise, where it is an estimate anyway, as many as make two slices.
CURVED, CURVED_PART = 2_000, (100, 1_000)
WATCHED = 100  # test images on which a unit has to say something
KEPT = 25_000_000  # most numbers that the gradients of single images may be: 100 MB


class Standing(NamedTuple):
    """A run between two steps, as a question looks at it."""

    loop: Loop
    data: TrainingData
    config: TrainingConfig
    lr: float  # effective
    step: int

    @property
    def body(self) -> nn.Module:
        """The network behind normalization, dropping nothing."""
        return self.loop.body

    @property
    def curved(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The training images whose loss the curvature is of, and their labels."""
        count = len(self.data)
        if not self.follows_exactly:
            least, most = CURVED_PART
            count = min(max(2 * slice_length(self.body, self.data.train_images), least), most)
        return self.data.train_images[:count], self.data.train_labels[:count]

    @property
    def follows_exactly(self) -> bool:
        """Whether each step follows the gradient of exactly the loss that the curvature is of."""
        config, count = self.config, len(self.data)
        return (
            count <= CURVED
            and config.batch_size == count
            and not (config.replacement or config.model.dropout_rate)
            and config.augmentation.name == "None"
            and config.zero_grad
        )

    def sample(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Training images and labels drawn for this step, each once; fewer for a large convolutional network.

        Only there the gradients of single images are kept.
        """
        if any(isinstance(layer, nn.Conv2d) for layer in self.body.modules()):
            count = min(count, max(3, KEPT // self.config.model.parameter_count))
        count = min(count, len(self.data))
        random = np.random.default_rng([self.config.seed, self.step])
        drawn = torch.from_numpy(random.choice(len(self.data), count, replace=False))
        drawn = drawn.to(self.data.train_labels.device)
        return self.data.train_images[drawn], self.data.train_labels[drawn]


def answer(request: Question, run: Standing) -> Any:
    """The answer, or a generator that returns it.

    Raises:
        ValueError: naming the field, if a request asks for what there is not.
    """
    match request:
        case LookInside():
            return _inside(request, run)
        case Activations():
            return _activations(request, run)
        case WorstDigits() | CellDigits():
            return _digits(request, run)
        case Eigenvalues():
            return _eigenvalues(request, run)
        case HessianTrace():
            return _trace(request, run)
        case SharpnessNow():
            return curvature(Sharpness(*run.curved), run)
        case NoiseNow():
            return _noise(request, run)
        case FindRate():
            return _rate(request, run)


def _inside(request: LookInside, run: Standing) -> Inside:
    weights = first_weights(run.body)
    dead = dead_units(run.body, run.data.test_images[:WATCHED])
    shown = weights._replace(images=weights.images[: request.units])
    return Inside(run.step, shown, len(weights.images), dead, dict(run.loop.ratios))


def _activations(request: Activations, run: Standing) -> DigitLayers:
    digits, place = run.data.digits, request.digit
    if not 0 <= place < len(digits.test_images):
        raise ValueError(
            f"digit: expected a whole number from 0 to {len(digits.test_images) - 1}, got {place}"
        )
    layers = activations(run.body, run.data.test_images[place])
    with torch.no_grad():
        probabilities = run.body(run.data.test_images[place : place + 1]).softmax(1)[0]
    label = int(digits.test_labels[place])
    return DigitLayers(run.step, place, digits.test_images[place], label, frozen_copy(probabilities), layers)


def _digits(request: WorstDigits | CellDigits, run: Standing) -> Slices[JudgedDigits]:
    if request.most < 1:
        raise ValueError(f"most: expected a whole number >= 1, got {request.most}")
    if isinstance(request, CellDigits) and not (
        0 <= request.true < CLASSES and 0 <= request.predicted < CLASSES
    ):
        raise ValueError(
            f"cell: expected classes from 0 to {CLASSES - 1}, got {request.true} and {request.predicted}"
        )
    body, data = copy.deepcopy(run.body), run.data
    judged = yield from judge(body, data.test_images, data.test_labels)
    if isinstance(request, CellDigits):
        found = judged.cell(request.true, request.predicted)
        total = len(found)
    else:
        found, total = judged.worst(request.most), len(judged.labels)
    found = found[: request.most]
    with torch.no_grad():
        images = data.test_images[torch.from_numpy(found).to(data.test_images.device)]
        probabilities = body(images).softmax(1)
    return JudgedDigits(
        run.step,
        request,
        total,
        frozen_copy(found),
        frozen_copy(data.digits.test_images[found]),
        frozen_copy(judged.labels[found]),
        frozen_copy(judged.predictions[found]),
        frozen_copy(judged.losses[found]),
        frozen_copy(probabilities),
    )


def curvature(sharpness: Sharpness, run: Standing) -> Slices[Curvature]:
    """A reading of λ_max beside the limit of the optimizer as it stands."""
    limit = stability_limit(run.config.optimizer, run.lr)
    found = preconditioner(run.loop.optimizer) if limit.preconditioned else None
    if limit.preconditioned and found is None:
        limit = Limit(None, limit.formula, False, "The optimizer has not stepped yet: nothing divides.")
    reading = yield from sharpness.update(run.body, found)
    return Curvature(run.step, reading, limit, run.follows_exactly)


def _hessian(run: Standing) -> Slices[Hessian]:
    return hessian_of(run.body, *run.curved)


def _eigenvalues(request: Eigenvalues, run: Standing) -> Slices[EigenvaluesFound]:
    hessian = yield from _hessian(run)
    yield
    spectrum = yield from top_eigenvalues(hessian, min(request.most, hessian.size))
    return EigenvaluesFound(
        run.step, spectrum.values, spectrum.residuals, spectrum.products, len(run.curved[1])
    )


def _trace(request: HessianTrace, run: Standing) -> Slices[TraceFound]:
    hessian = yield from _hessian(run)
    yield
    found = yield from trace(hessian, request.samples)
    return TraceFound(run.step, found.value, found.error, hessian.size, len(run.curved[1]))


def _noise(request: NoiseNow, run: Standing) -> Slices[NoiseFound]:
    images, labels = run.sample(request.images)
    products = yield from gram(run.body, images, labels)
    yield
    noise = gradient_noise(moments_of(products))
    count = len(labels)
    sizes = [2**power for power in range(count.bit_length()) if 2**power <= count]
    if not request.replacement and sizes[-1] == count:
        sizes.pop()  # a batch of all has no noise
    curve = yield from measured_noise(products, sizes, request.replacement)
    return NoiseFound(run.step, noise, curve, request.replacement, count, len(run.data))


def _rate(request: FindRate, run: Standing) -> Slices[RateFound]:
    config, data = run.config, run.data
    if request.fresh:
        body = make_network(config.model, torch.Generator().manual_seed(config.seed))[1:]
        body, state, factor = body.to(data.train_images.device), None, 1.0
    else:
        body, state = run.body, run.loop.optimizer.state_dict()
        factor = run.lr / config.optimizer.lr
    finding = find_rate(
        body,
        config.optimizer,
        data.train_images,
        data.train_labels,
        min(config.batch_size, len(data)),
        state,
        request.lr_min,
        request.lr_max,
        request.steps,
        request.runs,
        config.seed,
    )
    while True:
        try:
            next(finding)
        except StopIteration as end:
            return RateFound(run.step, request.fresh, end.value, factor)
        yield
