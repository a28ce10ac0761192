"""Batches cover the data as their sampling says."""

import numpy as np

from optgui.core.surface.noise import Batches


def test_shuffled_epochs_show_every_point_once_in_each():
    batches = Batches(7, {"batch_size": 3, "sampling": "epochs"}, np.random.default_rng(0))
    epochs = [np.concatenate([batches.draw() for _ in range(3)]) for _ in range(4)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4


def test_replacement_draws_evenly_and_may_repeat():
    batches = Batches(5, {"batch_size": 4, "sampling": "replacement"}, np.random.default_rng(0))
    drawn = np.array([batches.draw() for _ in range(5000)])
    np.testing.assert_allclose(np.bincount(drawn.ravel()) / drawn.size, 0.2, atol=0.01)
    assert any(len(set(row)) < 4 for row in drawn)


def test_a_batch_is_never_larger_than_the_data():
    for sampling in ("replacement", "epochs"):
        batches = Batches(3, {"batch_size": 100, "sampling": sampling}, np.random.default_rng(0))
        assert len(batches.draw()) == 3
