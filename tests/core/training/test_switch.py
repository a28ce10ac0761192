"""Another optimizer in mid-run: translated averages against torch's own, no spike at the proposed rate."""

import math

import pytest
import torch
from torch import nn

from optgui.core.optimizers import OptimizerConfig
from optgui.core.training import TrainingConfig
from optgui.core.training.measures.slices import finish as result_of
from optgui.core.training.requests import Mark, ProposeRate, Rewind
from optgui.core.training.switch import kept, known_moments, mapped
from tests.samples import finish, made_up_digits, prepared, training

FIVE = {
    "SGD": {"name": "SGD", "lr": 0.05},
    "momentum": {"name": "SGD", "lr": 0.01, "momentum": 0.9},
    "RMSprop": {"name": "RMSprop", "lr": 5e-4},
    "Adam": {"name": "Adam", "lr": 5e-4},
    "AdamW": {"name": "AdamW", "lr": 5e-4},
}
PAIRS = [(one, other) for one in FIVE for other in FIVE if one != other]
KNOWN = ["SGD", "Momentum", "Adam", "AdamW", "NAdam", "RAdam", "TextbookAdam", "RMSprop", "TextbookRMSprop",
         "Adagrad", "TextbookAdagrad"]  # fmt: skip
WITH_MOMENTUM = {"SGD": {"momentum": 0.9}, "RMSprop": {"momentum": 0.5},
                 "AdamW": {"weight_decay": 0.0}}  # fmt: skip


def stepped(config, steps, gradient, start=0.0):
    """An optimizer that has seen so many equal gradients, and its parameter."""
    parameter = nn.Parameter(torch.full((3,), start))
    optimizer = config.make([parameter], foreach=False)
    for _ in range(steps):
        parameter.grad = torch.tensor(gradient)
        optimizer.step()
    return optimizer, parameter


def config_of(name):
    return OptimizerConfig.parse({"name": name, "lr": 1e-3, **WITH_MOMENTUM.get(name, {})})


@pytest.mark.parametrize("name", KNOWN)
def test_what_is_read_of_equal_gradients_is_the_gradient_and_its_square(name):
    gradient = [0.5, -2.0, 3.0]
    optimizer, _ = stepped(config_of(name), 7, gradient)
    (known,) = known_moments(optimizer, config_of(name), 7)
    expected = torch.tensor(gradient)
    assert known.steps == 7
    assert known.mean is not None or known.square is not None
    if known.mean is not None and name != "RMSprop":  # the sum of divided gradients is read as if settled
        torch.testing.assert_close(known.mean, expected)
    if known.square is not None:
        torch.testing.assert_close(known.square, expected**2)


@pytest.mark.parametrize("before", ["Adam", "TextbookAdam", "RMSprop", "Adagrad"])
@pytest.mark.parametrize("after", KNOWN)
def test_a_translated_optimizer_steps_as_one_that_saw_the_same_gradients_all_along(before, after):
    """With equal gradients every average is at its settled value, so there is one right next step."""
    gradient, steps = [0.5, -2.0, 3.0], 3000
    old, _ = stepped(config_of(before), steps, gradient)
    parameter = nn.Parameter(torch.zeros(3))
    new = config_of(after).make([parameter], foreach=False)
    known = known_moments(old, config_of(before), steps)
    if known[0].mean is None:
        known = [known[0]._replace(mean=torch.tensor(gradient))]
    new.state.update(mapped(new, config_of(after), known))
    parameter.grad = torch.tensor(gradient)
    new.step()
    reference, owner = stepped(config_of(after), steps, gradient)
    start = owner.detach().clone()
    owner.grad = torch.tensor(gradient)
    reference.step()
    tolerance = 2e-3 if after in ("Adagrad", "TextbookAdagrad", "RMSprop") else 1e-4
    torch.testing.assert_close(parameter.detach(), owner.detach() - start, rtol=tolerance, atol=1e-6)


def test_torchs_momentum_buffer_is_ten_averages_at_momentum_nine_tenths():
    old, parameter = stepped(config_of("Adam"), 500, [1.0, 2.0, -1.0])
    config = config_of("SGD")
    new = config.make([parameter], foreach=False)
    new.state.update(mapped(new, config, known_moments(old, config_of("Adam"), 500)))
    torch.testing.assert_close(new.state[parameter]["momentum_buffer"], torch.tensor([10.0, 20.0, -10.0]))


def test_adam_to_adamw_keeps_every_buffer_and_the_step_either_way():
    old, parameter = stepped(config_of("Adam"), 9, [1.0, 2.0, -1.0])
    config = config_of("AdamW")
    new = config.make([parameter], foreach=False)
    for states in (kept(old, new, config), mapped(new, config, known_moments(old, config_of("Adam"), 9))):
        assert states[parameter]["step"] == 9
        for name in ("exp_avg", "exp_avg_sq"):
            torch.testing.assert_close(states[parameter][name], old.state[parameter][name])
            assert states[parameter][name] is not old.state[parameter][name]


def test_keeping_does_not_take_over_a_step_counter_without_its_averages():
    old, parameter = stepped(config_of("RMSprop"), 9, [1.0, 2.0, -1.0])
    config = config_of("Adam")
    assert kept(old, config.make([parameter], foreach=False), config) == {}


def switched(engine, name, mode, lr):
    data = engine.config.model_dump(mode="json")
    engine.apply(TrainingConfig.parse({**data, "switch": mode, "optimizer": {**FIVE[name], "lr": lr}}))


def loss_of(engine):
    digits = made_up_digits()
    images = torch.tensor(digits.train_images).unsqueeze(1).float() / 255
    with torch.no_grad():
        logits = engine.network(images)
    return nn.functional.cross_entropy(logits, torch.tensor(digits.train_labels)).item()


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_no_switch_at_the_proposed_rate_makes_the_loss_jump(one, other):
    seed = PAIRS.index((one, other)) % 2
    engine = training(optimizer=FIVE[one], epochs=20, seed=seed, model={"name": "MLP", "hidden": [16]})
    while engine.status().done < 40 or engine.status().unit == "%":
        engine.step()
    node, before = engine.answer(Mark("here")).id, loss_of(engine)
    for mode in ("map", "keep", "reset"):
        proposal = result_of(engine.answer(ProposeRate(OptimizerConfig.parse(FIVE[other]), switch=mode)))
        switched(engine, other, mode, proposal.lr)
        losses = []
        for count in range(50):
            engine.step()
            if count < 3 or count % 8 == 0:
                losses.append(loss_of(engine))
        assert max(losses) <= 1.25 * before + 0.02, mode
        engine.answer(Rewind(node))


@pytest.mark.parametrize("mode", ["map", "keep", "reset"])
def test_a_proposal_changes_nothing_of_the_run(mode):
    asked, alone = (prepared(training(optimizer=FIVE["SGD"], epochs=2)) for _ in range(2))
    finish(asked, 20)
    finish(alone, 20)
    result_of(asked.answer(ProposeRate(OptimizerConfig.parse(FIVE["Adam"]), switch=mode)))
    assert [r.loss for r in finish(asked, 12)] == [r.loss for r in finish(alone, 12)]


def test_the_proposed_steps_are_as_long_as_the_present_ones_and_the_stability_limit_caps_them():
    engine = prepared(training(optimizer=FIVE["SGD"], epochs=9))
    finish(engine, 40)
    momentum = OptimizerConfig.parse(FIVE["momentum"])
    free = result_of(engine.answer(ProposeRate(momentum)))
    if not free.limited:
        assert math.isclose(free.norm, free.present_norm, rel_tol=1e-6)
    capped = result_of(engine.answer(ProposeRate(momentum, lambda_max=1e5)))
    assert capped.lr == pytest.approx(0.5 * 2 * 1.9 / 1e5)
    assert capped.limited == "half the stability limit"


@pytest.mark.parametrize("name", ["LBFGS", "Rprop"])
def test_no_rate_is_proposed_where_it_says_little_of_the_steps(name):
    engine = prepared(training())
    with pytest.raises(ValueError, match=f"the steps of {name} are not in proportion to its rate"):
        result_of(engine.answer(ProposeRate(OptimizerConfig.parse(name))))
