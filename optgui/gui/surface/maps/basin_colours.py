"""The colours of basins: one for each minimum, pale where it takes long to get there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optgui.core.surface.maps.basins import NOT_ARRIVED
from optgui.gui import theme
from optgui.gui.surface.maps.image_layer import packed, rgb

Array = NDArray[np.float64]

# Of the theme's series: blue, amber, green, pink, vermilion, violet. Not the second blue, which looks like a
# pale first one, and not the grey.
SERIES = (0, 1, 2, 4, 3, 6)
PALEST = 0.78  # share of the plot's background where it takes longest


def colour_places(minima: Array) -> NDArray[np.intp]:
    """Which colour of SERIES each minimum (m, 2) has: the one whose other minima are farthest away."""
    places = np.zeros(len(minima), np.intp)
    away = np.full((len(minima), len(SERIES)), np.inf)
    for row, point in enumerate(minima):
        places[row] = away[row].argmax()
        away[:, places[row]] = np.minimum(away[:, places[row]], np.hypot(*(minima - point).T))
    return places


def basin_table(minima: Array, tokens: theme.Colours) -> Array:
    """The strong colour of each minimum, (m, 3)."""
    series = np.array([rgb(tokens.series[place]) for place in SERIES])
    return series[colour_places(minima)]


def paint_basins(
    labels: NDArray[np.int16], arrival: NDArray[np.float32], minima: Array, tokens: theme.Colours
) -> NDArray[np.uint32]:
    """ARGB of each start: the background where it has not arrived, else transparent where no minimum is."""
    ground = rgb(tokens.plot)
    colours = np.broadcast_to(ground, (*labels.shape, 3)).copy()
    there = labels >= 0
    if there.any():
        pale = PALEST * slowness(arrival[there])[:, None]
        strong = basin_table(minima, tokens)[labels[there]]
        colours[there] = strong * (1 - pale) + ground * pale
    return np.where(labels < NOT_ARRIVED, np.uint32(0), packed(colours))


def slowness(arrival: NDArray[np.float32]) -> Array:
    """From 0 (fastest) to 1 (slowest) on a log scale, without the one percent at either end."""
    logs = np.log(arrival.astype(np.float64) + 1)
    low, high = np.percentile(logs, [1, 99])
    return np.asarray(((logs - low) / max(high - low, 1e-9)).clip(0, 1))
