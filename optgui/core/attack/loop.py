"""The loop of every attack: look, propose, confine; restarts, and the best kept of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from optgui.core.attack.losses import LOSSES, Goal
from optgui.core.attack.methods import METHODS, Method
from optgui.core.attack.norms import norm_of, per_image
from optgui.core.attack.task import Look, Task, beats, pictures
from optgui.core.engine import RunFailed

if TYPE_CHECKING:
    from optgui.core.attack.config import AttackConfig
    from optgui.core.attack.victim import Victim

_SHRINK = 8  # the batch is made smaller once an eighth of it is fooled; copying it costs a tenth of a step


class Attack:
    """An attack on n images at once, with nothing of a window about it.

    Args:
        config: the attack; its `seed` draws starts and whatever else is random.
        victim: the network.
        images: (n, 1, 28, 28) float32 in [0, 1], on the victim's device.
        labels: (n,) int64, the true classes.
        epsilon: (n,) radii, one for each image, instead of the config's.
        start: (n, 1, 28, 28) perturbation to go on from, instead of the method's start.
        targets: (n,) wrong classes to climb towards, where any wrong answer will do, instead of the goal.

    Raises:
        ValueError: if the target is an image's own class.
    """

    def __init__(
        self,
        config: AttackConfig,
        victim: Victim,
        images: torch.Tensor,
        labels: torch.Tensor,
        *,
        epsilon: torch.Tensor | None = None,
        start: torch.Tensor | None = None,
        targets: torch.Tensor | None = None,
    ) -> None:
        entry = METHODS[config.method.name]
        self.config = config
        self.victim = victim
        self.images = images
        self.goal = _goal(config, victim, images, labels) if targets is None else Goal(labels, targets, True)
        self.minimal = entry.minimal
        self.norm = norm_of(config.norm)
        self.radius = config.epsilon if epsilon is None else epsilon
        self.step_count = 0
        self.skipped = 0  # images that did not move in the last step because their gradient was exactly zero
        self.losses: list[float]  # of the look now
        self.lengths: list[float]  # L2 norms of its gradients; none where a method asks for no gradient
        self._make = entry.make
        self._iterations = max(1, entry.iterations(config))
        self._restarts = config.restarts if "restarts" in entry.uses else 1
        self._stops = config.stop_when_fooled and "stop_when_fooled" in entry.uses
        self._generator = torch.Generator().manual_seed(config.seed)
        self._best = torch.zeros_like(images)
        self._best_size = torch.full((len(images),), torch.inf, device=images.device)  # of a minimal method
        self._best_loss = torch.full((len(images),), -torch.inf, device=images.device)
        self._best_fooled = torch.zeros(len(images), dtype=torch.bool, device=images.device)
        self._task: Task
        self._method: Method
        self._active: torch.Tensor  # indices (k,) of the images in the task
        self._delta: torch.Tensor  # (k, 1, 28, 28)
        self._now: Look
        self._begin(0, start)

    @property
    def until(self) -> int:
        """Steps of all restarts together, as things stand."""
        left = max(0, self._iterations - self._task.iteration)
        return self.step_count + left + self._iterations * (self._restarts - 1 - self._task.restart)

    @property
    def done(self) -> bool:
        """Whether the steps are used up or, if that ends it, every image is fooled."""
        return self.step_count >= self.until or (self._stops and bool(self._best_fooled.all()))

    @property
    def restart(self) -> int:
        """Which restart it is, from 0."""
        return self._task.restart

    @property
    def now(self) -> Look:
        """The look at the images still under attack, `active`."""
        return self._now

    @property
    def active(self) -> torch.Tensor:
        """Indices (k,) of the images still under attack."""
        return self._active

    @property
    def labels(self) -> torch.Tensor:
        """Classes (k,) of the images still under attack; the same tensor until some are left out."""
        return self._task.goal.labels

    @property
    def reached(self) -> torch.Tensor:
        """Which images (k,) still under attack are read as is wanted, now or, if that ends it, once."""
        now = self._now.fooled
        return now | self._best_fooled[self._active] if self._stops else now

    @property
    def iteration(self) -> int:
        """Steps done in this restart."""
        return self._task.iteration

    @property
    def current(self) -> torch.Tensor:
        """The perturbations (k, 1, 28, 28) of the images still under attack, as they are now."""
        return self._delta

    def step(self) -> None:
        """One iteration on every image still under attack.

        Raises:
            RunFailed: if the network's answer or gradient is not finite; the images stay as they were.
        """
        if self.done:
            raise RuntimeError("step: expected an attack that is not done, got one that is")
        task = self._task
        if task.iteration >= self._iterations:
            self._keep_best(self._active, self._delta, self._now)
            self._begin(task.restart + 1)
            task = self._task
        now, method = self._now, self._method
        delta = task.confined(method.propose(self._delta, now))
        self.skipped = 0
        if 0.0 in self.lengths and now.gradient is not None:
            flat = now.gradient.flatten(1).abs().amax(1) == 0
            delta = torch.where(per_image(flat, delta), self._delta, delta)
            self.skipped = int(flat.sum())
        seen = method.look(delta)
        self._read(seen)
        self._check(seen)
        self._delta, self._now = method.choose(self._delta, now, delta, seen)
        if self._now is not seen:
            self._read(self._now)
        task.iteration += 1
        self.step_count += 1
        self._keep()

    def extend(self, config: AttackConfig) -> None:
        """Take another number of steps: a restart ends later, or at once."""
        self.config = self._task.config = config
        self._iterations = self._task.iterations = max(1, METHODS[config.method.name].iterations(config))

    def run(self) -> torch.Tensor:
        """Step to the end; the result (n, 1, 28, 28)."""
        while not self.done:
            self.step()
        return self.result()

    def result(self) -> torch.Tensor:
        """The best perturbation of every image so far, (n, 1, 28, 28).

        Of a minimal method the smallest one that fooled, or the present one; otherwise what fooled rather
        than not, and then the larger loss, over the restarts.
        """
        result = self._best.clone()
        if self.minimal:
            open_still = ~self._best_fooled[self._active]
            result[self._active[open_still]] = self._delta[open_still]
            return result
        better = self._is_better(self._active, self._now)
        if self._stops:
            better &= ~self._best_fooled[self._active]  # an image is left alone from where it was fooled
        result[self._active[better]] = self._delta[better]
        return result

    def present(self) -> torch.Tensor:
        """The perturbation of every image to go on from, (n, 1, 28, 28).

        It is the one now, of an image left alone the one then, and of a method that keeps the best the best.
        """
        if self._method.keeps_best:
            return self.result()
        present = self._best.clone()
        waiting = self._best_fooled[self._active] if self._stops else torch.zeros_like(self._now.fooled)
        present[self._active[~waiting]] = self._delta[~waiting]
        return present

    def changed(self, delta: torch.Tensor) -> torch.Tensor:
        """All images with a perturbation (n, 1, 28, 28), as the network sees them."""
        return pictures(self.images, delta, boxed=self.config.clip or self.minimal)

    def _begin(self, restart: int, start: torch.Tensor | None = None) -> None:
        """Begin a restart on all images that are not fooled for good."""
        left = ~self._best_fooled if self._stops else torch.ones_like(self._best_fooled)
        self._active = left.nonzero().squeeze(1)
        whole = len(self._active) == len(self.images)
        self._task = Task(
            self.config,
            self.victim,
            self.norm,
            self.images if whole else self.images[self._active],
            self.goal if whole else self.goal.keep(self._active),
            self.radius,
            self._active,
            len(self.images),
            self._generator,
            self.minimal,
            LOSSES[self.config.loss].loss,
            self._iterations,
            restart=restart,
        )
        self._method = self._make(self._task)
        self._delta = self._task.confined(self._method.start() if start is None else start)
        self._now = self._method.look(self._delta)
        self._read(self._now)
        self._keep()

    def _read(self, look: Look) -> None:
        """Fetch the numbers that every step is judged and recorded by."""
        self.losses = look.losses.tolist()
        gradient = look.gradient
        self.lengths = []
        if gradient is not None:
            self.lengths = torch.linalg.vector_norm(gradient.flatten(1), dim=1).tolist()

    def _check(self, look: Look) -> None:
        """Refuse a look that is not finite; squares may overflow where the gradient does not."""
        if math.isfinite(sum(self.losses)) and math.isfinite(sum(self.lengths)):
            return
        gradient = look.gradient
        if look.losses.isfinite().all() and (gradient is None or gradient.isfinite().all()):
            return
        self._read(self._now)
        raise RunFailed("network: expected a finite loss and gradient, got NaN or infinity")

    def _keep(self) -> None:
        """Remember what is worth it of the present perturbations."""
        if self.minimal:
            self._keep_smallest()
        elif self._method.keeps_best:
            self._keep_best(self._active, self._delta, self._now)
        if self._stops:
            self._leave_fooled()

    def _is_better(self, rows: torch.Tensor, now: Look) -> torch.Tensor:
        """Where the look beats the best so far."""
        return beats(now.fooled, now.losses, self._best_fooled[rows], self._best_loss[rows])

    def _keep_best(self, rows: torch.Tensor, delta: torch.Tensor, now: Look) -> None:
        if self.minimal or not len(rows):
            return
        better = self._is_better(rows, now)
        kept = rows[better]
        self._best[kept] = delta[better]
        self._best_loss[kept] = now.losses[better]
        self._best_fooled[kept] = now.fooled[better]

    def _keep_smallest(self) -> None:
        """Of a minimal method, which attacks all images to the end: the smallest change that fooled."""
        sizes = self.norm.norm(self._delta)
        better = self._now.fooled & (sizes < self._best_size)
        self._best_size = torch.where(better, sizes, self._best_size)
        self._best = torch.where(per_image(better, self._delta), self._delta, self._best)
        self._best_fooled |= better

    def _leave_fooled(self) -> None:
        """Keep what is fooled and go on with the others, once they are few enough to be worth it."""
        fooled = self._now.fooled
        if not fooled.any():
            return
        found = fooled.nonzero().squeeze(1)
        found = found[~self._best_fooled[self._active[found]]]  # not those that wait to be left out
        self._keep_best(self._active[found], self._delta[found], self._now.rows(found))
        kept = (~self._best_fooled[self._active]).nonzero().squeeze(1)
        if not len(kept) or (len(self._active) - len(kept)) * _SHRINK < len(self._active):
            return
        self._active = self._active[kept]
        self._task.keep(kept)
        self._method.keep(kept)
        self._delta = self._delta[kept]
        self._now = self._now.rows(kept)
        self._read(self._now)


def _goal(config: AttackConfig, victim: Victim, images: torch.Tensor, labels: torch.Tensor) -> Goal:
    if config.goal == "untargeted":
        return Goal(labels)
    if config.goal == "least_likely":
        wrong = victim.logits(images).scatter(1, labels.unsqueeze(1), torch.inf)
        return Goal(labels, wrong.min(1).indices)
    if (labels == config.target).any():
        raise ValueError(f"target: expected a class other than the image's own, got {config.target}")
    return Goal(labels, torch.full_like(labels, config.target))
