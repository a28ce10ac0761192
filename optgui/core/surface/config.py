"""What can be set about a descent: the surface, the start and the racers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from numpy.typing import ArrayLike
from pydantic import field_validator, model_validator

from optgui.core.constraints import ConstraintConfig, ConvexSet, Intersection
from optgui.core.curvature import Curvature, curvature_at, curvatures_at
from optgui.core.params import Config, EntryConfig, param
from optgui.core.registry import Registry
from optgui.core.surface.noise import NoiseConfig
from optgui.core.surface.optimizers import DescentOptimizer
from optgui.core.surface.problems import SURFACES, Point, Surface
from optgui.core.surface.schedules import RaceSchedulerConfig

MOST_RACERS = 24


class SurfaceConfig(EntryConfig):
    """A surface and its parameters: `{"name": "Quadratic", "condition": 100, "angle": 30}`.

    `{"name": "Formula", "text": "x**2 + 10*sin(y)"}` is a surface of one's own.
    """

    registry: ClassVar[Registry[Surface]] = SURFACES

    @property
    def entry(self) -> Surface:
        """The surface in the registry, with its domain, minima and words."""
        return SURFACES[self.name]

    @property
    def formula(self) -> str:
        """The formula to show: the surface's own, or the one that was typed."""
        return str(self.values.get("text", self.entry.formula))

    def evaluate(self, xy: torch.Tensor) -> torch.Tensor:
        """Value at each point with these parameters: (..., 2) to (...)."""
        return self.entry(xy, self.values)

    @property
    def minima(self) -> tuple[Point, ...]:
        """All known global minima in the domain, with these parameters."""
        return self.entry.find_minima(self.values) if self.entry.find_minima else self.entry.minima

    @property
    def local_minima(self) -> tuple[Point, ...]:
        """All other known minima."""
        return self.entry.local_minima

    def feasible(self) -> ConvexSet | None:
        """The convex set that the problem itself brings along, None if it has none."""
        return self.entry.feasible(self.values) if self.entry.feasible else None

    def curvature(self, x: float, y: float) -> Curvature:
        """Value, gradient, Hessian and kind of one point; about half a millisecond."""
        return curvature_at(self.evaluate, (x, y))

    def curvatures(self, points: ArrayLike) -> tuple[Curvature, ...]:
        """`curvature` of points (n, 2) in one batch."""
        return curvatures_at(self.evaluate, points)

    def value(self, x: float, y: float) -> float:
        """The value at one point."""
        return float(self.evaluate(torch.tensor((x, y), dtype=torch.float64)))


class RacerConfig(Config):
    """One racer. Colour and names follow its `id`, which it keeps when others are added or removed."""

    id: int = param(
        0, title="Id", help="Stays with the racer wherever it stands in the list.", low=0, rare=True
    )
    optimizer: DescentOptimizer = param(
        DescentOptimizer.parse({"name": "SGD", "lr": 0.001}),
        title="Optimizer",
        help="How the racer turns gradients into steps.",
    )
    scheduler: RaceSchedulerConfig = param(
        RaceSchedulerConfig(name="None"),
        title="Schedule",
        help="A factor on the racer's learning rate, step by step.",
        rare=True,
    )
    visible: bool = param(True, title="Visible", help="Whether the racer's path is drawn.", live=True)


# Chosen for Rosenbrock from (-1.2, 1): after 500 steps plain descent is still on the far side (loss 2.3),
# momentum at the same rate is nearly home (0.002) and Adam is between them (0.15).
_RACE = (
    {"id": 0, "optimizer": {"name": "SGD", "lr": 0.001}},
    {"id": 1, "optimizer": {"name": "SGD", "lr": 0.001, "momentum": 0.9}},
    {"id": 2, "optimizer": {"name": "Adam", "lr": 0.05}},
)


class DescentConfig(Config):
    """A race: several optimizers from one start on one surface.

    A config without `start` starts where its surface suggests. Racers without an id, or with one that an
    earlier racer has, get one: their place where it is free, else the smallest free one.
    """

    surface: SurfaceConfig = param(
        SurfaceConfig(name="Rosenbrock"), title="Surface", help="The function to descend on."
    )
    start: tuple[float, float] = param(
        SURFACES["Rosenbrock"].start,
        title="Start",
        help="Where all racers begin, x and y. Drag the ring in the picture.",
        low=-1e6,
        high=1e6,
    )
    constraint: ConstraintConfig = param(
        ConstraintConfig(name="None"),
        title="Constraint",
        help="A convex set that no racer leaves: each step is followed by the projection onto it.",
    )
    steps: int = param(
        500,
        title="Steps",
        help="How many steps each racer takes. Raise it to go on after the end.",
        low=1,
        high=100_000,
        unit="steps",
        scale="log",
        slider=(10, 10_000),
        live=True,
    )
    noise: NoiseConfig = param(
        NoiseConfig(name="None"),
        title="Noise",
        help="What the gradient that each racer is given differs by from the exact one.",
    )
    seed: int = param(
        0, title="Seed", help="Of the noise; the same seed repeats the race.", low=0, high=2**31, rare=True
    )
    racers: tuple[RacerConfig, ...] = param(
        tuple(RacerConfig.parse(racer) for racer in _RACE),
        title="Racers",
        help="The optimizers that race, each with its own hyperparameters.",
        low=1,
        high=MOST_RACERS,
    )

    def feasible(self) -> ConvexSet:
        """Where racers may be: the constraint, and the set that the problem brings along."""
        own = self.surface.feasible()
        if own is None:
            return self.constraint.make()
        return own if self.constraint.name == "None" else Intersection((own, self.constraint.make()))

    @model_validator(mode="before")
    @classmethod
    def _start_where_the_surface_suggests(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or data.get("start") is not None:
            return data
        surface = data.get("surface", "Rosenbrock")
        if isinstance(surface, Mapping):
            surface = surface.get("name", next(iter(SURFACES)))
        name = surface.name if isinstance(surface, SurfaceConfig) else surface
        rest = {key: value for key, value in data.items() if key != "start"}
        if not isinstance(name, str) or name not in SURFACES:
            return rest  # the surface itself will be refused, with its own sentence
        return {**rest, "start": SURFACES[name].start}

    @field_validator("racers", mode="after")
    @classmethod
    def _number_the_racers(cls, racers: tuple[RacerConfig, ...]) -> tuple[RacerConfig, ...]:
        if not 1 <= len(racers) <= MOST_RACERS:
            raise ValueError(f"expected 1 to {MOST_RACERS} racers, got {len(racers)}")
        ids: list[int | None] = []
        for racer in racers:
            free = "id" in racer.model_fields_set and racer.id not in ids
            ids.append(racer.id if free else None)
        taken = set(ids)
        for place, given in enumerate(ids):
            if given is None:
                candidates = (place, *range(len(racers)))
                ids[place] = next(number for number in candidates if number not in taken)
                taken.add(ids[place])
        return tuple(
            racer
            if racer.id == number and "id" in racer.model_fields_set
            else racer.model_copy(update={"id": number})
            for racer, number in zip(racers, ids, strict=True)
        )
