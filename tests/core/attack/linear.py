"""A linear network, and the smallest changes that fool it, which scipy finds exactly."""

import numpy as np
import torch
from scipy import optimize

from optgui.core.training.models import ModelConfig, make_network

COUNT = 4


def network():
    made = make_network(ModelConfig(name="Softmax"), torch.Generator().manual_seed(5))
    return made.eval()


def images(kind):  # "grey" or "ink"
    """Grey ones, whose smallest changes in L2 and L-infinity touch no wall of [0, 1], or ink on paper."""
    noise = torch.rand((40, 1, 28, 28), generator=torch.Generator().manual_seed(1))
    drawn = 0.4 + 0.2 * noise if kind == "grey" else (noise > 0.5).float()
    with torch.no_grad():
        first, second = network()(drawn).topk(2).values.T
    return drawn[first - second > 0.1][:COUNT]  # not read by chance of rounding


def labels(pictures):
    with torch.no_grad():
        return network()(pictures).argmax(1)


def smallest(norm, image, label, target=None):
    """The least size of a change within [0, 1] after which another class, or the target, is first."""
    flat = image.double().flatten()
    basis = torch.cat([torch.zeros(1, 784), torch.eye(784)]).reshape(-1, 1, 28, 28).double()
    answers = network().double()(basis).detach()
    weights, bias = (answers[1:] - answers[0]).T.numpy(), answers[0].numpy()
    logits = weights @ flat.numpy() + bias
    low, high = -flat.numpy(), 1 - flat.numpy()
    others = [k for k in range(10) if k != (label if target is None else target)]
    if target is None:
        walls = [(weights[[k]] - weights[label], logits[[k]] - logits[label]) for k in others]
        return min(_least(norm, rows, lead, low, high) for rows, lead in walls)
    return _least(norm, weights[target] - weights[others], logits[target] - logits[others], low, high)


def _least(norm, rows, lead, low, high):
    """min ‖d‖ with rows d + lead >= 0 and low <= d <= high."""
    if norm == "L2":
        return _least_l2(rows, lead, low, high)
    size = rows.shape[1]
    if norm == "Linf" and len(rows) == 1:
        side, reach = np.sign(rows[0]), np.where(rows[0] > 0, high, -low)
        return optimize.brentq(lambda size: rows[0] @ (side * np.minimum(size, reach)) + lead[0], 0, 1)
    if norm == "L1":  # d = up - down
        cost, matrix = np.ones(2 * size), np.hstack([-rows, rows])
        bounds = [(0, value) for value in high] + [(0, -value) for value in low]
        found = optimize.linprog(cost, matrix, lead, bounds=bounds)
    else:  # the last variable is the largest change
        unit, one = np.eye(size), -np.ones((size, 1))
        parts = [
            np.hstack([-rows, np.zeros((len(rows), 1))]),
            np.hstack([unit, one]),
            np.hstack([-unit, one]),
        ]
        limits = np.concatenate([lead, np.zeros(2 * size)])
        bounds = [*zip(low, high, strict=True), (0, 1)]
        found = optimize.linprog(np.eye(size + 1)[-1], np.vstack(parts), limits, bounds=bounds)
    assert found.success
    return found.fun


def _least_l2(rows, lead, low, high):
    """The dual: d = clip(rows^T m, low, high), where m >= 0 maximizes a concave function."""

    def dual(weights):
        moved = np.clip(weights @ rows, low, high)
        value = moved @ moved / 2 - weights @ (rows @ moved + lead)
        return -value, rows @ moved + lead

    found = optimize.minimize(
        dual,
        np.zeros(len(rows)),
        jac=True,
        bounds=[(0, None)] * len(rows),
        method="L-BFGS-B",
        options={"ftol": 1e-15, "gtol": 1e-10},
    )
    return np.sqrt(-2 * found.fun)
