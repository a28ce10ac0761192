"""Carlini and Wagner's attack: length and margin in one sum, weighed by a constant that is searched for."""

from __future__ import annotations

import torch

from optgui.core.attack.methods.base import MethodEntry
from optgui.core.attack.methods.smallest import Smallest
from optgui.core.attack.norms import per_image
from optgui.core.attack.task import Look, Task
from optgui.core.params import Config, param

_FIRST = 1e-3  # the paper's first c
_INSIDE = 1 - 1e-6  # keeps black and white pixels at a finite place
_DECAYS, _TINY = (0.9, 0.999), 1e-8  # Adam's


class CarliniWagnerParams(Config):
    """Parameters of Carlini and Wagner's attack."""

    confidence: float = param(
        0.0,
        title="Confidence κ",
        help="By how much the wrong logit must lead; nothing less counts as fooled.",
        low=0,
        high=1e3,
        slider=(0, 20),
    )
    searches: int = param(
        9,  # the paper's
        title="Values of c",
        help="How many weights of the margin are tried: ten times as much until fooled, then halfway.",
        low=1,
        high=30,
    )
    inner: int = param(
        200,
        title="Steps for each c",
        help="Steps of Adam for each weight.",
        low=1,
        high=100_000,
        scale="log",
        slider=(10, 10_000),
    )
    rate: float = param(
        0.05,
        title="Rate",
        help="Adam's rate.",
        above=0,
        high=10,
        scale="log",
        slider=(1e-3, 1),
    )


class CarliniWagner(Smallest):
    """Adam on ‖δ‖² + c max(κ - margin, 0) over w with x + δ = (tanh w + 1) / 2, which never leaves [0, 1].

    A binary search finds each image's least c that fools. Sources: N. Carlini, D. Wagner, "Towards evaluating
    the robustness of neural networks", S&P 2017, section VI.A, margin f6; D. Kingma, J. Ba, "Adam: a method
    for stochastic optimization", ICLR 2015.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.values = task.config.method.values
        self.weight = torch.full_like(self.size, _FIRST)  # c
        self.low = torch.zeros_like(self.size)
        self.high = torch.full_like(self.size, torch.inf)
        self.fooled = torch.zeros_like(self.size, dtype=torch.bool)  # with the present c
        self.origin = torch.zeros_like(task.images)  # the first w
        self.place = torch.zeros_like(task.images)  # w
        self.bent = torch.zeros_like(task.images)  # tanh w
        self.mean = torch.zeros_like(task.images)  # Adam's averages of gradient
        self.square = torch.zeros_like(task.images)  # and its square

    def look(self, delta: torch.Tensor) -> Look:
        """The answer; only a lead as large as the confidence counts."""
        look = super().look(delta)
        return look._replace(fooled=look.fooled & (look.losses >= self.values["confidence"]))

    def search(self, delta: torch.Tensor, now: Look) -> torch.Tensor:
        """One step of Adam, or the first place again with another c."""
        self.fooled = self.fooled | now.fooled
        done = self.proposals % self.values["inner"]
        if not self.proposals:
            self.origin = torch.atanh((2 * self.task.changed(delta) - 1) * _INSIDE)
        elif not done:
            self._weigh()
        if not done:
            self.place = self.origin.clone()
            self.bent = self.place.tanh()
            self.mean.zero_()
            self.square.zero_()
            if self.proposals:
                return self._delta()
        self._adam(delta, now, max(1, done))
        return self._delta()

    def _delta(self) -> torch.Tensor:
        return (self.bent + 1) / 2 - self.task.images

    def _weigh(self) -> None:
        """The next c: between the largest that failed and the smallest that fooled."""
        self.high = torch.where(self.fooled, self.weight, self.high)
        self.low = torch.where(self.fooled, self.low, self.weight)
        halfway = (self.low + self.high) / 2
        self.weight = torch.where(self.high == torch.inf, 10 * self.weight, halfway)
        self.fooled = torch.zeros_like(self.fooled)

    def _adam(self, delta: torch.Tensor, now: Look, step: int) -> None:
        assert now.gradient is not None
        wanting = self.weight * (now.losses <= self.values["confidence"])
        slope = 2 * delta - per_image(wanting, delta) * now.gradient
        slope = slope * (1 - self.bent.square()) / 2
        first, second = _DECAYS
        self.mean.lerp_(slope, 1 - first)
        self.square.lerp_(slope.square(), 1 - second)
        length = (self.square / (1 - second**step)).sqrt_() + _TINY
        self.place = self.place - self.values["rate"] / (1 - first**step) * self.mean / length
        self.bent = self.place.tanh()


ENTRIES = (
    MethodEntry(
        "CarliniWagner",
        "Carlini and Wagner (C&W)",
        CarliniWagnerParams,
        help="Adam on length and margin together; thorough and slow.",
        formula="min ‖δ‖² + c max(z_y - max_{i≠y} z_i + κ, 0)",
        reference="N. Carlini, D. Wagner, Towards evaluating the robustness of neural networks, S&P 2017",
        make=CarliniWagner,
        norms=("L2",),
        minimal=True,
        iterations=lambda config: config.method.values["searches"] * config.method.values["inner"],
    ),
)
