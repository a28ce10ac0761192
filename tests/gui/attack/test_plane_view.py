"""What is painted of the plane, and where."""

import dataclasses
import itertools

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor

from optgui.gui import theme
from optgui.gui.attack.plane.marks import deepest, is_fooled, is_line, outline_words, region_labels
from optgui.gui.attack.plane.view import PlaneView, class_colours, heights, spreads
from tests.core.attack.plane.samples import attacked, sampled


@pytest.fixture(scope="module")
def frame():
    return sampled(attacked()).frame()


@pytest.fixture
def view(qtbot):
    view = PlaneView("Plane", "plane")
    qtbot.addWidget(view)
    view.resize(700, 500)
    view.show()
    return view


def halves(frame, left, right):
    """The frame with one class at the left and another at the right."""
    classes = np.full(frame.classes.shape, left, np.int8)
    classes[:, frame.places > 0] = right
    return dataclasses.replace(frame, classes=classes)


def test_regions_are_painted_where_they_lie(view, frame):
    view.draw(halves(frame, 3, 8), "Regions")
    picture = view.grab().toImage()
    colours = class_colours(theme.colours(view)).astype(int)
    for a, number in ((-0.9, 3), (0.9, 8)):
        at = view.mapFromScene(view.view.mapViewToScene(QPointF(a * frame.half, -0.95 * frame.half)))
        seen = picture.pixelColor(at.x(), at.y())
        assert np.abs(np.array(seen.getRgb()[:3]) - colours[number]).max() <= 2


def test_the_plane_is_square_at_any_size_of_the_widget(view, frame, qtbot):
    view.draw(frame, "Loss")
    for size in ((700, 400), (400, 700)):
        view.resize(*size)
        view.grab()
        room = view.view.sceneBoundingRect()
        assert room.width() == pytest.approx(room.height(), abs=2)
        assert np.allclose(view.view.viewRange(), [[-frame.half, frame.half]] * 2)


def test_every_class_has_a_colour_of_its_own():
    for tokens in (theme.LIGHT, theme.DARK):
        colours = class_colours(tokens)
        assert colours.shape == (10, 3)
        assert min(np.abs(a - b).max() for a, b in itertools.combinations(colours, 2)) > 12


def test_a_label_stands_deepest_inside_its_region(frame):
    labels = dict(region_labels(halves(frame, 3, 8)))
    assert set(labels) == {3, 8}
    for number, sign in ((3, -1), (8, 1)):
        a, b = labels[number]
        assert sign * a == pytest.approx(frame.half / 2, rel=0.3)
        assert abs(b) < frame.half / 2


def test_a_label_keeps_off_the_digit_and_the_result(frame):
    ((number, at),) = region_labels(halves(frame, 6, 6))
    assert number == 6
    for dot in ((0.0, 0.0), frame.adversarial):
        assert np.hypot(at[0] - dot[0], at[1] - dot[1]) > 0.05 * 2 * frame.half


def test_a_speck_has_no_label(frame):
    classes = np.zeros((256, 256), np.int8)
    classes[4:9, 4:9] = 5
    places = ((np.arange(256) + 0.5) / 128 - 1) * frame.half
    found = region_labels(dataclasses.replace(frame, classes=classes, places=places))
    assert [number for number, _ in found] == [0]


def test_the_deepest_point_of_a_shape_lies_within_it():
    ring = np.zeros((31, 31), bool)
    ring[4:27, 4:27] = True
    ring[8:23, 8:23] = False
    assert ring[deepest(ring)]
    lump = np.zeros((31, 31), bool)
    lump[2:5, 2:30] = True
    lump[2:20, 2:20] = True
    row, column = deepest(lump)
    assert 8 <= row <= 13
    assert 8 <= column <= 13
    one = np.zeros((9, 9), bool)
    one[2, 7] = True
    assert deepest(one) == (2, 7)
    assert deepest(np.ones((9, 9), bool)) == (4, 4)


def test_losses_that_spread_are_drawn_by_their_powers_of_ten():
    spread = np.geomspace(1e-9, 10, 100, dtype=np.float32).reshape(10, 10)
    assert spreads(spread)
    drawn = heights(spread)
    assert drawn.max() == pytest.approx(1)
    assert drawn.min() == pytest.approx(-5)  # the top six powers of ten
    even = np.linspace(0, 1, 100, dtype=np.float32).reshape(10, 10)
    assert np.array_equal(heights(even), even.astype(np.float64))
    assert not spreads(-spread)  # a margin below 0 has no logarithm
    assert np.isfinite(heights(np.zeros((4, 4), np.float32))).all()


def test_outlines_are_named_where_they_can_be_told_apart(frame):
    words = outline_words(frame)
    assert words["ball"] == "ball, ε = 1.5 px"
    assert "clipped_ball" in words
    thin = np.array([[0, 0], [1, 0], [0, 0]], float)
    line = dataclasses.replace(frame, box=thin, clipped_ball=np.empty((0, 2)))
    assert is_line(line)
    assert set(outline_words(line)) == {"ball"}


def test_an_end_that_does_not_fool_is_not_called_adversarial(frame):
    assert not is_fooled(dataclasses.replace(frame, adversarial_class=frame.label))
    other = (frame.label + 1) % 10
    assert is_fooled(dataclasses.replace(frame, adversarial_class=other))
    assert not is_fooled(dataclasses.replace(frame, adversarial_class=other, target=(other + 1) % 10))
    assert is_fooled(dataclasses.replace(frame, adversarial_class=other, target=other))


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("shows", ["Loss", "Regions"])
def test_it_paints_in_both_looks(view, frame, qapp, look, shows):
    tokens = {"light": theme.LIGHT, "dark": theme.DARK}[look]
    palette = view.palette()
    palette.setColor(palette.ColorRole.Window, QColor(tokens.window))
    view.setPalette(palette)
    view.draw(frame, shows)
    view.lines.pick((0.2, 0.1))
    picture = view.grab().toImage()
    assert view.backgroundBrush().color() == QColor(tokens.plot)
    colours = {picture.pixel(x, y) for x in range(0, 700, 7) for y in range(0, 500, 7)}
    assert len(colours) > 4


def test_a_frame_without_values_shows_its_lines_alone(view, frame):
    empty = dataclasses.replace(frame, level=0)
    view.draw(empty, "Loss")
    assert not view.heat.isVisible()
    view.grab()
    view.draw(None, "Loss")
    view.grab()
    assert view.frame is None
