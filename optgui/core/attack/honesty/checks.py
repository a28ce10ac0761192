"""The checks of an attack: what is tried beside it, and why something cannot be.

Source of the list: N. Carlini et al., "On evaluating adversarial robustness", 2019; A. Athalye,
N. Carlini, D. Wagner, "Obfuscated gradients give a false sense of security", ICML 2018, section 3.1.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from optgui.core.attack.config import AttackConfig
from optgui.core.attack.losses import LOSSES
from optgui.core.attack.methods import METHODS
from optgui.core.attack.norms import NORMS
from optgui.core.attack.strongest import steps_in

AS_SET, STRONGEST, UNBOUNDED, IN_TURN = "as_set", "strongest", "unbounded", "in_turn"
MORE = 10  # times the steps, or the restarts
MOST = 10_000  # steps of one check
STEPS = 100  # of an attack that a check chooses itself; Croce and Hein's number
QUERIES = 1_000  # of the attack without gradient
DRAWS = 100  # of noise
NO_OTHER = "choose another network to try this"
WITHOUT_GRADIENT = ("Square", "Noise")
_REACH = 2.5  # how often all steps together span the radius; A. Madry et al., ICLR 2018
_FIXED_STEP = {"L0": 0.5, "HalfSpace": 0.2}  # where epsilon is no length
_SLOW = ("Subspace",)  # exact projection: 2 ms a digit
_WHOLE = {"L2": 28.0, "Linf": 1.0, "L1": 784.0, "L0": 784.0, "Subspace": 28.0, "HalfSpace": 28.0}


@dataclasses.dataclass(frozen=True)
class Check:
    """One thing to try: an attack, or why there is none."""

    key: str
    name: str
    help: str
    attack: AttackConfig | None = None
    refusal: str = ""
    on_other: bool = False  # the adversarial pictures are made on another network
    bounded: bool = True  # False: a change of any size counts
    in_turn: bool = False  # the attacks of `strongest` instead, in the ball of this one

    @property
    def detail(self) -> str:
        """The method and its settings in a few words, or why there is none."""
        if self.attack is None:
            return self.refusal
        return f"{steps_in(self.attack.norm):,} steps in all" if self.in_turn else words(self.attack)

    @property
    def steps(self) -> int:
        """Steps it takes on a part of the digits."""
        if self.attack is None:
            return 0
        return steps_in(self.attack.norm) if self.in_turn else cost(self.attack)


def cost(attack: AttackConfig) -> int:
    """Steps of an attack, all restarts together."""
    entry = METHODS[attack.method.name]
    return entry.iterations(attack) * (attack.restarts if "restarts" in entry.uses else 1)


def words(attack: AttackConfig) -> str:
    """An attack in a few words: `PGD, cross-entropy, 10 × 40 steps`."""
    entry = METHODS[attack.method.name]
    parts = [attack.method.name]
    if "loss" in entry.uses and attack.method.name != "Noise":
        label = LOSSES[attack.loss].label
        parts.append(label[:1].lower() + label[1:])
    steps = entry.iterations(attack)
    repeated = f"{attack.restarts} × " if "restarts" in entry.uses and attack.restarts > 1 else ""
    parts.append(
        f"{repeated}{steps:,} {'draw' if attack.method.name == 'Noise' else 'step'}{'s'[: steps > 1]}"
    )
    return ", ".join(parts)


def asked(attack: AttackConfig) -> tuple[AttackConfig, tuple[str, ...]]:
    """The attack as it is checked: for any wrong answer and within [0, 1]; and what that changes of it."""
    notes = []
    if attack.goal != "untargeted":
        notes.append("Robust accuracy is about any wrong answer, so the checks aim at any, not at one.")
    if not attack.clip:
        notes.append("Every picture is kept in [0, 1] here, although the attack as set leaves it.")
    if attack.epsilon == 0:
        notes.append("With ε = 0 nothing may change, so no attack can tell anything.")
    exact = attack.exact and attack.norm.name not in _SLOW
    if attack.exact and not exact:
        notes.append("Projecting onto ball and box at once takes too long here: one after the other instead.")
    return varied(attack, goal="untargeted", clip=True, stop_when_fooled=True, exact=exact), tuple(notes)


def checks_of(attack: AttackConfig, seed: int = 0, no_other: str = "") -> tuple[Check, ...]:
    """All checks of an attack in their order; `no_other` says why there is no other network."""
    attack, _ = asked(attack)
    return (
        Check(AS_SET, "The attack as set", "The attack of the form, on these digits.", attack),
        _more(attack, seed),
        Check(
            "restarts",
            "More restarts",
            "From random points of the ball; the best of them counts.",
            _again(attack, seed),
        ),
        _other_loss(attack, seed),
        _ratio(attack, seed),
        _own(
            "no_gradient",
            "Without gradient",
            "Random squares, kept where they help. It should find less than an attack that sees a gradient.",
            ("Square", QUERIES),
            attack,
            seed,
        ),
        _own(
            "smallest",
            "Smallest change",
            "Looks for the smallest change that fools; it counts where that is within ε.",
            ("FMN", STEPS),
            attack,
            seed,
        ),
        Check(
            "transfer",
            "From another network",
            "Pictures that fool another network. They should fool this one less often than its own do.",
            None if no_other else varied(_plain(attack, seed), loss="Margin", stop_when_fooled=False),
            no_other,
            on_other=True,
        ),
        _own(
            "noise",
            "Random noise",
            "Random changes of the same size, the best of many draws. An attack has to do much better.",
            ("Noise", DRAWS),
            attack,
            seed,
        ),
        Check(
            IN_TURN,
            "One after another",
            "Several attacks without anything to set, each on the digits that those before it left: "
            "on cross-entropy, towards every wrong class, on the margin, without gradient.",
            varied(attack, seed=seed),
            in_turn=True,
        ),
        Check(
            UNBOUNDED,
            "Without a bound",
            "Every pixel may take any grey: an attack that works reaches 0 %.",
            _unbounded(attack, seed),
            bounded=False,
        ),
    )


def varied(attack: AttackConfig, **settings: Any) -> AttackConfig:
    """The attack with other settings."""
    return AttackConfig.parse({**attack.model_dump(mode="json"), **settings})


def _plain(attack: AttackConfig, seed: int) -> AttackConfig:
    """Projected gradient with settings that work in any norm, and the loss and ball of the attack."""
    return varied(
        attack,
        method="PGD",
        steps=STEPS,
        step_rule="normalized",
        step_size=_step(attack.norm.name, attack.epsilon),
        random_start=True,
        restarts=1,
        seed=seed,
    )


def _step(norm: str, epsilon: float) -> float:
    return max(1e-6, _FIXED_STEP.get(norm, _REACH * epsilon / STEPS))


def _base(attack: AttackConfig, seed: int, *needs: str) -> AttackConfig:
    """The attack itself where it has the fields that a check changes, a plain one otherwise."""
    fits = set(needs) <= set(METHODS[attack.method.name].uses)
    return varied(attack, seed=seed) if fits else _plain(attack, seed)


def _more(attack: AttackConfig, seed: int) -> Check:
    key, name, help = "steps", "More steps", "An attack that has arrived gains nothing by more steps."
    base = _base(attack, seed, "steps")
    if base.method.name != attack.method.name:  # one without steps of its own
        return Check(key, name, help, base)
    steps = min(MORE * attack.steps, MOST)
    if steps <= attack.steps:
        return Check(key, name, help, refusal=f"it takes {attack.steps:,} steps already")
    return Check(key, name, help, varied(base, steps=steps))


def _again(attack: AttackConfig, seed: int) -> AttackConfig:
    base = _base(attack, seed, "restarts")
    restarts = min(100, MORE * base.restarts)
    return varied(base, restarts=restarts, random_start=True, steps=min(base.steps, max(1, MOST // restarts)))


def _other_loss(attack: AttackConfig, seed: int) -> Check:
    """The margin, or the cross-entropy where the attack climbs the margin itself.

    A raw step is as long as the gradient, whose size is another one in each loss: steps are normalized.
    """
    base = _base(attack, seed, "loss")
    raw = base.step_rule == "gradient" and "step_rule" in METHODS[base.method.name].uses
    if raw or attack.method.name in WITHOUT_GRADIENT:
        base = _plain(attack, seed)
    loss = (
        "CrossEntropy" if "loss" in METHODS[attack.method.name].uses and attack.loss == "Margin" else "Margin"
    )
    name = "Margin loss" if loss == "Margin" else "Cross-entropy"
    help = "Where softmax saturates, the margin of the logits still has a slope."
    return Check("loss", name, help, varied(base, loss=loss))


def _ratio(attack: AttackConfig, seed: int) -> Check:
    key, name = "ratio", "DLR loss"
    help = "The margin divided by the spread of the logits: scaling them hides nothing."
    if attack.norm.name in METHODS["APGD-DLR"].norms:
        return _own(key, name, help, ("APGD-DLR", STEPS), attack, seed)
    return Check(key, name, help, varied(_plain(attack, seed), loss="DLR"))


def _own(key: str, name: str, help: str, method: tuple[str, int], attack: AttackConfig, seed: int) -> Check:
    """A method with its defaults and a number of steps in the attack's ball, where it works in the norm."""
    chosen, steps = method
    norms = METHODS[chosen].norms
    if attack.norm.name not in norms:
        labels = [NORMS[norm].label.split(" (")[0] for norm in norms]
        return Check(key, name, help, refusal=f"{chosen} works in {', '.join(labels[:-1])} and {labels[-1]}")
    return Check(key, name, help, varied(_plain(attack, seed), method=chosen, steps=steps))


def _unbounded(attack: AttackConfig, seed: int) -> AttackConfig:
    """The attack with the whole box as its ball, from the picture itself: chance shall not do its work.

    An attack that has no ball stays as it is, one without steps or gradient becomes a plain one.
    """
    if METHODS[attack.method.name].minimal:
        return attack
    base = _base(attack, seed, "steps")
    if attack.method.name in WITHOUT_GRADIENT:
        base = _plain(attack, seed)
    whole = _WHOLE[attack.norm.name]
    return varied(
        base,
        epsilon=whole,
        step_size=_step(attack.norm.name, whole),
        step_rule="normalized",
        steps=STEPS,
        random_start=False,
        restarts=1,
    )
