"""OVERLAYS: what can be shown on top of the map, and the marks of each at one step of a race."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optgui.core.curvature import Curvature
from optgui.gui.plot.surface_marks import Arrow, Marks, Note, Oval, Point, Symbol

Array = NDArray[np.float64]
READABLE = 12  # pixels that the longest update has at least
MOST_TIMES = 1000  # how much arrows are lengthened at most
MOMENT_PIXELS = 40  # the longer half axis of a second-moment ellipse
CURVATURE_PIXELS = 30
NORMAL_PIXELS = 70  # the negative gradient of the optimality picture


class Overlay(NamedTuple):
    """Something that can be shown on top of the map."""

    name: str
    label: str
    help: str
    on_by_default: bool = False


OVERLAYS = (
    Overlay("ahead", "Path ahead", "What is computed and not played yet, as thin lines.", True),
    Overlay(
        "arrows",
        "Step arrows",
        "At each head: the gradient and the momentum times the learning rate, and the update that follows.",
    ),
    Overlay(
        "moments",
        "Second moments",
        "At each head: half axes proportional to learning rate / scale, what an adaptive rule allows each "
        "coordinate.",
    ),
    Overlay(
        "curvature",
        "Curvature",
        "At each head: the Hessian's ellipse, long where the surface is flat.",
    ),
    Overlay(
        "projection",
        "Projection",
        "The last step as two arrows: where it led, and from there back to the feasible set.",
        True,
    ),
    Overlay(
        "normals",
        "Normals and multipliers",
        "On the border: the negative gradient and the active normals times their multipliers. They balance "
        "at a constrained minimum.",
    ),
    Overlay(
        "taylor1",
        "Taylor model, order 1",
        "Contours of the linear model at one racer's head, at the heights of the surface's own.",
    ),
    Overlay(
        "taylor2",
        "Taylor model, order 2",
        "Contours of the quadratic model at one racer's head, at the heights of the surface's own.",
    ),
    Overlay("noise", "Noise ball", "Where a noisy racer is predicted to wander in the end.", True),
    Overlay("stationary", "Stationary points", "Minima, maxima, saddles and flat points found so far.", True),
)

_WORDS = {
    "gradient": "−lr · gradient given",
    "momentum": "−lr · momentum",
    "update": "next update",
    "raw": "step before the projection",
    "projection": "projection",
    "descent": "−∇f",
    "normal": "multiplier · normal",
    "rest": "what is not balanced",
    "moments": "lr / scale",
    "curvature": "Hessian ellipse",
    "noise": "predicted noise",
    "taylor1": "Taylor, order 1",
    "taylor2": "Taylor, order 2",
}
_STATIONARY_WORDS = ("minimum", "maximum", "saddle", "flat direction")


@dataclasses.dataclass(frozen=True)
class Moment:
    """What overlays are made of: a frame, the step, the places of the racers shown, the one in focus.

    `pixel` is the size of a pixel in data units.
    """

    frame: Any
    step: int
    places: tuple[int, ...]
    focus: int | None
    pixel: float

    def head(self, place: int) -> Array:
        """Where a racer stands, (2,)."""
        return np.asarray(self.frame.paths[place, self.step])

    def field(self, name: str, place: int) -> Array | None:
        """A racer's value of a field of the frame at the step; None where it has none."""
        values = getattr(self.frame, name, None)
        if values is None or not np.isfinite(values[place, self.step]).all():
            return None
        return np.asarray(values[place, self.step])

    def moves(self, place: int) -> bool:
        """Whether a racer still stands among finite numbers."""
        stop = self.frame.diverged[place]
        return stop is None or self.step < stop


def marks(
    moment: Moment | None,
    on: Collection[str],
    balls: Sequence[Oval] = (),
    stationary: Sequence[Curvature] = (),
) -> Marks:
    """What the overlays whose names are `on` show; `moment` is None before there is a race."""
    arrows: list[Arrow] = []
    ovals: list[Oval] = []
    notes: list[Note] = []
    words = dict(_WORDS)
    if moment is not None:
        if "arrows" in on:
            times = lengthening(moment)
            arrows += step_arrows(moment, times)
            if times > 1:
                for kind in ("gradient", "momentum", "update"):
                    words[kind] += f" ×{times}"
        for name, make in _OVALS.items():
            if name in on:
                ovals += make(moment)
        if "projection" in on:
            arrows += projections(moment)
        if "normals" in on and moment.focus is not None:
            more, labels = normals(moment, moment.focus)
            arrows, notes = arrows + more, notes + labels
    if "noise" in on:
        ovals += balls
    symbols = [Symbol(at.kind, _pair(at.point)) for at in stationary if at.kind in _STATIONARY_WORDS]
    symbols = symbols if "stationary" in on else []
    present = {arrow.kind for arrow in arrows} | {oval.kind for oval in ovals}
    if moment is not None and moment.focus is not None:
        present |= {"taylor1", "taylor2"} & set(on)
    legend = [(kind, text) for kind, text in words.items() if kind in present]
    seen = {symbol.kind for symbol in symbols}
    legend += [(kind, kind) for kind in _STATIONARY_WORDS if kind in seen]
    return Marks(tuple(arrows), tuple(ovals), tuple(notes), tuple(symbols), tuple(legend))


def lengthening(moment: Moment) -> int:
    """The power of ten that makes the longest update readable; 1 where it is by itself."""
    updates = [_update(moment, place) for place in moment.places]
    longest = max((float(np.hypot(*update)) for update in updates if update is not None), default=0.0)
    if not longest > 0:
        return 1
    wanted = float(np.clip(READABLE * moment.pixel / max(longest, 1e-300), 1, MOST_TIMES))
    return int(10 ** math.ceil(math.log10(wanted)))


def step_arrows(moment: Moment, times: int) -> list[Arrow]:
    """At each head, `times` as long as they are: lr times the gradient given and the momentum, the update."""
    found = []
    for place in moment.places:
        if not moment.moves(place):
            continue
        head, rate = moment.head(place), moment.field("lrs", place)
        given, momentum = moment.field("given", place), moment.field("momenta", place)
        moves = {
            "gradient": None if rate is None or given is None else -rate * given,
            "momentum": None if rate is None or momentum is None else -rate * momentum,
            "update": _update(moment, place),
        }
        for kind, move in moves.items():
            if move is not None and move.any():
                found.append(_arrow(kind, moment, place, head, head + times * move))
    return found


def moment_ovals(moment: Moment) -> list[Oval]:
    """At each head: half axes proportional to lr / scale."""
    found = []
    for place in moment.places:
        scale = moment.field("scales", place)
        if scale is None or not (scale > 0).all() or not moment.moves(place):
            continue
        shares = scale.min() / scale  # the rate is the same in both
        axes = shares * MOMENT_PIXELS * moment.pixel
        found.append(Oval("moments", moment.frame.ids[place], _pair(moment.head(place)), _pair(axes), 0.0))
    return found


def curvature_ovals(moment: Moment) -> list[Oval]:
    """At each head: the ellipse of the Hessian."""
    places = [place for place in moment.places if moment.moves(place)]
    if not places:
        return []
    found = moment.frame.config.surface.curvatures([moment.head(place) for place in places])
    ovals = []
    for place, at in zip(places, found, strict=True):
        if at.kind != "not finite":
            axes, angle = at.ellipse(CURVATURE_PIXELS * moment.pixel)
            ovals.append(Oval("curvature", moment.frame.ids[place], _pair(at.point), axes, angle))
    return ovals


def projections(moment: Moment) -> list[Arrow]:
    """The last step of each racer that the feasible set has bent: before the projection, then it."""
    found = []
    for place in moment.places:
        raw = moment.field("raw", place)
        if raw is None or moment.step == 0 or not moment.moves(place):
            continue
        head, before = moment.head(place), moment.frame.paths[place, moment.step - 1]
        if np.hypot(*(raw - head)) > 1e-9 * max(1.0, float(np.hypot(*raw))):
            found.append(_arrow("raw", moment, place, before, raw))
            found.append(_arrow("projection", moment, place, raw, head))
    return found


def normals(moment: Moment, place: int) -> tuple[list[Arrow], list[Note]]:
    """The negative gradient as multipliers times normals, and what of it is not balanced.

    Source: S. Boyd, L. Vandenberghe, "Convex Optimization", Cambridge University Press, 2004, section 5.5.3.
    """
    gradient = moment.field("gradients", place)
    if gradient is None or not moment.moves(place) or not gradient.any():
        return [], []
    head = moment.head(place)
    try:
        found = moment.frame.config.feasible().multipliers(head, gradient)
    except ValueError:  # a start that is not in the set
        return [], []
    if not len(found.values):
        return [], []
    unit = NORMAL_PIXELS * moment.pixel / float(np.hypot(*gradient))
    tips = [head + value * normal * unit for value, normal in zip(found.values, found.normals, strict=True)]
    goal, sum_ = head - gradient * unit, head + found.values @ found.normals * unit
    arrows = [_arrow("descent", moment, place, head, goal)]
    notes = []
    active = [number for number, value in enumerate(found.values) if value > 0]
    for number in active:
        arrows.append(_arrow("normal", moment, place, head, tips[number]))
        notes.append(Note(f"μ = {found.values[number]:.3g}", _pair(tips[number]), "error"))
    if not active:
        notes.append(Note("μ = 0", _pair(head), "error"))
    if len(active) == 2:
        arrows += [_arrow("side", moment, place, tips[number], sum_) for number in active]
    if found.residual > 1e-3 * float(np.hypot(*gradient)):
        arrows.append(_arrow("rest", moment, place, sum_, goal))
    return arrows, notes


_OVALS: dict[str, Callable[[Moment], list[Oval]]] = {
    "moments": moment_ovals,
    "curvature": curvature_ovals,
}


def _update(moment: Moment, place: int) -> Array | None:
    """What the next step adds, (2,); None if it is not computed yet or leads out of the numbers."""
    stop = moment.frame.diverged[place]
    if moment.step >= moment.frame.step or (stop is not None and moment.step + 1 >= stop):
        return None
    paths = moment.frame.paths[place]
    return np.asarray(paths[moment.step + 1] - paths[moment.step])


def _arrow(kind: str, moment: Moment, place: int, tail: Array, tip: Array) -> Arrow:
    return Arrow(kind, moment.frame.ids[place], _pair(tail), _pair(tip))


def _pair(values: Any) -> Point:
    return float(values[0]), float(values[1])
