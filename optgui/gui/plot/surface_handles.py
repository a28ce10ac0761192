"""Where a constraint can be taken hold of, and what it becomes when a handle is moved."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from optgui.core.constraints import ConstraintConfig

Point = tuple[float, float]
Change = Callable[[Point], dict[str, Any]]


class Handle(NamedTuple):
    """A place to drag; `change(point)` are the set's parameters with the handle there."""

    name: str  # e.g. "radius" or "vertex 2"
    point: Point
    help: str
    change: Change
    part: str = ""  # of an intersection: which of its sets


def handles(config: ConstraintConfig, near: Point) -> tuple[Handle, ...]:
    """The handles of a constraint; on an endless border the one nearest to `near`."""
    return tuple(_of(config.name, config.values, near))


def moved(config: ConstraintConfig, handle: Handle, to: Point, pixel: float) -> ConstraintConfig | None:
    """The constraint with a handle moved, in numbers no finer than a pixel; None if the set refuses."""
    digits = max(0, -math.floor(math.log10(pixel)))
    values = dict(config.values)
    if handle.part:
        member = values[handle.part]
        values[handle.part] = {"name": member.name, **_changed(member.values, handle.change(to), digits)}
    else:
        values = _changed(values, handle.change(to), digits)
    try:
        return ConstraintConfig.parse({"name": config.name, **values})
    except ValueError:
        return None


def _of(name: str, values: dict[str, Any], near: Point) -> list[Handle]:
    makers = {
        "Ball": _ball,
        "Box": _box,
        "HalfSpace": _half_space,
        "Line": _line,
        "Polygon": _polygon,
        "Simplex": _simplex,
        "Intersection": _intersection,
    }
    return makers[name](values, near) if name in makers else []


def _ball(values: dict[str, Any], near: Point) -> list[Handle]:
    (x, y), radius = values["center"], values["radius"]
    return [
        Handle("center", (x, y), "Drag to move the ball", lambda to: {"center": to}),
        Handle(
            "radius",
            (x + radius, y),
            "Drag to change the radius",
            lambda to: {"radius": math.hypot(to[0] - x, to[1] - y)},
        ),
    ]


def _box(values: dict[str, Any], near: Point) -> list[Handle]:
    (x0, y0), (x1, y1) = values["low"], values["high"]
    middle = (x0 + x1) / 2, (y0 + y1) / 2

    def shifted(to: Point) -> dict[str, Any]:
        dx, dy = to[0] - middle[0], to[1] - middle[1]
        return {"low": (x0 + dx, y0 + dy), "high": (x1 + dx, y1 + dy)}

    def corner(right: bool, top: bool) -> Handle:
        fixed = (x0 if right else x1), (y0 if top else y1)

        def change(to: Point) -> dict[str, Any]:
            low = min(fixed[0], to[0]), min(fixed[1], to[1])
            return {"low": low, "high": (max(fixed[0], to[0]), max(fixed[1], to[1]))}

        name = f"{'upper' if top else 'lower'} {'right' if right else 'left'}"
        return Handle(name, (x1 if right else x0, y1 if top else y0), "Drag to move this corner", change)

    corners = [corner(right, top) for right in (False, True) for top in (False, True)]
    return [Handle("center", middle, "Drag to move the box", shifted), *corners]


def _half_space(values: dict[str, Any], near: Point) -> list[Handle]:
    normal, offset = np.array(values["normal"]), values["offset"]
    foot = np.array(near) + (offset - normal @ near) / (normal @ normal) * normal
    return [
        Handle("offset", _pair(foot), "Drag to move the border", lambda to: {"offset": float(normal @ to)})
    ]


def _line(values: dict[str, Any], near: Point) -> list[Handle]:
    point, direction = np.array(values["point"]), np.array(values["direction"])
    along = direction / np.hypot(*direction)
    across = np.array([-along[1], along[0]])
    foot = point + along * (along @ (near - point))
    return [
        Handle(
            "point",
            _pair(foot),
            "Drag to move the line",
            lambda to: {"point": _pair(point + across * (across @ (to - point)))},
        )
    ]


def _polygon(values: dict[str, Any], near: Point) -> list[Handle]:
    flat = tuple(values["vertices"])

    def vertex(place: int) -> Handle:
        return Handle(
            f"vertex {place + 1}",
            (flat[2 * place], flat[2 * place + 1]),
            "Drag to move this vertex",
            lambda to: {"vertices": (*flat[: 2 * place], *to, *flat[2 * place + 2 :])},
        )

    return [vertex(place) for place in range(len(flat) // 2)]


def _simplex(values: dict[str, Any], near: Point) -> list[Handle]:
    total = values["total"]
    return [
        Handle(
            "total",
            (total / 2, total / 2),
            "Drag to change the sum of the coordinates",
            lambda to: {"total": to[0] + to[1]},
        )
    ]


def _intersection(values: dict[str, Any], near: Point) -> list[Handle]:
    return [
        handle._replace(part=part)
        for part, member in values.items()
        for handle in _of(member.name, member.values, near)
    ]


def _pair(values: Any) -> Point:
    return float(values[0]), float(values[1])


def _changed(values: dict[str, Any], changes: dict[str, Any], digits: int) -> dict[str, Any]:
    """The values with some changed; numbers that stay the same are not rounded."""
    return {**values, **{name: _rounded(new, values[name], digits) for name, new in changes.items()}}


def _rounded(new: Any, old: Any, digits: int) -> Any:
    if isinstance(new, tuple):
        return tuple(_rounded(one, other, digits) for one, other in zip(new, old, strict=True))
    return old if new == old else round(float(new), digits)
