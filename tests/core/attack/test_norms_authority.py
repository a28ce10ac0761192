"""The projections against other people's: scipy, sorting, bisection and trying everything."""

import itertools

import numpy as np
import pytest
import scipy.fft
import scipy.optimize
import torch

from optgui.core.attack.norms import NormConfig, norm_of

EPSILONS = (0.05, 0.5, 1.3)


def cases(seed, shape=(8,), count=12):
    """Points in and far outside of boxes that have 0 on some of their faces; float64."""
    random = np.random.default_rng(seed)
    delta = random.normal(size=(count, *shape)) * np.logspace(-1, 1, count).reshape(-1, *[1] * len(shape))
    images = random.choice([0.0, 1.0, 0.3, 0.9], size=(count, *shape))
    return delta, -images, 1 - images


def ours(name, delta, epsilon, low, high, **params):
    norm = norm_of(NormConfig(name=name, **params))
    tensors = (torch.tensor(array, dtype=torch.float32) for array in (delta, low, high))
    delta, low, high = tensors
    return norm.project_in_box(delta, epsilon, low, high).numpy()


def bisected(point, low, high, moved, measure, epsilon):
    """The point of the box on the path m -> clip(moved(point, m)) whose measure is epsilon."""
    least, most = 0.0, 1e6
    if measure(np.clip(point, low, high)) <= epsilon:
        return np.clip(point, low, high)
    for _ in range(200):
        middle = (least + most) / 2
        inside = measure(np.clip(moved(point, middle), low, high)) <= epsilon
        least, most = (least, middle) if inside else (middle, most)
    return np.clip(moved(point, most), low, high)


PATHS = {
    "L2": (lambda x, m: x / (1 + m), np.linalg.norm),
    "L1": (lambda x, m: np.sign(x) * np.maximum(np.abs(x) - m, 0), lambda x: np.abs(x).sum()),
    "HalfSpace": (lambda x, m: x - m, lambda x: x.sum() / np.sqrt(x.size)),
}


@pytest.mark.parametrize("epsilon", EPSILONS)
@pytest.mark.parametrize("name", list(PATHS))
def test_ball_and_box_agree_with_bisection(name, epsilon):
    for seed, shape in enumerate([(8,), (1, 28, 28)]):
        delta, low, high = cases(seed, shape)
        found = ours(name, delta, epsilon, low, high)
        for row, point in enumerate(delta):
            expected = bisected(point, low[row], high[row], *PATHS[name], epsilon)
            np.testing.assert_allclose(found[row], expected, atol=1e-5)


@pytest.mark.parametrize("epsilon", EPSILONS)
@pytest.mark.parametrize("name", ["L2", "HalfSpace"])
def test_ball_and_box_agree_with_slsqp(name, epsilon):
    delta, low, high = cases(1, count=6)
    found = ours(name, delta, epsilon, low, high)
    for row, point in enumerate(delta):
        expected = nearest(point, low[row], high[row], slack(name, epsilon), np.zeros(8))
        np.testing.assert_allclose(found[row], expected, atol=1e-3)
        ours_away, theirs = np.linalg.norm(found[row] - point), np.linalg.norm(expected - point)
        assert ours_away <= theirs * (1 + 1e-5) + 1e-6


def slack(name, epsilon):
    if name == "L2":
        return lambda x: epsilon**2 - x @ x
    return lambda x: epsilon - x.sum() / np.sqrt(x.size)


def nearest(point, low, high, slack, start):
    found = scipy.optimize.minimize(
        lambda x: ((x - point) ** 2).sum() / 2,
        start,
        jac=lambda x: x - point,
        bounds=list(zip(low, high, strict=True)),
        constraints=[{"type": "ineq", "fun": slack}],
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-13},
    )
    return found.x


@pytest.mark.parametrize("epsilon", [0.0, 0.3, 4.0, 40.0])
def test_l1_agrees_with_the_projection_by_sorting(epsilon):
    """J. Duchi et al., ICML 2008, figure 1, in float64."""
    delta = cases(2, (200,))[0]
    found = norm_of("L1").project(torch.tensor(delta, dtype=torch.float32), epsilon).numpy()
    for row, point in enumerate(delta):
        expected = point
        if np.abs(point).sum() > epsilon:
            ordered = np.sort(np.abs(point))[::-1]
            thresholds = (np.cumsum(ordered) - epsilon) / np.arange(1, 201)
            threshold = thresholds[ordered > thresholds][-1] if epsilon else ordered[0]
            expected = np.sign(point) * np.maximum(np.abs(point) - threshold, 0)
        np.testing.assert_allclose(found[row], expected, atol=1e-5)


def test_l1_is_no_rescaling():
    projected = norm_of("L1").project(torch.tensor([[3.0, 1.0, -0.5]]), 1.0)
    torch.testing.assert_close(projected, torch.tensor([[1.0, 0.0, 0.0]]), rtol=0, atol=2e-6)


def test_l1_ascent_moves_its_share_of_the_pixels_equally_far():
    gradient = torch.randn((3, 1, 28, 28), generator=torch.Generator().manual_seed(0))
    for share, pixels in ((0.05, 39), (1.0, 784), (1e-6, 1)):
        direction = norm_of(NormConfig(name="L1", share=share)).ascent(gradient).flatten(1)
        moved = direction != 0
        assert moved.sum(1).tolist() == [pixels] * 3
        torch.testing.assert_close(direction[moved].abs(), torch.full((3 * pixels,), 1 / pixels))
        largest = gradient.flatten(1).abs().topk(pixels, 1).indices
        assert moved.gather(1, largest).all()


@pytest.mark.parametrize("epsilon", [0.0, 0.7, 1.0, 3.2, 7.0, 8.0, 1e6])
@pytest.mark.parametrize("boxed", [False, True])
def test_l0_is_as_near_as_the_best_of_all_supports(epsilon, boxed):
    delta, low, high = cases(3)
    if not boxed:
        low, high = np.full_like(low, -1e9), np.full_like(high, 1e9)
    norm = norm_of("L0")
    given = [torch.tensor(array, dtype=torch.float32) for array in (delta, low, high)]
    found = norm.project_in_box(given[0], epsilon, *given[1:]) if boxed else norm.project(given[0], epsilon)
    assert (norm.norm(found) <= epsilon).all()
    for row, point in enumerate(delta):
        best = np.inf
        for support in itertools.combinations(range(8), min(8, int(epsilon))):
            kept = np.zeros(8)
            kept[list(support)] = np.clip(point, low[row], high[row])[list(support)]
            best = min(best, np.linalg.norm(point - kept))
        assert np.linalg.norm(point - found[row].numpy()) == pytest.approx(best, abs=1e-5)


def test_l0_keeps_the_smallest_of_changes():
    tiny = torch.zeros(1, 9).index_fill(1, torch.tensor([4]), 1e-30)
    box = torch.ones(1, 9)
    assert torch.equal(norm_of("L0").project(tiny, 1), tiny)
    assert torch.equal(norm_of("L0").project_in_box(tiny, 1, -box, box), tiny)


@pytest.mark.parametrize("frequencies", [1, 3, 8, 28])
def test_subspace_keeps_the_lowest_cosines(frequencies):
    norm = norm_of(NormConfig(name="Subspace", frequencies=frequencies))
    delta = cases(4, (1, 28, 28), 3)[0]
    spectrum = scipy.fft.dctn(delta, axes=(-2, -1), norm="ortho")
    spectrum[..., frequencies:, :] = 0
    spectrum[..., :, frequencies:] = 0
    expected = scipy.fft.idctn(spectrum, axes=(-2, -1), norm="ortho")
    found = norm.project(torch.tensor(delta, dtype=torch.float32), 1e6)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    random = norm.random((4, 1, 28, 28), 1.0, torch.Generator().manual_seed(0))
    left = scipy.fft.dctn(random.numpy(), axes=(-2, -1), norm="ortho")
    assert np.abs(left[..., frequencies:, :]).max(initial=0) < 1e-6
    assert np.abs(left[..., :, frequencies:]).max(initial=0) < 1e-6


@pytest.mark.parametrize("epsilon", [*EPSILONS, 1e6])
def test_subspace_and_box_agree_with_slsqp(epsilon):
    """In the coefficients of 3 x 3 cosines of images of 5 x 5 pixels."""
    delta, low, high = cases(5, (1, 5, 5), 5)
    images = np.zeros((5, 1, 5, 5))
    images[..., 2, 1:4] = 0.9
    images[..., 0, 0] = 1.0
    low, high = -images, 1 - images
    units = np.eye(25).reshape(25, 5, 5)
    every = scipy.fft.idctn(units, axes=(-2, -1), norm="ortho").reshape(5, 5, 25)
    cosines = every[:3, :3].reshape(9, 25)
    found = ours("Subspace", delta, epsilon, low, high, frequencies=3).reshape(5, 25)
    np.testing.assert_allclose(found, found @ cosines.T @ cosines, atol=1e-6)
    for row, point in enumerate(delta.reshape(5, 25)):
        below, above = low[row].ravel(), high[row].ravel()
        best = scipy.optimize.minimize(
            lambda z, point=point: ((z - cosines @ point) ** 2).sum() / 2,
            np.zeros(9),
            jac=lambda z, point=point: z - cosines @ point,
            constraints=[
                {
                    "type": "ineq",
                    "fun": lambda z, below=below: z @ cosines - below,
                    "jac": lambda z: cosines.T,
                },
                {
                    "type": "ineq",
                    "fun": lambda z, above=above: above - z @ cosines,
                    "jac": lambda z: -cosines.T,
                },
                {"type": "ineq", "fun": lambda z: epsilon**2 - z @ z, "jac": lambda z: -2 * z},
            ],
            method="SLSQP",
            options={"maxiter": 1000, "ftol": 1e-14},
        )
        np.testing.assert_allclose(found[row], best.x @ cosines, atol=2e-4 * max(1, np.abs(best.x).max()))


def test_half_space_takes_the_excess_from_every_pixel():
    """The tutorial's formula, with the unit normal a = 1/28 of 784 pixels."""
    delta = cases(6, (1, 28, 28))[0]
    found = norm_of("HalfSpace").project(torch.tensor(delta, dtype=torch.float32), 0.5)
    normal = np.full(784, 1 / 28)
    for row, point in zip(found, delta.reshape(-1, 784), strict=True):
        expected = point - max(0, normal @ point - 0.5) * normal
        np.testing.assert_allclose(row.flatten(), expected, atol=1e-5)
