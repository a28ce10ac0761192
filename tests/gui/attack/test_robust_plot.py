"""The plot of robust curves: what hovering and the keys read, and what a file holds."""

import csv
import dataclasses
import io
import xml.etree.ElementTree as ElementTree

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from optgui.gui.attack.robust import files
from optgui.gui.attack.robust.facet import ticks
from optgui.gui.attack.robust.plot import RobustPlot
from tests.gui.attack.robust import frame


@pytest.fixture
def plot(qtbot):
    made = RobustPlot()
    qtbot.addWidget(made)
    made.resize(720, 330)
    made.show()
    made.show_frame(frame())
    made.grab()
    return made


def hover(plot, place):
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(place),
        plot.mapToGlobal(QPointF(place)),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(plot, event)


def test_hovering_reads_every_network_at_the_nearest_radius(plot):
    hover(plot, plot._facets[0].at(2.1, 0.4).toPoint())
    words, rows = plot.readings()
    assert words == "ε = 2 px in L2, 4 digits"
    assert rows == [
        (0, "run-1@9", ("50.0 %", "15.0 – 85.0 %", "75.0 %")),
        (1, "run-2@9", ("25.0 %", "4.6 – 69.9 %", "100.0 %")),
    ]
    assert "run-2@9 25.0 %" in plot.accessibleDescription()
    hover(plot, plot._facets[1].at(0.1, 0.4).toPoint())
    assert plot.readings()[0] == "ε = 0.1 px in L∞, 4 digits"
    plot.grab()
    hover(plot, QPoint(2, 2))
    assert plot.readings() == ("", [])


def test_the_keys_read_as_the_mouse_does(plot):
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_PageDown, Qt.Key.Key_Right):
        QTest.keyClick(plot, key)
    assert plot.readings()[0] == "ε = 0.1 px in L∞, 4 digits"
    QTest.keyClick(plot, Qt.Key.Key_Left)
    assert plot.readings()[0] == "ε = 0.05 px in L∞, 4 digits"
    QTest.keyClick(plot, Qt.Key.Key_Escape)
    assert plot.readings() == ("", [])


def test_without_noise_there_is_none_to_read(plot):
    plot.show_frame(frame(noise=False))
    plot._point((0, 1))
    assert plot.readings()[1][0][2][2] == "–"
    plot.grab()


def test_the_small_plots_stand_as_the_room_is_shaped(plot):
    first, second = (facet.plot for facet in plot._facets)
    assert first.right() < second.left()
    plot.resize(360, 480)
    plot.grab()
    first, second = (facet.plot for facet in plot._facets)
    assert first.bottom() < second.top()


def test_the_mark_of_the_attack_is_seen_in_its_norm_alone(plot):
    before = plot.grab().toImage()
    plot.set_epsilon("L1", 10.0)
    assert plot.grab().toImage() == before
    plot.set_epsilon("L2", 30.0)  # beyond the axis
    assert plot.grab().toImage() == before
    plot.set_epsilon("L2", 2.5)
    now = plot.grab().toImage()
    column = round(plot._facets[0].at(2.5).x())
    changed = {x for x in range(now.width()) if now.pixel(x, 200) != before.pixel(x, 200)}
    assert changed & {column - 1, column, column + 1}


def test_curves_of_fewer_radii_take_the_cursor_away(plot):
    plot._point((1, 4))
    short = frame()
    curves = tuple(
        dataclasses.replace(
            curve,
            **{name: getattr(curve, name)[:3] for name in ("epsilons", "robust", "low", "high", "noise")},
        )
        for curve in short.curves
    )
    plot.show_frame(dataclasses.replace(short, curves=curves))
    assert plot.cursor_at is None


def test_nothing_says_its_hint(plot):
    plot.show_frame(None)
    plot.set_hint("Press Measure.")
    assert plot.accessibleDescription() == "Press Measure."
    plot.grab()


@pytest.mark.parametrize(("most", "wanted"), [(3.0, [0, 1, 2, 3]), (0.2, [0, 0.05, 0.1, 0.15, 0.2])])
def test_ticks_are_round(most, wanted):
    assert ticks(most, 4) == pytest.approx(wanted)


def test_all_points_go_into_the_numbers():
    for noise in (True, False):
        shown = frame(noise=noise)
        rows = list(csv.DictReader(io.StringIO(files.csv_bytes(shown).decode())))
        assert len(rows) == 4 * 5
        for curve in shown.curves:
            mine = [row for row in rows if (row["network"], row["norm"]) == (curve.network_id, curve.norm)]
            for name, values in (("epsilon", curve.epsilons), ("robust", curve.robust), ("low", curve.low)):
                assert [float(row[name]) for row in mine] == values.tolist()
            assert [row["noise"] for row in mine] == [str(x) for x in curve.noise] if noise else [""] * 5
        assert {row["digits"] for row in rows} == {"4"}


def test_the_picture_is_the_plot_without_the_moments_marks(plot):
    first = files.png_bytes(plot)
    plot.set_epsilon("L2", 2.0)
    plot._point((0, 2))
    assert files.png_bytes(plot) == first
    image = QImage.fromData(first)
    assert image.size() == 2 * plot.size()
    colours = {image.pixel(x, y) for x in range(0, image.width(), 3) for y in range(0, image.height(), 3)}
    assert len(colours) > 10


def test_the_drawing_is_svg_with_its_words(plot):
    root = ElementTree.fromstring(files.svg_bytes(plot).decode())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    texts = {"".join(node.itertext()).strip() for node in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"run-1@9", "run-2@9", "L2", "L∞", "noise"} <= texts
