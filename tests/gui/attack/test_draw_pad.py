"""Drawing one's own digit, with mouse and pen."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QInputDevice, QPointingDevice, QPointingDeviceUniqueId, QTabletEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from scipy import ndimage

from optgui.gui.attack.victim.draw_pad import DrawPad
from optgui.gui.attack.victim.own_digit import SAY_CLASS

LEFT, RIGHT, NONE = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.NoButton
SEVEN = ((0.3, 0.3), (0.7, 0.28), (0.5, 0.8))


@pytest.fixture
def pad(qtbot):
    made = DrawPad()
    qtbot.addWidget(made)
    made.resize(600, 340)
    made.show()
    return made


def at(canvas, x, y):
    square = canvas.square()
    return QPoint(round(square.left() + x * square.width()), round(square.top() + y * square.height()))


def draw(canvas, points=SEVEN, button=LEFT):
    first, *rest = (at(canvas, *point) for point in points)
    QTest.mousePress(canvas, button, pos=first)
    for place in rest:
        QTest.mouseMove(canvas, place)
    QTest.mouseRelease(canvas, button, pos=place if rest else first)


def pen(canvas, kind, x, y, pressure=1.0, pointer=QPointingDevice.PointerType.Pen):
    device = QPointingDevice(
        *("pen", 1, QInputDevice.DeviceType.Stylus, pointer, QInputDevice.Capability.Pressure, 1, 1, ""),
        QPointingDeviceUniqueId(),
    )
    place = QPointF(at(canvas, x, y))
    buttons = NONE if kind == QEvent.Type.TabletRelease else LEFT
    modifiers = Qt.KeyboardModifier.NoModifier
    event = QTabletEvent(kind, device, place, place, pressure, 0, 0, 0, 0, 0, modifiers, LEFT, buttons)
    QApplication.sendEvent(canvas, event)
    assert event.isAccepted()


def stroke_of_pen(canvas, pressure, **more):
    pen(canvas, QEvent.Type.TabletPress, 0.2, 0.5, pressure, **more)
    pen(canvas, QEvent.Type.TabletMove, 0.8, 0.5, pressure, **more)
    pen(canvas, QEvent.Type.TabletRelease, 0.8, 0.5, 0.0, **more)


def button(pad, name):
    return pad.findChild(object, f"attack.draw.{name}")


def test_a_drawing_is_centred_and_handed_over(pad, qtbot):
    with qtbot.waitSignal(pad.previewed) as previewed:
        draw(pad.canvas)
    pad.own.label.setCurrentIndex(7)
    with qtbot.waitSignal(pad.drawn) as drawn:
        button(pad, "attack").click()
    image, label = drawn.args
    assert label == 7
    assert image.shape == (28, 28)
    assert image.dtype == np.float32
    assert not image.flags.writeable
    assert np.abs(np.array(ndimage.center_of_mass(image)) - 14).max() <= 0.51
    assert np.array_equal(previewed.args[0], image)


def test_an_empty_drawing_is_refused_in_a_sentence(pad, qtbot):
    with qtbot.waitSignal(pad.refused) as refused, qtbot.assertNotEmitted(pad.drawn):
        button(pad, "attack").click()
    assert refused.args == ["The drawing is empty: draw a digit first."]


def test_the_class_must_be_said(pad, qtbot):
    draw(pad.canvas)
    with qtbot.waitSignal(pad.refused) as refused, qtbot.assertNotEmitted(pad.drawn):
        button(pad, "attack").click()
    assert refused.args == [SAY_CLASS]


def test_the_networks_reading_is_the_class_until_one_is_chosen(pad):
    draw(pad.canvas)
    pad.set_guess(2)
    assert pad.own.label.currentIndex() == 2
    assert pad.own.reading.text() == "The network reads 2."
    pad.own.label.setCurrentIndex(7)
    pad.own.label.activated.emit(7)
    pad.set_guess(3)
    assert pad.own.label.currentIndex() == 7
    pad.canvas.clear()
    assert pad.own.label.currentIndex() == -1
    assert pad.own.reading.text() == ""


def test_undo_and_clear(pad):
    canvas = pad.canvas
    assert not button(pad, "undo").isEnabled()
    assert not button(pad, "clear").isEnabled()
    draw(canvas)
    one = canvas.ink()
    draw(canvas, ((0.1, 0.9), (0.9, 0.9)))
    assert canvas.ink().sum() > one.sum()
    button(pad, "undo").click()
    assert np.array_equal(canvas.ink(), one)
    button(pad, "clear").click()
    assert canvas.is_empty
    QTest.keyClick(canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert np.array_equal(canvas.ink(), one)
    QTest.keyClick(canvas, Qt.Key.Key_Delete)
    assert canvas.is_empty


def test_the_width_is_that_of_the_stroke(pad):
    thickness = {}
    for width in (10, 40):
        button(pad, "width").setValue(width)
        draw(pad.canvas, ((0.2, 0.5), (0.8, 0.5)))
        thickness[width] = pad.canvas.ink()[:, 140].sum()
        pad.canvas.clear()
    assert thickness == pytest.approx({10: 10, 40: 40}, abs=1)


def test_the_right_button_and_the_eraser_rub_out(pad):
    canvas = pad.canvas
    draw(canvas)
    before = canvas.ink().sum()
    draw(canvas, ((0.3, 0.3), (0.7, 0.28)), RIGHT)
    assert canvas.ink().sum() < before
    canvas.undo()
    assert canvas.ink().sum() == before
    button(pad, "eraser").click()
    draw(canvas, ((0.3, 0.3), (0.7, 0.28)))
    assert canvas.ink().sum() < before


def test_a_pens_pressure_is_the_width(pad):
    canvas, thickness = pad.canvas, []
    for pressure in (0.2, 1.0):
        stroke_of_pen(canvas, pressure)
        thickness.append(canvas.ink()[:, 140].sum())
        canvas.clear()
    assert 3 < thickness[0] < 0.6 * thickness[1]


def test_a_pens_other_end_rubs_out(pad):
    stroke_of_pen(pad.canvas, 1.0)
    stroke_of_pen(pad.canvas, 1.0, pointer=QPointingDevice.PointerType.Eraser)
    assert pad.canvas.is_empty


def test_a_dot_is_ink_and_moving_without_a_button_is_none(pad):
    QTest.mouseMove(pad.canvas, at(pad.canvas, 0.5, 0.5))
    assert pad.canvas.is_empty
    draw(pad.canvas, ((0.5, 0.5),))
    assert pad.digit().max() == 1


def test_everything_has_a_name(pad):
    for name in ("paper", "width", "eraser", "undo", "clear", "label"):
        widget = button(pad, name)
        assert widget.accessibleName(), name
        assert widget.toolTip() or widget.accessibleDescription(), name
