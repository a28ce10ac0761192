"""The smallest change found that fools a network, digit by digit."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from optgui.core.attack.config import AttackConfig
from optgui.core.attack.loop import Attack
from optgui.core.attack.losses import Goal
from optgui.core.attack.norms import norm_of
from optgui.core.attack.verdict import verified
from optgui.core.attack.victim import Victim

# The minimum-norm attack that comes first, and what is then tried just below each digit's threshold, by norm.
FIRST = {"L2": "FMN", "Linf": "FMN", "L1": "FMN"}
NEARBY = {"L2": "APGD-CE", "Linf": "APGD-CE", "L1": "PGD"}
STEP = 0.1  # of the radius: a step of PGD, where a method asks for one
# Adding a change to a pixel in float32 rounds it by some 3e-8, which would put images that an attack finds at
# the edge of its ball just outside: its ball is smaller by this much.
WITHIN = 1 - 1e-4


class Thresholds:
    """Thresholds of n digits in one norm.

    A minimum-norm attack gives the first ones. Then the largest radius of the grid below each threshold is
    tried by projected gradients; where they fool the network, the next smaller radius is, and so on.

    Args:
        victim: the network.
        images: (n, 1, 28, 28) in [0, 1], on the victim's device.
        labels: (n,) int64.
        norm: a name in NORMS.
        radii: (k,) float64, rising.
        steps: of each attack.
        seed: of whatever is random.
    """

    def __init__(
        self,
        victim: Victim,
        images: torch.Tensor,
        labels: torch.Tensor,
        norm: str,
        radii: torch.Tensor,
        steps: int,
        seed: int,
    ) -> None:
        self.victim, self.images, self.labels = victim, images, labels
        self.name, self.norm, self.radii = norm, norm_of(norm), radii
        self.found = torch.full((len(images),), torch.inf, dtype=torch.float64, device=images.device)
        self._common = {"norm": norm, "steps": steps, "seed": seed, "random_start": True}

    def search(self) -> Iterator[None]:
        """Find them; yields after every step of an attack, as each costs some milliseconds."""
        everyone = torch.arange(len(self.images), device=self.images.device)
        self._take(everyone, torch.zeros_like(self.images))  # misread without any change
        right = self.found.isinf().nonzero().squeeze(1)
        if not len(right):
            return
        yield from self._attack(FIRST[self.name], right)
        untried = torch.full_like(everyone, len(self.radii))  # places of radii; those beyond were tried
        while True:
            place = torch.searchsorted(self.radii, self.found) - 1  # the largest radius below the threshold
            rows = ((place >= 0) & (place < untried)).nonzero().squeeze(1)
            if not len(rows):
                return
            untried[rows] = place[rows]
            method = NEARBY[self.name]
            for group in self._groups(method, place, rows):
                yield from self._attack(method, group, WITHIN * self.radii[place[group]])

    def _groups(self, method: str, place: torch.Tensor, rows: torch.Tensor) -> list[torch.Tensor]:
        """Digits that may be attacked at once: a method whose step is fixed takes one radius at a time."""
        if method != "PGD":
            return [rows]
        return [rows[place[rows] == at] for at in torch.unique(place[rows])]

    def _attack(self, method: str, rows: torch.Tensor, radii: torch.Tensor | None = None) -> Iterator[None]:
        """Attack some digits, each within its radius or, without radii, as near as can be."""
        values = {**self._common, "method": method, "stop_when_fooled": radii is not None}
        if radii is not None and method == "PGD":
            values["step_size"] = STEP * float(radii[0])
        attack = Attack(
            AttackConfig.parse(values),
            self.victim,
            self.images[rows],
            self.labels[rows],
            epsilon=None if radii is None else radii.to(self.images.dtype),
        )
        while not attack.done:
            attack.step()
            yield
        self._take(rows, attack.result())

    def _take(self, rows: torch.Tensor, delta: torch.Tensor) -> None:
        """Keep the changes (k, 1, 28, 28) of some digits that fool and are smaller than what is known.

        The network itself looks at the changed image once more, and the size is measured on that image.
        """
        images = self.images[rows]
        changed = (images + delta).clamp(0, 1)
        verdict = verified(self.victim, images, changed, Goal(self.labels[rows]), self.norm)
        better = verdict.fooled & (verdict.sizes < self.found[rows])
        self.found[rows[better]] = verdict.sizes[better]
