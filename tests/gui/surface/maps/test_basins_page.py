"""Basins of attraction as a person sees and uses them."""

import dataclasses

import numpy as np
import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton

from optgui.core.surface import DescentConfig, DescentEngine
from optgui.core.surface.maps.basins import BasinsConfig
from optgui.gui import theme
from optgui.gui.surface.maps.basin_colours import SERIES, colour_places, paint_basins
from optgui.gui.surface.maps.basins_page import BasinsPage, read, sentence


def race(surface="Himmelblau", lr=0.01, **rest):
    racers = [
        {"id": 0, "optimizer": {"name": "SGD", "lr": lr}},
        {"id": 4, "optimizer": {"name": "Adam", "lr": 0.2}, "visible": False},
    ]
    return DescentConfig.parse({"surface": {"name": surface}, "racers": racers, "steps": 200, **rest})


@pytest.fixture
def page(make, show, qtbot):
    page = make(BasinsPage)
    page.side.findChild(QToolButton, "surface.basins.side.96").click()
    page.show_race(race(), race().surface.entry.domain, 0, wanted=True)
    show.settle(page)
    return page


def test_it_computes_the_selected_racer_over_what_is_in_view(make):
    page = make(BasinsPage)
    config = page.config_for(race(), ((-1, 1), (-2, 2)), 4)
    assert isinstance(config, BasinsConfig)
    assert config.racer.optimizer == race().racers[1].optimizer
    assert (config.domain, config.side, config.steps) == (((-1, 1), (-2, 2)), 192, 200)
    assert page.config_for(race(), ((-1, 1), (-2, 2)), None).racer.id == 0


def test_whether_a_racer_is_shown_does_not_begin_a_new_map(make):
    page = make(BasinsPage)
    one, other = race(), race().changed("racers.1.visible", True)
    assert page.config_for(one, one.surface.entry.domain, 4) == page.config_for(
        other, other.surface.entry.domain, 4
    )


def test_a_click_takes_the_start(page, click, qtbot):
    with qtbot.waitSignal(page.taken) as taken:
        click(page.plot, 1.0, -2.0)
    ((changes,),) = [taken.args]
    width, height = page.view.viewPixelSize()
    x, y = changes["start"]
    assert list(changes) == ["start"]
    assert abs(x - 1.0) <= 2 * width
    assert abs(y + 2.0) <= 2 * height


def test_return_takes_the_start_under_the_cursor(page, qtbot):
    page.plot.point((0.5, 0.25))
    with qtbot.waitSignal(page.taken) as taken:
        QTest.keyClick(page.plot, Qt.Key.Key_Return)
    assert taken.args == [{"start": [0.5, 0.25]}]


def test_of_a_function_of_x_alone_a_click_takes_x(show, qtbot):
    flat = race("DoubleWell", start=(1.0, 0.7))
    page = show(BasinsPage, flat)
    with qtbot.waitSignal(page.taken) as taken:
        page.plot.clicked.emit(0.5, 3.0)
    assert taken.args == [{"start": [0.5, 0.7]}]


def test_what_is_said_of_a_start_is_what_a_race_from_there_does(page):
    frame = page.frame
    for row, column in ((10, 20), (60, 70), (80, 15)):
        start = float(frame.xs[column]), float(frame.ys[row])
        engine = DescentEngine(race(start=start))
        while not engine.done:
            engine.step()
        end = engine.frame().paths[0, -1]
        nearest = int(np.hypot(*(frame.minima - end).T).argmin())
        assert frame.labels[row, column] == nearest
        words = read(frame, *start)
        assert f"{frame.arrival[row, column]:.0f} steps" in words
        assert f"{frame.minima[nearest, 0]:.4g}".replace("-", "−") in words


def test_every_start_is_drawn_in_its_place(page):
    labels = np.array([[0, 1], [-1, -2]], np.int16)
    arrival = np.array([[5, 5], [np.nan, np.nan]], np.float32)
    frame = dataclasses.replace(page.frame, labels=labels, arrival=arrival)
    page.draw(frame)
    tokens = theme.colours(page)
    places = colour_places(frame.minima)
    image = page.image.image  # row 0 lies at the bottom, as y goes up
    for column in (0, 1):
        assert image.pixelColor(column, 0) == QColor(tokens.series[SERIES[places[column]]])
    assert image.pixelColor(0, 1) == QColor(tokens.plot)
    assert image.pixelColor(1, 1).alpha() == 0
    (x0, x1), (y0, y1) = frame.config.domain
    assert page.image._rect == QRectF(x0, y0, x1 - x0, y1 - y0)


def test_slow_starts_are_paler():
    labels = np.zeros((1, 3), np.int16)
    arrival = np.array([[1, 30, 900]], np.float32)
    argb = paint_basins(labels, arrival, np.zeros((1, 2)), theme.LIGHT)
    blues = [QColor.fromRgba(int(colour)).red() for colour in argb[0]]
    assert blues == sorted(blues)
    assert blues[0] < blues[1] < blues[2] < 255


def test_near_minima_have_different_colours():
    minima = np.stack(np.meshgrid(np.arange(5.0), np.arange(4.0)), -1).reshape(-1, 2)
    places = colour_places(minima)
    assert list(colour_places(minima[:6])) == list(range(6))
    away = np.hypot(*(minima[:, None] - minima[None]).transpose(2, 0, 1))
    neighbours = np.argwhere((away > 0) & (away <= 1))
    assert all(places[one] != places[other] for one, other in neighbours)


def test_the_words_count_the_starts(page):
    labels = np.array([[0, 0, 0, 1, 0], [0, 0, -1, -2, -3]], np.int16)
    arrival = np.where(labels >= 0, 7, np.nan).astype(np.float32)
    minima = np.array([[3.0, 2.0], [-1.0, 0.5]])
    words = sentence(dataclasses.replace(page.frame, labels=labels, arrival=arrival, minima=minima))
    assert words == (
        "1 SGD, lr 0.01: 60 % of starts reach the minimum at (3, 2), 10 % that at (−1, 0.5), "
        "10 % none (blank), 10 % diverge (hatched), 10 % have no value (hatched), "
        "median of those that arrive 7 steps."
    )


def test_a_zoom_computes_what_is_in_view(page, qtbot):
    page.view.setRange(QRectF(2, 1, 2, 2), padding=0)
    qtbot.waitUntil(lambda: page.frame.config.domain == page.domain, timeout=20_000)
    (x0, x1), (y0, y1) = page.domain
    assert x0 <= 2 < 4 <= x1
    assert y0 <= 1 < 3 <= y1
    assert x1 - x0 < 6
    QTest.keyClick(page.plot, Qt.Key.Key_Home)
    assert page.domain[0][0] <= -5


def test_its_own_view_stays_when_the_race_is_edited(page):
    page.view.setRange(QRectF(2, 1, 2, 2), padding=0)
    before = page.domain
    page.show_race(race(lr=0.005), race().surface.entry.domain, 0, wanted=True)
    assert page.domain == before


def test_the_cursor_reads_and_leaves(page):
    page.plot.point((3.0, 2.0))
    assert "minimum at (3, 2)" in page.plot._read_out.text()
    QTest.keyClick(page.plot, Qt.Key.Key_Escape)
    assert page.plot._read_out.isHidden()


def test_where_few_arrive_more_steps_are_advised(page):
    labels = np.full((2, 5), -1, np.int16)
    labels[0, 0] = 0
    arrival = np.where(labels >= 0, 7, np.nan).astype(np.float32)
    words = sentence(dataclasses.replace(page.frame, labels=labels, arrival=arrival))
    assert words.endswith("Few arrive: more steps show more.")


def test_the_words_say_that_noise_is_left_out(page):
    assert "noise" not in page.words.text()
    noisy = race(noise={"name": "Gaussian"})
    page.show_race(noisy, noisy.surface.entry.domain, 0, wanted=True)
    assert page.words.text().endswith("The noise is left out.")


def test_a_start_without_a_value_says_so(show):
    config = race("Formula", start=(5.0, 1.0)).changed("surface.text", "sqrt(x - 4) + y**2")
    page = show(BasinsPage, config)
    share = float((page.frame.xs < 4).mean())
    assert f"{100 * share:.0f} % have no value (hatched)" in page.words.text()
    assert read(page.frame, page.frame.xs[0], page.frame.ys[0]).endswith("f has no value here")
