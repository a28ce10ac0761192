"""Robust curves made up for the tests of plot, table and files."""

import numpy as np

from optgui.core.attack.robust import RobustCurve, RobustFrame
from optgui.core.attack.robust.engine import wilson

RADII = {"L2": (0.0, 1.0, 2.0, 3.0, 4.0), "Linf": (0.0, 0.05, 0.1, 0.15, 0.2)}


def curve(identity, norm, thresholds, noise=True):
    """The curve that belongs to thresholds."""
    found, epsilons = np.array(thresholds, float), np.array(RADII[norm])
    robust = (found[None, :] > epsilons[:, None]).mean(1)
    quiet = np.full(len(epsilons), robust[0]) if noise else None
    return RobustCurve(identity, norm, epsilons, robust, *wilson(robust, len(found)), quiet, found)


def frame(wanted=4, noise=True):
    """Two networks in two norms, of four digits."""
    curves = (
        curve("run-1@9", "L2", [0, 1.5, 2.5, 9], noise),
        curve("run-1@9", "Linf", [0, 0.06, 0.12, np.inf], noise),
        curve("run-2@9", "L2", [0.5, 0.7, 0.9, 3.5], noise),
        curve("run-2@9", "Linf", [np.inf] * 4, noise),
    )
    return RobustFrame(curves, 4, wanted)
