"""Opponents: the network and the digit that the next attack is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from optgui.core.attack import AttackConfig, AttackInputs
from optgui.core.snapshot import NetworkSnapshot, frozen
from optgui.core.training import Digits
from optgui.gui.attack.network_choice import LIVE, NetworkChoice
from optgui.gui.attack.victim.chooser import VictimChooser
from optgui.gui.attack.welcome import NO_NETWORK
from optgui.gui.attack.words import dataset_words
from optgui.gui.training.run_networks import RunNetworks

TEN = tuple("0123456789")
NO_DIGITS = "The test digits come with the first training run. Train once, or draw a digit."


class Picture(NamedTuple):
    """A digit to attack."""

    image: NDArray[np.float32]  # (28, 28) in [0, 1]
    label: int


class Pair(NamedTuple):
    """Who an attack is about, as it was chosen."""

    network: str  # id, or LIVE
    digit: int  # index of the test image, -1 for a picture
    picture: Picture | None  # drawn or opened


class Opponents(QObject):
    """Fetches what is chosen; what cannot be attacked is refused, and the choice goes back to what was.

    Args:
        networks: Where networks and their digits come from.
        choice: Where a person chooses the network.
        victim: Where a person chooses the digit.
        parent: Owner.
    """

    refused = Signal(str)  # a sentence
    digits_changed = Signal(object)  # Digits: another set
    missing = Signal(str)  # a sentence: a network must be trained first

    def __init__(
        self,
        networks: RunNetworks,
        choice: NetworkChoice,
        victim: VictimChooser,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.digits: Digits | None = None
        self.snapshot: NetworkSnapshot | None = None  # under attack
        self.picture: Picture | None = None  # drawn or opened
        self._networks, self._choice, self._victim = networks, choice, victim
        self._attacked: Pair | None = None
        self._asked = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Of the classes."""
        return self.digits.class_names if self.digits else TEN

    @property
    def chosen(self) -> Picture | None:
        """The digit as it is chosen now, None while there is none."""
        digits = self.digits
        if self.picture is not None or digits is None:
            return self.picture
        index = max(0, self._victim.index)
        image = digits.test_images[index].astype(np.float32) / 255
        return Picture(frozen(image), int(digits.test_labels[index]))

    def show_digits(self, digits: Digits | None) -> None:
        """Offer the digits that belong to the networks, from the chosen one on."""
        if digits is None or digits is self.digits:
            return
        self.digits = digits
        self._victim.show_digits(digits.test_images, digits.test_labels, digits.class_names)
        self.digits_changed.emit(digits)
        if self.picture is None:
            self._victim.select(min(max(0, self._victim.index), len(digits.test_images) - 1))

    def gather(
        self, config: AttackConfig, proceed: Callable[[AttackInputs], None], *, again: bool = False
    ) -> None:
        """Call `proceed` with what is chosen, unless it is refused or asked for anew before it is there.

        Args:
            config: The attack.
            proceed: Gets the inputs.
            again: The network of the last attack rather than a newer one, where it is still chosen.
        """
        self._asked += 1
        asked, choice = self._asked, self._choice.selected

        def use(snapshot: NetworkSnapshot, digits: Digits | None) -> None:
            if asked == self._asked:
                self._use(config, snapshot, digits, proceed)

        if choice != LIVE:
            if self._networks.digits is None and self.picture is None:
                self.missing.emit(NO_DIGITS)
            else:
                use(self._networks.shelf.get(choice), self._networks.digits)
        elif again and self.snapshot is not None and self._attacked and self._attacked.network == LIVE:
            use(self.snapshot, self.digits)
        elif not self._networks.use(use):
            self.missing.emit(NO_NETWORK)

    def _use(
        self,
        config: AttackConfig,
        snapshot: NetworkSnapshot,
        digits: Digits | None,
        proceed: Callable[[AttackInputs], None],
    ) -> None:
        self.show_digits(digits)
        picture = self.chosen
        assert picture is not None  # without digits there is a drawing
        refusal = self._refusal(config, snapshot, picture)
        if refusal:
            self._put_back()
            self.refused.emit(refusal)
            return
        self.snapshot = snapshot
        self._attacked = Pair(self._choice.selected, self._victim.index, self.picture)
        image = frozen(picture.image[None, None].astype(np.float32))
        proceed(AttackInputs(snapshot, image, frozen(np.array([picture.label], np.int64))))

    def _refusal(self, config: AttackConfig, snapshot: NetworkSnapshot, picture: Picture) -> str:
        digits = self.digits
        if self.picture is None and digits is not None and snapshot.dataset != digits.name:
            here, trained = dataset_words(digits.name), dataset_words(snapshot.dataset)
            return (
                f"network: expected one trained on {here}, whose test digits these are, got {snapshot.id}, "
                f"trained on {trained}. Draw a picture for it, or train on {trained}."
            )
        if config.goal == "targeted" and config.target == picture.label:
            return (
                f"target: expected a class other than the digit's own, got {config.target}. "
                "Choose another target, or another digit."
            )
        return ""

    def _put_back(self) -> None:
        """Choose again what the last attack was about, whose results stay."""
        if self._attacked is not None:
            self._choice.select(self._attacked.network)
            self.picture = self._attacked.picture
            self._victim.select(self._attacked.digit)
