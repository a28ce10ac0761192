"""What the checks give away of an attack that hides behind its own weakness: gradient masking."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from optgui.core.attack.config import AttackConfig
from optgui.core.attack.honesty.checks import AS_SET, UNBOUNDED, WITHOUT_GRADIENT

WEAKER = 5.0  # points by which another attack may be better before it is said
GAIN = 1.0  # points by which what should be worse may be better by chance
MORE_GAIN = 2.0  # points that more of the same may gain; PGD's 40 steps, restarted, gain up to 1.3
TINY = 1e-6  # length of a gradient that moves nothing, unless steps are normalized
MANY = 0.05  # share of the digits


@dataclasses.dataclass(frozen=True)
class Flag:
    """A sentence on what is wrong, and one on what to do."""

    key: str
    sentence: str
    advice: str


@dataclasses.dataclass(frozen=True)
class Findings:
    """What was measured on all digits; a check that was not made is not in `robust`."""

    attack: AttackConfig
    names: Mapping[str, str]  # of the checks by key
    robust: Mapping[str, float]  # share of the digits by key
    same: frozenset[str]  # keys of the checks that use the attack's own method
    clean: float  # share read rightly without any attack
    flat: float  # share of those whose gradient is exactly 0, NaN if it was not measured
    tiny: float  # share of those whose gradient is shorter than TINY, the flat ones among them


def flags_of(found: Findings) -> tuple[Flag, ...]:
    """Every sign that the attack's number is not the network's.

    The rules follow N. Carlini et al., "On evaluating adversarial robustness", 2019, and
    A. Athalye, N. Carlini, D. Wagner, "Obfuscated gradients give a false sense of security", ICML 2018,
    section 3.1; each function says its own.
    """
    if AS_SET not in found.robust:
        return ()
    rules = (weaker, black_box, noise, unbounded, gradients, unfinished)
    return tuple(flag for rule in rules if (flag := rule(found)) is not None)


def weaker(found: Findings) -> Flag | None:
    """Another attack in the same ball leaves more than 5 points less.

    Source: Carlini et al.: several attacks, and for each digit the one that fools it.
    """
    others = {key: share for key, share in found.robust.items() if key not in (AS_SET, UNBOUNDED)}
    best = min(others, key=others.__getitem__, default="")
    if not best or _points(found, best) <= WEAKER:
        return None
    return Flag(
        "weaker",
        f"The attack as set is too weak: it leaves {_share(found.robust[AS_SET])} where "
        f"“{found.names[best]}” leaves {_share(found.robust[best])}.",
        "Report the strongest attack's number, and take over what made that check better.",
    )


def black_box(found: Findings) -> Flag | None:
    """An attack that sees no gradient of this network leaves more than 1 point less than one that does.

    Source: Athalye et al., section 3.1: black-box attacks are better than white-box ones; Carlini et al.:
    try transfer and an attack without gradient.
    """
    if found.attack.method.name in WITHOUT_GRADIENT:
        return None
    blind = [key for key in ("no_gradient", "transfer") if key in found.robust and _points(found, key) > GAIN]
    if not blind:
        return None
    best = min(blind, key=found.robust.__getitem__)
    return Flag(
        "black_box",
        f"“{found.names[best]}” beats the attack as set by {_points(found, best):.1f} points, although it "
        "does not see this network's gradient: that gradient leads astray.",
        "Climb the margin or the ratio of logits instead of the cross-entropy, and start at random points.",
    )


def noise(found: Findings) -> Flag | None:
    """Noise fools more than 1 % of the digits, and not 5 points fewer than the attack does.

    Source: Athalye et al., section 3.1: random sampling finds adversarial examples where the attack does
    not; Carlini et al.: compare with random noise.
    """
    if "noise" not in found.robust or found.attack.method.name == "Noise":
        return None
    fools = 100 * (found.clean - found.robust["noise"])
    if fools <= GAIN or _points(found, "noise") <= -WEAKER:
        return None
    return Flag(
        "noise",
        f"Random noise of the same size does nearly as well: it leaves {_share(found.robust['noise'])}, "
        f"the attack as set {_share(found.robust[AS_SET])}.",
        "Either the attack follows no useful gradient, or ε is so large that anything fools.",
    )


def unbounded(found: Findings) -> Flag | None:
    """An attack that may change every pixel at will does not fool every digit.

    Source: Athalye et al., section 3.1: unbounded attacks do not reach 100 % success; Carlini et al.
    """
    left = found.robust.get(UNBOUNDED, 0.0)
    if not left:
        return None
    return Flag(
        "unbounded",
        f"Without any bound {_share(left)} of the digits are still read rightly; it should be 0 %. The "
        "attack gets stuck before it has searched.",
        "The number says how far the attack got, not how robust the network is. Change loss or step rule.",
    )


def gradients(found: Findings) -> Flag | None:
    """More than 5 % of the digits read rightly have a gradient that is zero or shorter than 1e-6.

    Source: Athalye et al.: a gradient that vanishes is one of the ways to obfuscate it.
    """
    if not found.tiny > MANY:
        return None
    exactly = f" ({_share(found.flat)} exactly zero)" if found.flat else ""
    return Flag(
        "gradients",
        f"The gradient vanishes at {_share(found.tiny)} of the digits{exactly}: softmax is "
        "saturated, and the attack hardly sees where to go.",
        "Climb the margin of logits, whose slope does not fade, and normalize the steps.",
    )


def unfinished(found: Findings) -> Flag | None:
    """Ten times the steps or restarts of the same method leave more than 2 points less.

    Source: Carlini et al.: an attack has to have converged, so that more of it changes nothing.
    """
    known = found.same & found.robust.keys()
    better = [key for key in ("steps", "restarts") if key in known and _points(found, key) > MORE_GAIN]
    if not better:
        return None
    gains = " and ".join(f"{found.names[key].lower()} {_points(found, key):.1f} points" for key in better)
    return Flag(
        "unfinished",
        f"The attack has not arrived: {gains} more.",
        "Give it more steps, a longer step or more restarts, until the number no longer falls.",
    )


def _points(found: Findings, key: str) -> float:
    """By how many points a check leaves less than the attack as set, without the noise of float64."""
    return round(100 * (found.robust[AS_SET] - found.robust[key]), 6)


def _share(share: float) -> str:
    return f"{100 * share:.1f} %"
