"""Any optimizer of torch.optim moves the perturbation, and the projection brings it back."""

from __future__ import annotations

import functools

import torch

from optgui.core.attack.methods.base import STEPPING, Method, MethodEntry
from optgui.core.attack.task import Look, Task
from optgui.core.optimizers import OPTIMIZERS, OptimizerConfig, wants_closure
from optgui.core.params import Config, param, params_of

_SIDE = 28


class PixelOptimizer(OptimizerConfig):
    """An optimizer that steps the pixels of a perturbation."""

    shapes = ((_SIDE, _SIDE),)

    @classmethod
    def refusal(cls, name: str) -> str:
        """Why the optimizer cannot drive an attack, or an empty string."""
        if refusal := super().refusal(name):
            return refusal
        if wants_closure(_default(name, torch.zeros(_SIDE, _SIDE))):
            return "it looks several times in a step, and an attack looks once"
        return ""


def _default(name: str, parameter: torch.Tensor) -> torch.optim.Optimizer:
    entry = OPTIMIZERS[name]
    values = {spec.name: spec.default for spec in params_of(entry.params)}
    return entry.make([parameter], values, foreach=False)


@functools.cache
def pixel_by_pixel(name: str) -> bool:
    """Whether an optimizer moves every pixel by that pixel's gradients alone: found by trying."""
    gradients = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(0))
    moved = []
    for count in (1, 2):
        probe = torch.ones(count, 4)
        optimizer = _default(name, probe)
        for gradient in gradients:
            probe.grad = gradient[:count].clone()
            optimizer.step()
        moved.append(probe[0])
    return torch.equal(*moved)


class DrivenParams(Config):
    """What drives the perturbation."""

    optimizer: PixelOptimizer = param(
        PixelOptimizer.parse({"name": "Adam", "lr": 0.02}),
        title="Optimizer",
        help="It descends minus the loss; after each of its steps comes the projection.",
    )


class Driven(Method):
    """delta <- project(optimizer(delta, -gradient)).

    One optimizer steps all images where it moves pixel by pixel; otherwise each image has one of its own, and
    is a matrix of pixels to it.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        config: PixelOptimizer = task.config.method.values["optimizer"]
        blank = task.images.new_zeros(len(task.images), _SIDE, _SIDE)
        self._joint = pixel_by_pixel(config.name)
        self._parameters = [blank] if self._joint else list(blank.unbind())
        self._optimizers = [config.make([parameter], foreach=False) for parameter in self._parameters]

    def propose(self, delta: torch.Tensor, now: Look) -> torch.Tensor:
        """One step of the optimizer from where the projection has brought the perturbation."""
        assert now.gradient is not None
        places = delta.view(-1, _SIDE, _SIDE)
        downhill = -now.gradient.view(-1, _SIDE, _SIDE)
        parts = [(places, downhill)] if self._joint else list(zip(places, downhill, strict=True))
        for parameter, (place, slope) in zip(self._parameters, parts, strict=True):
            parameter.copy_(place)
            parameter.grad = slope
        for optimizer in self._optimizers:
            optimizer.step()
        moved = self._parameters[0].clone() if self._joint else torch.stack(self._parameters)
        return moved.view_as(delta)

    def keep(self, kept: torch.Tensor) -> None:
        """Go on with some of the images, and with what the optimizers remember of them."""
        if not self._joint:
            self._parameters = [self._parameters[place] for place in kept.tolist()]
            self._optimizers = [self._optimizers[place] for place in kept.tolist()]
            return
        (whole,), (optimizer,) = self._parameters, self._optimizers
        state = optimizer.state[whole]
        for name, value in state.items():
            if isinstance(value, torch.Tensor) and value.shape == whole.shape:
                state[name] = value[kept]
        whole.grad = None
        whole.data = whole.data[kept]


ENTRIES = (
    MethodEntry(
        "Driven",
        "Any optimizer",
        DrivenParams,
        help="An optimizer from training moves the pixels instead of weights; PGD is one plus a projection.",
        formula="δ ← Π(optimizer(δ, −∇ loss(x + δ)))",
        reference="A. Madry et al., Towards deep learning models resistant to adversarial attacks, ICLR 2018",
        make=Driven,
        uses=tuple(name for name in STEPPING if name != "step_size"),
    ),
)
