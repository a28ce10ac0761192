"""Places and shares in words."""

from __future__ import annotations

import re
from collections.abc import Iterable

_MINUS = re.compile(r"(?<!\w)-(?=\d)|(?<=\de)-(?=\d)")


def point(at: Iterable[float], *, flat: bool = False) -> str:
    """A place: "(3, −2)", of a function of x alone "3"."""
    x, y = (f"{0.0 if abs(value) < 5e-7 else value:.4g}".replace("-", "−") for value in at)
    return x if flat else f"({x}, {y})"


def minus(text: str) -> str:
    """A text whose numbers have the sign of mathematics: "1e−05", "−2"."""
    return _MINUS.sub("−", text)


def percent(share: float) -> str:
    """A share in whole percent; "< 1 %" and "> 99 %" where rounding would say none or all."""
    if 0 < share < 0.005:
        return "< 1 %"
    if 0.995 <= share < 1:
        return "> 99 %"
    return f"{100 * share:.0f} %"
