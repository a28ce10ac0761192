"""The controls of a play head: with the mouse and the keys."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from optgui.core.engine import Status
from optgui.gui import theme
from optgui.gui.job.run_bar import RunBar
from optgui.gui.playback import Playback
from optgui.gui.timeline import Timeline
from optgui.jobs.messages import JobState


@pytest.fixture
def timeline(qtbot):
    playback = Playback()
    made = Timeline(playback)
    playback.setParent(made)
    qtbot.addWidget(made)
    playback.set_total(200)
    playback.set_available(150)
    made.resize(900, 40)
    made.show()
    return made


def test_keys_move_the_head(timeline):
    scrub, playback = timeline.scrub, timeline.playback
    for key, step in (
        (Qt.Key.Key_Right, 1),
        (Qt.Key.Key_PageUp, 21),
        (Qt.Key.Key_PageDown, 1),
        (Qt.Key.Key_Left, 0),
        (Qt.Key.Key_End, 150),
        (Qt.Key.Key_Home, 0),
    ):
        QTest.keyClick(scrub, key)
        assert (playback.step, scrub.value()) == (step, step)


def test_a_click_goes_there_and_no_further_than_what_is_computed(timeline):
    scrub = timeline.scrub
    middle = QPoint(scrub.width() // 2, scrub.height() // 2)
    QTest.mouseClick(scrub, Qt.MouseButton.LeftButton, pos=middle)
    assert timeline.playback.step == pytest.approx(100, abs=2)
    QTest.mouseClick(scrub, Qt.MouseButton.LeftButton, pos=QPoint(scrub.width() - 2, middle.y()))
    assert timeline.playback.step == scrub.value() == 150


def test_holding_the_handle_holds_the_head(timeline):
    timeline.playback.play()
    scrub = timeline.scrub
    QTest.mousePress(scrub, Qt.MouseButton.LeftButton, pos=QPoint(9, scrub.height() // 2))
    timeline.playback.tick()
    assert (timeline.playback.step, timeline.playback.playing) == (0, True)
    QTest.mouseRelease(scrub, Qt.MouseButton.LeftButton, pos=QPoint(9, scrub.height() // 2))
    timeline.playback.pause()


def test_what_the_head_does_is_shown(timeline):
    timeline.playback.go(42)
    assert timeline.scrub.value() == 42
    timeline.playback.set_total(1000)
    assert timeline.scrub.maximum() == 1000
    assert timeline.scrub.value() == 42


def test_back_goes_one_step_back_and_waits(timeline):
    timeline.playback.go(3)
    timeline.playback.play()
    QTest.mouseClick(timeline.back_button, Qt.MouseButton.LeftButton)
    assert (timeline.playback.step, timeline.playback.playing) == (2, False)
    timeline.playback.rewind()
    assert not timeline.back_button.isEnabled()


@pytest.mark.parametrize(
    ("place", "speed", "words"), [(0, 0.1, "0.1×"), (20, 1.0, "1×"), (48, 25.0, "25×"), (60, 100.0, "100×")]
)
def test_speed_is_logarithmic(timeline, place, speed, words):
    timeline.speed.setValue(0 if place else 1)
    timeline.speed.setValue(place)
    assert timeline.playback.speed == speed
    assert timeline.speed_text.text() == words


def test_speed_set_elsewhere_is_shown(timeline):
    timeline.playback.speed = 10.0
    assert timeline.speed.value() == 40
    assert timeline.playback.speed == 10.0


def test_the_wheel_needs_focus(timeline):
    place = QPointF(timeline.speed.rect().center())
    event = QWheelEvent(
        place, timeline.speed.mapToGlobal(place), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    timeline.speed.clearFocus()
    before = timeline.playback.speed
    QApplication.sendEvent(timeline.speed, event)
    assert timeline.playback.speed == before


def test_controls_have_names(timeline):
    for name in ("surface.back", "surface.scrub", "surface.speed"):
        widget = timeline.findChild(QWidget, name)
        assert widget.accessibleName()
        assert widget.toolTip()


def test_what_is_not_computed_is_paler(timeline):
    timeline.playback.go(20)
    image = timeline.scrub.grab().toImage()
    row = timeline.scrub.height() // 2
    at = [
        image.pixelColor(round(9 + step / 200 * (image.width() - 18)), row).name() for step in (10, 100, 180)
    ]
    assert len(set(at)) == 3


@pytest.mark.parametrize("state", [JobState.RUNNING, JobState.PAUSED])
def test_a_run_bar_takes_it_and_its_words_still_fit(qtbot, state):
    theme.apply(QApplication.instance(), "light")
    bar = RunBar("surface")
    qtbot.addWidget(bar)
    playback = Playback(bar)
    timeline = Timeline(playback)
    bar.insert(timeline)
    bar.show_state(state)
    bar.show_status(Status(12_345, 100_000, "steps", ""))
    bar.resize(1280, bar.sizeHint().height())
    bar.show()
    words = bar.text.text()
    assert bar.text.fontMetrics().horizontalAdvance(words) <= bar.text.width()
    assert timeline.scrub.width() > 200
    assert not bar.progress.isVisible()
    order = [bar.stop_button, timeline, bar.text]
    assert [w.x() for w in order] == sorted(w.x() for w in order)
