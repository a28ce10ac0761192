"""Live edits, stop rules, readings, the step in its parts, and the log that repeats it all."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from optgui.core.optimizers import OptimizerConfig
from optgui.core.training import TrainingConfig
from optgui.core.training.measures.slices import finish as result_of
from optgui.core.training.models import MEAN, STD
from optgui.core.training.requests import Rewind, Save, Unfold
from tests.samples import finish, made_up_digits, prepared, trained, training

BATCHES = 32  # of an epoch: 2,000 images at 64


def edited(engine, path, value):
    engine.apply(engine.config.changed(path, value))


def replayed(log, digits):
    """Losses of a script with plain torch that does what a log says: rates, sizes, optimizers."""
    inputs = ((torch.tensor(digits.train_images).float() / 255) - MEAN) / STD
    labels = torch.tensor(digits.train_labels)
    losses = []
    edits = {edit.step: edit.config for edit in log.edits}
    config = log.start
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        network = nn.Sequential(nn.Flatten(), nn.Linear(784, 120), nn.ReLU(), nn.Linear(120, 10))
        optimizer = config.optimizer.make(network.parameters(), foreach=False)
        for _ in range(config.epochs):
            order = torch.randperm(len(inputs))
            while len(order):
                if len(losses) in edits:
                    edited_config = edits.pop(len(losses))
                    if edited_config.optimizer.name != config.optimizer.name:
                        assert edited_config.switch == "reset"
                        optimizer = edited_config.optimizer.make(network.parameters(), foreach=False)
                    config = edited_config
                    optimizer.param_groups[0].update(config.optimizer.values)
                batch, order = order[: config.batch_size], order[config.batch_size :]
                loss = nn.functional.cross_entropy(network(inputs[batch]), labels[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
    return losses


def test_a_log_is_enough_to_do_the_same_with_plain_torch():
    engine = prepared(training(epochs=2, switch="reset"))
    records = finish(engine, 10)
    edited(engine, "batch_size", 100)
    records += finish(engine, 5)
    edited(engine, "optimizer.momentum", 0.8)
    edited(engine, "optimizer.weight_decay", 1e-3)
    records += finish(engine, 5)
    engine.apply(
        TrainingConfig.parse(
            {**engine.config.model_dump(mode="json"), "optimizer": {"name": "Adam", "lr": 1e-3}}
        )
    )
    records += finish(engine)
    assert [record.loss for record in trained(records)] == replayed(engine.answer("log"), made_up_digits())


def test_an_edited_batch_size_cuts_the_rest_of_the_epoch_anew():
    engine = prepared(training(epochs=2))
    finish(engine, 10)
    edited(engine, "batch_size", 200)
    assert engine.total_steps == 10 + 7 + 10  # 1,360 images left of 2,000
    records = trained(finish(engine))
    assert [record.epoch for record in records] == [0] * 7 + [1] * 10
    assert records[-1].step == engine.total_steps == 27


def test_a_batch_larger_than_the_data_is_refused_in_mid_run():
    engine = prepared(training())
    with pytest.raises(ValueError, match="batch_size: expected at most 2000"):
        edited(engine, "batch_size", 2001)
    assert engine.config.batch_size == 64


def test_dropout_is_live_and_draws_from_the_runs_own_generator():
    engine = prepared(training(epochs=2))
    before = torch.get_rng_state()
    first = trained(finish(engine, 20))
    edited(engine, "model.dropout", 0.5)
    dropped = trained(finish(engine, 10))
    edited(engine, "model.dropout", 0.0)
    plain = trained(finish(training(epochs=2)))
    assert [r.loss for r in first] == [r.loss for r in plain[:20]]
    assert dropped[0].loss != plain[20].loss
    assert torch.equal(torch.get_rng_state(), before)
    finish(engine)


def test_forgotten_zero_grad_adds_every_gradient_to_those_before_it():
    engine = prepared(training(epochs=1, zero_grad=False, optimizer={"name": "SGD", "lr": 0.002}))
    losses = [record.loss for record in trained(finish(engine))[:12]]
    digits = made_up_digits()
    inputs = ((torch.tensor(digits.train_images).float() / 255) - MEAN) / STD
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(nn.Flatten(), nn.Linear(784, 120), nn.ReLU(), nn.Linear(120, 10))
        optimizer = torch.optim.SGD(network.parameters(), lr=0.002, foreach=False)
        for expected, batch in zip(losses, torch.randperm(len(inputs)).split(64), strict=False):
            loss = nn.functional.cross_entropy(
                network(inputs[batch]), torch.tensor(digits.train_labels)[batch]
            )
            loss.backward()
            optimizer.step()
            assert loss.item() == expected


def test_samples_and_label_noise_choose_the_training_images():
    engine = prepared(training(samples=100, label_noise=0.2, batch_size=50, epochs=1))
    assert engine.total_steps == 2
    right = set(range(10))
    assert set(engine._data.train_labels.tolist()) <= right
    finish(engine)
    with pytest.raises(ValueError, match="samples: expected a whole number from 1 to 2000"):
        prepared(training(samples=5_000))


def test_a_target_ends_the_run_and_a_higher_one_revives_it():
    engine = training(epochs=20, target_accuracy=0.5)
    finish(engine)
    assert engine.frame().epoch == 1
    assert engine.status().text.startswith("Test accuracy")
    edited(engine, "target_accuracy", 0.0)
    assert not engine.done
    finish(engine, BATCHES)
    assert engine.frame().step == 2 * BATCHES


def test_a_plateau_ends_the_run_after_so_many_epochs_without_a_lower_test_loss():
    engine = training(epochs=200, patience=2, optimizer={"name": "SGD", "lr": 0.3})
    losses = [r.test_loss for r in finish(engine) if not math.isnan(r.test_loss)]
    assert min(losses[:-2]) < min(losses[-2:])
    assert "has not fallen for 2 epochs" in engine.status().text
    assert engine.frame().epoch < 200


def test_unfolding_a_step_is_that_step_in_its_parts():
    engine, plain = (prepared(training(epochs=1)) for _ in range(2))
    finish(engine, 5)
    finish(plain, 5)
    unfolded = result_of(engine.answer(Unfold(units=3)))
    assert [part.line for part in unfolded.parts] == [
        "before", "optimizer.zero_grad()", "loss.backward()", "optimizer.step()"]  # fmt: skip
    before, zeroed, backward, stepped = unfolded.parts
    assert before.gradients.shape == backward.gradients.shape == (3, 28, 28)
    assert zeroed.gradients is None
    assert zeroed.grad_norm == 0 < backward.grad_norm
    np.testing.assert_allclose(stepped.weights, backward.weights - 0.1 * backward.gradients, atol=1e-6)
    assert stepped.moved == pytest.approx(0.1 * backward.grad_norm, rel=1e-4)
    assert unfolded.records[0].loss == finish(plain, 1)[0].loss
    assert [r.loss for r in trained(finish(engine))] == [r.loss for r in trained(finish(plain))]


def test_the_gradient_norm_of_a_record_is_that_of_the_batch():
    records = trained(finish(training(epochs=1)))
    known = [record.step for record in records if not math.isnan(record.grad_norm)]
    assert known == [1, 9, 17, 25]
    engine = prepared(training(epochs=1))
    first = result_of(engine.answer(Unfold()))
    assert first.parts[2].grad_norm == pytest.approx(records[0].grad_norm, rel=1e-5)


def test_a_frame_reads_every_layer():
    engine = prepared(training(epochs=1))
    assert [layer.name for layer in engine.frame().layers] == ["linear1", "linear2"]
    weight = engine.network[2].weight
    before = weight.detach().clone()
    engine.step()
    layers = engine.frame().layers
    ratio = ((weight - before).norm() / before.norm()).item()
    assert layers[0].update_ratio == pytest.approx(ratio, rel=1e-5)
    assert 0 <= layers[0].dead <= 1
    assert math.isnan(layers[1].dead)


def test_controls_that_cannot_act_say_so():
    engine = prepared(training(optimizer={"name": "Rprop", "lr": 0.001}))
    assert "optimizer.lr" not in engine.notes()
    engine.step()
    assert "Rprop takes the rate as the length of its first step" in engine.frame().notes["optimizer.lr"]
    other = prepared(training(optimizer={"name": "Adagrad"}, model={"name": "MLP", "hidden": []}))
    other.step()
    assert set(other.notes()) == {"optimizer.initial_accumulator_value", "model.dropout"}


def numbers(records):
    return [[value for value in record if not isinstance(value, str)] for record in records]


@pytest.mark.parametrize("switch", ["sharpness", "noise_reading"])
def test_measures_beside_a_run_change_no_number_of_it(switch):
    bare, watched = (training(epochs=60, **{switch: on}) for on in (False, True))
    np.testing.assert_array_equal(numbers(finish(bare)), numbers(finish(watched)))
    assert not bare.frame().curvature
    assert not bare.frame().noise
    readings = watched.frame().curvature if switch == "sharpness" else watched.frame().noise
    assert len(readings) >= 1
    assert [reading.step for reading in readings] == sorted(reading.step for reading in readings)


def test_turning_a_measure_on_keeps_no_checkpoint_and_logs_no_edit():
    engine = prepared(training(epochs=1))
    before = engine.frame().nodes
    engine.apply(engine.config.changed("sharpness", True))
    assert engine.frame().nodes == before
    assert engine.answer("log").edits == ()


OFFERED = [name for name in OptimizerConfig.registry if not OptimizerConfig.refusal(name)]


@pytest.mark.parametrize("mode", ["map", "keep", "reset"])
@pytest.mark.parametrize("name", OFFERED)
def test_every_optimizer_can_take_over_in_mid_run(name, mode):
    engine = prepared(training(epochs=2, optimizer={"name": "SGD", "lr": 0.05, "momentum": 0.9}))
    finish(engine, 10)
    few = {"max_iter": 2, "history_size": 3} if name == "LBFGS" else {}
    values = {"name": name, "lr": 1e-4, **few}
    engine.apply(engine.config.changed("switch", mode).changed("optimizer", values))
    records = finish(engine, 3)
    assert engine.config.optimizer.name == name
    assert all(math.isfinite(record.loss) for record in records)


def test_half_the_rate_is_half_of_the_smaller_one_each_time():
    engine = prepared(training(epochs=2, optimizer={"name": "SGD", "lr": 0.8}))
    finish(engine, 5)
    first = engine.frame().nodes[0].id
    rates = [engine.answer(Rewind(first, halve_lr=True)).config.optimizer.lr for _ in range(3)]
    assert rates == [0.4, 0.2, 0.1]


def test_a_checkpoint_that_cannot_be_written_is_refused_and_the_run_goes_on(tmp_path):
    engine = prepared(training(epochs=1))
    finish(engine, 3)
    with pytest.raises(ValueError, match=r"run\.safetensors: expected a file that can be written"):
        engine.answer(Save(str(tmp_path / "nowhere" / "run.safetensors")))
    assert not list(tmp_path.iterdir())
    assert finish(engine, 1)[0].step == 4
