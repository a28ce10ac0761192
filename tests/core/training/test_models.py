"""Networks: torch's own layers with torch's own initial weights, and dropout from a generator of the run."""

import copy
import itertools
import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from optgui.core.params import changes
from optgui.core.snapshot import NetworkSnapshot, frozen_copy
from optgui.core.training.closed_gradient import ClosedGradient
from optgui.core.training.models import (
    ACTIVATIONS,
    CLASSES,
    INITIALIZATIONS,
    MEAN,
    MODELS,
    PIXELS,
    STD,
    Dropout,
    ModelConfig,
    make_network,
    network_of,
    set_dropout,
    with_dropout,
)

HIDDEN = [(), (120,), (64, 32), (1, 1, 1)]


def config(hidden=(120,), activation="ReLU"):
    return ModelConfig.parse({"name": "MLP", "hidden": list(hidden), "activation": activation})


def plain_network(hidden, activation, seed):
    """What a person would write with torch, and torch's global seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = [nn.Flatten()]
        for before, after in itertools.pairwise((PIXELS, *hidden, CLASSES)):
            layers += [nn.Linear(before, after), getattr(nn, activation)()]
        return nn.Sequential(*layers[:-1])


def images(count=5):
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("seed", [0, 7])
def test_initial_weights_equal_torchs_own_under_the_same_seed(hidden, seed):
    ours = make_network(config(hidden), torch.Generator().manual_seed(seed))
    theirs = plain_network(hidden, "ReLU", seed)
    pairs = list(zip(ours.parameters(), theirs.parameters(), strict=True))
    assert len(pairs) == 2 * len(hidden) + 2
    for own, torchs in pairs:
        assert torch.equal(own, torchs)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_a_network_computes_what_torchs_layers_do(hidden, activation):
    ours = make_network(config(hidden, activation), torch.Generator().manual_seed(0))
    logits = ours(images())
    assert logits.shape == (5, CLASSES)
    assert torch.equal(logits, plain_network(hidden, activation, 0)((images() - MEAN) / STD))


def test_activations_differ():
    answers = [
        make_network(config(activation=name), torch.Generator().manual_seed(0))(images())
        for name in ACTIVATIONS
    ]
    assert all(not torch.equal(one, other) for one, other in itertools.combinations(answers, 2))


@pytest.mark.parametrize("name", MODELS)
def test_every_model_with_its_defaults_gives_finite_logits_and_gradients(name):
    network = make_network(ModelConfig.parse({"name": name}), torch.Generator().manual_seed(0))
    logits = network(images())
    nn.functional.cross_entropy(logits, torch.arange(5)).backward()
    assert logits.isfinite().all()
    for parameter in network.parameters():
        assert parameter.grad.isfinite().all()
        assert parameter.grad.any()


@pytest.mark.parametrize("hidden", [(), (64, 32)])
def test_a_snapshot_rebuilds_the_network(hidden):
    model = config(hidden)
    network = make_network(model, torch.Generator().manual_seed(0))
    arrays = {name: frozen_copy(value) for name, value in network.state_dict().items()}
    snapshot = NetworkSnapshot("run1@0", model.model_dump(mode="json"), arrays, "mnist", 0)
    rebuilt = network_of(snapshot)
    assert not rebuilt.training
    assert torch.equal(rebuilt(images()), network(images()))


def test_making_a_network_leaves_torchs_global_random_numbers_alone():
    before = torch.get_rng_state()
    make_network(config(), torch.Generator().manual_seed(0))
    make_network(config())
    assert torch.equal(torch.get_rng_state(), before)


def lenet(filters, hidden, seed):
    """The convolutional network as a person would write it with torch."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(1, filters[0], 5),
            nn.Tanh(),
            nn.MaxPool2d(2),
            nn.Conv2d(filters[0], filters[1], 5),
            nn.Tanh(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(filters[1] * 16, hidden),
            nn.Tanh(),
            nn.Linear(hidden, CLASSES),
        )


@pytest.mark.parametrize(("filters", "hidden"), [((16, 32), 128), ((3, 2), 5)])
def test_the_convolutional_network_is_torchs_own_under_the_same_seed(filters, hidden):
    model = {"name": "CNN", "filters": filters, "hidden": hidden, "activation": "Tanh"}
    ours = make_network(ModelConfig.parse(model), torch.Generator().manual_seed(3))
    theirs = lenet(filters, hidden, 3)
    assert torch.equal(ours(images()), theirs((images() - MEAN) / STD))


def test_softmax_regression_is_the_perceptron_without_hidden_layers():
    ours = make_network(ModelConfig.parse("Softmax"), torch.Generator().manual_seed(1))
    assert torch.equal(ours(images()), make_network(config(()), torch.Generator().manual_seed(1))(images()))


@pytest.mark.parametrize(
    ("model", "count"),
    [
        ({"name": "Softmax"}, 7_850),
        ({"name": "MLP", "hidden": [120]}, 784 * 120 + 120 + 120 * 10 + 10),
        ({"name": "MLP", "hidden": [64, 32], "dropout": 0.5}, 784 * 64 + 64 + 64 * 32 + 32 + 330),
        ({"name": "CNN"}, 16 * 26 + 32 * (16 * 25 + 1) + 128 * 513 + 1_290),
        ({"name": "MLP", "hidden": [8192] * 40}, 784 * 8192 + 39 * 8192**2 + 40 * 8192 + 81_930),
    ],
)
def test_parameters_are_counted_without_a_network(model, count):
    assert ModelConfig.parse(model).parameter_count == count


@pytest.mark.parametrize("name", MODELS)
def test_the_count_is_that_of_the_network(name):
    model = ModelConfig.parse(name)
    assert model.parameter_count == sum(p.numel() for p in make_network(model).parameters())


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_its_words(name):
    entry = MODELS[name]
    assert entry.help
    assert entry.reference
    assert "softmax" in entry.formula


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"name": "MLP", "hidden": [0]}, "hidden: expected a list of whole numbers from 1 to 8192, got"),
        ({"name": "MLP", "dropout": 1.0}, "dropout: expected a number from 0 to 0.9, got 1.0"),
        ({"name": "CNN", "filters": [0, 4]}, "filters: expected 2 whole numbers from 1 to 512, got"),
        ({"name": "CNN", "filters": [4]}, "filters: expected 2 whole numbers from 1 to 512, got"),
        ({"name": "CNN", "hidden": 0}, "hidden: expected a whole number from 1 to 8192, got 0"),
        ({"name": "MLP", "init": "ones"}, "init: expected one of torch, He, Xavier, orthogonal, zeros, got"),
        ({"name": "Softmax", "hidden": [4]}, "hidden: unknown field; expected init"),
    ],
)
def test_bad_input_is_refused_with_a_sentence_that_names_the_field(data, sentence):
    with pytest.raises(ValueError, match=sentence):
        ModelConfig.parse(data)


def test_a_perceptron_saved_before_there_was_dropout_still_loads():
    old = {"name": "MLP", "hidden": [12], "activation": "ReLU"}
    network = plain_network((12,), "ReLU", 0)
    names = ["linear1.weight", "linear1.bias", "linear2.weight", "linear2.bias"]
    arrays = dict(zip(names, map(frozen_copy, network.parameters()), strict=True))
    rebuilt = network_of(NetworkSnapshot("run1@0", old, arrays, "mnist", 0))
    assert torch.equal(rebuilt(images()), network((images() - MEAN) / STD))


def weights(init, name="MLP", seed=0, **values):
    network = make_network(
        ModelConfig.parse({"name": name, "init": init, **values}), torch.Generator().manual_seed(seed)
    )
    return dict(network.named_parameters())


def test_he_weights_are_normal_with_variance_two_over_inputs():
    for name, weight in weights("He", "CNN", filters=(64, 64), hidden=256).items():
        if name.endswith("weight"):
            inputs = math.prod(weight.shape[1:])
            sample = weight.detach().numpy().ravel() / math.sqrt(2 / inputs)
            assert stats.kstest(sample, "norm").pvalue > 1e-3
        else:
            assert not weight.any()


def test_xavier_weights_are_uniform_between_bounds_of_both_widths():
    drawn = weights("Xavier", hidden=[300])
    for name, outputs, inputs in (("linear1", 300, 784), ("linear2", 10, 300)):
        bound = math.sqrt(6 / (inputs + outputs))
        sample = drawn[f"{name}.weight"].detach().numpy().ravel()
        assert stats.kstest(sample, "uniform", (-bound, 2 * bound)).pvalue > 1e-3
        assert not drawn[f"{name}.bias"].any()


def test_orthogonal_weights_keep_lengths():
    drawn = weights("orthogonal", hidden=[120])
    for name in ("linear1.weight", "linear2.weight"):
        values = np.linalg.svd(drawn[name].detach().numpy(), compute_uv=False)
        np.testing.assert_allclose(values, 1, atol=1e-5)
    filters = weights("orthogonal", "CNN")["conv1.weight"].detach().flatten(1).numpy()
    np.testing.assert_allclose(np.linalg.svd(filters, compute_uv=False), 1, atol=1e-5)


@pytest.mark.parametrize("name", ["MLP", "CNN"])
@pytest.mark.parametrize("activation", ["ReLU", "Tanh", "GELU"])
def test_with_all_weights_zero_only_the_last_biases_learn(name, activation):
    model = ModelConfig.parse({"name": name, "init": "zeros", "activation": activation})
    network = make_network(model, torch.Generator())
    nn.functional.cross_entropy(network(images()), torch.arange(5)).backward()
    moved = {name for name, parameter in network.named_parameters() if parameter.grad.any()}
    assert moved == {"linear2.bias"}


def test_softmax_regression_learns_from_zero():
    drawn = weights("zeros", "Softmax")
    assert not any(weight.any() for weight in drawn.values())
    network = make_network(ModelConfig.parse({"name": "Softmax", "init": "zeros"}), torch.Generator())
    nn.functional.cross_entropy(network(images()), torch.arange(5)).backward()
    assert all(parameter.grad.any() for parameter in network.parameters())


@pytest.mark.parametrize("init", INITIALIZATIONS)
@pytest.mark.parametrize("name", MODELS)
def test_a_seed_repeats_its_weights_and_leaves_torchs_generator_alone(init, name):
    before = torch.get_rng_state()
    one, same, other = (weights(init, name, seed) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(one[key], same[key]) for key in one)
    if init != "zeros":
        assert not all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_is_torchs_under_the_same_seed_forwards_and_backwards(rate):
    ours = torch.randn(50, 40, generator=torch.Generator().manual_seed(2)).requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    weight = torch.rand(50, 40, generator=torch.Generator().manual_seed(3))
    result = Dropout(rate, torch.Generator().manual_seed(0))(ours)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        reference = nn.functional.dropout(theirs, rate)
    assert torch.equal(result, reference)
    (result * weight).sum().backward()
    (reference * weight).sum().backward()
    assert torch.equal(ours.grad, theirs.grad)


@pytest.mark.parametrize("rate", [0.2, 0.75])
def test_dropout_drops_its_share_and_keeps_the_mean(rate):
    result = Dropout(rate, torch.Generator().manual_seed(0))(torch.ones(1000, 100))
    dropped = (result == 0).sum().item()
    assert stats.binomtest(dropped, 100_000, rate).pvalue > 1e-3
    assert torch.allclose(result[result != 0], torch.tensor(1 / (1 - rate)))


def test_dropout_is_off_in_evaluation_and_at_rate_0_and_draws_nothing_then():
    generator = torch.Generator().manual_seed(0)
    before, units = generator.get_state(), torch.ones(4, 4)
    assert Dropout(0.5, generator).eval()(units) is units
    assert Dropout(0.0, generator)(units) is units
    assert torch.equal(generator.get_state(), before)


def test_dropout_leaves_torchs_global_generator_alone():
    before = torch.get_rng_state()
    Dropout(0.5, torch.Generator().manual_seed(0))(torch.ones(4, 4))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("model", "places"),
    [
        ({"name": "MLP", "hidden": [20, 10]}, [("activation1", "dropout1"), ("activation2", "dropout2")]),
        ({"name": "CNN"}, [("activation3", "dropout3")]),
        ({"name": "Softmax"}, []),
    ],
)
def test_dropout_stands_behind_each_fully_connected_activation_and_shares_the_weights(model, places):
    network = make_network(ModelConfig.parse(model), torch.Generator().manual_seed(0))
    dropping = with_dropout(network, 0.5, torch.Generator().manual_seed(0))
    names = [name for name, _ in dropping.named_children()]
    found = [(names[i - 1], name) for i, name in enumerate(names) if isinstance(dropping[i], Dropout)]
    assert found == places
    assert [name for name in names if "dropout" not in name] == [n for n, _ in network.named_children()]
    assert list(dropping.state_dict()) == list(network.state_dict())
    for ours, theirs in zip(dropping.parameters(), network.parameters(), strict=True):
        assert ours is theirs
    assert torch.equal(network(images()), copy.deepcopy(network).eval()(images()))
    assert torch.equal(dropping(images()), network(images())) is (not places)
    assert torch.equal(dropping.eval()(images()), network(images()))


def test_without_dropout_the_network_is_itself_and_the_closed_gradient_fits():
    network = make_network(config((20, 10)), torch.Generator().manual_seed(0))
    generator = torch.Generator()
    assert with_dropout(network, 0.0, generator) is network
    assert ClosedGradient.of(with_dropout(network, 0.0, generator)[1:]) is not None
    assert ClosedGradient.of(with_dropout(network, 0.5, generator)[1:]) is None


def test_a_rate_can_be_changed_live():
    network = make_network(config((50, 40)), torch.Generator().manual_seed(0))
    dropping = with_dropout(network, 0.5, torch.Generator().manual_seed(0))
    set_dropout(dropping, 0.0)
    assert torch.equal(dropping(images()), network(images()))
    set_dropout(dropping, 0.9)
    assert not torch.equal(dropping(images()), network(images()))
    (change,) = changes(config(), config().changed("dropout", 0.5))
    assert change.live
    assert config().changed("dropout", 0.5).dropout_rate == 0.5
    assert ModelConfig.parse("Softmax").dropout_rate == 0
