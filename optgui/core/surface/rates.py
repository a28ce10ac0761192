"""The ruler of learning rates: what a rate does on a quadratic, read from the Hessian's eigenvalues.

On f(x) = ½ x'Hx gradient descent with momentum treats every eigenvector of H alone, so one step is a
2 x 2 matrix for each eigenvalue λ and the largest |eigenvalue| of these matrices, the spectral radius ρ,
is the factor by which the distance to the minimum shrinks a step in the long run.

Sources: B. T. Polyak, Some methods of speeding up the convergence of iteration methods, 1964;
Y. Nesterov, Introductory Lectures on Convex Optimization, 2004, theorem 2.1.15; Y. LeCun, L. Bottou,
G. B. Orr and K.-R. Müller, Efficient BackProp, 1998; J. Cohen, S. Kaur, Y. Li, J. Z. Kolter and
A. Talwalkar, Gradient Descent on Neural Networks Typically Occurs at the Edge of Stability, ICLR 2021.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optgui.core.snapshot import frozen

if TYPE_CHECKING:
    from optgui.core.optimizers import OptimizerConfig

Array = NDArray[np.float64]

_FLAT = 1e-12  # an eigenvalue this small beside the largest is zero but for rounding
_AT_LIMIT = 1e-9


class Form(enum.Enum):
    """How momentum β (v the velocity, g the gradient, x the point) enters the step."""

    HEAVY_BALL = "v = β v + g;  x −= lr v"  # torch's SGD
    NESTEROV = "v = β v + g;  x −= lr (g + β v)"  # torch's SGD, nesterov=True
    AVERAGE = "v = β v + (1 − β) g;  x −= lr v"  # the textbook's


@dataclasses.dataclass(frozen=True)
class Update:
    """An optimizer that is linear on a quadratic: one form of momentum.

    `dampening` d makes torch's velocity v = β v + (1 − d) g (the first step still takes g whole, which no
    limit depends on); without momentum torch ignores it. `weight_decay` adds to every eigenvalue.

    Raises:
        ValueError: if the momentum is not in [0, 1).
    """

    beta: float = 0.0
    form: Form = Form.HEAVY_BALL
    dampening: float = 0.0
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.beta < 1:
            raise ValueError(f"momentum: expected a number >= 0 and < 1, got {self.beta}")

    @property
    def weight(self) -> float:
        """What a new gradient adds to the velocity."""
        return float(_shares(np.float64(self.beta), self.form, self.dampening)[2])

    def radius(self, lr: ArrayLike, eigenvalue: ArrayLike) -> Array:
        """ρ of one coordinate, shapes broadcast; `eigenvalue` already has the weight decay in it."""
        return _radius(np.multiply(lr, eigenvalue), np.float64(self.beta), self.form, self.dampening)

    @property
    def limit_formula(self) -> tuple[str, str]:
        """Numerator and denominator of the limit, without λ."""
        if self.beta == 0:
            return "2", ""
        if self.form is Form.NESTEROV:
            return "2 (1 + β)", "(1 + 2 β) "
        weight = {True: "(1 − β) ", False: "(1 − d) " if self.dampening else ""}[self.form is Form.AVERAGE]
        return "2 (1 + β)", weight


class Mark(NamedTuple):
    """One mark on the ruler."""

    value: float
    label: str
    help: str
    formula: str


@dataclasses.dataclass(frozen=True)
class Regime:
    """What a rate does here.

    `rate` is ρ, the factor of the distance per step in the long run (nan without a theory); `escape` is
    the factor by which the coordinate along the lowest eigenvalue grows, None on a bowl.
    """

    name: str
    label: str
    help: str
    rate: float = math.nan
    escape: float | None = None


class Tuning(NamedTuple):
    """The best pair of rate and momentum, and the ρ it reaches."""

    lr: float
    beta: float
    rate: float


@dataclasses.dataclass(frozen=True, eq=False)
class Ruler:
    """Learning rates of one optimizer on one quadratic model; all bounds are inf or nan without a theory.

    `eigenvalues` (n,) ascend and include the weight decay. Regimes: slow below `slow_below`, near-optimal
    to `near_until`, jumpy to `limit`. `note` is a sentence for the person, empty if the marks say it all.
    """

    eigenvalues: Array
    update: Update | None
    marks: tuple[Mark, ...] = ()
    note: str = ""
    slow_below: float = math.nan
    best: float = math.nan
    near_until: float = math.nan
    limit: float = math.nan

    @property
    def convex(self) -> bool:
        """Whether every eigenvalue is above 0, so that there is a rate that converges."""
        return bool(self.eigenvalues[0] > _FLAT * np.abs(self.eigenvalues).max())

    def regime(self, lr: float) -> Regime:
        """What this rate does here.

        Raises:
            ValueError: if the rate is not a finite number above 0.
        """
        if not (math.isfinite(lr) and lr > 0):
            raise ValueError(f"lr: expected a finite number > 0, got {lr!r}")
        if self.update is None:
            return Regime("no single limit", "No single limit", self.note)
        rate = float(self.update.radius(lr, self.eigenvalues).max())
        if self.update.weight == 0:
            return Regime("never settles", "Never settles", self.note, rate)
        if not self.convex:
            low = min(float(self.eigenvalues[0]), 0.0)
            escape = float(self.update.radius(lr, low))
            text = "Flat along the lowest curvature: nothing pulls there."
            if low < 0:
                text = f"Leaves along the lowest curvature, {escape:.6g} times as far away with each step."
            return Regime("saddle or flat", "Saddle or flat: no convergent rate", text, rate, escape)
        if abs(lr / self.limit - 1) <= _AT_LIMIT:
            name = "never settles"
        elif lr > self.limit:
            name = "diverges"
        elif lr > self.near_until:
            name = "jumpy"
        else:
            name = "slow" if lr < self.slow_below else "near-optimal"
        label, text = _REGIMES[name]
        if self.update.beta == 0:
            text = f"{text} {_DAMPING.get(name, '')}".rstrip()
        return Regime(name, label, text, rate)


_REGIMES = {
    "slow": ("Slow", "Safe, but the best rate needs only about a quarter of the steps, or fewer."),
    "near-optimal": ("Near-optimal", "Close to the best rate for this curvature."),
    "jumpy": ("Jumpy", "Jumps across the valley at each step, and still comes closer."),
    "never settles": ("Never settles", "Exactly at the limit: along the steepest direction it jumps from "
                      "side to side forever."),
    "diverges": ("Diverges", "Above the limit: every jump along the steepest direction is longer than the "
                 "last."),
}  # fmt: skip
_DAMPING = {
    "slow": "The tutorial calls this under-damped; to engineers a system that creeps home without swinging "
    "is over-damped.",
    "jumpy": "The tutorial calls this over-damped; to engineers a system that swings around its rest is "
    "under-damped.",
}
_OWN_SCALE = "divides by its own scale: no single limit"
_NO_LIMIT = {
    **dict.fromkeys(
        ("Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop",
         "SparseAdam", "TextbookAdagrad", "TextbookAdam", "TextbookRMSprop"),
        _OWN_SCALE,
    ),
    "ASGD": "lowers its own rate as it goes: no single limit",
    "ArmijoGD": "shortens its step by itself until the value falls: no single limit",
    "BFGS": "learns the curvature itself and shortens its step until the value falls: a rate of 1 is its "
    "natural step, and there is no single limit",
    "DampedNewton": "divides by the size of the curvature and shortens its step until the value falls: a "
    "rate of 1 is its natural step, and there is no single limit",
    "LBFGS": "learns the curvature itself: a rate of 1 is its natural step, and there is no single limit",
    "Newton": "divides by the curvature itself: on a bowl a rate of 1 is at the bottom in one step, and "
    "below 2 it converges, whatever the curvature",
    "OptimalStepGD": "measures its rate in 1 / λ_max of the place where it is: on a bowl 1 never overshoots, "
    "and below 2 it converges, whatever the curvature",
    "Muon": "makes every step equally long in all directions: no single limit",
    "Rprop": "looks only at the signs of the gradient: curvature sets no limit",
}  # fmt: skip


def _torch_sgd(values: Mapping[str, Any]) -> Update:
    return Update(
        values["momentum"],
        Form.NESTEROV if values["nesterov"] else Form.HEAVY_BALL,
        values["dampening"],
        values["weight_decay"],
    )


UPDATES: dict[str, Callable[[Mapping[str, Any]], Update]] = {
    "SGD": _torch_sgd,
    "Momentum": lambda values: Update(values["momentum"], Form.AVERAGE),
}


def ruler(eigenvalues: ArrayLike, optimizer: OptimizerConfig | Update) -> Ruler:
    """The ruler of an optimizer where the Hessian has these eigenvalues (n,), in any order.

    An optimizer that scales each coordinate itself has no marks; the note says why. On a saddle or a
    flat direction the only mark is the limit of the steepest direction.

    Raises:
        ValueError: if there is no eigenvalue or one is not finite.
    """
    curvatures = np.sort(_checked(eigenvalues))
    if isinstance(optimizer, Update):
        update = optimizer
    elif optimizer.name in UPDATES:
        update = UPDATES[optimizer.name](optimizer.values)
    else:
        reason = _NO_LIMIT.get(optimizer.name, "is not linear on a quadratic: no single limit")
        label = optimizer.registry[optimizer.name].label
        return Ruler(frozen(curvatures), None, note=f"{label} {reason}.")
    curvatures = frozen(curvatures + update.weight_decay)
    low, high = float(curvatures[0]), float(curvatures[-1])
    if update.weight == 0:
        note = "Dampening 1: after the first step no gradient reaches the velocity, so no rate settles."
        return Ruler(curvatures, update, note=note, limit=math.inf)
    if high <= 0:
        note = "The surface curves down or is flat in every direction: there is no convergent rate."
        return Ruler(curvatures, update, note=note, limit=math.inf)
    limit = _limit(update, high)
    top, under = update.limit_formula
    steepest = Mark(limit, "limit", "Above it every jump along the steepest direction is longer than the "
                    "last.", f"{top} / ({under}λ_max)" if under else f"{top} / λ_max")  # fmt: skip
    notes = ["λ is the eigenvalue plus the weight decay."] if update.weight_decay else []
    made = Ruler(curvatures, update, limit=limit)
    if not made.convex:
        notes.insert(0, "Saddle or flat: no convergent rate; the limit is the steepest direction's.")
        return dataclasses.replace(made, marks=(steepest,), note=" ".join(notes))
    best = _best(update, low, high)
    # Within (1 ± sqrt β)² every coordinate of the heavy ball turns at the same ρ = sqrt β: as good as `best`.
    plateau = (1 + math.sqrt(update.beta)) ** 2 / (update.weight * high)
    near_until = best if update.form is Form.NESTEROV else max(best, plateau)
    marks = [Mark(best, "best rate", "Shrinks the slowest coordinate as fast as one rate can"
                  + (" with this momentum." if update.beta else "."), _best_formula(update)),
             steepest]  # fmt: skip
    if update.beta == 0 and low < high:  # in a round bowl it is the best rate
        text = "The tutorial's optimum: the largest rate at which no coordinate overshoots."
        marks.insert(0, Mark(1 / high, "no overshoot", text, "1 / λ_max"))
    return dataclasses.replace(
        made, marks=tuple(marks), note=" ".join(notes), best=best, near_until=near_until,
        slow_below=_slow_below(update, curvatures, best, limit),
    )  # fmt: skip


def contraction(
    lr: ArrayLike, eigenvalues: ArrayLike, beta: ArrayLike = 0.0, form: Form = Form.HEAVY_BALL,
    dampening: float = 0.0,
) -> Array:  # fmt: skip
    """ρ over all eigenvalues (n,): below 1 it converges; has the shape to which lr and beta broadcast.

    Raises:
        ValueError: if an eigenvalue is not finite or a momentum is not in [0, 1).
    """
    curvatures = _checked(eigenvalues)
    rates, betas = np.broadcast_arrays(np.asarray(lr, np.float64), np.asarray(beta, np.float64))
    if not ((betas >= 0) & (betas < 1)).all():
        raise ValueError(f"momentum: expected numbers >= 0 and < 1, got {beta!r}")
    return np.asarray(_radius(rates[..., None] * curvatures, betas[..., None], form, dampening).max(-1))


def rate_map(
    eigenvalues: ArrayLike, lrs: ArrayLike, betas: ArrayLike, form: Form = Form.HEAVY_BALL,
    dampening: float = 0.0,
) -> Array:  # fmt: skip
    """Theory's map of convergence rates: ρ, shape (betas, lrs), a row for each momentum."""
    return contraction(np.asarray(lrs)[None, :], eigenvalues, np.asarray(betas)[:, None], form, dampening)


def best_heavy_ball(eigenvalues: ArrayLike) -> Tuning:
    """Polyak's optimum: lr = 4 / (√L + √μ)², β = ((√κ − 1) / (√κ + 1))², ρ = √β, with κ = L / μ.

    Raises:
        ValueError: if an eigenvalue is not above 0.
    """
    curvatures = _checked(eigenvalues)
    low, high = float(curvatures.min()), float(curvatures.max())
    if low <= 0:
        raise ValueError(f"eigenvalues: expected numbers > 0, got {low:g}")
    small, large = math.sqrt(low), math.sqrt(high)
    rate = (large - small) / (large + small)
    return Tuning(4 / (large + small) ** 2, rate**2, rate)


def _checked(eigenvalues: ArrayLike) -> Array:
    values = np.array(eigenvalues, dtype=np.float64)
    if values.ndim != 1 or not values.size or not np.isfinite(values).all():
        raise ValueError(f"eigenvalues: expected a list of finite numbers, got {eigenvalues!r}")
    return values


def _shares(beta: Any, form: Form, dampening: float) -> tuple[Any, Any, Any]:
    """(a, b, w) of x −= lr (a g + b v), v = β v + w g."""
    if form is Form.NESTEROV:
        return 1.0, beta, 1.0
    return 0.0, 1.0, 1 - beta if form is Form.AVERAGE else np.where(beta > 0, 1 - dampening, 1.0)


def _radius(scaled: Array, beta: Any, form: Form, dampening: float) -> Array:
    """Largest |z| with z² − trace z + determinant = 0, the companion matrix of lr λ = `scaled`."""
    a, b, w = _shares(beta, form, dampening)
    half = np.abs(1 + beta - scaled * (a + b * w)) / 2
    determinant = beta * (1 - scaled * a)
    root = np.sqrt(np.abs(determinant))
    # The product of two roots does not overflow, nor cancel near a double root, as half² − determinant does.
    split = np.sqrt(np.maximum(half - root, 0)) * np.sqrt(half + root)
    real = half + np.where(determinant < 0, np.hypot(half, root), split)
    return np.asarray(np.where((determinant >= 0) & (half < root), root, real))


def _limit(update: Update, high: float) -> float:
    """The lr at which trace = −(1 + determinant) for the largest eigenvalue, i.e. z = −1."""
    a, b, w = _shares(np.float64(update.beta), update.form, update.dampening)
    return float(2 * (1 + update.beta) / (a + b * w + a * update.beta) / high)


def _best(update: Update, low: float, high: float) -> float:
    """The rate of least ρ at this momentum; ρ falls and then rises in lr λ, so both ends are then equal."""
    if update.form is not Form.NESTEROV or update.beta == 0:
        return 2 * (1 + update.beta) / update.weight / (low + high)  # ρ is symmetric in lr λ about 1 + β
    return _crossing(lambda lr: update.radius(lr, high) >= update.radius(lr, low), 1 / high, 1 / low)


def _best_formula(update: Update) -> str:
    if update.form is Form.NESTEROV and update.beta:
        return "ρ(lr λ_min) = ρ(lr λ_max)"
    top, under = update.limit_formula
    return f"{top} / ({under}(λ_min + λ_max))" if under else f"{top} / (λ_min + λ_max)"


def _slow_below(update: Update, eigenvalues: Array, best: float, limit: float) -> float:
    """A quarter of the limit; with momentum less where a smaller rate has a quarter of the best log ρ."""
    quarter = limit / 4
    if update.beta == 0:
        return quarter
    enough = float(update.radius(best, eigenvalues).max()) ** 0.25

    def reached(lr: Array) -> NDArray[np.bool_]:
        return np.asarray(update.radius(lr[:, None], eigenvalues).max(-1) <= enough)

    return _crossing(reached, 0.0, min(quarter, best))


def _crossing(holds: Callable[[Array], NDArray[np.bool_]], low: float, high: float) -> float:
    """The smallest lr in [low, high] from which `holds` is true; `high` if it never is."""
    for _ in range(6):
        ladder = np.linspace(low, high, 257)
        true = holds(ladder)
        if not true.any():
            return high
        first = int(true.argmax())
        low, high = float(ladder[max(first - 1, 0)]), float(ladder[first])
    return high
