"""Muon and AdamW side by side equal torch's two, and it is stated who steps what."""

import copy
import inspect

import pytest
import torch
from torch import nn

from optgui.core.muon import Muon
from optgui.core.optimizers import OPTIMIZERS, OptimizerConfig, quick_step, retune, wants_closure
from optgui.core.training.groups import groups_for, stated
from optgui.core.training.models import ModelConfig, make_network

VALUES = {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.05, "adamw_lr": 0.1}
MODELS = {
    "MLP": ({"name": "MLP", "hidden": [16, 12]}, {"linear1.weight", "linear2.weight"}),
    "softmax": ({"name": "Softmax"}, {"linear1.weight"}),
    "CNN": ({"name": "CNN", "filters": [2, 3], "hidden": 8}, {"linear1.weight"}),
}


def network_of(model):
    return make_network(ModelConfig.parse(model), torch.Generator().manual_seed(0))


def batch(step):
    draws = torch.Generator().manual_seed(step)
    images = torch.rand(32, 1, 28, 28, generator=draws)
    return images, torch.randint(0, 10, (32,), generator=draws)


def train(network, optimizers, steps, step_of=lambda optimizer: optimizer.step):
    for step in steps:
        images, labels = batch(step)
        for optimizer in optimizers:
            optimizer.zero_grad()
        nn.functional.cross_entropy(network(images), labels).backward()
        for optimizer in optimizers:
            step_of(optimizer)()


def by_torch(network, matrices, lr, weight_decay, momentum, adamw_lr):
    named = dict(network.named_parameters())
    return (
        torch.optim.Muon(
            [named.pop(name) for name in sorted(matrices)],
            lr=lr,
            weight_decay=weight_decay,
            momentum=momentum,
        ),
        torch.optim.AdamW(named.values(), lr=lr * adamw_lr, weight_decay=weight_decay, foreach=False),
    )


def ours(network, **values):
    config = OptimizerConfig.parse({"name": "Muon", **VALUES, **values})
    return config.make(network.parameters(), foreach=False)


def equal(one, other):
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("case", MODELS)
@pytest.mark.parametrize("step_of", [lambda optimizer: optimizer.step, quick_step])
def test_it_equals_torchs_muon_and_adamw_bit_for_bit(case, step_of):
    model, matrices = MODELS[case]
    one, other = network_of(model), network_of(model)
    train(one, [ours(one)], range(5), step_of)
    train(other, by_torch(other, matrices, **VALUES), range(5))
    assert equal(one, other)
    assert not equal(one, network_of(model))


def test_a_rate_written_into_the_groups_acts_on_both_at_the_next_step():
    model, matrices = MODELS["MLP"]
    one, other = network_of(model), network_of(model)
    mixed, parts = ours(one), by_torch(other, matrices, **VALUES)
    train(one, [mixed], range(3))
    train(other, parts, range(3))
    for group in mixed.param_groups:
        group["lr"] = 0.004
    parts[0].param_groups[0]["lr"] = 0.004
    parts[1].param_groups[0]["lr"] = 0.004 * VALUES["adamw_lr"]
    train(one, [mixed], range(3, 6))
    train(other, parts, range(3, 6))
    assert equal(one, other)


def test_retune_equals_an_edit_of_torchs_two():
    model, matrices = MODELS["MLP"]
    one, other = network_of(model), network_of(model)
    mixed, parts = ours(one), by_torch(other, matrices, **VALUES)
    train(one, [mixed], range(3))
    train(other, parts, range(3))
    edit = {"lr": 0.01, "momentum": 0.8, "weight_decay": 0.2, "adamw_lr": 0.5}
    retune(mixed, OptimizerConfig.parse({"name": "Muon", **edit}))
    parts[0].param_groups[0].update(lr=0.01, momentum=0.8, weight_decay=0.2)
    parts[1].param_groups[0].update(lr=0.01 * 0.5, weight_decay=0.2)
    train(one, [mixed], range(3, 6))
    train(other, parts, range(3, 6))
    assert equal(one, other)


def same_states(one, other):
    assert one.keys() == other.keys()
    for key, value in one.items():
        assert value.keys() == other[key].keys()
        assert all(torch.equal(value[name], other[key][name]) for name in value)


@pytest.mark.parametrize("case", MODELS)
def test_a_loaded_state_goes_on_bit_for_bit(case):
    model, _ = MODELS[case]
    one, other = network_of(model), network_of(model)
    mixed = ours(one)
    train(one, [mixed], range(3))
    saved = copy.deepcopy(mixed.state_dict())
    other.load_state_dict(one.state_dict())
    loaded = ours(other, lr=0.5, momentum=0.1)
    loaded.load_state_dict(saved)
    assert loaded.state_dict()["param_groups"] == saved["param_groups"]
    same_states(loaded.state_dict()["state"], saved["state"])
    train(one, [mixed], range(3, 6))
    train(other, [loaded], range(3, 6))
    assert equal(one, other)
    same_states(loaded.state_dict()["state"], mixed.state_dict()["state"])


def test_a_copy_with_its_network_goes_on_and_leaves_the_original_alone():
    one = network_of(MODELS["MLP"][0])
    mixed = ours(one)
    train(one, [mixed], range(2))
    network, optimizer = copy.deepcopy((one, mixed))
    before = copy.deepcopy(one)
    train(network, [optimizer], range(2, 5))
    assert equal(one, before)
    train(one, [mixed], range(2, 5))
    assert equal(one, network)


def test_a_closure_is_evaluated_with_gradients_and_its_loss_returned():
    network = network_of(MODELS["MLP"][0])
    optimizer = ours(network)
    assert not wants_closure(optimizer)
    images, labels = batch(0)

    def closure():
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(images), labels)
        loss.backward()
        return loss

    assert optimizer.step(closure).item() > closure().item()


def test_defaults_are_torchs():
    signature = inspect.signature(torch.optim.Muon).parameters
    for name, argument in inspect.signature(Muon).parameters.items():
        if name not in ("params", "adamw_lr", "foreach"):
            assert argument.default == signature[name].default


def test_matrices_alone_need_no_adamw_and_no_matrix_is_refused_in_torchs_words():
    weight = nn.Parameter(torch.ones(4, 3))
    weight.grad = torch.ones(4, 3)
    optimizer = Muon([weight])
    optimizer.step()
    assert len(optimizer.param_groups) == 1
    assert not torch.equal(weight, torch.ones(4, 3))
    with pytest.raises(ValueError, match="Muon only supports 2D parameters"):
        Muon([nn.Parameter(torch.ones(4))])
    with pytest.raises(ValueError, match="momentum should be >= 0"):
        Muon([weight], momentum=-1)


@pytest.mark.parametrize("case", MODELS)
def test_groups_name_what_each_rule_steps(case):
    model, matrices = MODELS[case]
    network = network_of(model)
    named = dict(network.named_parameters())
    muon, adamw = groups_for(OptimizerConfig.parse("Muon"), network)
    assert (muon.rule, adamw.rule) == ("Muon", "AdamW")
    assert set(muon.names) == matrices
    assert set(adamw.names) == set(named) - matrices
    for group, stepped in zip((muon, adamw), ours(network).param_groups, strict=True):
        assert {id(named[name]) for name in group.names} == {id(p) for p in stepped["params"]}
        assert group.size == sum(p.numel() for p in stepped["params"])


def test_other_optimizers_step_everything():
    network = network_of(MODELS["MLP"][0])
    (group,) = groups_for(OptimizerConfig.parse("Adam"), network)
    assert group == ("Adam", tuple(name for name, _ in network.named_parameters()), 784 * 16 + 16 * 12 + 158)


def test_the_form_can_state_who_steps_what_before_a_network_is_made():
    model = ModelConfig.parse("MLP")
    assert stated(OptimizerConfig.parse("Muon"), model) == (
        "Muon: linear1.weight (94,080). AdamW: linear1.bias, linear2.weight, linear2.bias (1,330)."
    )
    assert stated(OptimizerConfig.parse("SGD"), model) == "SGD: all 95,410 weights."
    assert "AdamW for the rest" in OPTIMIZERS["Muon"].help
