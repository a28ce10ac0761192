"""When a run stops or pauses by itself: stop rules on test results, and a guard over the loss."""

from __future__ import annotations

import collections
import math

from optgui.core.training.config import TrainingConfig

MEMORY = 50  # steps over which the loss is smoothed
STRIDE = 25  # steps between two looks at the recent minimum
RECENT = 20  # looks it reaches back: 500 steps
FLOOR = 0.5  # cross-entropy; below it a multiple of a tiny minimum is no spike


class LossGuard:
    """Says when the smoothed loss is more than `factor` times its recent minimum, and more than 0.5 above."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget every loss seen."""
        self._sum = self._weight = 0.0
        self._count = 0
        self._minima: collections.deque[float] = collections.deque(maxlen=RECENT)
        self._limit = self._first = math.inf

    @property
    def level(self) -> float:
        """The smoothed loss; 0 before the first, so that the start counts as calm."""
        return self._sum / self._weight if self._weight else 0.0

    @property
    def calm(self) -> float:
        """The highest smoothed loss at which a checkpoint is worth going back to."""
        return self._first + FLOOR if self._limit == math.inf else self._limit / 2

    def spikes(self, loss: float, factor: float) -> bool:
        """Take the loss of a step; whether it left the rails."""
        self._sum = self._sum * (1 - 1 / MEMORY) + loss / MEMORY
        self._weight = self._weight * (1 - 1 / MEMORY) + 1 / MEMORY
        self._count += 1
        if self._count == 1:
            self._first = loss
        if self._sum / self._weight > self._limit:
            return True
        if self._count % STRIDE == 0:
            self._minima.append(self.level)
            lowest = min(self._minima)
            self._limit = max(factor * lowest, lowest + FLOOR)
        return False


class StopRules:
    """Ends a run by its test results; `best` and `waited` belong to a checkpoint."""

    def __init__(self) -> None:
        self.best, self.waited = math.inf, 0

    def verdict(self, config: TrainingConfig, accuracy: float, loss: float) -> str:
        """Take the results of an epoch; why the run ends here, or an empty string."""
        if loss < self.best:
            self.best, self.waited = loss, 0
        else:
            self.waited += 1
        if config.target_accuracy and accuracy >= config.target_accuracy:
            return f"Test accuracy {accuracy:.2%} reached the target of {config.target_accuracy:.2%}"
        if config.patience and self.waited >= config.patience:
            epochs = "1 epoch" if self.waited == 1 else f"{self.waited} epochs"
            return f"The test loss has not fallen for {epochs}"
        return ""
