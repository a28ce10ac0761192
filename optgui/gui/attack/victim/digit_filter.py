"""Which test digits a person wants to see, and in which order."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

ALL, RIGHT, WRONG = "all", "right", "wrong"
BY_INDEX, LEAST_SURE, MOST_SURE = "index", "least sure", "most sure"


@dataclasses.dataclass(frozen=True)
class Judgement:
    """What a network reads in each test digit: classes (n,), and, if known, how sure it is (n,) in [0, 1]."""

    predictions: NDArray[Any]
    confidences: NDArray[Any] | None = None


@dataclasses.dataclass(frozen=True)
class DigitFilter:
    """A class (-1 for all), what was typed as index or range, right or wrong, and the order."""

    label: int = -1
    search: str = ""
    judged: str = ALL
    order: str = BY_INDEX

    def places(self, labels: NDArray[Any], judgement: Judgement | None) -> NDArray[np.int64]:
        """The indices of the digits that pass, in order; `labels` (n,) are the true classes.

        Without a judgement, right or wrong and the order by confidence do nothing.

        Raises:
            ValueError: if the search is neither an index nor a range.
        """
        first, last = parse_range(self.search, len(labels))
        wanted = np.zeros(len(labels), bool)
        wanted[first : last + 1] = True
        if self.label >= 0:
            wanted &= labels == self.label
        if judgement is not None and self.judged != ALL:
            wanted &= (judgement.predictions == labels) == (self.judged == RIGHT)
        places = np.flatnonzero(wanted).astype(np.int64)
        if judgement is not None and judgement.confidences is not None and self.order != BY_INDEX:
            sure = judgement.confidences[places]
            places = places[np.argsort(sure if self.order == LEAST_SURE else -sure, kind="stable")]
        return places


def parse_range(text: str, count: int) -> tuple[int, int]:
    """The first and last index of "120" or "100-200", of `count` digits; all of them for nothing.

    Raises:
        ValueError: if it is neither, or lies beyond the last digit.
    """
    found = re.fullmatch(r"\s*(\d[\d,]*)\s*(?:[-–]\s*(\d[\d,]*)\s*)?", text)
    if not text.strip():
        return 0, count - 1
    first, last = (int((part or found[1]).replace(",", "")) for part in found.groups()) if found else (1, 0)
    if first > last or first >= count:
        raise ValueError(
            f"Expected an index from 0 to {count - 1:,} or a range like 100-200, got “{text.strip()}”."
        )
    return first, min(last, count - 1)
