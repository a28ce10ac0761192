"""SURFACES: functions of two variables to descend on, simple ones first.

A new surface is one more entry of `shapes`, `classics`, `multimodal`, `curves` or `data` and no other edit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import field_validator

from optgui.core.params import Config, param
from optgui.core.registry import Registry
from optgui.core.surface.classics import CLASSICS
from optgui.core.surface.curves import CURVES
from optgui.core.surface.data import REGRESSIONS
from optgui.core.surface.entry import Action, Domain, Point, Surface
from optgui.core.surface.expression import parse
from optgui.core.surface.linear_program import LINEAR_PROGRAM
from optgui.core.surface.multimodal import MULTIMODAL
from optgui.core.surface.shapes import SHAPES
from optgui.core.surface.svm import SVM

__all__ = ["SURFACES", "Action", "Domain", "FormulaParams", "Point", "Surface"]


class FormulaParams(Config):
    """Parameters of the typed surface."""

    text: str = param(
        "x**2 + 10*sin(y)",
        title="f(x, y)",
        help="A formula in x and y such as x^2 + 10*sin(y). Powers are ** or ^; abs, min, max, exp, log, "
        "sqrt, sin, cos, tan, tanh and more are known, and pi and e.",
        history=True,
    )

    @field_validator("text")
    @classmethod
    def _must_be_a_formula(cls, text: str) -> str:
        parse(text)
        return text


def _formula(xy: torch.Tensor, values: Mapping[str, Any]) -> torch.Tensor:
    return parse(values["text"])(*xy.unbind(-1))


SURFACES: Registry[Surface] = Registry(
    *SHAPES,
    *CLASSICS,
    *MULTIMODAL,
    *CURVES,
    *REGRESSIONS,
    SVM,
    LINEAR_PROGRAM,
    Surface(
        name="Formula",
        label="Your own formula",
        params=FormulaParams,
        help="A surface that you type. Its minima are not known here: find them.",
        formula="the text you type",
        reference="Your own; its gradient is torch's, exact to rounding.",
        function=_formula,
        domain=((-5.0, 5.0), (-5.0, 5.0)),
        minima=(),
        start=(4.0, 1.0),  # both positive, so that logarithms and roots have a value
        log_levels=None,
    ),
)
