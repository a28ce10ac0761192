"""STORY: races that tell the tutorial's story in order. A test holds each text to what its race does."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Chapter:
    """One race to look at.

    `config` is for `DescentConfig.parse`; `text` are two sentences; `overlays` are pictures on the map that
    help to see it.
    """

    name: str
    title: str
    text: str
    config: dict[str, Any]
    overlays: tuple[str, ...] = ()


_BOWL = {"name": "Quadratic", "condition": 10, "angle": 30}


def _race(surface: dict[str, Any], *racers: dict[str, Any], **rest: Any) -> dict[str, Any]:
    """A config of racers given by their optimizers, or by everything that is theirs."""
    listed = [racer if "optimizer" in racer else {"optimizer": racer} for racer in racers]
    return {"surface": surface, "racers": [{"id": n, **racer} for n, racer in enumerate(listed)], **rest}


def _sgd(lr: float, **values: Any) -> dict[str, Any]:
    return {"name": "SGD", "lr": lr, **values}


STORY = (
    Chapter(
        "too_small",
        "A rate too small",
        "With a rate of 0.01 every step goes downhill, but so little that the minimum is still far away "
        "after 100 steps. The largest curvature of this bowl is 10, so rates up to 1/10 never overshoot.",
        _race(_BOWL, _sgd(0.01), steps=100),
    ),
    Chapter(
        "good",
        "A good rate",
        "0.18 is close to the best rate of this bowl, 2 / (1 + 10), and after 40 steps the racer is home. "
        "It jumps across the valley along the steep axis while it walks along the flat one.",
        _race(_BOWL, _sgd(0.18), steps=100),
    ),
    Chapter(
        "too_large",
        "A rate too large",
        "At 0.195 the racer jumps from one side of the valley to the other and loses little height each "
        "time. It still converges, because 0.195 is below the limit 2/10.",
        _race(_BOWL, _sgd(0.195), steps=100),
    ),
    Chapter(
        "divergent",
        "A divergent rate",
        "0.21 is above the limit 2/10: every jump along the steep axis is longer than the last. "
        "The flat axis would still converge, but one direction is enough to lose the race.",
        _race(_BOWL, _sgd(0.21), steps=100),
    ),
    Chapter(
        "two_curvatures",
        "One rate, two curvatures",
        "At the rate 1/10 the first step already reaches the floor along the steep axis, whose curvature is "
        "10. Along the flat axis, of curvature 1, the same rate covers only a tenth of what is left.",
        _race({"name": "Quadratic", "condition": 10, "angle": 0}, _sgd(0.1), steps=60),
        ("curvature",),
    ),
    Chapter(
        "local_minimum",
        "Local and global minimum",
        "Plain descent rolls into the first well and stays, though the one on the left is deeper. "
        "Momentum 0.9 at the same rate carries the second racer over the hill into the global minimum.",
        _race({"name": "DoubleWell"}, _sgd(0.05), _sgd(0.05, momentum=0.9), steps=300),
    ),
    Chapter(
        "ravine",
        "A ravine without momentum",
        "The steep walls forbid rates above 0.02, and at such rates the gentle floor is a long walk. "
        "After 300 steps the racer is still on its way.",
        _race({"name": "Ravine"}, _sgd(0.01), steps=300),
        ("arrows",),
    ),
    Chapter(
        "momentum",
        "A ravine with momentum",
        "Both racers have the same rate; the second keeps 0.9 of its last step, and the small slopes along "
        "the floor add up. It is at the minimum before the first has come half the way.",
        _race({"name": "Ravine"}, _sgd(0.01), _sgd(0.01, momentum=0.9), steps=300),
        ("arrows",),
    ),
    Chapter(
        "average",
        "Momentum as an average",
        "The tutorial's momentum is an average: it takes a tenth of each new gradient, so at the same rate "
        "the second racer is much slower than the first. At ten times the rate the third one takes the "
        "path of the first.",
        _race(
            {"name": "Ravine"},
            _sgd(0.01, momentum=0.9),
            {"name": "Momentum", "lr": 0.01, "momentum": 0.9},
            {"name": "Momentum", "lr": 0.1, "momentum": 0.9},
            steps=300,
        ),
    ),
    Chapter(
        "adagrad",
        "AdaGrad slows down",
        "AdaGrad divides by the root of the sum of all squared gradients, which only grows. "
        "The slope of the floor hardly changes, yet at step 400 a step is about half as long as at step 100.",
        _race({"name": "Ravine"}, {"name": "TextbookAdagrad", "lr": 0.04}, start=[-3.0, -3.0], steps=400),
        ("moments",),
    ),
    Chapter(
        "rmsprop",
        "RMSprop forgets",
        "RMSprop divides by a running mean instead of a sum: old gradients fade, and its steps stay long "
        "while AdaGrad's shrink. But it never comes to rest: at the minimum it keeps jumping by about its "
        "rate.",
        _race(
            {"name": "Ravine"},
            {"name": "TextbookAdagrad", "lr": 0.02},
            {"name": "TextbookRMSprop", "lr": 0.02, "rho": 0.9},
            start=[-3.0, -3.0],
            steps=400,
        ),
        ("moments",),
    ),
    Chapter(
        "saddle",
        "Adam leaves the saddle",
        "The start lies a millionth beside the ridge, so plain descent runs to the saddle point and creeps "
        "there. Adam divides each coordinate by its own scale: a tiny slope counts as much as a steep one.",
        _race(
            {"name": "Saddle"},
            _sgd(0.05),
            {"name": "Adam", "lr": 0.05},
            start=[1.5, 1e-6],
            steps=150,
        ),
        ("moments",),
    ),
    Chapter(
        "newton",
        "Newton is drawn to the saddle",
        "Newton's step goes to where the quadratic model is level, and here that is the saddle point: it "
        "arrives in one step and stays. Plain descent passes by and goes on downhill.",
        _race({"name": "Saddle"}, {"name": "Newton", "lr": 1.0}, _sgd(0.1), steps=80),
        ("taylor2",),
    ),
    Chapter(
        "noise",
        "Noise and its ball",
        "With noisy gradients no constant rate comes to rest: each racer ends up in a ball around the "
        "minimum. A tenth of the rate arrives later and wanders in a ball about a third as wide.",
        _race(
            _BOWL,
            _sgd(0.15),
            _sgd(0.015),
            noise={"name": "Gaussian", "sigma": 0.5},
            steps=1000,
        ),
        ("noise",),
    ),
    Chapter(
        "schedule",
        "A schedule ends the noise",
        "Both racers begin at the same rate under the same noise; the second lowers its rate along a cosine. "
        "It comes down as fast as the first, and then its ball shrinks with the rate.",
        _race(
            _BOWL,
            _sgd(0.15),
            {"optimizer": _sgd(0.15), "scheduler": {"name": "CosineAnnealingLR", "T_max": 1000}},
            noise={"name": "Gaussian", "sigma": 0.5},
            steps=1000,
        ),
        ("noise",),
    ),
    Chapter(
        "projection",
        "Projection onto a ball",
        "Every step is followed by the nearest point of the ball: the racer meets the rim and slides along "
        "it to the lowest point it may reach. There the negative gradient points straight out of the ball.",
        _race(
            _BOWL,
            _sgd(0.05),
            constraint={"name": "Ball", "center": [-1.5, 1.0], "radius": 1.0},
            start=[-2.5, 1.0],
            steps=60,
        ),
        ("projection", "normals"),
    ),
)
