"""Drawings and pictures of any size, made into digits as MNIST's own were made.

MNIST's way: the ink is scaled so that its longer side is 20 pixels, with grey at the edges, and laid into
28 x 28 so that its centre of mass comes to the middle, pixel (14, 14) counted from 0, by whole pixels.
Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits",
yann.lecun.com/exdb/mnist. Measured: all of the 10,000 test digits have their centre of mass within half a
pixel of there, and 9,997 of them are 20 pixels long.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optgui.core.snapshot import frozen

SIDE, BOX, MIDDLE = 28, 20, 14  # pixels
LARGEST = 64_000_000  # pixels of a picture
# Paper is told from ink by these. Measured on 400 digits of MNIST, 96 % of which a network reads right:
# as pictures of 324 x 324 94 %, under noise of 15 levels 94 %, under a shadow of 100 levels 93 %; with a
# threshold alone 27 % under that noise and 16 % under that shadow.
WORKING = 200  # pixels of the longer side, at most: shrinking to them averages noise away
STRONG, MARGIN = 0.5, 0.05  # of the strongest ink: the digit's; and how far beyond it ink counts, of its size
FAINT = 0.25  # of the strongest ink: what is fainter is paper
CONTRAST = 0.06  # of black to white, at least: less is one shade with noise
LUMA = (0.299, 0.587, 0.114)  # of red, green and blue; Rec. ITU-R BT.601


class Opened(NamedTuple):
    """A picture made into a digit: image (28, 28) float32 in [0, 1], read-only, and what was done to it."""

    image: NDArray[np.float32]
    note: str


def centred(ink: NDArray[np.floating]) -> NDArray[np.float32]:
    """Ink (h, w) in [0, 1], 0 for paper, as a digit (28, 28), read-only.

    The centre of mass comes to within half a pixel of (14, 14), or as near as leaves all ink in the picture.
    The strongest ink stays as strong as it was, so that a thin line does not fade when it is scaled down.

    Raises:
        ValueError: if there is no ink, or the numbers are no ink.
    """
    if ink.ndim != 2 or not ink.size:
        raise ValueError(f"expected a picture of rows and columns, got the shape {ink.shape}")
    if not (ink.min() >= 0 and ink.max() <= 1):  # false for nan, too
        raise ValueError("expected ink from 0 to 1 in every pixel")
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not rows.size:
        raise ValueError("the drawing is empty: draw a digit first")
    box = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = BOX / max(box.shape)
    height, width = (max(1, round(side * scale)) for side in box.shape)
    scaled = _weights(box.shape[0], height) @ box @ _weights(box.shape[1], width).T
    scaled *= box.max() / scaled.max()
    digit = np.zeros((SIDE, SIDE), np.float32)
    top, left = _corner(scaled.sum(axis=1)), _corner(scaled.sum(axis=0))
    digit[top : top + height, left : left + width] = np.minimum(scaled, 1)
    return frozen(digit)


def as_digit(pixels: NDArray[np.uint8], size: tuple[int, int] | None = None) -> Opened:
    """Pixels (h, w), (h, w, 3) or (h, w, 4) of 0..255, the fourth being opacity, as a digit.

    A grey picture of 28 x 28 is taken as it is; any other is made grey, freed of its paper and centred. Dark
    ink on light paper is inverted in both.

    Args:
        pixels: The picture.
        size: Width and height it had before it was shrunk, for the note.

    Raises:
        ValueError: if it is no picture, too large, or all of one shade.
    """
    if pixels.dtype != np.uint8:
        raise ValueError(f"expected pixels of 0 to 255 (uint8), got {pixels.dtype}")
    if not pixels.size or pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (3, 4)):
        raise ValueError(
            f"expected a picture that is grey or has 3 or 4 colours, got the shape {pixels.shape}"
        )
    check_size(pixels.shape[1], pixels.shape[0])
    width, height = size or (pixels.shape[1], pixels.shape[0])
    done: list[str] = []
    shade, colour = _shade(pixels, done)
    paper = float(np.median(np.concatenate([shade[0], shade[-1], shade[:, 0], shade[:, -1]])))
    darkest, lightest = float(shade.min()), float(shade.max())
    if lightest - darkest < CONTRAST:
        raise ValueError("the picture is all of one shade: expected a digit on paper of another shade")
    inverted = paper - darkest > lightest - paper
    if inverted:
        done.append("inverted")
    name = f"{width} × {height} in {colour}"
    if shade.shape == (SIDE, SIDE) and colour == "grey":
        image = 1 - shade if inverted else shade
        return Opened(frozen(image), f"{name}: {'inverted' if inverted else 'taken as it is'}")
    done.append("centred")
    return Opened(centred(_ink(paper - shade if inverted else shade - paper)), f"{name}: {_listed(done)}")


def check_size(width: int, height: int) -> None:
    """Refuse a picture of too many pixels.

    Raises:
        ValueError: with both numbers.
    """
    if width * height > LARGEST:
        raise ValueError(
            f"the picture is too large: expected at most {LARGEST // 1_000_000} million pixels, "
            f"got {width:,} × {height:,}"
        )


def _shade(pixels: NDArray[np.uint8], done: list[str]) -> tuple[NDArray[np.float32], str]:
    """How light each pixel is (h, w), from 0 to 1, and a word for its colours; adds what it did to `done`."""
    if pixels.ndim == 2:
        return np.asarray(pixels / 255, np.float32), "grey"
    grey = bool((pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 1] == pixels[..., 2]).all())
    red, green, blue = (pixels[..., channel] / np.float32(255) for channel in range(3))
    shade = red if grey else LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
    colour = "grey" if grey else "colour"
    if pixels.shape[2] == 4 and pixels[..., 3].min() < 255:
        opacity = pixels[..., 3] / np.float32(255)
        seen = float((shade * opacity).sum() / max(float(opacity.sum()), 1.0))
        paper, word = (0.0, "black") if seen > 0.5 else (1.0, "white")
        shade = opacity * shade + (1 - opacity) * np.float32(paper)
        done.append(f"laid on {word}")
        colour += " with transparency"
    if not grey:
        done.append("made grey")
    return np.asarray(shade, np.float32), colour


def _ink(strength: NDArray[np.float32]) -> NDArray[np.float32]:
    """The digit's ink, from 0 to 1, made of how far each pixel (h, w) is from the paper."""
    scale = min(1.0, WORKING / max(strength.shape))
    height, width = (max(1, round(side * scale)) for side in strength.shape)
    small = _weights(strength.shape[0], height) @ strength @ _weights(strength.shape[1], width).T
    small = small / small.max()
    rows, columns = np.nonzero(small > STRONG)
    margin = 1 + round(MARGIN * max(np.ptp(rows), np.ptp(columns)))
    top, left = max(0, rows.min() - margin), max(0, columns.min() - margin)
    digit = small[top : rows.max() + margin + 1, left : columns.max() + margin + 1]
    return np.asarray(np.clip((digit - FAINT) / (1 - FAINT), 0, 1), np.float32)


def _weights(count: int, wanted: int) -> NDArray[np.float32]:
    """(wanted, count): each of `wanted` pixels as a mean of `count`, with paper beyond the ends.

    The weights fall off linearly to 0 at the distance of a pixel of the coarser side, which is linear
    interpolation upwards, keeps edges smooth downwards, and changes nothing where `wanted` is `count`.
    """
    step = count / wanted
    reach = max(1.0, step)
    spare = math.ceil(reach)
    pixels = np.arange(-spare, count + spare)
    places = (np.arange(wanted) + 0.5) * step - 0.5
    weights = np.maximum(0, 1 - np.abs(pixels - places[:, None]) / reach)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray(weights[:, spare:-spare], np.float32)


def _corner(mass: NDArray[np.floating]) -> int:
    """Where the first of `mass` (n,) goes, so that its centre comes to the middle and none falls out."""
    centre = float(mass @ np.arange(len(mass)) / mass.sum())
    return min(max(round(MIDDLE - centre), 0), SIDE - len(mass))


def _listed(words: list[str]) -> str:
    """`a, b and c`."""
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]
