"""Another optimizer in mid-run: the state it begins with, and the learning rate that suits it.

The rate: steps as long as the present ones, once the new optimizer has settled. Matching only the next step
spikes, since a fresh momentum buffer grows to 1 / (1 - momentum) gradients. So both optimizers step copies of
the weights along the same gradients of mini-batches, the new one settled by the mean and the mean square
of earlier ones; weights, state and random numbers of the run stay as they are. Length is not all: what
begins anew begins with longer steps than it settles to (RMSprop 1 / sqrt(1 - alpha) times), and momentum goes
further with steps that agree. So the rate is tried on copies of the network, and halved while the loss rises.
"""

from __future__ import annotations

import copy
from collections.abc import Generator, Sequence

import torch
from torch import nn

from optgui.core.optimizers import OptimizerConfig
from optgui.core.training.config import TrainingConfig
from optgui.core.training.data import TrainingData
from optgui.core.training.loop import Loop
from optgui.core.training.measures.limits import stability_limit
from optgui.core.training.requests import Proposal
from optgui.core.training.switch import Moments, States, kept, known_moments, mapped, wants_squares

PROBES = 24  # mini-batches behind the averages, and as many again behind the lengths of the steps
LARGEST = 256  # images of a mini-batch that is only looked at
SETTLED = 10_000  # steps the new optimizer's averages are taken to stand for
SHARE = 0.5  # of the stability limit
TRIALS = (
    40,
    3,
    3,
    3,
    3,
    3,
    3,
)  # steps on a copy; the first few differ much by their mini-batches
LOOKS = (1, 2, 3, 4, 6, 8, 12, 20, 30, 40)  # steps of a trial behind which the loss is measured
IMAGES = 2_000  # training images it is measured on
RISE, SLACK = 1.1, 0.01  # the loss may become this times what it was, plus the slack
HALVINGS = 8
SCALELESS = ("LBFGS", "Rprop", "Adafactor")  # their steps are not in proportion to the rate


class Prober:
    """Gradients of mini-batches drawn apart from the run: dropout and augmentation off, nothing changed.

    Batches are `torch.randint` of a generator seeded with the run's seed plus the step.
    """

    def __init__(self, loop: Loop, data: TrainingData, config: TrainingConfig, step: int) -> None:
        self.loop, self._data = loop, data
        self._size = min(config.batch_size, len(data), LARGEST)
        self._generator = torch.Generator().manual_seed(config.seed + step)

    def gradient(self, body: nn.Module | None = None) -> list[torch.Tensor]:
        """Of the next mini-batch, of the network or of a copy."""
        data, body = self._data, body or self.loop.body
        batch = torch.randint(len(data), (self._size,), generator=self._generator)
        batch = batch.to(data.train_labels.device)
        logits = body(data.train_images.index_select(0, batch))
        loss = nn.functional.cross_entropy(logits, data.train_labels.index_select(0, batch))
        return list(torch.autograd.grad(loss, list(body.parameters())))

    def loss(self, body: nn.Module) -> float:
        """Of the first training images."""
        images, labels = self._data.train_images[:IMAGES], self._data.train_labels[:IMAGES]
        with torch.no_grad():
            return float(nn.functional.cross_entropy(body(images), labels))

    def moments(self) -> Generator[int, None, list[Moments]]:
        """Mean and mean square over the next mini-batches; yields how many are done."""
        means = [torch.zeros_like(weight) for weight in self.loop.parameters]
        squares = [torch.zeros_like(weight) for weight in self.loop.parameters]
        for number in range(PROBES):
            for mean, square, part in zip(means, squares, self.gradient(), strict=True):
                mean.add_(part, alpha=1 / PROBES)
                square.addcmul_(part, part, value=1 / PROBES)
            yield number + 1
        return [Moments(mean, square, PROBES) for mean, square in zip(means, squares, strict=True)]


def initial_state(
    mode: str,
    prober: Prober,
    before: OptimizerConfig,
    age: int,
    new: torch.optim.Optimizer,
    after: OptimizerConfig,
) -> Generator[int, None, States]:
    """The state with which `new` takes over from the present optimizer; yields probes done.

    Args:
        mode: "map": averages translated, and measured on probe batches where an adaptive optimizer would
            begin without its mean square; "keep": buffers of the same name and shape; "reset": none.
        prober: of the run.
        before: the config of the present optimizer.
        age: steps it has done.
        new: a fresh optimizer of the same parameters.
        after: its config.
    """
    old = prober.loop.optimizer
    if mode == "reset":
        return {}
    if mode == "keep":
        return kept(old, new, after)
    known = known_moments(old, before, age)
    if wants_squares(after) and any(moments.square is None for moments in known):
        known = yield from prober.moments()
    return mapped(new, after, known)


class _Probe:
    """An optimizer on copies of the weights, which it is put back to before each step."""

    def __init__(self, weights: Sequence[torch.Tensor], config: OptimizerConfig, lr: float) -> None:
        self._weights = weights
        self.copies = [torch.nn.Parameter(weight.detach().clone()) for weight in weights]
        self.optimizer = config.make(self.copies, foreach=False)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.norms: list[float] = []

    def step(self, gradient: Sequence[torch.Tensor]) -> None:
        """One step along a gradient; remembers how long it was."""
        with torch.no_grad():
            for probe, weight, part in zip(self.copies, self._weights, gradient, strict=True):
                probe.copy_(weight)
                probe.grad = part
            self.optimizer.step()
            lengths = [(p - w).norm() for p, w in zip(self.copies, self._weights, strict=True)]
        self.norms.append(float(torch.stack(lengths).norm()))

    @property
    def norm(self) -> float:
        """The mean length."""
        return sum(self.norms) / len(self.norms)


def propose(
    prober: Prober,
    before: OptimizerConfig,
    age: int,
    after: OptimizerConfig,
    *,
    mode: str,
    factor: float,
    lambda_max: float | None = None,
) -> Generator[int, None, Proposal]:
    """Find the base rate in slices of one mini-batch each; yields probes done.

    Args:
        prober: of the run.
        before: the config of the present optimizer.
        age: steps it has done.
        after: the config of the next; its rate does not matter.
        mode: what becomes of the state, see `initial_state`.
        factor: what the schedule multiplies base rates by now.
        lambda_max: largest eigenvalue of the (preconditioned) Hessian.

    Raises:
        ValueError: if the rate says little about the length of the optimizer's steps.
    """
    for name in (after.name, before.name):
        if name in SCALELESS:
            raise ValueError(f"optimizer: the steps of {name} are not in proportion to its rate; choose one")
    loop, lr = prober.loop, before.lr * factor
    weights = [weight.detach().clone() for weight in loop.parameters]
    moments = yield from prober.moments()
    present, settled = _Probe(weights, before, lr), _Probe(weights, after, lr)
    groups = present.optimizer.state_dict()["param_groups"]
    state = copy.deepcopy(loop.optimizer.state_dict()["state"])
    present.optimizer.load_state_dict({"state": state, "param_groups": groups})
    long_since = [known._replace(steps=SETTLED) for known in moments]
    settled.optimizer.state.update(mapped(settled.optimizer, after, long_since))
    for number in range(PROBES):
        gradient = prober.gradient()
        present.step(gradient)
        settled.step(gradient)
        yield PROBES + number + 1
    if not (settled.norm > 0 and present.norm > 0):
        raise ValueError("optimizer: the gradient is 0 or not finite here, so no rate can be proposed")
    rate, limited = lr * present.norm / settled.norm, ""
    limit = stability_limit(after, 1.0).value  # of the curvature at rate 1, and so of rate times curvature
    if lambda_max is not None and limit is not None and rate * lambda_max > SHARE * limit:
        rate, limited = SHARE * limit / lambda_max, "half the stability limit"
    states = yield from initial_state(mode, prober, before, age, loop.make(after), after)
    for _ in range(HALVINGS):
        if (yield from _bears(prober, after, states, rate)):
            break
        rate, limited = rate / 2, "a trial on a copy, whose loss rose"
    return Proposal(rate / factor if factor else before.lr, present.norm, settled.norm * rate / lr, limited)


def _bears(prober: Prober, config: OptimizerConfig, states: States, lr: float) -> Generator[int, None, bool]:
    """Whether copies of the network keep their loss at a rate."""
    most = RISE * prober.loss(prober.loop.body) + SLACK
    for steps in TRIALS:
        body = copy.deepcopy(prober.loop.body)
        parameters = list(body.parameters())
        optimizer = config.make(parameters, foreach=False)
        for group in optimizer.param_groups:
            group["lr"] = lr
        for owner, copied in zip(prober.loop.parameters, parameters, strict=True):
            if owner in states:
                optimizer.state[copied].update(copy.deepcopy(states[owner]))
        for step in range(1, steps + 1):
            for parameter, gradient in zip(parameters, prober.gradient(body), strict=True):
                parameter.grad = gradient
            optimizer.step()
            yield step
            if step in LOOKS and not prober.loss(body) <= most:
                return False
    return True
