"""The axes of a curve with a few round numbers, and how numbers are written everywhere in it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pyqtgraph as pg
from PySide6.QtCore import QRectF

_FINE = ((1, 2, 5), (1, 3))  # what a power of ten is multiplied by where there is room


class CurveAxis(pg.AxisItem):
    """A few round numbers, each with its grid line; with `decades` the range is in powers of ten."""

    def __init__(self, orientation: str, letters: int) -> None:
        super().__init__(orientation)
        self.decades = False
        self.letters = letters  # of the longest number written in full
        self.room = 50.0  # px from one number to the next
        self.enableAutoSIPrefix(False)
        self.setGrid(255)
        self.setStyle(tickLength=0, tickAlpha=255, autoExpandTextSpace=False, autoReduceTextSpace=False)

    def boundingRect(self) -> QRectF:
        """Room for the numbers at both ends, which stand half outside."""
        return super().boundingRect().adjusted(-24, -12, 24, 12)

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        """One level of ticks, no closer than `room` where there is room for two."""
        low, high, most = min(minVal, maxVal), max(minVal, maxVal), max(2.0, size / self.room)
        if not self.decades:
            return [_two_or_more(low, high, most)]
        step = math.ceil((high - low) / most)
        for mantissas in (_FINE if step == 1 else ()) + ((1,),):
            marks = _decades(low, high, step, mantissas)
            if len(mantissas) * (high - low) / step <= 1.3 * most and len(marks) >= 2:
                return [(1.0, marks)]
        closer = [(narrow, (1,)) for narrow in range(step - 1, 0, -1)]
        for narrow, mantissas in (*closer, *((1, fine) for fine in reversed(_FINE))):
            if len(marks := _decades(low, high, narrow, mantissas)) >= 2:
                return [(1.0, marks)]
        spacing, values = _two_or_more(10**low, 10**high, most)
        return [(spacing, [math.log10(value) for value in values if value > 0])]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        """Plain numbers as long as they are short, else with an exponent."""
        if self.decades:
            powers = (10**value for value in values)
            return [f"{p:,.10g}" if 1e-4 < p < 1e6 else _exponent(f"{p:.3g}") for p in powers]
        digits = max(0, -math.floor(math.log10(spacing) + 1e-9))
        texts = [f"{value:,.{digits}f}".replace("-", "−") for value in values]
        if max(map(len, texts), default=0) <= self.letters:
            return texts
        return [_exponent(f"{value:.3g}") if abs(value) > spacing * 1e-6 else "0" for value in values]


def short(value: float, digits: int = 4) -> str:
    """A number with four significant digits, or as many as wanted: 0.5000, 12,340, 1.234e−5."""
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    if 10**digits <= abs(value) < 1e7:
        return f"{float(f'{value:.{digits}g}'):,.0f}".replace("-", "−")
    text = f"{value:#.{digits}g}".rstrip(".").replace(".e", "e")
    if 1e4 <= abs(value) < 10**digits:
        whole, _, rest = text.partition(".")
        text = f"{int(whole):,}{'.' if rest else ''}{rest}"
    return _exponent(text)


def readable(value: float) -> str:
    """A number with six significant digits."""
    return short(value, 6)


def exact(value: float) -> str:
    """A number with every digit."""
    return _exponent(repr(float(value))) if math.isfinite(value) else short(value)


def short_x(x: float) -> str:
    """A place on the x axis: whole ones in full, others with four significant digits."""
    return f"{x:,.0f}".replace("-", "−") if x == round(x) else short(x)


def _exponent(text: str) -> str:
    mantissa, _, exponent = text.partition("e")
    return (mantissa + (f"e{int(exponent)}" if exponent else "")).replace("-", "−")


def _decades(low: float, high: float, step: int, mantissas: tuple[int, ...]) -> list[float]:
    """Places between two powers of ten: every `step`-th whole one, times each of the mantissas."""
    powers = range(math.floor(low), math.ceil(high) + 1)
    marks = [power + math.log10(m) for power in powers if power % step == 0 for m in mantissas]
    return [mark for mark in marks if low <= mark <= high]


def _two_or_more(low: float, high: float, most: float) -> tuple[float, list[float]]:
    """Round steps, closer together where there were fewer than two."""
    for share in (1, 2, 4):
        spacing, values = _round_steps(low, high, share * most)
        if len(values) >= 2:
            break
    return spacing, values


def _round_steps(low: float, high: float, most: float) -> tuple[float, list[float]]:
    """Multiples of 1, 2 or 5 times a power of ten between two numbers, about `most` of them at the most."""
    rough = (high - low) / most
    if not (math.isfinite(rough) and rough > 0):
        return 1.0, []
    power = 10.0 ** math.floor(math.log10(rough))
    spacing = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first = math.ceil(low / spacing - 1e-9)
    return spacing, [spacing * k for k in range(first, math.floor(high / spacing + 1e-9) + 1)]
