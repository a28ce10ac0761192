"""Which weights an optimizer steps, for a person who is about to choose one."""

from __future__ import annotations

from typing import NamedTuple

from torch import nn

from optgui.core import muon
from optgui.core.optimizers import OPTIMIZERS, OptimizerConfig
from optgui.core.training.models import ModelConfig, blank_network


class WeightGroup(NamedTuple):
    """The parameters that one rule steps."""

    rule: str  # as people call it
    names: tuple[str, ...]  # as in the state dict, `linear1.weight`
    size: int  # how many numbers they have


def groups_for(optimizer: OptimizerConfig, network: nn.Module) -> tuple[WeightGroup, ...]:
    """Which rule steps which parameters: the optimizer's own all of them, but Muon leaves some to AdamW."""
    named = dict(network.named_parameters())
    if optimizer.name != "Muon":
        return (_group(OPTIMIZERS[optimizer.name].label, named),)
    hidden = {id(parameter) for parameter in muon.split(list(named.values()))[0]}
    taken = {name: parameter for name, parameter in named.items() if id(parameter) in hidden}
    left = {name: parameter for name, parameter in named.items() if id(parameter) not in hidden}
    return _group("Muon", taken), _group("AdamW", left)


def stated(optimizer: OptimizerConfig, model: ModelConfig) -> str:
    """The groups in one line for the form: `Muon: linear1.weight (94,080). AdamW: linear1.bias (120).`."""
    groups = groups_for(optimizer, blank_network(model))
    if len(groups) == 1:
        return f"{groups[0].rule}: all {groups[0].size:,} weights."
    return " ".join(f"{rule}: {', '.join(names)} ({size:,})." for rule, names, size in groups)


def _group(rule: str, parameters: dict[str, nn.Parameter]) -> WeightGroup:
    return WeightGroup(rule, tuple(parameters), sum(parameter.numel() for parameter in parameters.values()))
