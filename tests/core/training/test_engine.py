"""Training: equal to a plain torch loop, edited while it runs, and honest about what went wrong."""

import math
import threading

import numpy as np
import pytest
import torch
from torch import nn

from optgui.core import engine as contract
from optgui.core.attack import AttackConfig, AttackEngine
from optgui.core.engine import RunFailed
from optgui.core.optimizers import OPTIMIZERS, OptimizerConfig
from optgui.core.snapshot import NetworkSnapshot
from optgui.core.training import TrainingConfig, TrainingEngine
from optgui.core.training.engine import SHOWN
from optgui.core.training.models import MEAN, STD, network_of
from optgui.core.training.strokes import generate
from tests.conftest import needs_mnist
from tests.samples import finish, made_up_digits, prepared, trained, training

BATCHES = 32  # of an epoch: 2,000 images at 64
OFFERED = [name for name in OPTIMIZERS if not OptimizerConfig.refusal(name)]
SMALL = {"name": "MLP", "hidden": [16]}


def edited(engine, path, value):
    engine.apply(engine.config.changed(path, value))


def same(one, other):
    """Whether two lists of records are equal bit for bit; NaN equals NaN."""
    return len(one) == len(other) and all(
        a.phase == b.phase
        and np.array_equal([v for v in a if v != a.phase], [v for v in b if v != b.phase], equal_nan=True)
        for a, b in zip(one, other, strict=True)
    )


def plain_loop(name, steps, lr, seed=0, edits=None, **values):
    """Losses, accuracies and the network of a torch script with `torch.manual_seed`; edits: step to rate."""
    digits = made_up_digits()
    inputs = ((torch.tensor(digits.train_images).float() / 255) - MEAN) / STD
    labels = torch.tensor(digits.train_labels)
    losses, accuracies = [], []
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Flatten(), nn.Linear(784, 120), nn.ReLU(), nn.Linear(120, 10))
        optimizer = OPTIMIZERS[name].make(network.parameters(), {"lr": lr, **values}, foreach=False)
        while len(losses) < steps:
            for batch in torch.randperm(len(inputs)).split(64)[: steps - len(losses)]:
                optimizer.param_groups[0]["lr"] = (edits or {}).get(
                    len(losses) + 1, optimizer.param_groups[0]["lr"]
                )
                logits = network(inputs[batch])
                loss = nn.functional.cross_entropy(logits, labels[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
                accuracies.append((logits.argmax(1) == labels[batch]).float().mean().item())
    return losses, accuracies, network


@pytest.mark.parametrize(
    ("name", "lr", "values"), [("SGD", 0.1, {}), ("SGD", 0.05, {"momentum": 0.9}), ("Adam", 0.001, {})]
)
def test_a_run_equals_a_plain_torch_loop_bit_for_bit(name, lr, values):
    engine = training(optimizer={"name": name, "lr": lr, **values}, epochs=7)
    records = trained(finish(engine))[:200]
    losses, accuracies, _ = plain_loop(name, 200, lr, **values)
    assert [record.loss for record in records] == losses
    assert [record.accuracy for record in records] == pytest.approx(accuracies, abs=1e-7)
    assert losses[-1] < losses[0] / 2


def test_the_network_at_the_end_is_the_plain_loops():
    engine = training(optimizer={"name": "SGD", "lr": 0.1}, epochs=2, seed=5)
    finish(engine)
    _, _, network = plain_loop("SGD", 2 * BATCHES, 0.1, seed=5)
    for ours, theirs in zip(engine.network.parameters(), network.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_live_rate_acts_at_the_very_next_step():
    engine = prepared(training(optimizer={"name": "SGD", "lr": 0.1}))
    records = finish(engine, 20)
    edited(engine, "optimizer.lr", 0.01)
    records += finish(engine, 1)
    edited(engine, "optimizer.lr", 0.3)
    records += finish(engine, 9)
    assert [record.lr for record in records] == [0.1] * 20 + [0.01] + [0.3] * 9
    losses, _, _ = plain_loop("SGD", 30, 0.1, edits={21: 0.01, 22: 0.3})
    assert [record.loss for record in records] == losses


def test_same_seed_same_records_and_another_seed_others():
    runs = [finish(training(seed=seed, epochs=1)) for seed in (3, 3, 4)]
    assert same(runs[0], runs[1])
    assert not same(trained(runs[0]), trained(runs[2]))


def test_the_effective_rate_is_base_rate_times_schedule_factor():
    schedule = {"name": "MultiStepLR", "milestones": [1, 2], "gamma": 0.1}
    engine = training(optimizer={"name": "SGD", "lr": 0.1}, scheduler=schedule, epochs=3)
    records = []
    while not engine.done:
        records.append(engine.step())
        if records[-1].step == BATCHES + 10 and records[-1].phase == "train":
            edited(engine, "optimizer.lr", 0.5)
    rates = [record.lr for record in trained(records)]
    expected = [0.1] * BATCHES + [0.1 * 0.1] * 10 + [0.5 * 0.1] * (BATCHES - 10) + [0.5 * 0.01] * BATCHES
    assert rates == pytest.approx(expected, rel=1e-15)


def test_test_results_equal_an_evaluation_by_hand():
    engine = training(epochs=1)
    last = finish(engine)[-1]
    digits = made_up_digits()
    with torch.no_grad():
        logits = engine.network(torch.tensor(digits.test_images).unsqueeze(1).float() / 255)
    truth = torch.tensor(digits.test_labels)
    answers = logits.argmax(1)
    confusion = np.zeros((10, 10), dtype=int)
    np.add.at(confusion, (digits.test_labels, answers.numpy()), 1)
    frame = engine.frame()
    assert frame.test_accuracy == last.test_accuracy == (answers == truth).double().mean().item()
    assert (
        frame.test_loss
        == last.test_loss
        == pytest.approx(nn.functional.cross_entropy(logits, truth).item(), rel=1e-6)
    )
    np.testing.assert_array_equal(frame.confusion, confusion)
    assert frame.test_accuracy > 0.9


def test_an_evaluation_on_demand_is_of_the_network_as_it_stands():
    engine = prepared(training())
    finish(engine, 10)
    before = finish_answer(engine)
    finish(engine, 15)
    after = finish_answer(engine)
    digits = made_up_digits()
    with torch.no_grad():
        answers = engine.network(torch.tensor(digits.test_images).unsqueeze(1).float() / 255).argmax(1)
    assert after.accuracy == (answers == torch.tensor(digits.test_labels)).double().mean().item()
    assert before.accuracy < after.accuracy
    assert engine.snapshot().test_accuracy == after.accuracy
    engine.step()
    assert engine.snapshot().test_accuracy is None


def finish_answer(engine):
    """The reply to `evaluate`, whose slices the caller advances."""
    steps = engine.answer("evaluate")
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_an_evaluation_changes_nothing_of_the_run():
    alone, asked = prepared(training(epochs=1)), prepared(training(epochs=1))
    records = finish(alone)
    others = finish(asked, 7)
    finish_answer(asked)
    assert same(others + finish(asked), records)


def exploding():
    """Weights that grow by a factor of a thousand a step."""
    growth = {"name": "SGD", "lr": 1e3, "weight_decay": 1.0}
    return training(optimizer=growth, model={"name": "MLP", "hidden": []})


def test_a_loss_that_is_no_longer_finite_ends_the_run_with_step_and_rate():
    engine, records = exploding(), []
    with pytest.raises(RunFailed) as failed:  # noqa: PT012
        for _ in range(100):
            records.append(engine.step())
    bad = trained(records)[-1]
    assert not math.isfinite(bad.loss)
    assert all(math.isfinite(record.loss) for record in trained(records)[:-1])
    assert f"at step {bad.step} with learning rate 1000." in str(failed.value)
    with pytest.raises(RunFailed, match=f"step {bad.step} "):
        engine.step()
    assert engine.frame().step == bad.step


def test_the_records_before_a_failure_come_out_of_a_slice():
    engine = exploding()
    records = contract.run_slice(engine, 10.0)
    assert not math.isfinite(records[-1].loss)
    with pytest.raises(RunFailed):
        contract.run_slice(engine, 10.0)


def test_a_batch_larger_than_the_data_is_refused_with_their_number():
    engine = training(batch_size=2_001)
    with pytest.raises(RunFailed, match=r"^batch_size: expected at most 2000.*, got 2001"):
        finish(engine)


@pytest.mark.parametrize("name", OFFERED)
def test_every_offered_optimizer_trains(name):
    engine = prepared(training(optimizer={"name": name}, model=SMALL, batch_size=500))
    weights = [parameter.clone() for parameter in engine.network.parameters()]
    records = finish(engine, 3)
    assert all(math.isfinite(record.loss) for record in records)
    for before, after in zip(weights, engine.network.parameters(), strict=True):
        assert after.isfinite().all()
        assert not torch.equal(before, after)


@pytest.mark.parametrize("name", OFFERED)
def test_every_offered_optimizer_lowers_the_loss_at_some_rate(name):
    for lr in (1.0, 0.1, 0.01, 0.001):
        engine = training(optimizer={"name": name, "lr": lr}, batch_size=250, epochs=3)
        try:
            losses = [record.loss for record in trained(finish(engine))]
        except RunFailed:
            continue
        if losses[-1] < 0.7 * losses[0]:
            return
    raise AssertionError(f"{name} never gets down")


def test_a_snapshot_gives_the_same_answers_and_stays_as_it_was():
    engine = prepared(training())
    finish(engine, 5)
    snapshot = engine.answer("snapshot")
    images = torch.tensor(made_up_digits().test_images[:20]).unsqueeze(1).float() / 255
    with torch.no_grad():
        answers = engine.network(images)
    finish(engine, 5)
    assert isinstance(snapshot, NetworkSnapshot)
    assert (snapshot.id, snapshot.step) == (f"{engine.run}@5", 5)
    with torch.no_grad():
        assert torch.equal(network_of(snapshot)(images), answers)
        assert not torch.equal(engine.network(images), answers)


def test_a_frame_is_frozen_and_shows_the_first_test_digits():
    engine = training(epochs=1)
    assert engine.frame() is None
    finish(engine)
    frame = engine.frame()
    assert frame.digits.shape == (SHOWN, 28, 28)
    np.testing.assert_array_equal(frame.labels, made_up_digits().test_labels[:SHOWN])
    assert frame.probabilities.shape == (SHOWN, 10)
    np.testing.assert_allclose(frame.probabilities.sum(1), 1, rtol=1e-5)
    for array in (frame.digits, frame.labels, frame.probabilities, frame.confusion):
        assert not array.flags.writeable


def test_training_leaves_torchs_global_random_numbers_alone():
    before = torch.get_rng_state()
    finish(training(epochs=1))
    assert torch.equal(torch.get_rng_state(), before)


def test_records_are_the_same_while_an_attack_and_the_digit_generator_run_beside():
    alone = finish(training(epochs=2))
    digits = made_up_digits()
    snapshot = training(model=SMALL).snapshot()
    images = digits.test_images[:50, None].astype(np.float32) / 255
    over, rounds = threading.Event(), {"attack": 0, "draw": 0}

    def attack():
        torch.set_num_threads(1)
        while not over.is_set():
            config = AttackConfig.parse({"random_start": True, "seed": rounds["attack"], "steps": 5})
            finish(AttackEngine(config, network_of(snapshot), images, digits.test_labels[:50]))
            rounds["attack"] += 1

    def draw():
        torch.set_num_threads(1)
        while not over.is_set():
            for _ in generate(seed=rounds["draw"], train=64, test=64):
                pass
            rounds["draw"] += 1

    threads = [threading.Thread(target=work) for work in (attack, draw)]
    for thread in threads:
        thread.start()
    try:
        runs = [finish(training(epochs=2))]
        while min(rounds.values()) < 2:
            runs.append(finish(training(epochs=2)))
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert all(same(run, alone) for run in runs)


def test_more_epochs_revive_a_finished_run_as_if_they_had_been_there():
    engine = training(epochs=1)
    records = finish(engine)
    edited(engine, "epochs", 2)
    assert not engine.done
    assert same(records + finish(engine), finish(training(epochs=2)))


def test_fewer_epochs_than_trained_are_refused_and_the_run_goes_on():
    engine = training(epochs=3)
    finish(engine, 2 * BATCHES + 5)
    with pytest.raises(ValueError, match=r"^epochs: expected more than the"):
        edited(engine, "epochs", 1)
    assert engine.config.epochs == 3
    finish(engine)
    assert engine.frame().epoch == 3


@pytest.mark.parametrize(("path", "value"), [("samples", 32), ("model.hidden", [3]), ("seed", 1)])
def test_what_a_running_job_cannot_take_is_refused_by_name(path, value):
    engine = prepared(training())
    with pytest.raises(ValueError, match=f"^{path}: takes effect at the next start"):
        edited(engine, path, value)
    assert engine.config == training().config


@pytest.mark.parametrize("request_", ["snapshot", "digits", "evaluate"])
def test_nothing_is_answered_before_the_data_are_there(request_):
    with pytest.raises(ValueError, match="still being prepared"):
        training().answer(request_)


def test_an_unknown_request_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="expected snapshot, digits or evaluate, got 'weather'"):
        prepared(training()).answer("weather")


def test_status_counts_percent_then_steps():
    engine = training(epochs=2)
    seen = [engine.status()]
    while not engine.done:
        engine.step()
        seen.append(engine.status())
    assert seen[0].unit == "%"
    counted = [status for status in seen if status.unit == "steps"]
    assert {status.total for status in counted} == {2 * BATCHES}
    assert [status.done for status in counted] == sorted(status.done for status in counted)
    assert {status.text for status in counted} == {"epoch 1 of 2", "epoch 2 of 2", "testing"}
    assert counted[-1].done == 2 * BATCHES


def test_the_last_batch_of_an_epoch_may_be_smaller():
    engine = training(batch_size=999, epochs=1)
    records = trained(finish(engine))
    assert len(records) == 3
    assert records[-1].accuracy in (0.0, 0.5, 1.0)


def test_what_torch_refuses_is_said_when_the_engine_is_made():
    config = {"optimizer": {"name": "SGD", "nesterov": True}, "dataset": "builtin"}
    with pytest.raises(ValueError, match="Nesterov"):
        TrainingEngine(TrainingConfig.parse(config))


@needs_mnist()
def test_one_epoch_of_mnist_reads_more_than_95_percent_of_the_test_digits():
    engine = TrainingEngine(TrainingConfig.parse({"epochs": 1, "seed": 0}))
    finish(engine)
    assert engine.frame().test_accuracy >= 0.95
