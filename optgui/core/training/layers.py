"""Readings of each layer for a frame: how far its weights went, and how many of its units are dead."""

from __future__ import annotations

import math

from optgui.core.training.data import TrainingData
from optgui.core.training.loop import Loop
from optgui.core.training.measures.inside import dead_units
from optgui.core.training.records import LayerReading

IMAGES = 100  # test images on which a unit has to say something
EVERY = 100  # steps between two counts of dead units: 0.3 ms for the tutorial's network, 5 ms for a CNN


class LayerReadings:
    """Reads the network of a loop between two steps."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._dead: dict[str, float] = {}
        self._counted = -EVERY

    def read(self, data: TrainingData, step: int) -> tuple[LayerReading, ...]:
        """A reading of each layer with weights, in the order of the network."""
        if abs(step - self._counted) >= EVERY:
            found = dead_units(self._loop.body, data.test_images[:IMAGES])
            self._dead = {unit.name.removeprefix("activation"): unit.share for unit in found}
            self._counted = step
        readings: list[LayerReading] = []
        for name, _ in self._loop.body.named_parameters():
            layer, _, kind = name.rpartition(".")
            if kind == "weight":
                ratio = self._loop.ratios.get(name, math.nan)
                readings.append(LayerReading(layer, ratio, self._dead.get(str(len(readings) + 1), math.nan)))
        return tuple(readings)
