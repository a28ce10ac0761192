"""OPTIMIZERS is torch.optim as it is, with the textbook's four; `retune` does what an edit of groups does."""

import inspect

import pytest
import torch

from optgui.core.muon import Muon
from optgui.core.optimizers import OPTIMIZERS, OptimizerConfig, retune, wants_closure
from optgui.core.params import Kind, params_of
from optgui.core.surface import DescentOptimizer
from optgui.core.surface.optimizers import DESCENT_OPTIMIZERS
from optgui.core.textbook import TEXTBOOK
from tests.configs import another

TORCHS = sorted(
    name
    for name, value in vars(torch.optim).items()
    if inspect.isclass(value) and torch.optim.Optimizer in value.__mro__[1:]
)
TEXTBOOKS = {optimizer.__name__: optimizer for optimizer in TEXTBOOK}
CLASSES = {name: getattr(torch.optim, name) for name in TORCHS} | TEXTBOOKS | {"Muon": Muon}
OFFERED = [name for name in OPTIMIZERS if not OptimizerConfig.refusal(name)]
EXECUTION = ("params", "foreach", "fused", "capturable", "differentiable", "maximize")
# Where torch couples two numbers of a field, or a number is of no use at its half.
OTHERS = {"etas": (0.4, 1.5), "step_sizes": (1e-5, 40.0), "t0": 2.0, "d": 2.0}
SLOW = {"LBFGS": {"lr": 0.1, "max_iter": 3}}  # else it is at the bottom before the edit


def test_every_optimizer_of_torch_and_of_the_textbook_is_in_the_registry():
    assert sorted(OPTIMIZERS) == sorted(CLASSES)
    assert list(OPTIMIZERS)[5:9] == list(TEXTBOOKS)


def test_the_plane_offers_the_same_and_some_of_its_own():
    assert list(DESCENT_OPTIMIZERS)[: len(OPTIMIZERS)] == list(OPTIMIZERS)
    own = list(DESCENT_OPTIMIZERS)[len(OPTIMIZERS) :]
    assert own == ["Newton", "DampedNewton", "BFGS", "ArmijoGD", "OptimalStepGD"]
    for name in own:
        assert DescentOptimizer.refusal(name) == ""
        assert DescentOptimizer.parse(name).lr == 1.0
        with pytest.raises(ValueError, match=f"expected an optimizer of tensors, got {name}"):
            DescentOptimizer.parse(name).make([torch.nn.Parameter(torch.zeros(2))])
        with pytest.raises(ValueError, match="name: expected one of SGD"):
            OptimizerConfig.parse(name)


@pytest.mark.parametrize("name", list(DESCENT_OPTIMIZERS))
def test_every_optimizer_has_words_and_a_formula_in_one_line(name):
    entry = DESCENT_OPTIMIZERS[name]
    assert entry.label
    assert entry.help
    assert entry.reference
    assert "←" in entry.formula
    assert "\n" not in entry.formula


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_fields_are_the_numbers_and_switches_of_the_signature_with_their_defaults(name):
    signature = inspect.signature(CLASSES[name]).parameters
    fields = {spec.name: spec for spec in params_of(OPTIMIZERS[name].params)}
    assert "lr" in fields
    assert not set(fields) & set(EXECUTION)
    for field, spec in fields.items():
        assert spec.default == signature[field].default
        assert spec.live == (spec.kind is not Kind.SWITCH)
    left_out = set(signature) - set(fields) - set(EXECUTION)
    for field in left_out:  # None, or a pair with None in it: nothing that a number field can show
        default = signature[field].default
        assert default is None or isinstance(default, str) or (isinstance(default, tuple) and None in default)


def step_once(name):
    weights = torch.nn.Parameter(torch.zeros(4, 3)), torch.nn.Parameter(torch.zeros(4))
    optimizer = CLASSES[name](weights)
    sum((weight**2).sum() for weight in weights).backward()
    optimizer.step()


@pytest.mark.parametrize("name", [name for name in TORCHS if name not in OFFERED])
def test_a_refused_optimizer_is_refused_with_torchs_own_sentence(name):
    with pytest.raises((RuntimeError, ValueError)) as torchs:
        step_once(name)
    with pytest.raises(ValueError, match="cannot be used here") as ours:
        OptimizerConfig.parse({"name": name})
    assert str(torchs.value).splitlines()[0] in str(ours.value)


def test_sparse_adam_is_refused_for_dense_gradients():
    assert "SparseAdam" not in OFFERED
    assert "does not support dense gradients" in OptimizerConfig.refusal("SparseAdam")


def test_what_is_refused_depends_on_the_shapes():
    assert "2D parameters" in DescentOptimizer.refusal("Muon")
    assert OPTIMIZERS["Muon"].refusal(((4, 3),)) == ""


class Loop:
    """Steps an optimizer on a fixed bowl with parameters of two shapes."""

    def __init__(self, make):
        draws = torch.Generator().manual_seed(0)
        shapes = ((4, 3), (4,))
        self.weights = [torch.nn.Parameter(torch.randn(s, generator=draws)) for s in shapes]
        self.targets = [torch.randn(s, generator=draws) for s in shapes]
        self.scales = [1 + torch.rand(s, generator=draws) for s in shapes]
        self.optimizer = make(self.weights)

    def closure(self):
        self.optimizer.zero_grad()
        parts = zip(self.weights, self.targets, self.scales, strict=True)
        loss = sum((scale * (weight - target) ** 2).sum() for weight, target, scale in parts)
        loss.backward()
        return loss

    def run(self, steps):
        for _ in range(steps):
            if not wants_closure(self.optimizer):
                self.closure()
                self.optimizer.step()
            else:
                self.optimizer.step(self.closure)
        return torch.cat([weight.detach().flatten() for weight in self.weights])


def plain(name, values):
    switches = {} if name == "LBFGS" or name in TEXTBOOKS else {"foreach": False}
    return Loop(lambda weights: CLASSES[name](weights, **values, **switches))


def ours(config):
    return Loop(lambda weights: config.make(weights, foreach=False))


def edited(name, values):
    specs = {spec.name: spec for spec in params_of(OPTIMIZERS[name].params)}
    numbers = {field: value for field, value in values.items() if specs[field].kind is not Kind.SWITCH}
    return {field: OTHERS.get(field, another(specs[field], value)) for field, value in numbers.items()}


@pytest.mark.parametrize("name", OFFERED)
def test_retune_equals_an_edit_of_torchs_own_groups_bit_for_bit(name):
    config = OptimizerConfig.parse({"name": name, **SLOW.get(name, {})})
    change = edited(name, config.values)
    if name == "RMSprop":
        del change["momentum"]  # torch makes its buffer at the first step only: a plain edit raises KeyError
    assert change
    loop, other = plain(name, config.values), ours(config)
    assert torch.equal(loop.run(5), other.run(5))
    for group in loop.optimizer.param_groups:
        group.update(change)
    if name == "LBFGS":
        loop.optimizer.param_groups[0]["max_eval"] = change["max_iter"] * 5 // 4  # torch's default for it
    retune(other.optimizer, OptimizerConfig.parse({**config.model_dump(mode="json"), **change}))
    untouched = ours(config).run(10)
    assert torch.equal(now := loop.run(5), other.run(5))
    assert not torch.equal(now, untouched)


@pytest.mark.parametrize("name", OFFERED)
def test_each_number_can_be_edited_alone_and_the_run_goes_on(name):
    config = OptimizerConfig.parse({"name": name, **SLOW.get(name, {})})
    for field, value in edited(name, config.values).items():
        loop = ours(config)
        loop.run(3)
        retune(loop.optimizer, config.changed(field, value))
        assert loop.optimizer.param_groups[0][field] == value
        assert loop.run(3).isfinite().all()


@pytest.mark.parametrize(
    ("name", "start", "change"),
    [
        ("RMSprop", {"momentum": 0.0}, {"momentum": 0.9}),
        ("RMSprop", {"momentum": 0.9}, {"momentum": 0.0}),
        ("SGD", {"momentum": 0.9}, {"momentum": 0.0}),
        ("LBFGS", {"history_size": 5, "max_iter": 3}, {"history_size": 1}),
        ("LBFGS", {"history_size": 1, "max_iter": 3}, {"history_size": 50, "max_iter": 20}),
    ],
)
def test_switching_a_buffer_on_or_off_goes_on_downhill(name, start, change):
    config = OptimizerConfig.parse({"name": name, "lr": 0.02, **start})
    loop = ours(config)
    loop.run(5)
    before = loop.closure().item()
    retune(loop.optimizer, OptimizerConfig.parse({**config.model_dump(mode="json"), **change}))
    loop.run(20)
    assert loop.closure().item() < before


def test_a_retune_that_torch_refuses_changes_nothing():
    config = OptimizerConfig.parse({"name": "SGD", "lr": 0.1, "momentum": 0.9, "nesterov": True})
    loop, same = ours(config), ours(config)
    loop.run(3), same.run(3)
    with pytest.raises(ValueError, match="Nesterov"):
        retune(loop.optimizer, config.changed("momentum", 0.0))
    assert torch.equal(loop.run(3), same.run(3))
