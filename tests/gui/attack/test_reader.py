"""What the network reads, found beside the attack."""

import dataclasses

import numpy as np
import pytest
import torch

from optgui.core.training.models import network_of
from optgui.gui.attack.reader import Reader
from optgui.jobs.controller import PaintBudget
from optgui.jobs.messages import JobState
from tests.gui.attack.attacked import close, learned
from tests.samples import made_up_digits


@pytest.fixture
def reader(qtbot):
    made = Reader(PaintBudget())
    made.heard = []
    made.judged.connect(lambda *judgement: made.heard.append(judgement))
    yield made
    close(made)


def expected(snapshot, images):
    with torch.inference_mode():
        pixels = torch.from_numpy(images.astype(np.float32))[:, None] / 255
        return network_of(snapshot)(pixels).softmax(1).numpy()


def test_every_test_digit_is_read_as_the_network_reads_it(qtbot, reader):
    images = made_up_digits().test_images
    reader.read(learned(), images)
    assert reader.heard == [(None, None)]
    qtbot.waitUntil(lambda: len(reader.heard) == 2, timeout=5000)
    chances = expected(learned(), images)
    np.testing.assert_array_equal(reader.heard[1][0], chances.argmax(1))
    np.testing.assert_allclose(reader.heard[1][1], chances.max(1), atol=1e-6)


def test_a_network_is_asked_once(qtbot, reader):
    images = made_up_digits().test_images
    reader.read(learned(), images)
    qtbot.waitUntil(lambda: len(reader.heard) == 2, timeout=5000)
    reader.read(learned(), images)
    assert len(reader.heard) == 2
    reader.read(learned(), images[:50])  # another set of digits
    qtbot.waitUntil(lambda: len(reader.heard) == 4, timeout=5000)
    assert len(reader.heard[3][0]) == 50


def test_a_drawing_is_read(qtbot, reader):
    images, guesses = made_up_digits().test_images, []
    reader.guess(images[0] / np.float32(255), guesses.append)  # nobody to ask yet
    reader.read(learned(), images)
    qtbot.waitUntil(lambda: reader.controller.state is JobState.FINISHED, timeout=5000)
    reader.guess(images[0] / np.float32(255), guesses.append)
    qtbot.waitUntil(lambda: len(guesses) == 1, timeout=5000)
    assert guesses == [int(expected(learned(), images[:1]).argmax())]


def test_a_network_that_cannot_be_read_says_nothing_and_the_next_is_read(qtbot, reader):
    arrays = {name: np.full_like(array, np.nan) for name, array in learned().arrays.items()}
    images = made_up_digits().test_images
    reader.read(dataclasses.replace(learned(), id="broken@1", arrays=arrays), images)
    qtbot.waitUntil(lambda: reader.controller.state is JobState.FAILED, timeout=5000)
    reader.guess(images[0] / np.float32(255), lambda _: pytest.fail("guessed"))
    reader.read(learned(), images)
    qtbot.waitUntil(lambda: reader.heard[-1][0] is not None, timeout=5000)
