"""The film as the window has it: pieces in, pictures out."""

import numpy as np
import pytest

from optgui.gui.attack.film.reel import Reel
from tests.gui.attack.attacked import film


def filled(pieces, most=20_000):
    reel = Reel(most)
    for piece in pieces:
        reel.add(film(piece))
    return reel


def test_pieces_make_one_film():
    reel = filled([range(0, 300), range(300, 900), [900]])
    assert reel.film.iterations.tolist() == list(range(901))
    np.testing.assert_allclose(reel.film.perturbations[:, 3, 5], np.arange(901) / 1e5, rtol=1e-6)
    assert (len(reel), reel.last) == (901, 900)


def test_a_piece_that_overlaps_brings_only_what_is_newer():
    assert filled([range(5), range(3, 8), range(8)]).film.iterations.tolist() == list(range(8))


def test_an_empty_reel_has_no_film():
    reel = Reel()
    assert (len(reel), reel.last, reel.evenly(5).tolist()) == (0, -1, [])
    with pytest.raises(IndexError, match="got none yet"):
        _ = reel.film
    reel.add(film([]))
    assert len(reel) == 0


def test_a_film_shares_its_memory_and_cannot_be_written():
    reel = filled([range(10)])
    assert np.shares_memory(reel.film.perturbations, reel.film.perturbations)
    with pytest.raises(ValueError, match="read-only"):
        reel.film.norms[0] = 1


def test_pieces_are_not_copied_again_and_again():
    reel = filled([range(600)])
    before = reel.film.perturbations
    for start in range(600, 20_000, 500):
        reel.add(film(range(start, start + 500)))
    assert np.shares_memory(before, reel.film.perturbations)


def test_a_long_film_keeps_every_second_of_its_old_pictures_and_the_newest():
    reel = filled([range(start, start + 7) for start in range(0, 105, 7)], most=50)
    kept = reel.film.iterations
    assert len(kept) <= 50
    assert kept[0] == 0
    assert kept[-1] == 104
    assert set(np.diff(kept[:10])) == {4}
    np.testing.assert_allclose(reel.film.perturbations[:, 0, 0], kept / 1e5, rtol=1e-6)


def test_places_are_of_the_newest_picture_before():
    reel = filled([[0, 2, 4, 8]])
    assert [reel.place(at) for at in (-3, 0, 1, 2, 7, 8, 99)] == [0, 0, 0, 1, 2, 3, 3]


def test_pictures_are_spread_from_the_first_to_the_newest():
    reel = filled([range(100)])
    places = reel.evenly(5)
    assert places.tolist() == [0, 25, 50, 74, 99]
    assert filled([range(3)]).evenly(9).tolist() == [0, 1, 2]


def test_pictures_handed_out_for_good_never_change():
    reel = filled([range(600)])
    kept = reel.pictures(4)
    before = kept.copy()
    reel.clear()
    reel.add(film(range(1000, 1600)))
    np.testing.assert_array_equal(kept, before)


def test_a_change_is_found_again_at_its_newest_iteration():
    reel = filled([[0, 1, 2, 3]])
    assert reel.find(np.full((28, 28), 2e-5, np.float32)) == 2
    assert reel.find(np.full((28, 28), 0.5, np.float32)) == -1
    assert Reel().find(np.zeros((28, 28), np.float32)) == -1
    still = Reel()
    still.add(film([0, 1, 2], perturbations=np.ones((3, 28, 28), np.float32)))
    assert still.find(np.ones((28, 28), np.float32)) == 2


def test_what_was_cleared_is_gone():
    reel = filled([range(10)])
    reel.clear()
    reel.add(film([0, 1]))
    assert reel.film.iterations.tolist() == [0, 1]
