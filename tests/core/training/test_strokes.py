"""The built-in digits: reproducible, centred as MNIST's are, and good enough to learn from."""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from optgui.core.training.strokes import SIDE, Strokes, draw, generate


@pytest.fixture(autouse=True)
def _one_torch_thread() -> Iterator[None]:
    # Two threads on busy cores wait for each other: ten times slower was measured.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def drawn(seed: int, train: int, test: int) -> tuple[list[float], Strokes]:
    """All fractions that `generate` yields, and what it returns."""
    fractions = []
    run = generate(seed, train, test)
    while True:
        try:
            fractions.append(next(run))
        except StopIteration as stop:
            return fractions, stop.value


@cache
def some_digits() -> Strokes:
    return drawn(0, 10_000, 2_000)[1]


def as_inputs(images: NDArray[np.uint8]) -> torch.Tensor:
    return ((torch.tensor(images).float() / 255 - 0.1307) / 0.3081).flatten(1)


@cache
def network_of_built_in_digits() -> torch.nn.Module:
    """The tutorial's network after six epochs of 6,000 built-in digits."""
    inputs = as_inputs(some_digits().train_images[:6_000])
    labels = torch.tensor(some_digits().train_labels[:6_000]).long()
    generator = torch.Generator().manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(784, 120), torch.nn.ReLU(), torch.nn.Linear(120, 10))
    with torch.no_grad():
        for parameter in network.parameters():
            bound = 1 / 784**0.5 if parameter.shape[-1] == 784 else 1 / 120**0.5
            parameter.uniform_(-bound, bound, generator=generator)
    for lr in (0.1, 0.1, 0.1, 0.1, 0.1, 0.01):
        order = torch.randperm(len(inputs), generator=generator)
        for begin in range(0, len(inputs), 64):
            batch = order[begin : begin + 64]
            loss = torch.nn.functional.cross_entropy(network(inputs[batch]), labels[batch])
            gradients = torch.autograd.grad(loss, list(network.parameters()))
            with torch.no_grad():
                for parameter, gradient in zip(network.parameters(), gradients, strict=True):
                    parameter.sub_(lr * gradient)
    return network


def accuracy(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> float:
    network = network_of_built_in_digits()
    with torch.no_grad():
        predictions = network(as_inputs(images)).argmax(1).numpy()
    return float((predictions == labels).mean())


def mnist_file(name: str, header: int) -> NDArray[np.uint8]:
    """The bytes after the header of a raw IDX file below the folder that OPTGUI_DATA names."""
    folder = os.environ.get("OPTGUI_DATA")
    if not folder:
        pytest.skip("the environment variable OPTGUI_DATA names no folder with MNIST")
    path = next(Path(folder).rglob(name), None)
    if path is None:
        pytest.skip(f"no {name} below the folder that OPTGUI_DATA names")
    return np.fromfile(path, np.uint8, offset=header)


def test_images_and_labels_are_bytes_of_the_stated_shapes() -> None:
    digits = some_digits()
    assert digits.train_images.shape == (10_000, SIDE, SIDE)
    assert digits.train_labels.shape == (10_000,)
    assert digits.test_images.shape == (2_000, SIDE, SIDE)
    assert digits.test_labels.shape == (2_000,)
    assert {part.dtype for part in digits} == {np.dtype(np.uint8)}


@pytest.mark.parametrize("name", Strokes._fields)
def test_returned_arrays_refuse_to_be_written(name: str) -> None:
    part = getattr(drawn(0, 10, 10)[1], name)
    with pytest.raises(ValueError, match="read-only"):
        part[0] = 1


def test_draw_gives_as_many_digits_as_asked_for() -> None:
    images, labels = draw(7, torch.Generator().manual_seed(0))
    assert images.shape == (7, SIDE, SIDE)
    assert labels.shape == (7,)


def test_same_seed_gives_the_same_bytes() -> None:
    first, second = drawn(3, 500, 100)[1], drawn(3, 500, 100)[1]
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_thread_count_does_not_change_the_bytes() -> None:
    one = drawn(3, 500, 100)[1]
    torch.set_num_threads(2)
    two = drawn(3, 500, 100)[1]
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_different_seeds_give_different_digits() -> None:
    first, second = drawn(3, 100, 0)[1], drawn(4, 100, 0)[1]
    assert not np.array_equal(first.train_images, second.train_images)


def test_train_and_test_digits_have_no_image_in_common() -> None:
    digits = some_digits()
    train = {image.tobytes() for image in digits.train_images}
    assert train.isdisjoint(image.tobytes() for image in digits.test_images)


def test_global_random_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    drawn(0, 300, 0)
    assert torch.equal(torch.get_rng_state(), before)


def test_classes_are_balanced_and_shuffled() -> None:
    labels = some_digits().train_labels
    assert np.bincount(labels, minlength=10) == pytest.approx(np.full(10, 1_000), abs=20)
    assert np.bincount(labels[:500], minlength=10) == pytest.approx(np.full(10, 50), abs=20)
    assert (np.diff(labels.astype(int)) < 0).mean() == pytest.approx(0.45, abs=0.05)


def test_ink_is_centred_within_a_pixel() -> None:
    images = some_digits().train_images.astype(float)
    ink = images.sum((1, 2))
    pixels = np.arange(SIDE)
    for axis in (1, 2):
        centre = images.sum(axis) @ pixels / ink
        assert np.abs(centre - SIDE / 2).max() < 1
        assert np.abs(centre - SIDE / 2).mean() < 0.4


def test_digits_fill_a_box_of_twenty_pixels() -> None:
    inked = some_digits().train_images > 127
    height, width = (inked.any(axis).sum(1) for axis in (2, 1))
    longer = np.maximum(height, width)
    assert 19 <= np.median(longer) <= 21
    assert longer.max() <= 23


def test_ink_hardly_reaches_the_border_of_the_field() -> None:
    # The heavy top of a 7 or 9 pushes its foot there, in 1.2 % of MNIST's digits, too.
    images = some_digits().train_images
    border = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)
    assert (border > 127).any(1).mean() < 0.02


def test_every_digit_has_black_ink_on_blank_paper() -> None:
    images = some_digits().train_images
    assert images.max((1, 2)).min() > 200
    assert (images == 0).mean((1, 2)).min() > 0.3


def test_ink_is_about_as_much_as_in_mnist() -> None:
    pixels = some_digits().train_images / 255
    assert pixels.mean() == pytest.approx(0.1307, abs=0.02)
    assert pixels.std() == pytest.approx(0.3081, abs=0.02)


def test_progress_rises_to_one() -> None:
    fractions, _ = drawn(0, 1_500, 250)
    assert fractions == sorted(set(fractions))
    assert fractions[0] < 0.2
    assert fractions[-1] == 1


def test_dropping_a_half_done_generation_needs_no_more_than_close() -> None:
    run = generate(0, 1_000, 0)
    next(run)
    run.close()
    with pytest.raises(StopIteration):
        next(run)


def test_network_learns_the_built_in_digits() -> None:
    digits = some_digits()
    assert accuracy(digits.test_images, digits.test_labels) >= 0.9


def test_network_of_built_in_digits_reads_real_ones() -> None:
    images = mnist_file("t10k-images-idx3-ubyte", 16).reshape(-1, SIDE, SIDE)
    labels = mnist_file("t10k-labels-idx1-ubyte", 8)
    assert accuracy(images, labels) >= 0.8
