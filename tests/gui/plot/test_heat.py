import numpy as np
import pytest
from PySide6.QtWidgets import QWidget

from optgui.gui import theme
from optgui.gui.plot.heat import heat_table


@pytest.fixture(params=["light", "dark"])
def widget(qtbot, request):
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.setPalette(theme._palette(theme.LIGHT if request.param == "light" else theme.DARK))
    return widget


def test_colours_get_lighter_with_height_and_stand_back(widget):
    table = heat_table(widget).astype(float)
    assert table.shape == (256, 3)
    luminance = table @ (0.2126, 0.7152, 0.0722)
    assert (np.diff(luminance) > -1).all()
    assert luminance[-1] - luminance[0] > 80
    assert np.ptp(table, axis=1).max() < 140
