"""The surface tab: what its parts show of one race, and what its edits do."""

import numpy as np
import pytest

from optgui.core.surface import DescentConfig
from optgui.gui.readings import Readout
from optgui.gui.surface import race_panel
from optgui.gui.surface_tab import SurfaceTab
from optgui.jobs.controller import PaintBudget
from optgui.jobs.messages import JobState


@pytest.fixture
def tab(qtbot):
    made = SurfaceTab(PaintBudget())
    qtbot.addWidget(made)
    made.resize(1280, 760)
    made.show()
    computed(qtbot, made)
    yield made
    for controller in made.controllers:
        controller.quit()
    assert all(controller.wait(2000) for controller in made.controllers)


def computed(qtbot, tab):
    """Wait until the race of the form's config is there."""
    qtbot.waitUntil(lambda: tab.race.computed and tab.race.frame is not None, timeout=5000)
    qtbot.waitUntil(
        lambda: tab.race.computed and tab.race.frame.config == tab.panel.form.config, timeout=5000
    )


def open_race(qtbot, tab, **settings):
    tab.open_config(DescentConfig.parse(settings))
    computed(qtbot, tab)


def test_the_readings_of_an_ended_race_are_those_of_its_last_step(qtbot, tab):
    open_race(qtbot, tab, steps=40)
    tab.playback.speed = 100.0
    tab.panel.toggle()
    qtbot.waitUntil(lambda: tab.panel.state is JobState.FINISHED, timeout=5000)
    frame = tab.race.frame
    assert tab.playback.step == frame.step == 40
    for place, identity in enumerate(frame.ids):
        tab.step_panel.select(identity)
        tab.numbers.show_now()
        x, y = frame.paths[place, -1]
        assert tab.findChild(Readout, "surface.reading.x, y").text() == f"{x:.4g}, {y:.4g}"


def test_an_edit_keeps_the_play_head_and_the_last_good_picture_until_the_new_race_is_there(
    qtbot, tab, monkeypatch
):
    monkeypatch.setattr(race_panel, "PATIENCE_S", 60.0)  # however slow the computer is
    tab.playback.go(300)
    frames = []
    tab.race.raced.connect(frames.append)
    for lr in (0.0011, 0.0012, 0.0013, 0.0014):
        tab.panel.form.change("racers.0.optimizer.lr", lr)
    computed(qtbot, tab)
    assert tab.playback.step == 300
    lrs = [frame.config.racers[0].optimizer.lr for frame in frames]
    assert lrs == sorted(lrs)
    assert lrs[-1] == 0.0014
    assert all(frame.step >= 300 for frame in frames)


def test_hiding_a_racer_computes_nothing(qtbot, tab):
    frame = tab.race.frame
    tab.panel.form.change("racers.1.visible", False, final=True)
    assert tab.race.frame is frame
    assert tab.race.computed
    assert not tab.loss.lines["1"].shown


def test_a_race_that_cannot_start_says_why_and_the_last_good_picture_stays(qtbot, tab):
    frame = tab.race.frame
    points = [[1, 1, 1], [1, 1, -1], [2, 0, 1], [0, 2, -1]]
    tab.panel.form.change("surface", {"name": "SVM", "points": points}, final=True)
    qtbot.waitUntil(lambda: tab.panel.state is JobState.FAILED, timeout=5000)
    assert "expected a problem with a feasible point" in tab.panel.messages.sentence
    assert tab.race.frame is frame
    tab.panel.form.change("surface", {"name": "SVM"}, final=True)
    computed(qtbot, tab)
    assert tab.panel.messages.sentence == ""


def test_start_behind_a_race_that_could_not_begin_tries_again_and_plays(qtbot, tab):
    points = [[1, 1, 1], [1, 1, -1], [2, 0, 1], [0, 2, -1]]
    tab.panel.form.change("surface", {"name": "SVM", "points": points}, final=True)
    qtbot.waitUntil(lambda: tab.panel.state is JobState.FAILED, timeout=5000)
    tab.panel.form.blockSignals(True)  # a cause that has gone by itself
    tab.panel.form.set_config(DescentConfig())
    tab.panel.form.blockSignals(False)
    tab.panel.toggle()
    assert tab.playback.playing
    computed(qtbot, tab)


def test_stop_keeps_the_picture_and_start_begins_anew(qtbot, tab):
    tab.panel.toggle()
    qtbot.waitUntil(lambda: tab.playback.step > 2, timeout=5000)
    tab.panel.stop()
    assert tab.panel.state is JobState.STOPPED
    stood = tab.playback.step
    assert stood > 2
    tab.panel.toggle()
    assert tab.playback.step < stood
    assert tab.panel.state is JobState.RUNNING
    tab.panel.toggle()
    assert tab.panel.state is JobState.PAUSED


def test_one_step_moves_the_head_by_one(qtbot, tab):
    tab.panel.step()
    tab.panel.step()
    assert tab.playback.step == 2
    assert tab.panel.state is JobState.PAUSED
    tab.playback.back()
    assert tab.playback.step == 1


def test_a_race_in_which_all_diverge_ends_there(qtbot, tab):
    open_race(qtbot, tab, racers=[{"optimizer": {"name": "SGD", "lr": 10.0}}])
    tab.playback.speed = 100.0
    tab.panel.toggle()
    qtbot.waitUntil(lambda: tab.panel.state is JobState.FINISHED, timeout=5000)
    assert tab.playback.step == tab.race.frame.diverged[0] < 20


def test_another_surface_starts_where_it_suggests(qtbot, tab):
    tab.panel.form.change("surface", {"name": "Himmelblau"}, final=True)
    computed(qtbot, tab)
    assert tab.race.frame.config.start == tab.race.frame.surface.entry.start


def test_all_stationary_points_are_found_and_marked(qtbot, tab):
    open_race(qtbot, tab, surface="Himmelblau")
    found = []
    tab.map.show_stationary = found.append
    tab.pictures.stationary_wanted.emit()
    qtbot.waitUntil(lambda: bool(found), timeout=10_000)
    assert len(found[0]) == 9


@pytest.mark.parametrize(
    "surface", ["DoubleWell", "LinearRegression", "LogisticRegression", "SVM", "LinearProgram"]
)
def test_problems_show_their_data_and_functions_of_x_their_curve(qtbot, tab, surface):
    open_race(qtbot, tab, surface=surface, steps=30)
    tab.playback.go(30)
    assert tab.pictures.data.isVisible() == (surface != "DoubleWell")
    picture = tab.pictures.line if surface == "DoubleWell" else tab.map
    assert tab.pictures.picture is picture
    assert picture.isVisible()


def test_a_point_dragged_in_the_data_moves_the_problem(qtbot, tab):
    open_race(qtbot, tab, surface="LinearRegression", steps=30)
    before = tab.race.frame.minima
    points = [list(point) for point in tab.race.frame.surface.values["points"]]
    points[0][1] += 3
    tab.pictures.points_changed.emit(tuple(map(tuple, points)), True)
    computed(qtbot, tab)
    assert tab.race.frame.surface.values["points"][0][1] == points[0][1]
    assert not np.allclose(tab.race.frame.minima, before)


def test_every_chapter_of_the_story_is_one_click(qtbot, tab):
    from optgui.core.surface.story import STORY

    for chapter in STORY:
        tab.story.chosen.emit(chapter)
        assert tab.playback.playing
        tab.playback.pause()
        computed(qtbot, tab)
        assert tab.panel.messages.sentence == ""
        assert tab.race.frame.config == DescentConfig.parse(chapter.config)
