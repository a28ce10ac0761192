"""Vectors of a set's description: a tuple of numbers, or one number that stands for every coordinate."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Vector = float | tuple[float, ...]


def plain(value: Any) -> Any:
    """Arrays and tensors as nested lists, anything else as it is."""
    return value.tolist() if hasattr(value, "tolist") else value


def number(field: str, value: Any, *, positive: bool = False) -> float:
    """`value` as a finite float.

    Raises:
        ValueError: if it is not a number, not finite, or not above 0 where it must be.
    """
    found = plain(value)
    good = isinstance(found, (int, float)) and not isinstance(found, bool) and math.isfinite(found)
    if not good or (positive and found <= 0):
        raise ValueError(f"{field}: expected a finite number{' > 0' if positive else ''}, got {value!r}")
    return float(found)


def vector(field: str, value: Any, *, nonzero: bool = False) -> Vector:
    """`value` as a float (the same in every coordinate) or a tuple of floats.

    Raises:
        ValueError: if it is neither, if it is not finite, or if it is 0 where it must not be.
    """
    found = plain(value)
    items = tuple(found) if isinstance(found, Iterable) and not isinstance(found, str) else (found,)
    good = items and all(isinstance(i, (int, float)) and not isinstance(i, bool) for i in items)
    if not good or not all(math.isfinite(item) for item in items):
        raise ValueError(f"{field}: expected a finite number or a tuple of them, got {value!r}")
    if nonzero and not any(items):
        raise ValueError(f"{field}: expected a vector that is not 0, got {value!r}")
    return tuple(float(item) for item in items) if isinstance(found, Iterable) else float(found)


def common_dimension(field: str, *dimensions: int | None) -> int | None:
    """The one dimension that several parts have; None stands for any.

    Raises:
        ValueError: if two parts have different ones.
    """
    known = sorted({dimension for dimension in dimensions if dimension is not None})
    if len(known) > 1:
        raise ValueError(f"{field}: expected parts of one dimension, got {' and '.join(map(str, known))}")
    return known[0] if known else None


def dimension_of(value: Vector) -> int | None:
    """How many coordinates a vector has; None if one number stands for all."""
    return len(value) if isinstance(value, tuple) else None


def array(value: Vector, n: int) -> NDArray[np.float64]:
    """The vector in n dimensions, (n,)."""
    return np.full(n, value) if isinstance(value, float) else np.array(value)


@functools.lru_cache(maxsize=256)  # Dykstra asks for the same few thousands of times
def tensor(value: Any, n: int, device: torch.device) -> torch.Tensor:
    """The vector, or a tuple of rows, as float64 (n,) or (rows, n); shared, so never written to."""
    with torch.inference_mode(False):
        if isinstance(value, float):
            return torch.full((n,), value, dtype=torch.float64, device=device)
        return torch.tensor(value, dtype=torch.float64, device=device)
