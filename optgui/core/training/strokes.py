"""Built-in digits: pen strokes drawn by hand here and varied at random, for a computer without MNIST.

A template is a few pen strokes through control points. A digit is a template whose points are shaken, bent,
slanted, stretched and turned, then inked and centred as MNIST centres its own: the longer side fills 20
pixels and the centre of mass lies in the middle of 28 x 28 (Y. LeCun, L. Bottou, Y. Bengio, P. Haffner,
"Gradient-based learning applied to document recognition", Proceedings of the IEEE, 1998, section III.A).
The templates were drawn by hand, and the ranges below set by hand with MNIST's averages (slant, width,
ink) in view; none of its images is in here.
"""

import math
from collections.abc import Generator
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import normalize, pad

VERSION = 1  # raise it with every change of a single byte: the cache of older digits is then drawn anew
TRAIN, TEST = 60_000, 10_000
SIDE, BOX = 28, 20  # pixels
CHUNK = 200  # about 12 ms on one core; a multiple of ten, so that every chunk holds each class equally often
SAMPLES = 96  # points along all strokes of a digit, 0.2 to 0.7 px apart: the thinnest line shows no beads
SPARE = 2  # pixels drawn beyond the field on each side, to have them at hand when the ink is centred

# How much hands differ, as (centre, deviation) where there are two; lengths are in half heights of a digit.
# More shaking and bending makes a network trained here better on MNIST, and more of these digits illegible.
TAIL = 1.7  # deviations at which every normal distribution is cut off
SHAKE = 0.09
BENDS = ((1.0, 2.0), (2.0, 4.0))  # ranges of the wave number, one per bend
BEND = 0.3  # slope of a bend; well below 1, for beyond that it folds the paper
SLANT = (0.13, 0.25)  # as a slope, positive to the right
TURN = 0.1  # radians
ASPECT = (0.97, 0.22)  # width, deviation of its logarithm
PEN = (1.22, 0.3)  # half the pen's width in pixels, deviation of its logarithm
THINNEST, THICKEST = 0.8, 3.0
FULL = 110.0  # largest product of half the pen's width and the path's length, px^2: beyond it loops fill up
PRESS = 0.18  # relative change of the pen's width along a stroke
EDGE = (1.0, 1.6)  # range of the width of the ink's soft edge in pixels
REACH = 1.7  # half the pen's width in sigmas of a blot; more keeps close strokes apart but wants more samples
CAP = 0.81  # extra blot where a stroke ends; rounds it off half a width beyond, for this REACH

# A line is a template: how often it is drawn among its class, then strokes separated by "/". x goes right and
# y down, about 0 to 100; "!" marks a point where the pen turns sharply, all others are passed smoothly.
TEMPLATES: dict[int, str] = {
    0: """
        3: 50,0 25,15 15,50 25,85 50,100 75,85 85,50 75,15 50,0
        2: 60,5 30,10 15,50 30,92 55,98 82,75 85,40 70,8 45,2
        2: 62,8 35,6 15,40 20,80 45,100 75,85 84,45 66,12 45,14
        1: 45,28 30,12 50,0 80,15 88,50 75,88 48,100 20,85 12,45 30,10 55,4
        1: 55,0 25,30 15,65 35,98 70,90 85,50 55,0
        1: 40,5 18,35 20,80 50,100 78,78 84,35 62,5 48,20 62,30
        2: 35,5 12,40 18,85 55,100 90,70 85,25 60,8
        2: 50,8 10,30 5,70 45,95 90,75 92,30 48,6""",
    1: """
        8: 56,0 50,50 44,100
        3: 50,0 53,50 43,100
        2: 56,0 47,45 46,100
        2: 36,24 52,0! 50,100
        1: 28,24 52,0! 51,100 / 22,100 80,98""",
    2: """
        3: 20,22 35,3 65,3 75,28 60,55 30,85 14,93 18,76 38,80 60,95 88,88
        3: 18,25 35,3 65,3 76,28 55,60 18,98! 85,96
        2: 20,10 50,2 78,10 60,45 20,95! 50,92 82,98
        2: 15,25 40,2 68,12 68,40 45,75 20,95 8,82 22,68 45,82 65,95 92,80
        1: 15,8 75,6! 20,95! 80,95
        2: 22,30 30,8 55,0 74,18 66,48 35,80 20,95! 45,88 65,97 88,90
        3: 20,25 48,0 74,22 70,62 42,92 18,84 32,68 58,80 95,92
        2: 25,12 52,0 70,25 60,65 30,95 12,78 35,65 60,82 85,100
        2: 22,20 45,0 78,15 82,50 60,85 25,88 15,70 40,62 70,80 95,98
        2: 22,22 48,2 70,20 55,50 10,82! 55,80 100,84""",
    3: """
        3: 20,15 45,0 72,15 65,38 40,47! 70,58 78,80 50,100 18,88
        2: 18,5 75,3! 42,42! 72,52 78,78 50,100 15,90
        2: 20,12 50,0 70,18 58,40 38,48 42,44 68,55 75,80 48,100 15,88
        2: 22,12 50,0 74,15 62,40 30,50! 62,50 80,72 60,97 15,95
        1: 20,8 55,2 72,20 55,42 50,48 72,62 72,85 45,100 18,92
        2: 20,12 48,0 70,18 55,42 32,52 30,46 45,45 70,58 74,82 45,100 12,85
        3: 28,8 55,2 68,18 48,42! 72,60 66,88 35,100 12,84
        2: 10,15 40,2 70,10 72,30 50,44! 84,62 78,90 40,100 5,85
        2: 18,18 42,2 72,8 62,28 30,48! 62,60 72,76 50,96 15,98
        2: 12,10 45,2 80,4! 38,44! 66,58 62,82 10,100
        2: 15,25 40,2 62,10 55,32 32,46! 68,58 78,78 58,100 38,98""",
    4: """
        3: 25,5 18,50! 78,48 / 68,0 62,50 58,100
        1: 62,0 15,62! 85,60 / 62,0 60,100
        3: 22,5 15,40 30,55 65,45 / 70,2 66,45 60,100
        2: 25,2 18,45 45,52 70,40 78,8! 66,60 60,100
        2: 35,0 12,55! 90,52 / 70,22 58,100
        2: 30,5 25,52! 80,50 / 75,5 60,100
        1: 70,5 20,50! 75,52 / 70,5 65,55 62,100
        2: 36,4 20,56! 88,48 / 64,26 50,90
        2: 22,8 10,55! 50,55 92,50 / 80,2 74,50 70,100""",
    5: """
        3: 78,2 30,5! 25,42! 55,38 78,60 65,92 35,100 12,90
        3: 28,8 25,45! 55,42 78,65 62,95 20,97 / 28,6 85,2
        2: 80,5 35,8 25,35 50,48 72,68 60,95 15,95
        2: 30,10 22,48 50,42 70,60 60,90 15,95 / 32,8 95,0
        2: 75,2 35,4! 30,45 60,55 65,80 40,100 10,85
        1: 80,4 35,5! 28,40! 60,38 82,65 60,98 30,95 20,80
        2: 22,10 18,48! 55,40 86,68 58,98 10,88 / 22,8 92,4
        2: 40,8 30,45 62,52 70,76 45,100 15,90 / 40,6 92,10""",
    6: """
        3: 65,2 35,25 20,60 28,92 55,100 75,82 68,60 45,56 22,75
        3: 40,0 25,45 22,80 45,100 75,90 75,65 50,58 24,78
        1: 75,12 55,0 28,25 15,65 35,98 70,92 78,68 55,55 20,72
        2: 60,0 30,40 20,80 40,100 62,90 62,72 45,68 26,82
        2: 60,0 25,35 12,70 35,100 75,92 85,65 60,45 20,62
        1: 70,0 30,55 18,85 38,100 68,92 70,72 50,68 25,88
        3: 30,0 12,50 25,92 60,100 90,80 80,52 55,52 42,72 48,95
        3: 40,0 18,45 20,88 50,100 78,88 80,60 60,46 42,65 40,92
        2: 25,5 16,60 32,98 66,96 78,66 66,46 50,60 45,92""",
    7: """
        3: 15,8 80,5! 55,50 42,100
        2: 15,22 18,6! 80,5! 50,55 40,100
        2: 15,8 80,5! 50,55 40,100 / 28,52 74,50
        2: 12,15 30,5 60,10 80,5! 62,40 50,100
        2: 12,12 50,2 78,12 68,45 50,100
        1: 30,10 72,6! 70,50 68,100
        1: 12,22 18,8! 80,6! 58,40 44,100 / 32,55 78,52
        1: 20,10 75,5! 52,55 45,100 / 12,58 88,52
        2: 20,36 22,10! 70,5 72,40 62,100
        2: 12,22 35,5 66,8 70,30 58,65 50,100""",
    8: """
        3: 75,15 50,0 25,18 45,45 72,70 55,100 25,88 30,62 60,40 75,15
        3: 70,10 40,0 28,22 50,48 75,75 50,100 22,78 45,52 70,28 62,5
        1: 50,0 28,12 28,36 50,48 72,36 72,12 50,0 / 50,48 22,60 20,88 50,100 80,88 78,60 50,48
        2: 30,12 55,0 75,18 55,45 28,70 40,98 72,92 70,62 42,42 25,20 40,2
        2: 82,5 50,2 25,20 50,48 72,75 48,100 22,85 40,58 65,35 85,8
        2: 80,15 50,45 25,75 38,100 65,92 65,70 40,42 25,18 45,0 78,12
        2: 62,12 48,0 35,12 45,32 78,68 50,100 18,78 40,45 62,25 60,10
        2: 82,20 50,0 15,20 45,50 62,75 48,100 32,80 50,52 80,22
        2: 88,8 62,38 30,78 38,100 60,95 60,70 30,38 20,15 42,4 58,20
        1: 50,6 15,5 12,38 50,45 88,38 85,8 45,2 / 40,46 18,66 24,96 55,100 78,84 70,58 45,46""",
    9: """
        3: 72,20 50,2 25,18 28,45 55,48 72,20! 68,60 62,100
        2: 74,18 48,2 22,25 38,52 70,35 74,15 72,60 58,95 25,92
        3: 70,8 40,5 22,30 40,52 65,35 72,8! 66,100
        2: 65,12 35,8 20,32 35,52 65,42 / 75,5 68,50 62,100
        2: 75,15 45,0 20,28 35,50 65,40 75,15 68,50 35,100
        2: 70,35 40,50 25,28 45,3 70,15 70,45 66,100
        2: 78,12 40,0 12,25 35,46 74,28! 72,65 68,100
        1: 70,10 45,0 22,20 40,40 70,22 72,60 50,95 15,88
        2: 62,5 35,25 40,45 64,30 70,5! 62,55 55,100
        3: 72,14 50,0 22,18 25,42 55,46 75,14! 80,60 78,100
        2: 60,25 50,3 25,20 30,42 60,30 70,10 64,55 56,100
        1: 68,30 55,5 25,8 20,35 45,45 68,28 72,5! 74,50 72,100""",
}


class Strokes(NamedTuple):
    """The built-in data set; images (n, 28, 28) and labels (n,), all uint8 and read-only."""

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]


class _Templates(NamedTuple):
    """All templates, padded to the same number c of control points.

    points (t, c, 2) within [-1, 1]; basis (t, SAMPLES, c), times points the samples along the strokes;
    joined (t, SAMPLES - 1), 0 where the pen is lifted between two samples, else 1; choices (10, m), the
    numbers of a class's templates, each as often as its weight says, of which the first repeats (10,) count.
    """

    points: torch.Tensor
    basis: torch.Tensor
    joined: torch.Tensor
    choices: torch.Tensor
    repeats: torch.Tensor


def _spline_rows(numbers: list[int], width: int, steps: int = 32) -> NDArray[np.float64]:
    """A uniform Catmull-Rom spline as weights of the control points `numbers`, (segments * steps + 1, width).

    Being linear in the control points, it becomes one matrix product for a whole batch of shaken templates.
    Source: E. Catmull, R. Rom, "A class of local interpolating splines", Computer Aided Geom. Design, 1974.
    """
    unit = np.eye(width)[numbers]
    padded = np.vstack([2 * unit[0] - unit[1], unit, 2 * unit[-1] - unit[-2]])
    u = np.arange(steps)[:, None] / steps
    rows = []
    for before, start, end, after in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        square, cubic = 2 * before - 5 * start + 4 * end - after, 3 * (start - end) + after - before
        rows.append(start + u / 2 * (end - before + u * (square + u * cubic)))
    return np.vstack([*rows, unit[-1:]])


def _parse(strokes: str, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Points, basis and joined of one template, as in `_Templates`; c is the width."""
    pieces: list[list[list[int]]] = []
    points: list[list[float]] = []
    for stroke in strokes.split("/"):
        pieces.append([[]])
        for word in stroke.split():
            points.append([float(value) / 50 - 1 for value in word.rstrip("!").split(",")])
            pieces[-1][-1].append(len(points) - 1)
            if word.endswith("!"):
                pieces[-1].append([len(points) - 1])
    control = np.zeros((width, 2))
    control[: len(points)] = points
    lines = [np.vstack([_spline_rows(piece, width) for piece in stroke]) for stroke in pieces]
    steps = [np.linalg.norm(np.diff(line @ control, axis=0), axis=1) for line in lines]
    ways = [np.insert(np.cumsum(step), 0, 0) for step in steps]
    shares = np.cumsum([way[-1] for way in ways])
    ends = np.rint(shares / shares[-1] * SAMPLES).astype(int)
    basis = np.zeros((SAMPLES, width))
    joined = np.ones(SAMPLES - 1)
    begin = 0
    for line, way, end in zip(lines, ways, ends, strict=True):
        wanted = np.linspace(0, way[-1], end - begin)
        for column in range(width):
            basis[begin:end, column] = np.interp(wanted, way, line[:, column])
        joined[end - 1 : end] = 0
        begin = end
    return control, basis, joined


@cache
def _templates() -> _Templates:
    parsed: list[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]] = []
    choices: list[list[int]] = []
    width = max(line.count(",") for text in TEMPLATES.values() for line in text.splitlines())
    for digit in range(10):
        choices.append([])
        for line in TEMPLATES[digit].split("\n")[1:]:
            often, strokes = line.split(":")
            choices[-1] += [len(parsed)] * int(often)
            parsed.append(_parse(strokes, width))
    repeats = torch.tensor([len(numbers) for numbers in choices])
    padded = torch.tensor([numbers + [-1] * (int(repeats.max()) - len(numbers)) for numbers in choices])
    points, basis, joined = (torch.from_numpy(np.stack(part)).float() for part in zip(*parsed, strict=True))
    return _Templates(points, basis, joined, padded, repeats)


def _normal(generator: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=generator).clamp(-TAIL, TAIL)


def _uniform(generator: torch.Generator, low: float, high: float, *shape: int) -> torch.Tensor:
    return low + (high - low) * torch.rand(*shape, generator=generator)


def _pen_paths(labels: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Where the pen went: samples (n, SAMPLES, 2) in half heights, and joined (n, SAMPLES - 1)."""
    n = len(labels)
    templates = _templates()
    chosen = templates.choices[
        labels, (torch.rand(n, generator=generator) * templates.repeats[labels]).long()
    ]
    points = templates.points[chosen]
    path = torch.bmm(templates.basis[chosen], points + SHAKE * _normal(generator, *points.shape))

    for low, high in BENDS:
        number = _uniform(generator, low, high, n, 1, 1)
        wave = number * normalize(_normal(generator, n, 2, 1), dim=1)
        phase = _uniform(generator, 0, 2 * math.pi, n, 1, 1)
        path = path + BEND / number * _normal(generator, n, 1, 2) * torch.sin(path @ wave + phase)

    slant = SLANT[0] + SLANT[1] * _normal(generator, n, 1)
    aspect = ASPECT[0] * torch.exp(ASPECT[1] * _normal(generator, n, 1))
    turn = TURN * _normal(generator, n, 1)
    x, y = path.unbind(2)
    x = aspect * x - slant * y
    cos, sin = torch.cos(turn), torch.sin(turn)
    return torch.stack([cos * x - sin * y, sin * x + cos * y], 2), templates.joined[chosen]


def _ink(path: torch.Tensor, joined: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Grey values (n, 28, 28) within [0, 1] of pen paths, scaled and centred as MNIST does.

    Every sample leaves a Gaussian blot in proportion to its length of path, so that a long straight line has
    the cross-section exp(-r^2 / 2), r the distance in units of sigma. A Gaussian in the plane is a product of
    two on the axes, so a batch of images is one batched matrix product; solved for r it is a smooth distance.
    """
    n = len(path)
    extent = (path.amax(1) - path.amin(1)).amax(1, keepdim=True)
    step = (path[:, 1:] - path[:, :-1]).square().sum(2).sqrt() * joined
    pen = (PEN[0] * torch.exp(PEN[1] * _normal(generator, n, 1))).clamp(THINNEST, THICKEST)
    pen = torch.minimum(pen, FULL / BOX * extent / step.sum(1, keepdim=True))
    scale = (BOX - 2 * pen) / extent
    path, step = path * scale[..., None], step * scale

    phase, waves = _uniform(generator, 0, 2 * math.pi, n, 1), _uniform(generator, 2, 10, n, 1)
    sigma = pen / REACH * (1 + PRESS * torch.sin(phase + waves * torch.linspace(0, 1, SAMPLES)))
    length = (pad(step, (1, 0)) + pad(step, (0, 1))) / 2
    ends = 2 - pad(joined, (1, 0)) - pad(joined, (0, 1))
    weight = length / (math.sqrt(2 * math.pi) * sigma) + CAP * ends
    mass = weight * sigma.square()
    path = path - (path * mass[..., None]).sum(1, keepdim=True) / mass.sum(1)[:, None, None] + SIDE / 2

    pixels = torch.arange(-SPARE, SIDE + SPARE, dtype=torch.float32)
    blots = torch.exp(-0.5 * ((path[..., None] - pixels) / sigma[..., None, None]).square())
    density = torch.bmm((blots[:, :, 1] * weight[..., None]).transpose(1, 2), blots[:, :, 0])
    distance = (-2 * density.clamp(1e-30, 1).log()).sqrt()
    edge = _uniform(generator, *EDGE, n, 1)
    grey = (0.5 + (REACH - distance) * (pen / REACH / edge)[..., None]).clamp(0, 1)

    # The path's centre is not the ink's where strokes cover each other: what is missing, mostly a pixel or
    # less, is a shift by whole pixels, which is how MNIST does it, too.
    total = grey.sum((1, 2))
    shifts = [
        ((grey.sum(axis) @ pixels) / total - SIDE / 2).round().long().clamp(-SPARE, SPARE) for axis in (2, 1)
    ]
    rows, columns = (torch.arange(SPARE, SIDE + SPARE) + shift[:, None] for shift in shifts)
    return grey[torch.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]


def draw(count: int, generator: torch.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Digits of all classes, equally often, shuffled: images (count, 28, 28), 0 is paper; labels (count,).

    The ink's centre of mass lies in the pixel of index (14, 14), as in MNIST's own files.
    """
    classes = torch.randperm(10, generator=generator)[torch.arange(count) % 10]
    labels = classes[torch.randperm(count, generator=generator)]
    grey = _ink(*_pen_paths(labels, generator), generator)
    return (grey * 255).round().to(torch.uint8).numpy(), labels.to(torch.uint8).numpy()


def generate(seed: int = 0, train: int = TRAIN, test: int = TEST) -> Generator[float, None, Strokes]:
    """Draws the data set bit by bit: yields the fraction done after each chunk, returns the `Strokes`.

    To be driven with `yield from`, and simply dropped to cancel. The same seed gives the same bytes.
    """
    generator = torch.Generator().manual_seed(seed)
    count = train + test
    images = np.empty((count, SIDE, SIDE), np.uint8)
    labels = np.empty(count, np.uint8)
    for begin in range(0, count, CHUNK):
        end = min(begin + CHUNK, count)
        images[begin:end], labels[begin:end] = draw(end - begin, generator)
        yield end / count
    images.flags.writeable = labels.flags.writeable = False
    return Strokes(images[:train], labels[:train], images[train:], labels[train:])
