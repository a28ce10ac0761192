"""The fresh look, against the network and numpy."""

import numpy as np
import pytest
import torch

from optgui.core.attack import Goal, Victim, norm_of, verified
from tests.core.attack.samples import EPSILON, digits, network, sizes


def looked(changed, norm="L2"):
    images, labels = digits()
    return verified(Victim(network()), images, changed, Goal(labels), norm_of(norm))


@pytest.mark.parametrize("norm", EPSILON)
def test_it_tells_answers_and_sizes(norm):
    images, labels = digits()
    changed = (images + 0.2 * torch.randn(images.shape, generator=torch.Generator().manual_seed(1))).clamp(
        0, 1
    )
    verdict = looked(changed, norm)
    with torch.no_grad():
        answers = network()(changed)
    assert torch.equal(verdict.logits, answers)
    assert torch.equal(verdict.fooled, answers.argmax(1) != labels)
    np.testing.assert_allclose(verdict.sizes, sizes((changed.double() - images).numpy(), norm), rtol=1e-12)


def test_a_picture_beyond_the_box_or_of_no_numbers_fools_nobody():
    flipped = 1 - digits()[0]
    assert looked(flipped).fooled.any()
    for wrong in (flipped + 1e-5, flipped - 1e-5, flipped * torch.nan):
        verdict = looked(wrong)
        assert not verdict.fooled[~verdict.inside].any()
        assert not verdict.inside.any()


def test_a_change_counts_up_to_epsilon_and_not_beyond_rounding():
    verdict = looked(1 - digits()[0])
    one = int(verdict.fooled.nonzero()[0])
    size = float(verdict.sizes[one])
    assert verdict.within(size)[one]
    assert verdict.within(size - 5e-7)[one]
    assert not verdict.within(size - 2e-6)[one]
