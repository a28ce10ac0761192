"""The range test blows up where theory says, and leaves the real run bit for bit as it is."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from optgui.core.optimizers import OPTIMIZERS, OptimizerConfig
from optgui.core.training.measures.finder import BLOW_UP, SHARE, find_rate
from optgui.core.training.measures.slices import finish
from tests.core.training.measures.samples import made, perceptron


class Matrices(OptimizerConfig):
    shapes = ((4, 3), (2, 4))


SGD = OptimizerConfig.parse({"name": "SGD", "lr": 0.1})


def run_of(settings, steps=5):
    """A network and an optimizer in the middle of a run."""
    images, labels = made(200)
    body = perceptron()
    optimizer = OptimizerConfig.parse(settings).make(body.parameters(), foreach=False)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(body(images), labels).backward()
        optimizer.step()
    return body, optimizer, images, labels


def bits(value):
    """A nested state as plain values that compare bit for bit."""
    if isinstance(value, torch.Tensor):
        return value.numpy().tobytes()
    if isinstance(value, dict):
        return {key: bits(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [bits(item) for item in value]
    return value


@pytest.mark.parametrize("settings", [
    {"name": "SGD", "lr": 0.05, "momentum": 0.9}, {"name": "Adam", "lr": 0.001},
    {"name": "Momentum", "lr": 0.1}, {"name": "LBFGS", "lr": 0.1},
], ids=str)  # fmt: skip
def test_nothing_of_the_run_is_touched(settings):
    if settings["name"] == "LBFGS":
        body, _, images, labels = run_of({"name": "SGD", "lr": 0.05})
        optimizer = OptimizerConfig.parse(settings).make(body.parameters())
    else:
        body, optimizer, images, labels = run_of(settings)
    grads = [None if p.grad is None else p.grad.clone() for p in body.parameters()]
    before = bits([dict(body.state_dict()), optimizer.state_dict(), grads, images, labels])
    random = torch.get_rng_state(), np.random.get_state()[1].copy()
    modes = [module.training for module in body.modules()]
    finding = finish(find_rate(
        body, OptimizerConfig.parse(settings), images, labels, 32, optimizer.state_dict(), steps=20, runs=2
    ))  # fmt: skip
    assert len(finding.tests) == 2
    grads = [p.grad for p in body.parameters()]
    assert bits([dict(body.state_dict()), optimizer.state_dict(), grads, images, labels]) == before
    assert torch.equal(torch.get_rng_state(), random[0])
    assert np.array_equal(np.random.get_state()[1], random[1])
    assert [module.training for module in body.modules()] == modes


def test_the_run_may_go_on_while_the_test_is_under_way():
    body, optimizer, images, labels = run_of({"name": "Adam", "lr": 0.001})
    config = OptimizerConfig.parse({"name": "Adam", "lr": 0.001})
    arguments = (config, images, labels, 32, optimizer.state_dict())
    undisturbed = finish(
        find_rate(copy.deepcopy(body), *arguments[:-1], copy.deepcopy(arguments[-1]), steps=20)
    )
    work = find_rate(body, *arguments, steps=20)
    next(work)
    for _ in range(3):
        nn.functional.cross_entropy(body(images), labels).backward()
        optimizer.step()
    disturbed = finish(work)
    assert [test.losses.tolist() for test in disturbed.tests] == [
        test.losses.tolist() for test in undisturbed.tests
    ]


def test_the_losses_are_those_of_a_loop_by_hand():
    body, optimizer, images, labels = run_of({"name": "SGD", "lr": 0.05, "momentum": 0.9})
    config = OptimizerConfig.parse({"name": "SGD", "lr": 0.05, "momentum": 0.9})
    test = finish(find_rate(
        body, config, images, labels, 50, optimizer.state_dict(), 1e-4, 1e-2, steps=10, runs=1, seed=7
    )).tests[0]  # fmt: skip
    generator = torch.Generator().manual_seed(7)
    order = torch.cat([torch.randperm(200, generator=generator) for _ in range(3)])
    losses = []
    for index, lr in enumerate(np.geomspace(1e-4, 1e-2, 10)):
        optimizer.param_groups[0]["lr"] = lr
        batch = order[50 * index : 50 * index + 50]
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(body(images[batch]), labels[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    np.testing.assert_allclose(test.losses, losses, rtol=1e-6)
    means, mean = [], 0.0
    for count, loss in enumerate(losses, 1):
        mean = 0.8 * mean + 0.2 * loss
        means.append(mean / (1 - 0.8**count))
    np.testing.assert_allclose(test.smoothed, means)
    assert test.blow_up is None


def test_it_stops_at_the_blow_up_and_suggests_at_most_a_tenth_of_it():
    body, _, images, labels = run_of({"name": "SGD", "lr": 0.05}, steps=0)
    labels = labels[torch.randperm(200, generator=torch.Generator().manual_seed(0))]  # no rate learns these
    shares = []
    work = find_rate(body, SGD, images, labels, 32, lr_max=1e4)
    while True:
        try:
            shares.append(next(work))
        except StopIteration as end:
            finding = end.value
            break
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] <= 1
    blown = []
    for test in finding.tests:
        assert test.blow_up == test.lrs[-1]
        assert test.smoothed[-1] > BLOW_UP * test.smoothed[10:].min()
        assert (test.smoothed[10:-1] <= BLOW_UP * np.minimum.accumulate(test.smoothed[10:-1])).all()
        assert len(test.lrs) == len(test.losses) == len(test.smoothed) < 100
        assert test.suggestion == min(SHARE * test.blow_up, test.steepest or np.inf)
        blown.append(test.suggestion)
    assert finding.band == pytest.approx((min(blown), max(blown)))
    assert finding.suggestion == pytest.approx(np.median(blown))
    assert finding.note == ""


def test_where_the_loss_falls_its_steepest_point_counts_if_it_is_smaller():
    body, _, images, labels = run_of({"name": "SGD", "lr": 0.05}, steps=0)
    finding = finish(find_rate(body, SGD, images, labels, 32))
    for test in finding.tests:
        place = test.lrs.tolist().index(test.steepest)
        falls = -np.gradient(test.smoothed)
        assert falls[place] == pytest.approx(falls[11 : test.smoothed.argmin()].max())
        assert falls[place] > 0
        assert test.suggestion == min(test.steepest, SHARE * (test.blow_up or 10.0))
    assert any(test.suggestion == test.steepest for test in finding.tests)


def test_in_the_middle_of_a_run_no_chance_fall_counts():
    """Noisy labels and a trained network: losses fluctuate, but no rate makes them fall."""
    images, labels = made(2_000)
    labels = torch.where(torch.rand(2_000, generator=torch.Generator().manual_seed(1)) < 0.5, 0, labels)
    body = perceptron()
    optimizer = SGD.make(body.parameters())
    for _ in range(30):
        optimizer.zero_grad()
        nn.functional.cross_entropy(body(images), labels).backward()
        optimizer.step()
    finding = finish(find_rate(body, SGD, images, labels, 16, lr_max=1e3))
    for test in finding.tests:
        assert test.steepest is None
        assert test.suggestion == SHARE * test.blow_up


def test_a_lucky_first_batch_is_no_best():
    """The first image is easy, the others are hard: without a settled mean that would be a blow-up."""
    body, _, images, labels = run_of({"name": "SGD", "lr": 0.05}, steps=30)
    order = torch.randperm(200, generator=torch.Generator().manual_seed(0)).tolist()
    hard = labels.clone()
    hard[order[1:]] = (labels[order[1:]] + 1) % 10
    test = finish(find_rate(body, SGD, images, hard, 1, lr_max=1e-4, steps=20, runs=1)).tests[0]
    assert test.smoothed[1] > BLOW_UP * test.smoothed[0]
    assert len(test.lrs) == 20


def test_a_range_without_a_blow_up_says_so():
    body, _, images, labels = run_of({"name": "SGD", "lr": 0.05})
    finding = finish(find_rate(body, SGD, images, labels, 32, lr_max=1e-4, steps=10))
    assert finding.suggestion == pytest.approx(1e-5)
    assert finding.note.startswith("3 of 3 sweeps reached 0.0001 without blowing up")


def test_a_loss_that_is_no_number_ends_a_sweep():
    body, _, images, labels = run_of({"name": "SGD", "lr": 0.05})
    with torch.no_grad():
        body[1].weight.fill_(float("nan"))
    finding = finish(find_rate(body, SGD, images, labels, 32))
    assert [len(test.lrs) for test in finding.tests] == [1, 1, 1]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_that_takes_a_rate_is_swept(name):
    if name == "SparseAdam":
        pytest.skip("takes no dense gradients")
    images, labels = made(60)
    body = perceptron((5,))
    body[1].bias = body[3].bias = None  # Muon wants matrices
    work = find_rate(body, Matrices.parse({"name": name, "lr": 0.01}), images, labels, 20, steps=15, runs=1)
    if name == "Rprop":
        with pytest.raises(ValueError, match="Rprop reads it once"):
            finish(work)
        return
    test = finish(work).tests[0]
    assert len(test.losses) == 15 or test.blow_up
    assert len(set(test.losses)) > 5


@pytest.mark.parametrize(("changes", "sentence"), [
    ({"lr_min": 1.0, "lr_max": 0.1}, "lr_min, lr_max: expected 0 < lr_min < lr_max, got 1 and 0.1"),
    ({"steps": 3}, "steps, runs: expected at least 10 and 1, got 3 and 3"),
    ({"runs": 0}, "steps, runs: expected at least 10 and 1, got 100 and 0"),
    ({"batch_size": 61}, "batch_size: expected a whole number from 1 to 60, got 61"),
])  # fmt: skip
def test_an_impossible_range_is_refused(changes, sentence):
    images, labels = made(60)
    arguments = {"batch_size": 20, **changes}
    with pytest.raises(ValueError, match=sentence):
        finish(find_rate(perceptron((5,)), SGD, images, labels, **arguments))
