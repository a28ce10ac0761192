"""Another optimizer in mid-run at the proposed rate: how far the loss of 10,000 digits rises in 50 steps."""

from __future__ import annotations

import torch
from torch import nn

from optgui.core import runtime
from optgui.core.training import TrainingConfig, TrainingEngine
from optgui.core.training.measures.sharpness import Sharpness
from optgui.core.training.measures.slices import finish
from optgui.core.training.requests import Mark, ProposeRate, Rewind
from tests.benchmarks.networks import config, mnist
from tests.benchmarks.report import Row

OPTIMIZERS = {
    "SGD": {"name": "SGD", "lr": 0.1},
    "momentum": {"name": "SGD", "lr": 0.02, "momentum": 0.9},
    "RMSprop": {"name": "RMSprop", "lr": 1e-3},
    "Adam": {"name": "Adam", "lr": 1e-3},
    "AdamW": {"name": "AdamW", "lr": 1e-3},
}
MODES = ("map", "keep", "reset")
SEEDS = range(5)
AT = 400  # steps before the switch
STEPS = 50
LOOKS = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 30, 35, 40, 45, 50)
DIGITS = 10_000
SLACK = 0.02


def rows() -> list[Row]:
    runtime.use_threads(1)
    data = mnist()
    worst = dict.fromkeys(MODES, 0.0)
    for seed in SEEDS:
        for before, values in OPTIMIZERS.items():
            engine = TrainingEngine(config(seed, optimizer=values, scheduler="None"), data)
            while engine.status().unit == "%" or engine.status().done < AT:
                engine.step()
            node, start = engine.answer(Mark("here")).id, _loss(engine)
            sharpness = Sharpness(engine._data.train_images[:2_000], engine._data.train_labels[:2_000])
            lambda_max = finish(sharpness.update(engine._loop.body)).value
            for after in OPTIMIZERS.keys() - {before}:
                for mode in MODES:
                    rise = (_highest(engine, after, mode, lambda_max) - SLACK) / start
                    worst[mode] = max(worst[mode], rise)
                    engine.answer(Rewind(node))
    what = f"worst (highest loss in {STEPS} steps - {SLACK}) / loss before"
    return [Row(f"switch, {mode}: {what}", rise, target="<= 1.25", by="ours") for mode, rise in worst.items()]


def _highest(engine: TrainingEngine, after: str, mode: str, lambda_max: float) -> float:
    """The highest loss in the steps behind a switch at the proposed rate."""
    data = engine.config.model_dump(mode="json")
    wanted = TrainingConfig.parse({**data, "switch": mode, "optimizer": OPTIMIZERS[after]})
    known = lambda_max if wanted.optimizer.name == "SGD" else None
    proposal = finish(engine.answer(ProposeRate(wanted.optimizer, known, mode)))
    engine.apply(wanted.changed("optimizer.lr", proposal.lr))
    highest = 0.0
    for step in range(1, STEPS + 1):
        engine.step()
        if step in LOOKS:
            highest = max(highest, _loss(engine))
    return highest


def _loss(engine: TrainingEngine) -> float:
    """Of the fixed training digits."""
    data = engine._data
    with torch.no_grad():
        logits = engine._loop.body(data.train_images[:DIGITS])
        return float(nn.functional.cross_entropy(logits, data.train_labels[:DIGITS]))
