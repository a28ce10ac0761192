"""The reading of the test digits: slice by slice, and any one image."""

import numpy as np
import pytest
import torch

from optgui.core.attack.reading import SLICE, ReadImage, ReadingConfig, ReadingEngine, ReadingInputs
from optgui.core.engine import build
from optgui.core.training.models import network_of
from tests.samples import finish, made_up_digits, training


@pytest.fixture(scope="module")
def inputs():
    engine = training(model={"name": "MLP", "hidden": [8]}, epochs=1)
    finish(engine)
    return ReadingInputs(engine.snapshot(), made_up_digits().test_images)


def chances(inputs):
    with torch.inference_mode():
        pixels = torch.from_numpy(inputs.images.astype(np.float32))[:, None] / 255
        return network_of(inputs.snapshot)(pixels).softmax(1).numpy()


def test_all_digits_are_read_a_slice_at_a_time(inputs):
    engine = build("reading", ReadingConfig(), inputs)
    counts = []
    while not engine.done:
        counts.append(engine.step().read)
        frame = engine.frame()
        assert (frame.predictions[: counts[-1]] >= 0).all()
        assert (frame.predictions[counts[-1] :] == -1).all()
    assert counts == [SLICE, 2 * SLICE, len(inputs.images)]
    np.testing.assert_array_equal(frame.predictions, chances(inputs).argmax(1))
    np.testing.assert_allclose(frame.confidences, chances(inputs).max(1), atol=1e-6)
    assert tuple(engine.status())[:2] == (len(inputs.images), len(inputs.images))


def test_a_frame_is_not_changed_afterwards(inputs):
    engine = ReadingEngine(ReadingConfig(), inputs)
    frame = engine.frame()
    engine.step()
    assert (frame.predictions == -1).all()
    with pytest.raises(ValueError, match="read-only"):
        frame.predictions[0] = 1


def test_any_image_can_be_read(inputs):
    engine = ReadingEngine(ReadingConfig(), inputs)
    image = inputs.images[3].astype(np.float32) / 255
    np.testing.assert_allclose(engine.answer(ReadImage(image)), chances(inputs)[3], atol=1e-6)


@pytest.mark.parametrize(
    "request_",
    ["a word", ReadImage(np.zeros((10, 10), np.float32)), ReadImage(np.full((28, 28), 7, np.float32))],
)
def test_what_is_no_image_is_refused(inputs, request_):
    with pytest.raises(ValueError, match=r"request: expected|images: expected"):
        ReadingEngine(ReadingConfig(), inputs).answer(request_)
