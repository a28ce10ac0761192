import numpy as np
import pytest

from optgui.core.surface import SurfaceConfig
from optgui.gui.plot.relief import Relief
from optgui.gui.plot.trails import MOST, PIECE, distinct, drape, trail

RELIEF = Relief(SurfaceConfig(name="Himmelblau"))


def spiral(steps):
    t = np.linspace(0, 1, steps + 1)
    return np.column_stack([4 * (1 - t) * np.cos(12 * t), 4 * (1 - t) * np.sin(12 * t)])


def test_every_piece_lies_on_the_relief_and_is_short():
    laid = trail(RELIEF, spiral(300), ())
    flat = laid.pieces.reshape(-1, 3)
    np.testing.assert_allclose(flat, RELIEF.lift(flat[:, :2].astype(float)), atol=2e-5)
    assert np.linalg.norm(np.diff(laid.pieces[..., :2], axis=1), axis=-1).max() < 2 * PIECE


def test_a_line_goes_from_start_to_end_without_a_gap():
    pieces, lines = drape(RELIEF, np.array([[-0.4, -0.2]]), np.array([[0.3, 0.4]]))
    assert (lines == 0).all()
    np.testing.assert_allclose(pieces[0, 0, :2], (-0.4, -0.2), atol=1e-6)
    np.testing.assert_allclose(pieces[-1, 1, :2], (0.3, 0.4), atol=1e-6)
    np.testing.assert_allclose(pieces[1:, 0], pieces[:-1, 1], atol=1e-6)


@pytest.mark.parametrize(
    ("start", "end", "enter", "leave"),
    [
        ((-2, 0), (2, 0), (-0.5, 0), (0.5, 0)),
        ((0, 0), (5, 5), (0, 0), (0.5, 0.5)),
        ((0.2, -9), (0.2, 9), (0.2, -0.5), (0.2, 0.5)),
    ],
)
def test_a_line_is_cut_at_the_box(start, end, enter, leave):
    pieces, _ = drape(RELIEF, np.array([start], float), np.array([end], float))
    np.testing.assert_allclose(pieces[0, 0, :2], enter, atol=1e-6)
    np.testing.assert_allclose(pieces[-1, 1, :2], leave, atol=1e-6)


@pytest.mark.parametrize("line", [((1, 1), (2, 0.7)), ((-1, 0.6), (1, 0.6)), ((0.1, 0.1), (0.1, 0.1))])
def test_a_line_off_the_box_or_without_length_has_no_pieces(line):
    pieces, lines = drape(RELIEF, *(np.array([point], float) for point in line))
    assert pieces.shape == (0, 2, 3)
    assert len(lines) == 0


def test_up_to_a_step_the_trail_is_that_of_the_path_up_to_it():
    path = spiral(80)
    whole = trail(RELIEF, path, ())
    for step in (0, 1, 17, 80):
        expected = trail(RELIEF, path[: step + 1], ()).pieces
        np.testing.assert_array_equal(whole.until(step)[0], expected)
    assert len(whole.until(0)[0]) == 0


def test_dashes_are_the_share_of_the_line_that_the_pattern_says():
    def length(pieces):
        return np.linalg.norm(pieces[:, 1] - pieces[:, 0], axis=1).sum()

    laid = trail(RELIEF, spiral(2000), (4.0, 2.0))
    pieces, dashes = laid.until(2000)
    assert length(dashes) / length(pieces) == pytest.approx(4 / 6, abs=0.08)
    assert len(trail(RELIEF, spiral(50), ()).dashes) == len(trail(RELIEF, spiral(50), ()).pieces)


def test_a_long_race_is_thinned_and_a_wild_one_bounded():
    still = np.zeros((100_001, 2))
    still[50_000:] = 1.0
    assert distinct(RELIEF.floor(still)).tolist() == [0, 50_000]
    wild = np.random.default_rng(0).uniform(-5, 5, (20_001, 2))
    laid = trail(RELIEF, wild, ())
    assert len(laid.kept) <= MOST
    assert len(laid.pieces) <= 3 * MOST


def test_a_path_that_leaves_the_finite_world_is_drawn_as_far_as_it_is_in_the_box():
    path = np.array([[0.0, 0.0], [1.0, 1.0], [-1e300, 1e300]])
    laid = trail(RELIEF, path, ())
    assert np.isfinite(laid.pieces).all()
    assert laid.steps.max() == 2
