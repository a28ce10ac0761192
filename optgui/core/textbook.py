"""The textbook's optimizers where torch's differ: momentum is an average, and ε stands inside the root.

Elementwise, for dense gradients g of parameters x of any shape; every state starts at zero.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Callable
from typing import Any

import torch
from torch.optim.optimizer import ParamsT


class Textbook(torch.optim.Optimizer):
    """An optimizer that treats every parameter alone, by its `update`.

    Raises:
        ValueError: if a value is out of range.
    """

    def __init__(self, params: ParamsT, **defaults: Any) -> None:
        for name, value in defaults.items():
            items = value if isinstance(value, tuple) else (value,)
            decay = name in ("momentum", "rho", "betas")
            if not all(0 <= item < (1 if decay else math.inf) for item in items):
                raise ValueError(f"{name}: expected >= 0{' and < 1' if decay else ''}, got {value}")
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient; the value of `closure`, if there is one."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self.update(parameter, parameter.grad, self.state[parameter], group)
        return loss

    @abc.abstractmethod
    def update(
        self, x: torch.Tensor, g: torch.Tensor, state: dict[str, torch.Tensor], group: dict[str, Any]
    ) -> None:
        """Move `x` in place; `state` is empty at the first step."""


class Momentum(Textbook):
    """m ← β m + (1 − β) g;  x ← x − lr m.

    The heavy ball of B. T. Polyak, Some methods of speeding up the convergence of iteration methods, 1964,
    in the form of a running average.
    """

    def __init__(self, params: ParamsT, lr: float = 0.01, momentum: float = 0.9) -> None:
        super().__init__(params, lr=lr, momentum=momentum)

    def update(
        self, x: torch.Tensor, g: torch.Tensor, state: dict[str, torch.Tensor], group: dict[str, Any]
    ) -> None:
        """Move `x`."""
        m = _average(state, "m", g, group["momentum"])
        x.add_(m, alpha=-group["lr"])


class TextbookAdagrad(Textbook):
    """v ← v + g²;  x ← x − lr g / √(v + ε).

    J. Duchi, E. Hazan and Y. Singer, Adaptive Subgradient Methods for Online Learning and Stochastic
    Optimization, JMLR 2011.
    """

    def __init__(self, params: ParamsT, lr: float = 0.01, eps: float = 1e-8) -> None:
        super().__init__(params, lr=lr, eps=eps)

    def update(
        self, x: torch.Tensor, g: torch.Tensor, state: dict[str, torch.Tensor], group: dict[str, Any]
    ) -> None:
        """Move `x`."""
        v = _kept(state, "v", g).addcmul_(g, g)
        x.addcdiv_(g, (v + group["eps"]).sqrt_(), value=-group["lr"])


class TextbookRMSprop(Textbook):
    """v ← ρ v + (1 − ρ) g²;  x ← x − lr g / √(v + ε).

    T. Tieleman and G. Hinton, Lecture 6.5, Neural Networks for Machine Learning, 2012.
    """

    def __init__(self, params: ParamsT, lr: float = 0.001, rho: float = 0.9, eps: float = 1e-8) -> None:
        super().__init__(params, lr=lr, rho=rho, eps=eps)

    def update(
        self, x: torch.Tensor, g: torch.Tensor, state: dict[str, torch.Tensor], group: dict[str, Any]
    ) -> None:
        """Move `x`."""
        v = _average(state, "v", g * g, group["rho"])
        x.addcdiv_(g, (v + group["eps"]).sqrt_(), value=-group["lr"])


class TextbookAdam(Textbook):
    """m and v averages of g and g², m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ);  x ← x − lr m̂ / √(v̂ + ε).

    D. P. Kingma and J. Ba, Adam: A Method for Stochastic Optimization, ICLR 2015.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps)

    def update(
        self, x: torch.Tensor, g: torch.Tensor, state: dict[str, torch.Tensor], group: dict[str, Any]
    ) -> None:
        """Move `x`."""
        one, two = group["betas"]
        step = state.setdefault("step", torch.zeros((), dtype=torch.float32)).add_(1)
        m = _average(state, "m", g, one)
        v = _average(state, "v", g * g, two)
        scale = (v / (1 - two ** step.item())).add_(group["eps"]).sqrt_()
        x.addcdiv_(m, scale, value=-group["lr"] / (1 - one ** step.item()))


def _kept(state: dict[str, torch.Tensor], name: str, like: torch.Tensor) -> torch.Tensor:
    if name not in state:
        state[name] = torch.zeros_like(like)
    return state[name]


def _average(state: dict[str, torch.Tensor], name: str, new: torch.Tensor, decay: float) -> torch.Tensor:
    return _kept(state, name, new).mul_(decay).add_(new, alpha=1 - decay)


TEXTBOOK: tuple[type[Textbook], ...] = (Momentum, TextbookAdagrad, TextbookRMSprop, TextbookAdam)
