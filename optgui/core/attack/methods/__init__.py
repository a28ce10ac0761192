"""METHODS: the ways to look for an image that fools the network; STEP_RULES: how a gradient is followed."""

from optgui.core.attack.methods import auto, carlini_wagner, driven, gradient, minimal, noise, square
from optgui.core.attack.methods.base import Method, MethodEntry
from optgui.core.attack.methods.rules import STEP_RULES, StepRule
from optgui.core.registry import Registry

METHODS: Registry[MethodEntry] = Registry(
    *gradient.ENTRIES,
    *driven.ENTRIES,
    *auto.ENTRIES,
    *square.ENTRIES,
    *noise.ENTRIES,
    *minimal.ENTRIES,
    *carlini_wagner.ENTRIES,
)

__all__ = ["METHODS", "STEP_RULES", "Method", "MethodEntry", "StepRule"]
