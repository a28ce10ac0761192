"""The plane through a digit as an engine: laid out first, then sampled from coarse to fine."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Generator, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from optgui.core.attack.config import AttackConfig
from optgui.core.attack.inputs import checked_images, checked_labels, checked_victim
from optgui.core.attack.loop import Attack
from optgui.core.attack.losses import LOSSES, Goal
from optgui.core.attack.methods import METHODS
from optgui.core.attack.norms import norm_of
from optgui.core.attack.plane import geometry
from optgui.core.attack.plane.config import PlaneConfig, PlaneInputs
from optgui.core.attack.plane.frame import PlaneFrame, PlanePoint, PlaneRecord, PointImage
from optgui.core.attack.plane.geometry import Array
from optgui.core.attack.plane.sampler import PlaneNetwork
from optgui.core.engine import RunFailed, Status
from optgui.core.params import changes
from optgui.core.runtime import use_threads
from optgui.core.snapshot import frozen, frozen_copy
from optgui.core.training.models import network_of

COARSEST = 16  # points along each side of the first picture
SECOND_STEPS = 40  # of the second attack
_OTHER_LOSS = {"CrossEntropy": "Margin"}  # what it climbs; instead of any other loss the cross-entropy
_OPEN = 4.0  # half sides of the picture, beyond which an outline counts as open
_NOTHING = frozen(np.empty((0, 2)))


class PlaneEngine:
    """Samples the loss and the class on a plane, with 16, 32, 64 ... points along each side.

    One axis goes along what the attack has added, the other at a right angle to it. The ball of a method that
    has none, because it looks for the smallest change, is the one that just holds what it found.

    Raises:
        ValueError: if image, label or network are not what an attack takes, or the attack has added nothing.
    """

    def __init__(self, config: PlaneConfig, inputs: PlaneInputs) -> None:
        use_threads(1)
        images, attack = checked_images(inputs.image[None]), inputs.attack
        self._inputs = inputs
        self._victim, self._images, logits = checked_victim(network_of(inputs.snapshot), images)
        self._labels = checked_labels(np.array([inputs.label]), 1).to(self._images.device)
        self._flat = self._images.flatten().double().cpu().numpy()
        self._first = inputs.perturbation.astype(np.float64).reshape(-1)
        if not self._first.any():
            raise ValueError("the attack has not changed the digit: it gives no direction to look along")
        self._norm = norm_of(attack.norm)
        minimal = METHODS[attack.method.name].minimal
        added = torch.from_numpy(self._first).view(1, 1, 28, 28)
        self._radius = float(self._norm.norm(added)) if minimal else attack.epsilon
        self._loss = LOSSES[attack.loss].loss
        changed = self._images + added.to(self._images)
        if attack.clip or minimal:
            changed.clamp_(0, 1)
        self._classes = int(logits.argmax(1)), int(self._victim.logits(changed).argmax(1))
        self._config = config
        self._frame: PlaneFrame | None = None
        self._sides: tuple[int, ...] = ()
        self._slices: Iterator[None] = iter(())
        self._done = False
        self._count = self._total = 0
        self._begin(config)

    @property
    def config(self) -> PlaneConfig:
        """What is in force now."""
        return self._config

    @property
    def done(self) -> bool:
        """Whether the finest picture is complete."""
        return self._done

    def step(self) -> PlaneRecord:
        """Go on for a few milliseconds.

        Raises:
            RunFailed: if there is nothing left to do, or the second attack meets no finite loss.
        """
        if self._done:
            raise RunFailed("plane: expected one that is not complete, got one that is")
        self._done = next(self._slices, self) is self
        return PlaneRecord(self._count)

    def status(self) -> Status:
        """How many points are sampled, of all levels together."""
        return Status(self._count, self._total, "points")

    def frame(self) -> PlaneFrame | None:
        """The last picture that is complete; None before the plane is laid out."""
        return self._frame

    def apply(self, config: PlaneConfig) -> None:
        """Take any edit; all but what is shown samples the plane again."""
        if {change.path for change in changes(self._config, config)} <= {"shows"}:
            self._config = config
        else:
            self._begin(config)

    def answer(self, request: Any) -> PlanePoint:
        """The picture at a point.

        Raises:
            ValueError: if the request is another one, or the plane is not laid out yet.
        """
        if not isinstance(request, PointImage):
            raise ValueError(f"request: expected PointImage, got {request!r}")
        if self._frame is None:
            raise ValueError("plane: expected one that is laid out, got one that waits for its second attack")
        clipped = self._config.clipped
        point = torch.tensor([[request.a, request.b]], dtype=torch.float32)
        picture = self._network.pictures(point, clipped=clipped)
        logits = self._victim.logits(picture)
        moved = picture - self._images
        return PlanePoint(
            request.a,
            request.b,
            frozen_copy(picture[0, 0]),
            float(self._climbed(logits)[0]),
            int(logits.argmax(1)),
            frozen_copy(logits.softmax(1)[0]),
            float(self._norm.norm(moved)),
            float(torch.linalg.vector_norm(moved)),
        )

    def _begin(self, config: PlaneConfig) -> None:
        doubled = (COARSEST << level for level in itertools.count())
        coarse = itertools.takewhile(lambda side: side < config.resolution, doubled)
        self._config, self._frame, self._done = config, None, False
        self._sides = (*coarse, config.resolution)
        self._count, self._total = 0, sum(side * side for side in self._sides)
        self._slices = self._work()

    def _work(self) -> Iterator[None]:
        config, second = self._config, self._second()
        basis, across = yield from self._directions(second)
        self._goal = second.goal
        self._network = PlaneNetwork(self._victim, self._images, basis)
        frame = self._laid_out(basis, across)
        yield
        self._frame = yield from self._outlined(frame, basis)
        for level, side in enumerate(self._sides, 1):
            places = ((np.arange(side) + 0.5) * 2 / side - 1) * self._frame.half
            b, a = np.meshgrid(places, places, indexing="ij")
            points = torch.from_numpy(np.stack([a, b], -1).reshape(-1, 2)).float()
            values, classes = np.empty(side * side, np.float32), np.empty(side * side, np.int8)
            for start in range(0, len(points), self._network.block):
                part = slice(start, start + self._network.block)
                logits = self._network.logits(points[part], clipped=config.clipped)
                values[part], classes[part] = self._climbed(logits), logits.argmax(1).numpy()
                self._count += len(logits)
                yield
            self._frame = dataclasses.replace(
                self._frame,
                level=level,
                values=frozen(values.reshape(side, side)),
                classes=frozen(classes.reshape(side, side)),
                places=frozen(places),
            )

    def _second(self) -> Attack:
        """PGD from a random start, climbing another loss."""
        first, radius = self._inputs.attack, self._radius
        config = AttackConfig(
            norm=first.norm,
            epsilon=radius,
            step_size=max(radius / 10, 1e-6),
            steps=SECOND_STEPS,
            goal=first.goal,
            target=first.target,
            loss=_OTHER_LOSS.get(first.loss, "CrossEntropy"),
            random_start=True,
            clip=first.clip,
            seed=self._config.seed,
        )
        return Attack(config, self._victim, self._images, self._labels)

    def _directions(self, second: Attack) -> Generator[None, None, tuple[Array, str]]:
        """The basis (2, 784), and what its second direction is."""
        if self._config.across == "attack":
            while not second.done:
                second.step()
                yield
            basis = geometry.span(self._first, second.result().flatten().double().numpy())
            if basis is not None:
                return basis, "attack"
        generator = torch.Generator().manual_seed(self._config.seed)
        drawn = self._norm.random((1, 1, 28, 28), max(self._radius, 1.0), generator)
        basis = geometry.span(self._first, drawn.flatten().double().numpy())
        while basis is None:  # a ball of one direction only
            noise = torch.randn(self._first.shape, generator=generator, dtype=torch.float64)
            basis = geometry.span(self._first, noise.numpy())
        return basis, "random"

    def _laid_out(self, basis: Array, across: str) -> PlaneFrame:
        """The plane without values and outlines: its size, and the path on it."""
        config, inputs = self._config, self._inputs
        path, off_plane = geometry.on_plane(inputs.path.reshape(len(inputs.path), -1).astype(float), basis)
        length = math.sqrt(float(self._first @ self._first))
        size = float(self._norm.norm(torch.from_numpy(basis[0]).view(1, 1, 28, 28)))
        reach = self._radius / size if self._norm.convex and size > 0 else 0.0
        half = config.extent * max(reach, length)
        targets = self._goal.targets
        return PlaneFrame(
            config=config,
            level=0,
            levels=len(self._sides),
            values=frozen(np.empty((0, 0), np.float32)),
            classes=frozen(np.empty((0, 0), np.int8)),
            places=frozen(np.empty(0)),
            half=half,
            ball=_NOTHING,
            clipped_ball=_NOTHING,
            box=_NOTHING,
            path=frozen(path),
            off_plane=frozen(off_plane),
            adversarial=(length, 0.0),
            across=across,
            label=inputs.label,
            target=None if targets is None else int(targets),
            digit_class=self._classes[0],
            adversarial_class=self._classes[1],
            norm=inputs.attack.norm.name,
            unit=self._norm.unit,
            radius=self._radius,
            network_id=inputs.snapshot.id,
        )

    def _outlined(self, frame: PlaneFrame, basis: Array) -> Generator[None, None, PlaneFrame]:
        """The plane with the outlines of box and ball."""
        norm, radius, far = self._norm, self._radius, _OPEN * frame.half
        box = frozen(geometry.box_outline(self._flat, basis, frame.half))
        yield
        ball = clipped_ball = _NOTHING
        if norm.convex:
            ball = frozen(geometry.ball_outline(norm, radius, basis, far))
            yield
            if frame.config.clipped:
                clipped_ball = frozen(geometry.clipped_outline(norm, radius, basis, self._flat, far))
                yield
        return dataclasses.replace(frame, ball=ball, clipped_ball=clipped_ball, box=box)

    def _climbed(self, logits: torch.Tensor) -> NDArray[np.float32]:
        """The loss (n,) of answers (n, 10)."""
        labels, targets = self._goal.labels, self._goal.targets
        count = len(logits)
        goal = Goal(labels.expand(count), None if targets is None else targets.expand(count))
        losses: NDArray[np.float32] = self._loss(logits, goal)[0].numpy()
        return losses
