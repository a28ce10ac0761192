"""A race whose GPU has no memory left goes on on the CPU as if nothing had been."""

import pytest
import torch

from optgui.core.engine import RunFailed
from optgui.core.training.race import engine as engine_module
from tests.core.training.gpu import GPU, fail_once
from tests.core.training.race.samples import entrants_of, race
from tests.samples import finish

ENTRANTS = entrants_of(
    {"name": "SGD", "lr": 0.1}, {"name": "Adam", "lr": 0.001}, {"name": "SGD", "lr": 0.01, "momentum": 0.9}
)
RACES = {
    "one team": {},
    "dropout and own batches": {
        "model": {"name": "MLP", "hidden": [16], "dropout": 0.3},
        "entrants": [{**entrant, "seed_shift": place} for place, entrant in enumerate(ENTRANTS)],
    },
    "two teams": {
        "entrants": [
            {**entrant, "batch_size": 50 * (2 - place // 2)} for place, entrant in enumerate(ENTRANTS)
        ]
    },
    "rmsprop, muon and schedules": {
        "model": {"name": "MLP", "hidden": [16, 16]},
        "entrants": entrants_of(
            {"name": "RMSprop", "lr": 0.001},
            {"name": "Muon", "lr": 0.01},
            scheduler={"name": "CosineAnnealingLR", "interval": "step", "T_max": 9},
        ),
    },
}


def race_of(**config):
    settings = {"model": {"name": "MLP", "hidden": [16]}, "samples": 400, "epochs": 2, **config}
    return race(settings.pop("entrants", ENTRANTS), **settings)


def on_gpu(engine):
    while engine.frame() is None:
        engine.step()
    engine._device = GPU
    return engine


def seen(records):
    """Losses, rates and tests; a test that begins again has more slices without results."""
    return [
        (record.ids, record.step, record.losses if record.phase == "train" else (), *record[5:])
        for record in records
        if record.phase == "train" or record.test_losses
    ]


def numbers(records):
    return [str(record) for record in seen(records)]


@pytest.mark.parametrize("settings", list(RACES.values()), ids=list(RACES))
def test_a_step_that_fails_is_done_again_on_the_cpu(monkeypatch, settings):
    expected = finish(race_of(**settings))
    engine = on_gpu(race_of(**settings))
    fail_once(monkeypatch, engine._teams[-1]._stack, "gradient", before=3)
    assert numbers(finish(engine)) == numbers(expected)
    assert engine._device.type == "cpu"
    assert engine.status().text.endswith("(the GPU has no memory left: the CPU computes)")


def test_a_test_that_fails_begins_again_on_the_cpu(monkeypatch):
    expected = finish(race_of())
    engine = on_gpu(race_of())
    fail_once(monkeypatch, engine._teams[0]._stack, "logits")
    assert numbers(finish(engine)) == numbers(expected)


@pytest.mark.parametrize("part", ["TrainingData", "Entrant"])
def test_a_race_that_does_not_fit_is_built_on_the_cpu(monkeypatch, part):
    expected = finish(race_of())
    monkeypatch.setattr(engine_module.runtime, "device", lambda name: GPU)
    fail_once(monkeypatch, engine_module, part)
    engine = race_of()
    assert numbers(finish(engine)) == numbers(expected)
    assert engine._device.type == "cpu"


def test_an_update_that_fails_ends_the_race_with_a_sentence(monkeypatch):
    engine = on_gpu(race_of())
    fail_once(monkeypatch, engine._entrants[1], "update")
    for _ in range(2):
        with pytest.raises(RunFailed, match=r"^The GPU has no memory left for an update"):
            finish(engine)


def test_on_the_cpu_nothing_is_caught(monkeypatch):
    engine = race_of()
    while engine.frame() is None:
        engine.step()
    fail_once(monkeypatch, engine._teams[0]._stack, "gradient")
    with pytest.raises(torch.OutOfMemoryError):
        engine.step()
