"""The rate map as a person sees and uses it."""

import math

import numpy as np
import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QToolButton

from optgui.core.surface import DescentConfig
from optgui.core.surface.rates import Form, Update
from optgui.gui import theme
from optgui.gui.surface.maps.rate_colours import (
    FASTEST,
    SLOWEST,
    UNSETTLED,
    factor_at,
    grey,
    paint_factors,
    place,
)
from optgui.gui.surface.maps.rate_map_page import RateMapPage

LOW, HIGH = DescentConfig.parse({"surface": {"name": "Quadratic"}}).surface.curvature(0, 0).eigenvalues
RACERS = (
    {"id": 3, "optimizer": {"name": "SGD", "lr": 0.05, "momentum": 0.5}},
    {"id": 1, "optimizer": {"name": "Adam", "lr": 0.05}},
    {"id": 6, "optimizer": {"name": "Momentum", "lr": 0.05, "momentum": 0.25}},
    {"id": 7, "optimizer": {"name": "SGD", "lr": 0.05, "momentum": 0.5, "nesterov": True}},
)


def race(**rest):
    return DescentConfig.parse({"surface": {"name": "Quadratic"}, "start": (2, 1), "racers": RACERS, **rest})


@pytest.fixture
def page(show):
    return show(RateMapPage, race(), 3)


@pytest.mark.parametrize(
    ("racer", "value", "word"),
    [(3, "heavy ball", "heavy_ball"), (6, "average", "average"), (7, "nesterov", "nesterov")],
)
def test_the_form_follows_the_selected_racer(show, racer, value, word):
    page = show(RateMapPage, race(), racer)
    assert page.frame.config.form == value
    assert page.form.findChild(QToolButton, f"surface.rate_map.form.{word}").isChecked()


def test_the_axis_of_rates_is_wide_around_the_limit_and_holds_the_racers_rate(make):
    page = make(RateMapPage)
    config = page.config_for(race(), ((-5, 5), (-5, 5)), 3)
    assert config.low < 0.1 / HIGH < 4 / HIGH < config.high
    far = page.config_for(race().changed("racers.0.optimizer.lr", 500.0), ((-5, 5), (-5, 5)), 3)
    assert far.high >= 500


def test_another_optimizer_has_no_map_and_the_page_says_what_to_choose(page):
    page.show_race(race(), race().surface.entry.domain, 1, wanted=True)
    assert (
        page.words.text()
        == "2 Adam has no rate map: select a racer that is SGD, or Momentum of the textbook."
    )
    assert page.plot.hint == page.words.text()
    assert page.image.image.isNull()


def test_a_click_takes_rate_and_momentum(page, click, qtbot):
    with qtbot.waitSignal(page.taken) as taken:
        click(page.plot, math.log10(0.1), 0.3)
    changes = taken.args[0]
    assert list(changes) == ["racers.0.optimizer.lr", "racers.0.optimizer.momentum"]
    assert changes["racers.0.optimizer.lr"] == pytest.approx(0.1, rel=0.05)
    assert changes["racers.0.optimizer.momentum"] == pytest.approx(0.3, abs=0.01)
    edited = race()
    for path, value in changes.items():
        edited = edited.changed(path, value)
    page.show_race(edited, race().surface.entry.domain, 3, wanted=True)
    (dot,) = page.dot.points()
    at = math.log10(changes["racers.0.optimizer.lr"]), changes["racers.0.optimizer.momentum"]
    assert (dot.pos().x(), dot.pos().y()) == pytest.approx(at)


def test_what_the_cursor_reads_is_what_a_click_takes(page, qtbot):
    with qtbot.waitSignal(page.taken) as taken:
        page.plot.clicked.emit(-1.0, 0.31)
    page.plot.point((-1.0, 0.31))
    lr, momentum = taken.args[0].values()
    assert page.plot._read_out.text().startswith(f"lr {lr:g}\nmomentum {momentum:g}\n")


def test_a_click_in_nesterovs_map_takes_nesterov_as_well(page, show, qtbot):
    page.form.findChild(QToolButton, "surface.rate_map.form.nesterov").click()
    qtbot.waitUntil(lambda: page.frame.config.form == "nesterov", timeout=20_000)
    with qtbot.waitSignal(page.taken) as taken:
        page.plot.clicked.emit(-1.0, 0.5)
    assert taken.args[0]["racers.0.optimizer.nesterov"] is True


def test_a_form_that_the_racer_does_not_have_is_refused_in_words(page, qtbot):
    page.form.findChild(QToolButton, "surface.rate_map.form.average").click()
    qtbot.waitUntil(lambda: page.frame.config.form == "average", timeout=20_000)
    with qtbot.waitSignal(page.said) as said, qtbot.assertNotEmitted(page.taken):
        page.plot.clicked.emit(-1.0, 0.5)
    assert "select a racer that is Momentum of the textbook" in said.args[0]


def test_the_limit_is_that_of_the_heavy_ball(page):
    x, momenta = page.limit.getData()
    known = np.isfinite(x)
    assert known.sum() > 60
    np.testing.assert_allclose(10 ** x[known], 2 * (1 + momenta[known]) / HIGH, rtol=1e-5)


def test_polyaks_optimum_is_marked(page):
    small, large = math.sqrt(LOW), math.sqrt(HIGH)
    (star,) = page.optimum.points()
    assert 10 ** star.pos().x() == pytest.approx(4 / (large + small) ** 2)
    assert star.pos().y() == pytest.approx(((large - small) / (large + small)) ** 2)


def test_what_diverges_is_grey_and_what_is_faster_is_brighter():
    factors = np.array([[0.9999, 0.99, 0.9, 0.5, 1.0, 1.4, np.nan]])
    colours = [QColor.fromRgba(int(argb)) for argb in paint_factors(factors, theme.LIGHT)[0]]
    bright = [colour.lightness() for colour in colours[:4]]
    assert bright == sorted(bright)
    neutral = QColor(*grey(theme.LIGHT).astype(int).tolist())
    assert colours[4] == colours[5] == neutral
    assert colours[6].alpha() == 0


def test_the_scale_of_the_colours_is_what_the_bar_says():
    assert place(SLOWEST) == pytest.approx(0)
    assert place(FASTEST) == pytest.approx(1)
    assert place(factor_at(0.5)) == pytest.approx(0.5)


def test_cells_are_drawn_around_their_rates(page):
    row, column = page.shown.cell(math.log10(0.1), 0.3)
    expected = QColor.fromRgba(int(paint_factors(page.frame.theory, theme.colours(page))[row, column]))
    assert page.image.image.pixelColor(column, row) == expected
    x = np.log10(page.frame.lrs)
    left = page.image._rect.left() + column * page.image._rect.width() / len(x)
    assert left < x[column] < left + page.image._rect.width() / len(x)


def test_measured_rates_are_near_theory_on_a_quadratic(page):
    page.source.findChild(QToolButton, "surface.rate_map.source.measured").click()
    shown = page.shown
    row, column = shown.cell(math.log10(0.1), 0.3)
    assert shown.factors[row, column] == pytest.approx(page.frame.theory[row, column], abs=0.03)
    assert "measured over 300 steps" in page.words.text()


def test_on_a_saddle_no_pair_converges(show):
    saddle = race().changed("surface", {"name": "Saddle"})
    page = show(RateMapPage, saddle, 3)
    assert "no pair converges" in page.words.text()
    assert not len(page.optimum.points())


def test_weight_decay_and_dampening_of_the_racer_are_on_the_map(show):
    config = (
        race().changed("racers.0.optimizer.weight_decay", 1.0).changed("racers.0.optimizer.dampening", 0.3)
    )
    page = show(RateMapPage, config, 3)
    assert (page.frame.config.weight_decay, page.frame.config.dampening) == (1.0, 0.3)
    update = Update(0.5, Form.HEAVY_BALL, 0.3, 1.0)
    exact = float(update.radius(0.05, np.array([LOW, HIGH]) + 1.0).max())
    row, column = page.shown.cell(math.log10(0.05), 0.5)
    assert page.shown.factors[row, column] == pytest.approx(exact, abs=0.02)
    limit = np.interp(0.5, page.limit.getData()[1], 10 ** page.limit.getData()[0])
    assert limit == pytest.approx(2 * 1.5 / (0.7 * (HIGH + 1.0)), rel=1e-3)


def test_the_words_say_what_the_map_leaves_out(page):
    assert "Left out" not in page.words.text()
    noisy = race(noise={"name": "Gaussian"}, constraint={"name": "Ball"})
    page.show_race(noisy, noisy.surface.entry.domain, 3, wanted=True)
    assert page.words.text().endswith("Left out: the feasible set and the noise.")


def test_a_start_without_a_value_is_refused_in_words(make):
    config = race(surface={"name": "Formula", "text": "sqrt(x - 4.5)"})
    page = make(RateMapPage)
    page.show_race(config, config.surface.entry.domain, 3, wanted=True)
    assert page.words.text() == "Start: expected a point where f has a value, got (2, 1)."


def test_what_is_not_settled_has_a_paler_grey_and_words(show):
    valley = race(surface={"name": "Formula", "text": "-x - x**2/2 + 20*y**2"}, start=(0.0, 0.0))
    page = show(RateMapPage, valley.changed("racers.0.optimizer.lr", 1e-4), 3)
    page.source.findChild(QToolButton, "surface.rate_map.source.measured").click()
    row, column = cell = page.shown.cell(-4.0, 0.5)
    assert page.shown.unsettled[cell]
    pale = QColor(*grey(theme.colours(page), UNSETTLED).astype(int).tolist())
    assert page.image.image.pixelColor(column, row) == pale
    assert "it is not settled yet" in page.words.text()
    page.plot.point((-4.0, 0.5))
    assert "not settled yet" in page.plot._read_out.text()
