"""Work on many images in slices of a few milliseconds, and networks held in evaluation mode meanwhile."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from typing import Any, TypeVar

import torch
from torch import nn

Result = TypeVar("Result")
Slices = Generator[None, None, Result]

# Multiplications of one forward pass through a slice; a gradient or a Hessian product of them takes
# about 6 ms on one core of 2024.
_WORK = 100_000_000
_CONVOLUTION = 4  # matrix products as costly as a convolution with as many multiplications, about


def finish(work: Generator[Any, None, Result]) -> Result:
    """The result of a generator, all its slices run at once."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: Result = end.value
            return result


@contextlib.contextmanager
def evaluating(body: nn.Module) -> Iterator[None]:
    """Dropout and the like switched off; afterwards every layer has the mode it had. Never yield inside."""
    training = [module for module in body.modules() if module.training]
    body.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


def slice_length(body: nn.Module, images: torch.Tensor, times: int = 1) -> int:
    """How many of these images (n, ...) make a slice; counted, not timed, so that sums keep their order.

    `times`: how much longer a slice may be, for work that is so much less for each image.
    """
    work = 0

    def count(module: nn.Module, _: Any, output: torch.Tensor) -> None:
        nonlocal work
        weight = module.weight
        assert isinstance(weight, torch.Tensor)
        dearer = _CONVOLUTION if isinstance(module, nn.Conv2d) else 1
        work += dearer * output.numel() * weight[0].numel()

    hooks = [
        module.register_forward_hook(count)
        for module in body.modules()
        if isinstance(module, (nn.Linear, nn.Conv2d))
    ]
    try:
        with torch.no_grad(), evaluating(body):
            body(images[:1])
    finally:
        for hook in hooks:
            hook.remove()
    return max(1, times * _WORK // max(work, 1))
