"""LOSSES: what an attack climbs, and what it wants of the network."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch

from optgui.core.params import Config
from optgui.core.registry import Entry, Registry


@dataclasses.dataclass(frozen=True)
class Goal:
    """What is to be reached with n images: any answer but the label, or one certain wrong answer."""

    labels: torch.Tensor  # (n,) int64, the true classes
    targets: torch.Tensor | None = None  # (n,) int64, the answers wanted
    any_wrong: bool = False  # the targets say only where to climb: any wrong answer will do

    def reached(self, logits: torch.Tensor) -> torch.Tensor:
        """Which images (n,) the network, answering `logits` (n, 10), reads as is wanted."""
        answers = logits.max(1).indices
        return answers != self.labels if self.targets is None or self.any_wrong else answers == self.targets

    def keep(self, kept: torch.Tensor) -> Goal:
        """The goal of some of the images."""
        targets = None if self.targets is None else self.targets[kept]
        return Goal(self.labels[kept], targets, self.any_wrong)


# From logits (n, 10) and the goal to what is climbed (n,) and its slopes by the logits (n, 10).
Loss = Callable[[torch.Tensor, Goal], tuple[torch.Tensor, torch.Tensor]]


_nll = torch.ops.aten.nll_loss_forward.default
_nll_backward = torch.ops.aten.nll_loss_backward.default
_log_softmax_backward = torch.ops.aten._log_softmax_backward_data.default
_ONE_BY_ONE, _NO_CLASS = 0, -100  # of nll_loss: no mean, and the label that is left out


def cross_entropy(logits: torch.Tensor, goal: Goal) -> tuple[torch.Tensor, torch.Tensor]:
    """-log p of the label, in nats; with a target log p of it, which is <= 0.

    The kernels are those autograd calls, without a graph.
    """
    classes = goal.labels if goal.targets is None else goal.targets
    logs = torch.log_softmax(logits, 1)
    losses, weight = _nll(logs, classes, None, _ONE_BY_ONE, _NO_CLASS)
    slopes = _nll_backward(torch.ones_like(losses), logs, classes, None, _ONE_BY_ONE, _NO_CLASS, weight)
    slopes = _log_softmax_backward(slopes, logs, 1, logs.dtype)
    return (losses, slopes) if goal.targets is None else (-losses, -slopes)


def margin(logits: torch.Tensor, goal: Goal) -> tuple[torch.Tensor, torch.Tensor]:
    """By how much the best wrong logit exceeds the label's, or the target's the best other; > 0 if reached.

    Source: N. Carlini, D. Wagner, "Towards evaluating the robustness of neural networks", S&P 2017, f6.
    """
    own = (goal.labels if goal.targets is None else goal.targets).unsqueeze(1)
    rival, place = logits.scatter(1, own, -torch.inf).max(1, keepdim=True)
    values = (rival - logits.gather(1, own)).squeeze(1)
    ones = torch.ones_like(rival)
    slopes = torch.zeros_like(logits).scatter_(1, place, ones).scatter_(1, own, -ones)
    return (values, slopes) if goal.targets is None else (-values, -slopes)


def logits_ratio(logits: torch.Tensor, goal: Goal) -> tuple[torch.Tensor, torch.Tensor]:
    """The difference of logits ratio: a margin that scaling the logits does not change.

    Source: F. Croce, M. Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse
    parameter-free attacks", ICML 2020: -(z_y - max_{i != y} z_i) / (z_1st - z_3rd), and with a target t
    -(z_y - z_t) / (z_1st - (z_3rd + z_4th) / 2).
    """
    places = logits.sort(dim=1, descending=True).indices
    own = goal.labels.unsqueeze(1)
    if goal.targets is None:
        rival = torch.where(places[:, :1] == own, places[:, 1:2], places[:, :1])
        chosen, lower = torch.cat([rival, own, places[:, [0, 2]]], 1), [1.0]
    else:
        rival = goal.targets.unsqueeze(1)
        chosen, lower = torch.cat([rival, own, places[:, [0, 2, 3]]], 1), [0.5, 0.5]
    answers = logits.gather(1, chosen)
    spread = answers[:, 2:3] - answers[:, 3:] @ answers.new_tensor(lower).unsqueeze(1) + _TINY
    values = (answers[:, :1] - answers[:, 1:2]) / spread
    shares = answers.new_tensor([-1.0, *lower])  # of the slope that the spread has
    parts = torch.cat([torch.ones_like(values), -torch.ones_like(values), values * shares], 1) / spread
    return values.squeeze(1), torch.zeros_like(logits).scatter_add_(1, chosen, parts)


_TINY = 1e-12  # as in the authors' code, where all logits are equal


@dataclasses.dataclass(frozen=True)
class LossEntry(Entry):
    """Something to climb."""

    params: type[Config] = Config
    loss: Loss = cross_entropy


LOSSES: Registry[LossEntry] = Registry(
    LossEntry(
        "CrossEntropy",
        "Cross-entropy",
        help="What training descends. A very sure network has hardly any slope of it left.",
        formula="-log p_y",
        loss=cross_entropy,
    ),
    LossEntry(
        "Margin",
        "Margin of logits",
        help="By how much the best wrong class leads; its slope does not fade where the network is sure.",
        formula="max_{i≠y} z_i - z_y",
        reference="N. Carlini, D. Wagner, Towards evaluating the robustness of neural networks, S&P 2017",
        loss=margin,
    ),
    LossEntry(
        "DLR",
        "Difference of logits ratio",
        help="The margin divided by the spread of the logits, so that scaling the logits hides nothing.",
        formula="-(z_y - max_{i≠y} z_i) / (z_π1 - z_π3)",
        reference="F. Croce, M. Hein, Reliable evaluation of adversarial robustness, ICML 2020",
        loss=logits_ratio,
    ),
)
