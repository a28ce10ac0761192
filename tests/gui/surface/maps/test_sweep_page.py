"""The rate sweep as a person sees and uses it."""

import math

import numpy as np
import pytest
from PySide6.QtWidgets import QToolButton

from optgui.core.surface import DescentConfig, DescentEngine
from optgui.gui.surface.maps.sweep_numbers import last_before, losses, lost, spans, told_apart
from optgui.gui.surface.maps.sweep_page import SweepPage

BOWL = {"name": "Quadratic"}
FLAT, STEEP = DescentConfig.parse({"surface": BOWL}).surface.curvature(0, 0).eigenvalues
LIMIT = 2 / STEEP


def race(lrs=(0.01, 0.02), surface=BOWL, hidden=(), **rest):
    racers = [
        {"id": 5, "optimizer": {"name": "SGD", "lr": lrs[0]}, "visible": 5 not in hidden},
        {"id": 2, "optimizer": {"name": "Adam", "lr": lrs[1]}, "visible": 2 not in hidden},
    ]
    data = {"surface": surface, "racers": racers, "steps": 60, "start": (4.0, 2.0), **rest}
    return DescentConfig.parse(data)


@pytest.fixture
def page(show):
    return show(SweepPage, race(), 5)


def test_the_racers_own_rates_do_not_begin_a_new_sweep(make):
    page = make(SweepPage)
    configs = [page.config_for(race(lrs), ((-5, 5), (-5, 5)), 5) for lrs in ((0.01, 0.02), (0.5, 1e-4))]
    assert configs[0] == configs[1]
    assert [racer.id for racer in configs[0].race.racers] == [5, 2]


def test_hidden_racers_are_not_swept(make):
    page = make(SweepPage)
    assert [one.id for one in page.config_for(race(hidden=(5,)), ((0, 1), (0, 1)), 5).race.racers] == [2]
    with pytest.raises(ValueError, match="show one"):
        page.config_for(race(hidden=(5, 2)), ((0, 1), (0, 1)), 5)


def test_the_axis_reaches_to_every_rate(make):
    page = make(SweepPage)
    usual = page.config_for(race(), ((0, 1), (0, 1)), 5)
    wide = page.config_for(race((1e-6, 40.0)), ((0, 1), (0, 1)), 5)
    assert (usual.low, usual.high) == (1e-5, 10.0)
    assert wide.low < 1e-6
    assert wide.high > 40


def test_lines_stand_where_races_end(page):
    for racer, identity in ((0, 5), (1, 2)):
        x, y = page.lines[identity].getData()
        for place in (20, 60):
            engine = DescentEngine(race((10 ** x[place],) * 2))
            while not engine.done:
                engine.step()
            final = engine.frame().losses[racer, -1]
            assert y[place] == pytest.approx(math.log10(final), abs=1e-6)


def test_dots_stand_at_the_present_rates_and_follow_them(page):
    assert sorted(point.pos().x() for point in page.dots.points()) == pytest.approx([-2, math.log10(0.02)])
    page.show_race(race((0.001, 0.1)), race().surface.entry.domain, 5, wanted=True)
    assert sorted(point.pos().x() for point in page.dots.points()) == pytest.approx([-3, -1])


def test_rates_that_diverge_are_shaded_for_the_selected_racer(page):
    ((low, high),) = page.zones.spans
    assert LIMIT < 10**low < 1.2 * LIMIT  # a little above it 60 steps do not lead far
    assert 10**high >= 10
    assert "6 SGD diverges" in [note.text for note in page.plot.notes]
    page.show_race(race(), race().surface.entry.domain, 2, wanted=True)
    assert page.zones.spans == []
    assert not any("diverges" in note.text for note in page.plot.notes)


def test_numbers_have_as_many_digits_as_tell_them_apart():
    assert told_apart([0.001, 0.0019968, 0.002]) == ["0.001", "0.001997", "0.002"]
    assert told_apart([1e-5, 0.1]) == ["1e−05", "0.1"]
    assert told_apart([]) == []


def test_a_line_ends_with_a_cross_where_the_next_rate_diverges(page):
    heights, gone = losses(page.frame), lost(page.frame)
    first = int(np.flatnonzero(gone[0])[0])
    ((x, _),) = last_before(heights, gone, 0)
    assert x == pytest.approx(math.log10(page.frame.lrs[first - 1]))
    assert [point.pos().x() for point in page.ends.points()] == pytest.approx([x])


def test_spans_are_half_a_rate_wider_than_their_ends():
    gone = np.array([False, True, True, False, True])
    np.testing.assert_allclose(spans(10.0 ** np.arange(-2, 3), gone), [(-1.5, 0.5), (1.5, 2.5)])


def test_marks_of_the_ruler_belong_to_the_selected_racer(page):
    x, _ = page.marks.getData()
    marks = [1 / STEEP, 2 / (FLAT + STEEP), LIMIT]
    assert sorted(set(np.round(10**x, 6))) == pytest.approx(marks, abs=1e-5)
    assert [text.rpartition(" ")[0] for _, text in page.plot.marks] == ["no overshoot", "best rate", "limit"]
    page.show_race(race(), race().surface.entry.domain, 2, wanted=True)
    assert not len(page.marks.getData()[0])
    assert not page.plot.marks


def test_a_click_on_a_line_takes_the_rate_for_its_racer(page, click, qtbot):
    x, y = page.lines[2].getData()
    with qtbot.waitSignal(page.taken) as taken:
        click(page.plot, x[90], y[90])
    ((path, lr),) = taken.args[0].items()
    assert path == "racers.1.optimizer.lr"
    assert lr == pytest.approx(10 ** x[90], rel=0.03)


def test_a_click_beside_the_lines_takes_the_rate_for_the_selected_racer(page, qtbot):
    with qtbot.waitSignal(page.taken) as taken:
        page.plot.clicked.emit(math.log10(0.0123456), page.heights.low)
    assert taken.args == [{"racers.0.optimizer.lr": 0.0123}]


def test_the_cursor_reads_the_number_of_the_nearest_rate(page):
    place = 50
    page.plot.point((math.log10(page.frame.lrs[place]), 0.0))
    text = page.plot._read_out.text()
    assert f"lr {page.frame.lrs[place]:.4g}" in text
    assert f"{page.frame.finals[0, place]:#.4g}".replace("-", "−") in text


def test_the_other_measure_shows_the_steps_to_arrive(page, qtbot):
    page.measure.findChild(QToolButton, "surface.sweep.measure.steps").click()
    assert not page.plot.y_axis.decades
    place = int(np.abs(page.frame.lrs - 1 / STEEP).argmin())
    assert page.lines[5].getData()[1][place] == page.frame.reached[0, place] > 0
    assert "arrives soonest" in page.words.text()


def test_without_a_known_minimum_nobody_arrives(show):
    page = show(SweepPage, race(surface={"name": "Formula", "text": "x**4 - x + y**2"}), 5)
    page.measure.choose("steps")
    page.restyle()
    assert "No minimum is known" in page.plot.hint


def test_the_words_say_the_best_rate_of_the_selected_racer(page):
    best = page.frame.best_lrs[0]
    assert page.words.text().startswith(f"6 SGD ends lowest at lr {best:.3g}")
    ((low, _),) = page.zones.spans
    assert f"it diverges from lr {10**low:.3g}" in page.words.text()


def test_a_racer_that_leaves_the_finite_numbers_says_when(show):
    page = show(SweepPage, race(steps=300), 5)
    page.plot.point((1.0, 0.0))
    assert f"diverges at step {page.frame.diverged[0, -1]:.0f}" in page.plot._read_out.text()
