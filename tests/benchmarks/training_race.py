"""A race of 8 networks as one stacked model, against training them one after another."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import nn

from optgui.core import runtime
from optgui.core.optimizers import OptimizerConfig
from optgui.core.training import Digits, ModelConfig, TrainingConfig, TrainingEngine
from optgui.core.training.models import MEAN, STD, make_network
from optgui.core.training.race import RaceConfig, RaceEngine
from tests.benchmarks.networks import mnist
from tests.benchmarks.report import Row, interleaved

UNIT = "net·step/s"
COUNT, BATCH = 8, 64
STEPS, REPEATS = 60, 7
LEARNED = 30  # steps before the first measurement
RATES = [{"name": "SGD", "lr": 0.02 * (index + 1)} for index in range(COUNT)]
OPTIMIZERS = [
    {"name": "SGD", "lr": 0.1},
    {"name": "SGD", "lr": 0.03, "momentum": 0.9},
    {"name": "SGD", "lr": 0.03, "momentum": 0.9, "nesterov": True},
    {"name": "Adagrad", "lr": 0.01},
    {"name": "RMSprop", "lr": 0.001},
    {"name": "Adam", "lr": 0.001},
    {"name": "AdamW", "lr": 0.001},
    {"name": "Adam", "lr": 0.003},
]


def rows() -> list[Row]:
    runtime.use_threads(1)
    data = mnist()
    return [*_rows(data, "learning rates", RATES), *_rows(data, "optimizers", OPTIMIZERS)]


def _rows(data: Digits, what: str, optimizers: list[dict[str, Any]]) -> list[Row]:
    race, own = Race(data, optimizers), Race(data, optimizers, own_batches=True)
    loops, engines = Loops(data, optimizers), Engines(data, optimizers)
    speeds = interleaved(REPEATS, race=race.speed, own=own.speed, loops=loops.speed, engines=engines.speed)
    best = {name: max(values) for name, values in speeds.items()}
    title = f"race of {COUNT} {what}"
    return [
        Row(f"{title} against autograd, shared batches", best["race"], best["loops"], UNIT, ">= 1.6"),
        Row(f"{title} against {COUNT} runs of our own", best["race"], best["engines"], UNIT),
        Row(f"{title}, own batches, against autograd", best["own"], best["loops"], UNIT),
    ]


class Race:
    """The race engine."""

    def __init__(self, data: Digits, optimizers: list[dict[str, Any]], own_batches: bool = False) -> None:
        entrants = [
            {"optimizer": optimizer, "batch_size": BATCH, "seed_shift": index if own_batches else 0}
            for index, optimizer in enumerate(optimizers)
        ]
        self.engine = RaceEngine(RaceConfig.parse({"entrants": entrants, "epochs": 100}), data)
        while self.engine.step().step < LEARNED:
            pass

    def speed(self) -> float:
        """Steps of networks a second; an evaluation does not fall into the few steps."""
        before = time.perf_counter()
        for _ in range(STEPS):
            assert self.engine.step().phase == "train"
        return COUNT * STEPS / (time.perf_counter() - before)


class Loops:
    """The tutorial's loop for each network on a batch that is gathered once for all."""

    def __init__(self, data: Digits, optimizers: list[dict[str, Any]]) -> None:
        self.images = ((torch.tensor(data.train_images).float() / 255 - MEAN) / STD).unsqueeze(1)
        self.labels = torch.tensor(data.train_labels)
        self.generator = torch.Generator().manual_seed(0)
        model = ModelConfig.parse({"name": "MLP"})
        self.networks = [make_network(model, self.generator)[1:] for _ in optimizers]
        self.optimizers = [
            OptimizerConfig.parse(values).make(network.parameters())
            for values, network in zip(optimizers, self.networks, strict=True)
        ]
        self._run(LEARNED)

    def _run(self, steps: int) -> None:
        order = torch.randperm(len(self.images), generator=self.generator)
        for batch in order.split(BATCH)[:steps]:
            images, labels = self.images.index_select(0, batch), self.labels.index_select(0, batch)
            for network, optimizer in zip(self.networks, self.optimizers, strict=True):
                optimizer.zero_grad()
                logits = network(images)
                loss = nn.functional.cross_entropy(logits, labels)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                loss.item()
                logits.argmax(1).eq(labels).sum().item()

    def speed(self) -> float:
        """Steps of networks a second."""
        before = time.perf_counter()
        self._run(STEPS)
        return COUNT * STEPS / (time.perf_counter() - before)


class Engines:
    """Runs of the training engine, one network after another."""

    def __init__(self, data: Digits, optimizers: list[dict[str, Any]]) -> None:
        self.engines = [
            TrainingEngine(
                TrainingConfig.parse({"optimizer": values, "batch_size": BATCH, "epochs": 100}), data
            )
            for values in optimizers
        ]
        for engine in self.engines:
            while engine.step().step < LEARNED:
                pass

    def speed(self) -> float:
        """Steps of networks a second."""
        before = time.perf_counter()
        for engine in self.engines:
            for _ in range(STEPS):
                engine.step()
        return COUNT * STEPS / (time.perf_counter() - before)
