"""The plane through a digit as a person sees and uses it."""

import dataclasses

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QAccessible, QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QToolButton, QWidget

from optgui.core.attack.plane import PlaneEngine, PointImage
from optgui.gui import theme
from optgui.gui.attack.plane import page as plane_page
from optgui.gui.attack.plane.page import EMPTY, PlanePage, near, sentence
from optgui.jobs.controller import PaintBudget
from optgui.jobs.messages import JobState
from tests.core.attack.plane.samples import attacked


@pytest.fixture(scope="module")
def inputs():
    return attacked()


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(plane_page, "RESOLUTION", 48)


@pytest.fixture
def make(qtbot):
    """A page, on screen unless said otherwise, whose job ends with the test; `sent` holds what was begun."""
    pages = []

    def make(*, shown=True):
        page = PlanePage(PaintBudget())
        qtbot.addWidget(page)
        page.resize(760, 560)
        page.sent, start = [], page.controller.start

        def begin(subject, *job):
            page.sent.append((subject, *job))
            return start(subject, *job)

        page.controller.start = begin
        pages.append(page)
        if shown:
            page.show()
        return page

    yield make
    for page in pages:
        page.controller.quit()
    assert all(page.controller.wait(10_000) for page in pages)


@pytest.fixture
def page(qtbot, make, inputs):
    """A page with a finished plane."""
    page = make()
    page.show_attack(inputs)
    settle(qtbot, page)
    return page


def settle(qtbot, page):
    qtbot.waitUntil(
        lambda: page.finished and page.frame is not None and page.frame.level == page.frame.levels,
        timeout=20_000,
    )


def press(page, name):
    page.findChild(QToolButton, f"attack.plane.{name}").click()


def test_an_empty_page_says_what_to_do(make):
    assert make().plot.hint == EMPTY


def test_a_hidden_page_does_nothing_until_it_is_shown(qtbot, make, inputs):
    page = make(shown=False)
    page.show_attack(inputs)
    assert not page.sent
    page.show()
    assert [(subject, given) for subject, _, given in page.sent] == [("plane", inputs)]
    settle(qtbot, page)


def test_a_finished_plane_is_kept_while_the_page_is_hidden(page, inputs):
    page.hide()
    page.show()
    page.show_attack(inputs)
    assert len(page.sent) == 1


def test_a_plane_that_is_not_finished_is_ended_by_hiding_and_begins_anew(qtbot, make, inputs, monkeypatch):
    monkeypatch.setattr(plane_page, "RESOLUTION", 512)
    page = make()
    page.show_attack(inputs)
    qtbot.waitUntil(lambda: page.controller.state is JobState.RUNNING)
    page.hide()
    qtbot.waitUntil(lambda: page.controller.state in (JobState.STOPPED, JobState.FINISHED))
    assert page.progress.isHidden()
    monkeypatch.setattr(plane_page, "RESOLUTION", 48)
    page.show()
    assert len(page.sent) == 2
    settle(qtbot, page)


def test_another_attack_begins_anew_and_the_last_picture_stays_until_it_has_something(qtbot, page):
    before = page.frame
    page.show_attack(attacked({"norm": "Linf", "epsilon": 0.1, "step_size": 0.02}))
    assert page.frame is before
    settle(qtbot, page)
    qtbot.waitUntil(lambda: page.frame.norm == "Linf")


def test_what_is_shown_changes_without_a_new_computation(page):
    press(page, "shows.Regions")
    assert page.plot.regions.isVisible()
    assert not page.plot.heat.isVisible()
    press(page, "shows.Loss")
    assert page.plot.heat.isVisible()
    assert len(page.sent) == 1


def test_other_choices_begin_anew(qtbot, page):
    for name in ("across.attack", "another", "pictures.open"):
        press(page, name)
        settle(qtbot, page)
    configs = [config for _, config, _ in page.sent]
    assert [config.across for config in configs] == ["random", "attack", "attack", "attack"]
    assert [config.seed for config in configs] == [0, 0, 1, 1]
    assert [config.clipped for config in configs] == [True, True, True, False]
    qtbot.waitUntil(lambda: not page.frame.config.clipped)


def test_pictures_are_clipped_as_the_attack_clips(make, inputs):
    page = make(shown=False)
    page.show_attack(attacked({"clip": False}))
    assert not page.config.clipped
    press(page, "pictures.clipped")
    page.show_attack(attacked({"clip": False, "epsilon": 1.0}))
    assert page.config.clipped  # a person's choice stays
    page.show_attack(inputs)
    assert page.config.clipped


def test_the_cursor_reads_the_nearest_point_at_once_and_then_what_is_under_it(qtbot, page, inputs):
    engine = PlaneEngine(page.frame.config, inputs)
    while engine.frame() is None:
        engine.step()
    truth = engine.answer(PointImage(0.4, -0.3))
    page.plot.point((0.4, -0.3))
    assert "along the plane" in page.plot._read_out.text()
    assert f"read as {page.frame.classes[shown_at(page.frame, -0.3), shown_at(page.frame, 0.4)]}" in (
        page.plot._read_out.text()
    )
    qtbot.waitUntil(lambda: "from the digit in L2" in page.plot._read_out.text())
    words = page.plot._read_out.text()
    assert f"read as {truth.prediction}, {truth.probabilities.max():.1%}" in words
    assert f"loss {truth.loss:.4g}".rstrip("0") in words
    assert f"{truth.size:.3g} px" in words


def shown_at(frame, at):
    return int(np.abs(frame.places - at).argmin())


def test_the_newest_place_of_the_cursor_is_read_in_the_end(qtbot, page):
    for a in np.linspace(-1, 1, 9):
        page.plot.point((float(a), 0.0))
    qtbot.waitUntil(lambda: "1.00 px from the digit" in page.plot._read_out.text())
    page.plot.point(None)
    assert page.plot._read_out.isHidden()


def test_a_click_gives_the_picture_there(qtbot, page, inputs):
    plot = page.plot
    plot.grab()  # axes find their width when they are painted
    at = plot.mapFromScene(plot.view.mapViewToScene(QPointF(0.5, 0.25)))
    with qtbot.waitSignal(page.picked) as picked:
        QTest.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=at)
    (point,) = picked.args
    pixel = plot.view.viewPixelSize()[0]
    assert point.a == pytest.approx(0.5, abs=2 * pixel)
    assert point.b == pytest.approx(0.25, abs=2 * pixel)
    assert point.image.shape == (28, 28)
    assert 0 <= point.image.min() <= point.image.max() <= 1
    assert np.linalg.norm(point.image - inputs.image[0]) == pytest.approx(point.distance, rel=1e-4)
    assert plot.lines.picked == (point.a, point.b)


def test_return_gives_the_picture_under_the_cursor(qtbot, page):
    page.plot.point((0.0, 0.0))
    with qtbot.waitSignal(page.picked) as picked:
        QTest.keyClick(page.plot, Qt.Key.Key_Return)
    assert (picked.args[0].a, picked.args[0].b) == (0, 0)


def test_an_attack_that_changed_nothing_is_said_in_the_picture(qtbot, page, inputs):
    still = dataclasses.replace(inputs, perturbation=np.zeros((28, 28), np.float32))
    page.show_attack(still)
    qtbot.waitUntil(lambda: "has not changed the digit" in page.plot.hint)
    assert page.frame is None
    page.show_attack(inputs)
    settle(qtbot, page)
    assert page.plot.hint == ""


def test_nothing_can_be_shown_with_a_reason(page):
    page.show_nothing("There is no digit yet.")
    assert page.plot.hint == "There is no digit yet."
    assert page.frame is None
    page.plot.point((0.0, 0.0))
    page.plot.clicked.emit(0.0, 0.0)
    assert page.words.text() == ""


def test_the_words_say_what_is_not_as_it_looks(page):
    frame = page.frame
    assert f"by up to {frame.off_plane.max():#.3g} px" in sentence(frame)
    assert "clipped to [0, 1] before" in sentence(frame)
    open_plane = dataclasses.replace(frame, config=frame.config.changed("clipped", False))
    assert "also outside [0, 1]" in sentence(open_plane)
    line = dataclasses.replace(frame, box=np.array([[0, 0], [1, 0], [0, 0]], float))
    assert "along a line only" in sentence(line)
    other = dataclasses.replace(frame, config=frame.config.changed("across", "attack"))
    assert "went the same way" in sentence(other)
    spikes = dataclasses.replace(frame, norm="L0", ball=np.empty((0, 2)))
    assert "The ball in L0 has no outline" in sentence(spikes)


def test_outside_the_picture_nothing_is_read(page):
    assert near(page.frame, 1.01 * page.frame.half, 0.0) == ""


def test_every_control_has_a_name_and_the_page_follows_the_theme(page, qapp):
    for widget in page.findChildren(QWidget):
        if isinstance(widget, QAbstractButton):
            assert widget.objectName().startswith("attack.plane.")
            assert QAccessible.queryAccessibleInterface(widget).text(QAccessible.Text.Name)
            reached = widget.focusPolicy() & Qt.FocusPolicy.TabFocus
            assert reached or (
                widget.isCheckable() and not widget.isChecked()
            )  # by arrow keys from its group
    for look, colours in (("dark", theme.DARK), ("light", theme.LIGHT)):
        theme.apply(qapp, look)
        assert page.plot.backgroundBrush().color() == QColor(colours.plot)
