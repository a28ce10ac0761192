"""What a run answers about its network, and that it goes on as if nobody had asked."""

import numpy as np
import pytest
import torch
from torch import nn

from optgui.core.training.answers import CURVED_PART, Standing, answer
from optgui.core.training.live_readings import LiveNoise, LiveSharpness
from optgui.core.training.measures.inside import Judged
from optgui.core.training.measures.slices import finish
from optgui.core.training.questions import (
    Activations,
    CellDigits,
    Eigenvalues,
    FindRate,
    HessianTrace,
    LookInside,
    NoiseNow,
    SharpnessNow,
    WorstDigits,
)
from tests.samples import finish as run_on
from tests.samples import made_up_digits, prepared, trained, training

SMALL = {"model": {"name": "MLP", "hidden": [12]}}
LONG = (WorstDigits(5), CellDigits(3, 3, 5), Eigenvalues(2), HessianTrace(3), SharpnessNow(), NoiseNow(),
        FindRate(steps=10), FindRate(steps=10, fresh=False))  # fmt: skip


def standing(engine):
    return Standing(engine._loop, engine._data, engine.config, engine.lr, engine._step)


def engine_at(steps, **config):
    engine = prepared(training(**{**SMALL, **config}))
    for _ in range(steps):
        engine.step()
    return engine


def ask(engine, request):
    reply = answer(request, standing(engine))
    return finish(reply) if hasattr(reply, "send") else reply


def logits_of(engine):
    digits = made_up_digits()
    pixels = torch.tensor(digits.test_images).unsqueeze(1).float() / 255
    with torch.no_grad():
        return engine.network(pixels), torch.tensor(digits.test_labels)


@pytest.mark.parametrize(
    "optimizer",
    [("SGD", 0.1, {"momentum": 0.9}), ("Adam", 0.01, {}), ("LBFGS", 0.02, {})],
    ids=lambda one: one[0],
)
def test_a_run_that_was_asked_everything_goes_on_bit_for_bit(optimizer):
    name, lr, more = optimizer
    optimizer, model = {"name": name, "lr": lr, **more}, {"name": "MLP", "hidden": [12], "dropout": 0.2}
    runs = []
    for asked in (False, True):
        engine = engine_at(7, optimizer=optimizer, model=model)
        if asked:
            for request in (LookInside(), Activations(3), *LONG):
                ask(engine, request)
        records = trained(run_on(engine, 40))
        runs.append((records, [value.clone() for value in engine.network.parameters()]))
    assert [record._replace(grad_norm=0) for record in runs[0][0]] == [
        record._replace(grad_norm=0) for record in runs[1][0]
    ]
    assert all(torch.equal(one, two) for one, two in zip(runs[0][1], runs[1][1], strict=True))


def test_long_answers_come_in_slices():
    engine = engine_at(3)
    for request in LONG:
        work = answer(request, standing(engine))
        assert sum(1 for _ in work) >= 1


def test_the_first_layer_is_shown_as_it_stands():
    engine = engine_at(5)
    engine._loop.watching = True
    engine.step()
    found = ask(engine, LookInside(units=4))
    weight = engine.network.state_dict()["linear1.weight"]
    np.testing.assert_array_equal(found.weights.images, weight[:4].view(4, 28, 28))
    assert found.weights.scale == float(weight.abs().max())
    assert (found.step, found.units) == (6, 12)
    assert [unit.name for unit in found.dead] == ["activation1"]
    assert set(found.ratios) == {"linear1.weight", "linear1.bias", "linear2.weight", "linear2.bias"}


def test_a_digit_is_followed_through_the_layers():
    engine = engine_at(5)
    found = ask(engine, Activations(17))
    logits, labels = logits_of(engine)
    np.testing.assert_array_equal(found.image, made_up_digits().test_images[17])
    assert found.label == labels[17]
    np.testing.assert_allclose(found.probabilities, logits[17].softmax(0), rtol=1e-5)
    np.testing.assert_allclose(found.layers[-1].values, logits[17], rtol=1e-5)
    with pytest.raises(ValueError, match=r"^digit: expected a whole number from 0 to 499, got 500"):
        ask(engine, Activations(500))


def test_the_worst_digits_are_those_with_the_largest_loss():
    engine = engine_at(5)
    found = ask(engine, WorstDigits(7))
    logits, labels = logits_of(engine)
    losses = nn.functional.cross_entropy(logits, labels, reduction="none")
    values, places = losses.topk(7)
    assert found.indices.tolist() == places.tolist()
    np.testing.assert_allclose(found.losses, values, rtol=1e-4)
    np.testing.assert_allclose(found.probabilities, logits[places].softmax(1), rtol=1e-4)
    np.testing.assert_array_equal(found.images, made_up_digits().test_images[places.numpy()])
    assert found.total == 500


def test_a_cell_holds_its_digits():
    engine = engine_at(2)
    logits, labels = logits_of(engine)
    predictions = logits.argmax(1)
    wrong = (predictions != labels).nonzero()[0, 0]
    true, predicted = int(labels[wrong]), int(predictions[wrong])
    found = ask(engine, CellDigits(true, predicted, 500))
    inside = ((labels == true) & (predictions == predicted)).nonzero()[:, 0]
    assert sorted(found.indices.tolist()) == inside.tolist()
    assert found.total == len(inside)
    assert (np.diff(found.losses) <= 0).all()
    assert len(ask(engine, CellDigits(true, predicted, 1)).indices) == 1
    with pytest.raises(ValueError, match="cell: expected classes from 0 to 9"):
        ask(engine, CellDigits(0, 10))


def test_an_empty_cell_is_no_error():
    engine = engine_at(30)
    logits, labels = logits_of(engine)
    empty = next(
        cell for cell in np.ndindex(10, 10)
        if not ((labels == cell[0]) & (logits.argmax(1) == cell[1])).any()
    )  # fmt: skip
    found = ask(engine, CellDigits(*empty))
    assert found.total == 0
    assert found.images.shape == (0, 28, 28)
    assert found.probabilities.shape == (0, 10)


def test_weights_that_move_meanwhile_do_not_mix_into_an_answer(monkeypatch):
    monkeypatch.setattr("optgui.core.training.measures.slices._WORK", 500_000)
    one, two = engine_at(4), engine_at(4)
    wanted = ask(one, WorstDigits(5))
    work = answer(WorstDigits(5), standing(two))
    next(work)
    with torch.no_grad():
        for parameter in two.network.parameters():
            parameter.zero_()
    np.testing.assert_array_equal(finish(work).losses, wanted.losses)


def test_eigenvalues_and_sharpness_agree():
    engine = engine_at(20)
    found = ask(engine, Eigenvalues(3))
    reading = ask(engine, SharpnessNow())
    assert (np.diff(found.values) < 0).all()
    assert reading.sharpness.value == pytest.approx(found.values[0], rel=0.03)
    assert found.images == CURVED_PART[1]
    full = engine_at(1, samples=1_500, batch_size=1_500, epochs=9)
    assert ask(full, Eigenvalues(1)).images == 1_500


def test_the_trace_of_softmax_regression_is_the_textbooks():
    """Of one image it is Σ_k p_k (1 − p_k) (|x|² + 1)."""
    engine = engine_at(10, model={"name": "Softmax"}, samples=200)
    data = engine._data
    with torch.no_grad():
        p = engine._loop.body(data.train_images).softmax(1)
    wanted = ((p * (1 - p)).sum(1) * (data.train_pixels.square().sum(1) + 1)).mean()
    found = ask(engine, HessianTrace(200))
    assert found.size == 7850
    assert found.value == pytest.approx(float(wanted), abs=4 * found.error)


def test_a_full_batch_has_an_exact_limit_and_a_mini_batch_has_not():
    full = {"samples": 300, "batch_size": 300, "epochs": 50}
    momentum = {"name": "SGD", "lr": 0.05, "momentum": 0.9}
    found = ask(engine_at(3, optimizer=momentum, **full), SharpnessNow())
    assert found.exact
    assert found.limit.value == pytest.approx(2 * 1.9 / 0.05)
    for other in ({"batch_size": 100}, {"replacement": True}, {"zero_grad": False},
                  {"model": {"name": "MLP", "hidden": [12], "dropout": 0.1}}):  # fmt: skip
        assert not ask(engine_at(1, **{**full, **other}), SharpnessNow()).exact
    assert not ask(engine_at(1, batch_size=2_000, epochs=50), SharpnessNow()).limit.preconditioned


def test_adam_has_no_limit_before_its_first_step():
    engine = engine_at(0, optimizer={"name": "Adam", "lr": 0.001})
    before = ask(engine, SharpnessNow())
    assert before.limit.value is None
    assert "not stepped" in before.limit.note
    engine.step()
    after = ask(engine, SharpnessNow())
    assert after.limit.preconditioned
    assert after.limit.value == pytest.approx(38 / 0.001)


@pytest.mark.parametrize("replacement", [False, True])
def test_measured_noise_follows_the_estimates(replacement):
    engine = engine_at(20)
    found = ask(engine, NoiseNow(replacement, images=300))
    assert (found.images, found.total) == (300, 2_000)
    expected = [found.noise.noise(int(b), None if replacement else 300) for b in found.curve.batches]
    off = np.abs(found.curve.noise - expected) / found.curve.errors
    assert np.median(off) < 2.5
    assert found.curve.batches[0] == 1


def test_noise_of_too_few_images_is_refused():
    engine = engine_at(0, samples=2, batch_size=1)
    with pytest.raises(ValueError, match="images: expected at least 3, got 2"):
        ask(engine, NoiseNow())


def test_noise_of_a_batch_that_is_a_power_of_two_leaves_out_all():
    engine = engine_at(2, samples=64, batch_size=8)
    assert ask(engine, NoiseNow()).curve.batches.tolist() == [1, 2, 4, 8, 16, 32]
    assert ask(engine, NoiseNow(replacement=True)).curve.batches[-1] == 64


def test_a_fresh_rate_finding_does_not_depend_on_the_run():
    early, late = (engine_at(steps, optimizer={"name": "SGD", "lr": 0.01}) for steps in (1, 30))
    one, two = (ask(engine, FindRate(steps=30)) for engine in (early, late))
    for first, second in zip(one.finding.tests, two.finding.tests, strict=True):
        np.testing.assert_array_equal(first.losses, second.losses)
    assert one.factor == 1
    present = ask(late, FindRate(steps=30, fresh=False))
    assert present.finding.tests[0].losses[0] < 0.9 * one.finding.tests[0].losses[0]


def test_a_present_finding_says_the_schedules_factor():
    engine = engine_at(40, scheduler={"name": "StepLR", "step_size": 1, "gamma": 0.1}, epochs=3)
    while engine._epoch < 1 or engine._evaluation is not None:
        engine.step()
    assert ask(engine, FindRate(steps=20, fresh=False)).factor == pytest.approx(0.1)


class Clock:
    """A clock that a test moves on."""

    def __init__(self, monkeypatch):
        self.now = 100.0
        monkeypatch.setattr("optgui.core.training.live_readings.time.perf_counter", lambda: self.now)


def test_live_sharpness_reads_what_a_single_question_reads(monkeypatch):
    clock, live, engine = Clock(monkeypatch), LiveSharpness(), engine_at(5)
    wanted = ask(engine, SharpnessNow())
    while not live.readings:
        clock.now += 1
        if live.due(engine._step):
            live.advance(standing(engine))
        engine.step()  # the weights move on between two slices
    assert live.readings == (wanted,)
    assert live.readings[0].step == 5


def test_a_reading_takes_no_more_than_its_share_of_the_time(monkeypatch):
    clock, engine = Clock(monkeypatch), engine_at(1)
    live = LiveSharpness(share=0.1)
    spent, advance = 0.0, LiveSharpness._measure

    def slow(self, run):
        work = advance(self, run)
        while True:
            clock.now += 0.01
            try:
                next(work)
            except StopIteration as end:
                return end.value
            yield

    monkeypatch.setattr(LiveSharpness, "_measure", slow)
    began = clock.now
    for step in range(5_000):
        if live.due(step):
            before, first = clock.now, not live.readings
            live.advance(standing(engine)._replace(step=step))
            spent += clock.now - before
            if first:
                began, spent = clock.now, 0.0  # it may take more, once
        clock.now += 0.002
    assert len(live.readings) > 3
    assert 0.05 < spent / (clock.now - began) <= 0.1


def test_a_run_that_stands_still_is_read_once(monkeypatch):
    clock, engine, live = Clock(monkeypatch), engine_at(1), LiveNoise()
    for _ in range(200):
        clock.now += 1
        if live.due(1):
            live.advance(standing(engine))
    assert len(live.readings) == 1


def test_live_noise_is_the_mean_of_the_last_readings(monkeypatch):
    clock, engine, live = Clock(monkeypatch), engine_at(1, epochs=20), LiveNoise()
    while len(live.readings) < 24:
        clock.now += 1
        engine.step()
        if live.due(engine._step):
            live.advance(standing(engine))
    images = [reading.noise.images for reading in live.readings]
    assert images == [300 * min(place, 20) for place in range(1, 25)]
    errors = [reading.noise.signal_error for reading in live.readings]
    assert errors[9] < errors[0]


def test_a_rewind_forgets_what_came_after(monkeypatch):
    clock, engine, live = Clock(monkeypatch), engine_at(0), LiveSharpness()
    while len(live.readings) < 3:
        clock.now += 1
        engine.step()
        if live.due(engine._step):
            live.advance(standing(engine))
    kept = live.readings[:2]
    live.rewind(kept[-1].step)
    assert live.readings == kept


def test_live_readings_leave_the_run_as_it_is(monkeypatch):
    runs = []
    for watched in (False, True):
        clock, engine = Clock(monkeypatch), engine_at(0, optimizer={"name": "Adam", "lr": 0.01})
        lives = (LiveSharpness(), LiveNoise()) if watched else ()
        losses = []
        for _ in range(60):
            losses.append(engine.step().loss)
            clock.now += 1
            for live in lives:
                if live.due(engine._step):
                    live.advance(standing(engine))
        runs.append(losses)
    np.testing.assert_array_equal(*runs)


def test_worst_puts_what_is_no_number_first():
    labels = np.zeros(3, dtype=np.int64)
    judged = Judged(labels, labels, np.array([1.0, np.nan, 2.0], dtype=np.float32))
    assert judged.worst(2).tolist() == [1, 2]
