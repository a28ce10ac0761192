"""Headless training against the tutorial's loop, and against the matrix products it cannot do without."""

from __future__ import annotations

import itertools
import time

import torch
from torch import nn

from optgui.core import runtime
from optgui.core.training import Digits, TrainingConfig, TrainingEngine
from optgui.core.training.datasets import find
from optgui.core.training.models import CLASSES, MEAN, PIXELS, STD
from tests.benchmarks.networks import mnist
from tests.benchmarks.report import Row, interleaved

HIDDEN = 120
IMAGES = 60_000
TUTORIAL_SHARE = 0.2  # of an epoch, at which its speed is already steady


def rows() -> list[Row]:
    runtime.use_threads(1)
    data = mnist()
    found = []
    for batch, repeats in ((64, 5), (16, 2), (256, 3)):
        engine, tutorial, products = Ours(data, batch), Tutorial(batch), Products(batch)
        speeds = interleaved(repeats, ours=engine.speed, tutorial=tutorial.speed, floor=products.speed)
        best = {name: max(values) for name, values in speeds.items()}
        found += [
            Row(
                f"batch {batch}: headless training against the tutorial's loop",
                best["ours"],
                best["tutorial"],
                "img/s",
                {64: ">= 10", 16: ">= 6"}.get(batch, ""),
            ),
            Row(
                f"batch {batch}: headless training against matrix products alone",
                best["ours"],
                best["floor"],
                "img/s",
                {64: ">= 0.5", 256: ">= 0.65"}.get(batch, ""),
            ),
        ]
    bare, watched = Ours(data, 64), Ours(data, 64, sharpness=True, noise_reading=True)
    speeds = interleaved(3, ours=watched.speed, other=bare.speed)
    what = "batch 64: with sharpness and noise measured along the run, against without"
    best = {name: max(values) for name, values in speeds.items()}
    return [*found, Row(what, best["ours"], best["other"], "img/s", ">= 0.75")]


class Ours:
    """The engine, stepped as `optgui run` does it."""

    def __init__(self, data: Digits, batch: int, **settings: bool) -> None:
        schedule = {"name": "MultiStepLR", "milestones": []}
        config = {"batch_size": batch, "epochs": 100, "scheduler": schedule, **settings}
        self.engine = TrainingEngine(TrainingConfig.model_validate(config), data)
        while self.engine.step().phase == "prepare":
            pass
        while self.engine.step().phase == "train":
            pass  # one epoch to warm up

    def speed(self) -> float:
        """Images a second over one epoch, its evaluation and its first batch apart."""
        while self.engine.step().phase == "test":
            pass  # ends with the first batch of the next epoch
        batches = self.engine.total_steps // self.engine.config.epochs
        before = time.perf_counter()
        for _ in range(batches - 1):
            self.engine.step()
        return (IMAGES - self.engine.config.batch_size) / (time.perf_counter() - before)


class Tutorial:
    """Torchvision's data set with its transforms, a DataLoader, a module, an optimizer."""

    def __init__(self, batch: int) -> None:
        transforms, datasets = runtime.torchvision("transforms"), runtime.torchvision("datasets")
        transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((MEAN,), (STD,))])
        dataset = datasets.MNIST(find("mnist"), train=True, transform=transform)
        self.loader = torch.utils.data.DataLoader(dataset, batch_size=batch, shuffle=True)
        self.batch = batch
        self.network = nn.Sequential(
            nn.Flatten(), nn.Linear(PIXELS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, CLASSES)
        )
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=0.1)
        self._epoch(20)

    def _epoch(self, batches: int) -> float:
        total = 0.0
        for images, labels in itertools.islice(self.loader, batches):
            self.optimizer.zero_grad()
            loss = nn.functional.cross_entropy(self.network(images), labels)
            loss.backward()
            self.optimizer.step()
            total += loss.item()
        return total

    def speed(self) -> float:
        """Images a second over a share of an epoch."""
        batches = round(TUTORIAL_SHARE * IMAGES / self.batch)
        before = time.perf_counter()
        self._epoch(batches)
        return batches * self.batch / (time.perf_counter() - before)


class Products:
    """The five products of a step of the MLP: two forward, three backward; nothing else, all in place."""

    def __init__(self, batch: int) -> None:
        generator = torch.Generator().manual_seed(0)
        self.images = torch.randn(IMAGES, PIXELS, generator=generator)
        self.first = torch.randn(HIDDEN, PIXELS, generator=generator)
        self.second = torch.randn(CLASSES, HIDDEN, generator=generator)
        self.hidden, self.slope = (torch.randn(batch, HIDDEN, generator=generator) for _ in range(2))
        self.logits = torch.randn(batch, CLASSES, generator=generator)
        self.batch = batch
        self.speed()

    def speed(self) -> float:
        """Images a second over an epoch, each batch a slice of the images."""
        first_slope, second_slope = torch.empty_like(self.first), torch.empty_like(self.second)
        before = time.perf_counter()
        for images in self.images.split(self.batch):
            count = len(images)
            hidden, slope, logits = self.hidden[:count], self.slope[:count], self.logits[:count]
            torch.mm(images, self.first.T, out=hidden)
            torch.mm(hidden, self.second.T, out=logits)
            torch.mm(logits.T, hidden, out=second_slope)
            torch.mm(logits, self.second, out=slope)
            torch.mm(slope.T, images, out=first_slope)
        return IMAGES / (time.perf_counter() - before)
