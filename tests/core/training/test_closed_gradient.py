"""The gradient written out by hand is autograd's, bit for bit, whichever library multiplies."""

import copy
import itertools

import pytest
import torch
from torch import nn

from optgui.core.training import closed_gradient
from optgui.core.training.closed_gradient import ClosedGradient, one_dnn_is_better

LENGTHS = (64, 1, 50, 64, 128, 200, 256)  # 64 comes back: its memory is used again


def network(hidden):
    layers = [nn.Flatten()]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for width, units in itertools.pairwise((784, *hidden, 10)):
            layers += [nn.Linear(width, units), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def batch(length):
    """Normalized digits have pixels that are the same negative number in all images."""
    generator = torch.Generator().manual_seed(length)
    inputs = torch.randn(length, 784, generator=generator)
    inputs[:, :100] = -0.42
    return inputs, torch.randint(10, (length,), generator=generator)


@pytest.mark.parametrize("eager", [True, False])
@pytest.mark.parametrize("hidden", [(), (120,), (64, 40)])
def test_it_is_autograds_bit_for_bit(hidden, eager, monkeypatch):
    times = itertools.cycle([0.0, 1.0] if eager else [1.0, 0.0])  # of oneDNN, of torch.mm
    monkeypatch.setattr(closed_gradient, "_seconds", lambda work: next(times))
    ours = network(hidden)
    theirs = copy.deepcopy(ours)
    closed = ClosedGradient.of(ours)
    for length in LENGTHS:
        inputs, labels = batch(length)
        buffers = closed.buffers(length)
        buffers.inputs.copy_(inputs)
        loss, logits = closed(buffers, labels)
        theirs.zero_grad()
        expected = theirs(inputs)
        expected_loss = nn.functional.cross_entropy(expected, labels)
        expected_loss.backward()
        assert torch.equal(loss, expected_loss)
        assert torch.equal(logits, expected)
        for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert torch.equal(one.grad, other.grad)


def test_one_dnn_is_taken_only_where_it_is_quicker(monkeypatch):
    monkeypatch.setattr(closed_gradient, "_one_dnn_product", lambda one, other: torch.mm(one, other.t()))
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    monkeypatch.setattr(closed_gradient, "_one_dnn", object())
    for times, expected in (([1.0, 2.0], True), ([2.0, 1.0], False)):
        ticks = iter(times)
        monkeypatch.setattr(closed_gradient, "_seconds", lambda work, ticks=ticks: next(ticks))
        assert one_dnn_is_better(8, torch.zeros(5, 7)) is expected


def test_one_dnn_is_never_taken_where_a_bit_differs(monkeypatch):
    def off(one, other):
        product = torch.mm(one, other.t())
        product[-1, -1] = torch.nextafter(product[-1, -1], torch.tensor(torch.inf))
        return product

    monkeypatch.setattr(closed_gradient, "_one_dnn_product", off)
    monkeypatch.setattr(closed_gradient, "_seconds", lambda work: pytest.fail("it was timed"))
    assert not one_dnn_is_better(8, torch.zeros(5, 7))


def test_one_dnn_is_for_the_cpu_and_for_where_it_is(monkeypatch):
    assert not one_dnn_is_better(8, torch.zeros(5, 7, device="meta"))
    monkeypatch.setattr(closed_gradient, "_one_dnn", None)
    assert not one_dnn_is_better(8, torch.zeros(5, 7))


def test_the_trial_leaves_torchs_generator_alone():
    before = torch.get_rng_state()
    one_dnn_is_better(8, torch.zeros(5, 7))
    assert torch.equal(torch.get_rng_state(), before)
