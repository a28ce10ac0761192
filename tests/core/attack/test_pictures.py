"""Drawings and pictures made into digits: against scipy, and against MNIST's own digits."""

import numpy as np
import pytest
from scipy import ndimage

from optgui.core.attack.pictures import as_digit, centred, check_size
from tests.conftest import needs_mnist


def seven(height=200, width=300, pen=9):
    """A seven somewhere in a picture, as ink in [0, 1]."""
    y, x = np.mgrid[0:height, 0:width]
    bar = (abs(y - 40) < pen) & (x > 90) & (x < 200)
    leg = (abs((x - 200) * 130 + (y - 40) * 70) < pen * 150) & (y > 40) & (y < 170)
    return (bar | leg).astype(np.float64)


def likeness(one, other):
    """The correlation of two digits, one of which may lie a pixel beside the other."""
    beside = [np.roll(one, (down, right), (0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return max(np.corrcoef(each.ravel(), other.ravel())[0, 1] for each in beside)


def paint(ink, paper=255, colour=0):
    """Grey pixels of ink on paper."""
    return (paper + ink * (colour - paper)).round().astype(np.uint8)


def test_the_longer_side_is_20_and_the_centre_of_mass_is_in_the_middle():
    for ink in (seven(), seven(pen=3), seven().T, np.rot90(seven()), seven()[::-1]):
        digit = centred(ink)
        rows, columns = np.nonzero(digit)
        assert digit.shape == (28, 28)
        assert digit.dtype == np.float32
        assert not digit.flags.writeable
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
        assert np.abs(np.array(ndimage.center_of_mass(digit)) - 14).max() <= 0.5
        assert digit.max() == pytest.approx(1)
        assert digit.min() >= 0


def test_the_aspect_is_kept():
    ink = np.zeros((300, 300))
    ink[20:220, 50:150] = 1
    rows, columns = np.nonzero(centred(ink) > 0.5)
    assert np.ptp(rows) + 1 == 20
    assert np.ptp(columns) + 1 == 10


def test_it_is_smooth_where_scipy_is():
    """The box of the ink under scipy's own triangle-shaped mean, taken at the same places."""
    ink = np.zeros((260, 300))
    ink[30:230, 40:240] = seven()[:200, 60:260]
    ink[30, 40] = ink[229, 239] = 1  # so that the box is 200 x 200, ten pixels to one
    kernel = np.convolve(np.ones(10), np.ones(10)) / 100
    box = np.pad(ink[30:230, 40:240], 10)
    wanted = ndimage.convolve1d(ndimage.convolve1d(box, kernel, 0), kernel, 1)
    between = [(wanted[14 + i : 206 + i : 10, 14 + j : 206 + j : 10]) for i in (0, 1) for j in (0, 1)]
    digit = centred(ink)
    rows, columns = np.nonzero(digit)
    found = digit[rows.min() : rows.min() + 20, columns.min() : columns.min() + 20]
    mean = np.mean(between, axis=0)
    assert np.abs(found * mean.max() - mean).max() < 0.02


def test_a_dot_and_a_line_are_digits_too():
    dot = np.zeros((50, 50))
    dot[3, 4] = 0.5
    assert np.count_nonzero(centred(dot)) == 400
    assert centred(dot).max() == pytest.approx(0.5)
    line = np.zeros((2, 900))
    line[1] = 1
    assert np.count_nonzero(centred(line)) == 20


def test_ink_far_from_its_middle_stays_in_the_picture():
    ink = np.zeros((100, 100))
    ink[:, 99] = 1
    ink[50, :] = 0.05
    digit = centred(ink)
    assert np.ptp(np.nonzero(digit)[1]) + 1 == 20
    assert np.nonzero(digit)[1].min() == 0


@needs_mnist()
def test_digits_of_mnist_stay_where_they_are():
    from optgui.core.training import load_digits

    images = load_digits("mnist").test_images[:2_000]
    same = 0
    for image in images:
        before = image.astype(np.float32) / 255
        after = centred(before)
        moved = np.array(ndimage.center_of_mass(after)) - ndimage.center_of_mass(before)
        assert np.abs(moved).max() < 1.01
        same += bool(np.abs(after - before).max() < 1e-6)
    assert same >= 1_990


@pytest.mark.parametrize(
    ("ink", "sentence"),
    [
        (np.zeros((28, 28)), "the drawing is empty: draw a digit first"),
        (np.full((5, 5), np.nan), "expected ink from 0 to 1"),
        (np.full((5, 5), 1.5), "expected ink from 0 to 1"),
        (np.zeros((0, 5)), "expected a picture of rows and columns"),
        (np.zeros((5, 5, 3)), "expected a picture of rows and columns"),
    ],
)
def test_what_is_no_ink_is_refused(ink, sentence):
    with pytest.raises(ValueError, match=sentence):
        centred(ink)


def test_a_grey_picture_of_28_is_taken_as_it_is():
    pixels = paint(np.pad(seven()[20:180:8, 80:240:8], 4), paper=0, colour=200)
    for grey in (pixels, np.repeat(pixels[..., None], 3, axis=2)):
        opened = as_digit(grey)
        assert np.array_equal(opened.image, pixels.astype(np.float32) / 255)
        assert opened.note == "28 × 28 in grey: taken as it is"
        assert not opened.image.flags.writeable


def test_dark_on_light_is_inverted_and_said():
    pixels = paint(np.pad(seven()[20:180:8, 80:240:8], 4), paper=255, colour=10)
    opened = as_digit(pixels)
    assert np.allclose(opened.image, 1 - pixels / 255)
    assert opened.note == "28 × 28 in grey: inverted"


def test_all_ways_to_photograph_a_digit_end_alike():
    ink = seven()
    wanted = centred(ink)
    on_white, on_black = paint(ink, 255, 0), paint(ink, 0, 255)
    noise = np.random.default_rng(0).normal(0, 6, ink.shape)
    photo = (paint(ink, 205, 40) + noise).clip(0, 255).astype(np.uint8)
    blue = np.stack([on_white, on_white, np.full_like(on_white, 255)], axis=2)
    opacity = np.dstack([np.zeros((*ink.shape, 3), np.uint8), paint(ink, 0, 255)])
    chalk = np.dstack([np.full((*ink.shape, 3), 255, np.uint8), paint(ink, 0, 255)])
    for pixels, note in (
        (on_white, "300 × 200 in grey: inverted and centred"),
        (on_black, "300 × 200 in grey: centred"),
        (photo, "300 × 200 in grey: inverted and centred"),
        (blue, "300 × 200 in colour: made grey, inverted and centred"),
        (opacity, "300 × 200 in grey with transparency: laid on white, inverted and centred"),
        (chalk, "300 × 200 in grey with transparency: laid on black and centred"),
    ):
        opened = as_digit(pixels)
        assert opened.note == note
        assert likeness(opened.image, wanted) > 0.97, note


def test_noise_and_a_shadow_are_paper():
    ink = seven()
    wanted = centred(ink)
    shadow = np.linspace(-30, 30, ink.shape[1])
    noise = np.random.default_rng(0).normal(0, 8, ink.shape)
    photo = (200 - 150 * ink + shadow + noise).clip(0, 255).astype(np.uint8)
    found = as_digit(photo).image
    assert likeness(found, wanted) > 0.95
    assert np.abs(np.array(ndimage.center_of_mass(found)) - 14).max() <= 0.51


def test_a_speck_of_dust_is_paper():
    ink = seven()
    ink[190, 290] = 1
    assert np.abs(as_digit(paint(ink)).image - as_digit(paint(seven())).image).max() < 0.05


def test_the_note_tells_the_size_before_it_was_shrunk():
    assert as_digit(paint(seven()), (4000, 3000)).note.startswith("4000 × 3000 in grey")


@pytest.mark.parametrize(
    ("pixels", "sentence"),
    [
        (np.zeros((28, 28), np.uint8), "all of one shade"),
        (np.full((40, 60, 3), 250, np.uint8), "all of one shade"),
        (np.zeros((0, 28), np.uint8), "expected a picture"),
        (np.zeros((28,), np.uint8), "expected a picture"),
        (np.zeros((28, 28, 2), np.uint8), "expected a picture"),
        (np.full((28, 28), np.nan), r"expected pixels of 0 to 255 \(uint8\), got float64"),
        (np.broadcast_to(np.uint8(0), (10_000, 7_000)), "too large: expected at most 64 million pixels"),
    ],
)
def test_what_is_no_picture_is_refused(pixels, sentence):
    with pytest.raises(ValueError, match=sentence):
        as_digit(pixels)


def test_the_largest_picture_is_allowed():
    check_size(8_000, 8_000)
    with pytest.raises(ValueError, match="got 8,001 × 8,000"):
        check_size(8_001, 8_000)
