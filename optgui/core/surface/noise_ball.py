"""The noise ball: where a racer with a constant rate stays under noisy gradients, predicted and measured."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from optgui.core.constraints import WholeSpace
from optgui.core.surface.config import DescentConfig, SurfaceConfig
from optgui.core.surface.objective import Objective
from optgui.core.surface.rates import UPDATES, Form, Update

Array = NDArray[np.float64]
Chosen = NDArray[np.int64]


class NoiseBall(NamedTuple):
    """Where noise keeps a racer: `centre` (2,) and `covariance` (2, 2) of its positions."""

    centre: Array
    covariance: Array

    @property
    def deviations(self) -> Array:
        """Standard deviations (2,) along the axes of the ball, the larger first."""
        return np.asarray(np.sqrt(np.maximum(np.linalg.eigvalsh(self.covariance), 0.0))[::-1])

    @property
    def angle(self) -> float:
        """Direction of the longer axis in degrees, anticlockwise from x."""
        x, y = np.linalg.eigh(self.covariance)[1][:, 1]
        return math.degrees(math.atan2(y, x))


def predicted_ball(
    lr: float, hessian: Array, noise: Array, update: Update, centre: Array
) -> NoiseBall | None:
    """The stationary ball of a linear update on ½ x'Hx under independent noise of covariance `noise` (2, 2).

    Positions and velocities z follow z ← A z + B ξ, so that their covariance solves S = A S A' + B C B'. For
    plain descent it is lr σ² / (λ (2 − lr λ)) along each eigenvector. None where no rate settles.
    Batches of shuffled epochs are not independent: their noise cancels within an epoch and the ball is
    smaller.
    """
    identity, nothing = np.eye(2), np.zeros((2, 2))
    beta = update.beta
    hessian = hessian + update.weight_decay * identity
    inside, here = (1.0, 0.0) if update.form is not Form.NESTEROV else (beta, 1.0)
    # v ← β v + w (H x + ξ);  x ← x − lr (here (H x + ξ) + inside v)
    weight = update.weight
    onto_v = np.hstack([weight * hessian, beta * identity])
    onto_x = np.hstack([identity - lr * here * hessian, nothing]) - lr * inside * onto_v
    matrix = np.vstack([onto_x, onto_v])
    push = np.vstack([-lr * (here + inside * weight) * identity, weight * identity])
    if not np.isfinite(matrix).all() or np.abs(np.linalg.eigvals(matrix)).max() >= 1 - 1e-12:
        return None
    source = (push @ noise @ push.T).reshape(-1)
    solved = np.linalg.solve(np.eye(16) - np.kron(matrix, matrix), source).reshape(4, 4)
    return NoiseBall(centre, (solved[:2, :2] + solved[:2, :2].T) / 2)


def measured_ball(path: Array) -> NoiseBall:
    """Mean and covariance of the positions (n, 2) in the second half of a path."""
    rest = path[len(path) // 2 :]
    spread = rest - rest.mean(0)
    return NoiseBall(rest.mean(0), spread.T @ spread / len(rest))


def batch_noise(gradients: Callable[[Chosen], Array], count: int, size: int) -> Array:
    """Covariance (2, 2) of the gradient of `size` of `count` terms, drawn with replacement.

    `gradients(chosen)` is the gradient (2,) of the sum of the chosen terms. The estimate (m / k) Σ ∇fᵢ has
    the covariance m² / k times that of one term.
    """
    single = np.stack([gradients(np.array([place])) for place in range(count)])
    spread = single - single.mean(0)
    return np.asarray(count**2 / min(size, count) * (spread.T @ spread) / count)


def ball_of(config: DescentConfig, place: int, near: ArrayLike, lr: float) -> NoiseBall | None:
    """The predicted ball of a racer around the known minimum that is next to the point `near` (2,).

    The curvature and the noise are taken at the minimum; weight decay moves it. None without noise, without
    a known minimum, inside a feasible set, and for an optimizer that is not linear on a quadratic.
    """
    surface, optimizer = config.surface, config.racers[place].optimizer
    minima = np.array((*surface.minima, *surface.local_minima)).reshape(-1, 2)
    free = isinstance(config.feasible(), WholeSpace)
    if config.noise.name == "None" or not len(minima) or not free or optimizer.name not in UPDATES:
        return None
    update = UPDATES[optimizer.name](optimizer.values)
    centre = minima[np.hypot(*(minima - np.asarray(near)).T).argmin()]
    centre = _pulled(surface, centre, update.weight_decay)
    hessian = surface.curvature(*centre).hessian.copy()
    noise = _noise_at(config, centre)
    if noise is None or not np.isfinite(hessian).all():
        return None
    if surface.entry.dimension == 1:  # y stands still
        hessian[1, 1], noise[1] = 1.0, 0.0
    return predicted_ball(lr, hessian, noise, update, centre)


def _pulled(surface: SurfaceConfig, centre: Array, weight_decay: float) -> Array:
    """The minimum of f + w |x|² / 2 next to one of f, by Newton's method."""
    for _ in range(20 if weight_decay else 0):
        at = surface.curvature(*centre)
        slope = at.gradient + weight_decay * centre
        centre = centre - np.linalg.lstsq(at.hessian + weight_decay * np.eye(2), slope, rcond=None)[0]
    return centre


def _noise_at(config: DescentConfig, centre: Array) -> Array | None:
    """Covariance (2, 2) of the noise at a point, None where there is none."""
    values, entry = config.noise.values, config.surface.entry
    if config.noise.name == "Gaussian":
        return np.asarray(values["sigma"] ** 2 * np.eye(2))
    if entry.terms is None or entry.count is None:
        return None
    terms, parameters = entry.terms, config.surface.values

    def gradient(chosen: Chosen) -> Array:
        picked = torch.from_numpy(chosen)
        part = Objective(lambda xy: terms(xy, parameters, picked).sum(-1))
        _, gradients = part.gradients(centre[None].copy())
        return np.asarray(gradients[0])

    return batch_noise(gradient, entry.count(parameters), values["batch_size"])
