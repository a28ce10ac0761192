"""NORMS: how the size of a perturbation is measured, and what follows from it."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import ClassVar

from optgui.core.attack.norms.base import Norm, NormEntry, per_image
from optgui.core.attack.norms.dense import L2, Linf
from optgui.core.attack.norms.directions import HalfSpace, Subspace
from optgui.core.attack.norms.sparse import L0, L1
from optgui.core.params import Config, EntryConfig, param
from optgui.core.registry import Registry

__all__ = ["NORMS", "Norm", "NormConfig", "NormEntry", "norm_of", "per_image"]


class L1Params(Config):
    """Of L1."""

    share: float = param(
        0.05,
        title="Share moved",
        help="The share of the pixels that one step moves: those with the largest gradients.",
        above=0,
        high=1,
        scale="log",
        slider=(0.001, 1),
    )


class SubspaceParams(Config):
    """Of the subspace."""

    frequencies: int = param(
        8,
        title="Frequencies",
        help="How many cosines along each side: few give smooth shadows, 28 allow every change.",
        low=1,
        high=28,
    )


NORMS: Registry[NormEntry] = Registry(
    NormEntry(
        "L2",
        "L2 (Euclidean)",
        help="The length of the whole change: a few pixels a lot or many a little.",
        formula="‖δ‖₂ = (Σ δᵢ²)^½",
        make=lambda values: L2(),
    ),
    NormEntry(
        "Linf",
        "L∞ (largest pixel)",
        help="The largest change of any pixel: every pixel may change that much.",
        formula="‖δ‖∞ = max |δᵢ|",
        make=lambda values: Linf(),
    ),
    NormEntry(
        "L1",
        "L1 (sum of changes)",
        params=L1Params,
        help="The changes of all pixels added up: a few strong strokes cost as much as a faint haze.",
        formula="‖δ‖₁ = Σ |δᵢ|",
        reference="J. Duchi et al., Efficient projections onto the l1-ball for learning in high dimensions, "
        "ICML 2008; F. Tramèr and D. Boneh, Adversarial training and robustness for multiple perturbations, "
        "NeurIPS 2019",
        make=lambda values: L1(values.share),
    ),
    NormEntry(
        "L0",
        "L0 (number of pixels)",
        help="How many pixels change; each of them as much as it likes.",
        formula="‖δ‖₀ = #{i : δᵢ ≠ 0}",
        reference="F. Croce and M. Hein, Sparse and imperceivable adversarial attacks, ICCV 2019",
        make=lambda values: L0(),
    ),
    NormEntry(
        "Subspace",
        "L2 of smooth changes",
        params=SubspaceParams,
        help="Only smooth changes, sums of the lowest cosines of the image, measured by their length.",
        formula="δ = Σ_{p,q<k} c_pq cos(π p (i+½)/28) cos(π q (j+½)/28), ‖δ‖₂ ≤ ε",
        reference="C. Guo, J. Frank, K. Weinberger, Low frequency adversarial perturbation, UAI 2019",
        make=lambda values: Subspace(values.frequencies),
    ),
    NormEntry(
        "HalfSpace",
        "Half-space (ink added)",
        help="How much brightness is added in all; what is taken away elsewhere is given back. Any change "
        "that adds none is allowed, so keep the clip to [0, 1].",
        formula="⟨a, δ⟩ = Σ δᵢ / 28 ≤ ε; Π(δ) = δ − max(0, ⟨a, δ⟩ − ε) a",
        reference="S. Boyd, L. Vandenberghe, Convex optimization, Cambridge 2004, section 8.1",
        make=lambda values: HalfSpace(),
    ),
)


class NormConfig(EntryConfig):
    """A norm of NORMS with its parameters."""

    registry: ClassVar[Registry[NormEntry]] = NORMS

    name: str = "L2"


def norm_of(config: NormConfig | str) -> Norm:
    """The norm that `config` describes, or the one of this name with its default parameters."""
    if isinstance(config, str):
        config = NormConfig.parse(config)
    return _made(config.name, tuple(config.values.items()))


@functools.cache
def _made(name: str, values: tuple[tuple[str, object], ...]) -> Norm:
    return NORMS[name].make(SimpleNamespace(**dict(values)))
