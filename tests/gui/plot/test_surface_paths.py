"""Which points of a path the screen can tell apart."""

import numpy as np
from PySide6.QtCore import QRectF

from optgui.gui.plot.surface_paths import kept

PIXEL = (0.01, 0.01)


def test_a_path_that_stands_still_is_one_point():
    assert kept(np.ones((500, 2)), PIXEL, 100).tolist() == [0]


def test_points_far_apart_are_all_kept():
    path = np.stack([np.arange(50.0), np.zeros(50)], axis=1)
    assert kept(path, PIXEL, 100).tolist() == list(range(50))


def test_what_is_dropped_lies_within_two_pixels_of_what_is_kept():
    path = np.random.default_rng(0).normal(size=(3000, 2)).cumsum(axis=0) * 0.004
    places = kept(path, PIXEL, 3000)
    last = path[places[np.searchsorted(places, np.arange(3000), side="right") - 1]]
    assert len(places) < 2000
    assert np.abs(path - last).max() <= 2 * PIXEL[0]


def test_there_are_never_more_than_asked_for():
    path = np.random.default_rng(0).normal(size=(3000, 2))
    places = kept(path, PIXEL, 100)
    assert len(places) <= 100
    assert places[0] == 0


def test_a_path_out_to_the_largest_numbers_is_no_trouble():
    path = np.array([[0.0, 0.0], [1e200, -1e300], [1e308, 1e308]])
    assert kept(path, PIXEL, 10).tolist() == [0, 1, 2]


def test_a_short_stretch_in_view_keeps_its_steps_whatever_lies_outside():
    path = np.stack([np.arange(5000.0), np.zeros(5000)], axis=1)
    places = kept(path, PIXEL, 100, QRectF(2999.5, -1, 20, 2)).tolist()
    assert set(range(2999, 3021)) <= set(places)
    assert len(places) < 30


def test_a_corner_outside_the_view_is_not_cut():
    path = np.array([[-2, 0], [-2, 1], [-2, 2], [-1, 2], [0, 2], [1, 2]]) * 1.0  # round the corner
    places = kept(path, PIXEL, 100, QRectF(-1.5, -1, 3, 2.5))
    assert 2 in places
