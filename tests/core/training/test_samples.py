"""A choice of training images is balanced and seeded; wrong labels are wrong, as many as asked for."""

import numpy as np
import pytest
from scipy import stats

from optgui.core.training.samples import chosen, noisy


def labels(count=3_000, seed=0):
    return np.random.default_rng(seed).integers(0, 10, count)


@pytest.mark.parametrize("count", [1, 9, 10, 11, 100, 1_005, 2_000, 2_999, 3_000])
def test_a_choice_has_the_count_without_repeats_in_rising_order(count):
    indices = chosen(labels(), count, seed=0)
    assert indices.dtype == np.int64
    assert len(indices) == count
    assert (np.diff(indices) > 0).all()
    assert 0 <= indices[0] <= indices[-1] < 3_000


@pytest.mark.parametrize("count", [10, 200, 1_003])
def test_classes_are_as_equal_as_the_count_allows(count):
    counts = np.bincount(labels()[chosen(labels(), count, seed=1)], minlength=10)
    assert counts.max() - counts.min() <= (count % 10 > 0)


def test_a_rare_class_gives_all_it_has_and_the_others_share_the_rest():
    uneven = np.array([0] * 3 + [1] * 50 + [2] * 50)
    counts = np.bincount(uneven[chosen(uneven, 43, seed=0)])
    np.testing.assert_array_equal(counts, [3, 20, 20])


def test_all_images_are_all_in_their_order():
    np.testing.assert_array_equal(chosen(labels(), 3_000, seed=5), np.arange(3_000))


def test_a_seed_repeats_itself_and_a_smaller_choice_is_part_of_a_larger():
    large, again, other = (chosen(labels(), 500, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(large, again)
    assert not np.array_equal(large, other)
    assert set(chosen(labels(), 123, 3)) < set(large)


def test_every_image_is_chosen_equally_often():
    many = np.concatenate([chosen(labels(200), 50, seed) for seed in range(400)])
    truth = np.bincount(labels(200), minlength=10)[labels(200)]
    expected = 400 * 5 / truth  # five of each class
    assert stats.chisquare(np.bincount(many, minlength=200), expected).pvalue > 1e-3


@pytest.mark.parametrize("count", [0, -1, 3_001])
def test_a_count_that_is_not_there_is_refused(count):
    with pytest.raises(ValueError, match=f"samples: expected a whole number from 1 to 3000, got {count}"):
        chosen(labels(), count, seed=0)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.25, 0.5, 1.0])
def test_the_share_of_labels_is_wrong_and_none_beside(share):
    true = labels()
    wrong = noisy(true, share, seed=0)
    assert (wrong != true).sum() == round(share * 3_000)
    assert wrong.dtype == true.dtype
    assert ((wrong >= 0) & (wrong <= 9)).all()
    np.testing.assert_array_equal(true, labels())


def test_wrong_labels_are_any_other_class_equally_often():
    true = labels(45_000)
    shifts = (noisy(true, 1.0, seed=2) - true) % 10
    assert stats.chisquare(np.bincount(shifts, minlength=10)[1:]).pvalue > 1e-3


def test_the_same_seed_spoils_the_same_images_and_more_noise_only_adds():
    true = labels()
    some, again, other, more = (noisy(true, *case) for case in ((0.1, 1), (0.1, 1), (0.1, 2), (0.4, 1)))
    np.testing.assert_array_equal(some, again)
    assert not np.array_equal(some, other)
    np.testing.assert_array_equal(more[some != true], some[some != true])


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_beyond_all_or_none_is_refused(share):
    with pytest.raises(ValueError, match="label_noise: expected a number from 0 to 1"):
        noisy(labels(), share, seed=0)
