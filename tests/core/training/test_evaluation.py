"""The test: its numbers, its slices, and which ends of epochs it follows."""

import numpy as np
import pytest
import torch

from optgui.core.training.evaluation import SLICE, evaluate, evaluation_slice
from optgui.core.training.measures.slices import finish as result_of
from optgui.core.training.models import ModelConfig, make_network
from optgui.core.training.requests import Mark, PauseAfter, Rewind
from tests.samples import finish, made_up_digits, prepared, trained, training

FULL = {"model": {"name": "MLP", "hidden": [16]}, "batch_size": 40}  # all of 40 images: an epoch is a step


def network(**model):
    return make_network(ModelConfig.parse(model), torch.Generator().manual_seed(0))[1:]


def short(**config):
    """50 steps see 2,000 images, which is four times the test set too."""
    return prepared(training(made_up_digits(40, 500), **{**FULL, "epochs": 130, **config}))


def steps_of_tests(records):
    return [record.step for record in records if record.test_loss == record.test_loss]


@pytest.mark.parametrize("model", [{"name": "MLP"}, {"name": "CNN"}])
def test_the_numbers_are_those_of_one_pass_over_all_images(model):
    body, random = network(**model), torch.Generator().manual_seed(1)
    images = torch.randn(700, 1, 28, 28, generator=random)
    labels = torch.randint(10, (700,), generator=random)
    found = result_of(evaluate(body, images, labels))
    with torch.no_grad():
        logits = body(images).double().numpy()
    logs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    assert found.loss == pytest.approx(-logs[np.arange(700), labels.numpy()].mean(), rel=1e-6)
    answers = logits.argmax(1)
    assert found.accuracy == (answers == labels.numpy()).mean()
    expected = np.zeros((10, 10), dtype=int)
    np.add.at(expected, (labels.numpy(), answers), 1)
    np.testing.assert_array_equal(found.confusion, expected)


def test_a_network_that_computes_more_has_smaller_slices():
    images = torch.zeros(1, 1, 28, 28)
    lengths = [
        evaluation_slice(network(**model), images)
        for model in (
            {"name": "Softmax"},
            {"name": "MLP"},
            {"name": "MLP", "hidden": [512, 512]},
            {"name": "CNN"},
            {"name": "CNN", "filters": [64, 128]},
        )
    ]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[:2] == [SLICE, SLICE]
    # Multiplications of a CNN: 25 * 16 * 24^2 + 25 * 16 * 32 * 8^2, each as dear as four, + 512 * 128 + 1280
    assert lengths[3] == 500_000_000 // (4 * (25 * 16 * 24**2 + 25 * 16 * 32 * 8**2) + 512 * 128 + 1280)
    assert lengths[4] >= 1
    assert evaluation_slice(network(name="CNN"), images, networks=4) == lengths[3] // 4


def test_an_epoch_of_many_steps_is_tested_at_its_end():
    assert steps_of_tests(finish(training(epochs=3))) == [32, 64, 96]


def test_an_epoch_of_many_images_is_tested_at_its_end():
    assert steps_of_tests(finish(training(batch_size=2_000, epochs=3))) == [1, 2, 3]


def test_short_epochs_share_a_test_and_a_checkpoint():
    engine = short()
    assert steps_of_tests(finish(engine)) == [50, 100, 130]
    assert [(node.kind, node.step) for node in engine.frame().nodes] == [
        ("start", 0),
        ("epoch", 50),
        ("epoch", 100),
        ("epoch", 130),
    ]


def test_short_epochs_of_more_images_are_tested_more_often():
    engine = training(made_up_digits(400, 500), **{**FULL, "batch_size": 400}, epochs=12)
    assert steps_of_tests(finish(engine)) == [5, 10, 12]


@pytest.mark.parametrize(
    "config",
    [
        {"patience": 1_000},
        {"target_accuracy": 1.0},
        {"scheduler": {"name": "ReduceLROnPlateau", "patience": 99}},
    ],
    ids=["patience", "target", "plateau"],
)
def test_who_looks_at_the_test_of_every_epoch_gets_it_and_the_steps_stay_the_same(config):
    expected = finish(short(epochs=6, optimizer={"name": "SGD", "lr": 0.001}))
    records = finish(short(epochs=6, optimizer={"name": "SGD", "lr": 0.001}, **config))
    assert steps_of_tests(records) == [1, 2, 3, 4, 5, 6]
    assert [record.loss for record in trained(records)] == [record.loss for record in trained(expected)]


def test_a_test_on_demand_does_not_move_the_others():
    engine = short()
    records = finish(engine, 30)
    result_of(engine.answer("evaluate"))
    assert steps_of_tests(records + finish(engine)) == [50, 100, 130]


def test_going_back_repeats_the_same_tests():
    engine = short()
    finish(engine, 70)
    node = engine.answer(Mark("here")).id
    rest = steps_of_tests(finish(engine))
    engine.answer(Rewind(node))
    assert steps_of_tests(finish(engine)) == rest == [100, 130]


def test_an_epoch_that_a_person_waits_for_is_tested():
    engine = short()
    engine.answer(PauseAfter(epochs=7))
    records = []
    while not engine.pause_wanted:
        records.append(engine.step())
    assert steps_of_tests(records) == [7]
    assert engine.pause_wanted == "Epoch 7 is done"


def test_an_epoch_that_becomes_the_last_is_tested():
    engine = short()
    finish(engine, 30)
    step = engine.frame().step
    engine.apply(engine.config.changed("epochs", step))
    assert not engine.done
    assert steps_of_tests(finish(engine)) == [step]
    engine.apply(engine.config.changed("epochs", step + 60))
    assert steps_of_tests(finish(engine)) == [step + 50, step + 60]
