"""The colours of heights: viridis at reduced saturation, so that it stands back behind paths."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from optgui.gui import theme

SATURATION = {False: 0.55, True: 0.6}  # by dark
PAPER = 0.2  # share of the plot's own background


def heat_table(widget: QWidget | None = None) -> NDArray[np.uint8]:
    """256 colours (256, 3) from the lowest to the highest, for the look that a widget has now."""
    table = pg.colormap.get("viridis").getLookupTable(nPts=256).astype(float)
    grey = table.mean(axis=1, keepdims=True)
    soft = grey + (table - grey) * SATURATION[theme.is_dark(widget)]
    colour = QColor(theme.colours(widget).plot)
    paper = np.array((colour.red(), colour.green(), colour.blue()), dtype=float)
    return np.asarray((soft * (1 - PAPER) + paper * PAPER).clip(0, 255), dtype=np.uint8)
