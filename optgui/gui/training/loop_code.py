"""The training loop in Python: written by hand, and with torch.optim."""

from __future__ import annotations

from optgui.core.optimizers import OPTIMIZERS, OptimizerConfig
from optgui.core.params import params_of

_FORGOTTEN = "# {}  forgotten"


def by_hand(config: OptimizerConfig, *, forgets: bool = False) -> str:
    """The loop without torch.optim: all of SGD, and of any other optimizer its rule in symbols."""
    zero = ["for p in weights:", "    p.grad = None"]
    if forgets:
        zero = ["# p.grad = None  forgotten"]
    first: list[str] = []
    if config.name == "SGD":
        first, rule = _sgd(config)
    else:
        entry = OPTIMIZERS[config.name]
        rule = ["for x in weights:", "    g = x.grad"]
        rule += [f"    # {part.strip()}" for part in entry.formula.split(";") if part.strip()]
    return "\n".join(
        [
            "weights = list(network.parameters())",
            *first,
            "for images, labels in batches:",
            *_indented(*zero),
            "    loss = cross_entropy(network(images), labels)",
            "    loss.backward()  # p.grad += ∂loss / ∂p",
            "    with torch.no_grad():",
            *_indented(*_indented(*rule)),
        ]
    )


def with_torch(config: OptimizerConfig, *, forgets: bool = False) -> str:
    """The same loop with torch.optim."""
    entry = OPTIMIZERS[config.name]
    defaults = {spec.name: spec.default for spec in params_of(entry.params)}
    shown = {k: v for k, v in config.values.items() if k == "lr" or v != defaults[k]}
    words = "".join(f", {name}={value!r}" for name, value in shown.items())
    ours = entry.optimizer.__module__.startswith("optgui.")
    zero = _FORGOTTEN.format("optimizer.zero_grad()") if forgets else "optimizer.zero_grad()"
    made = f"optimizer = {'' if ours else 'torch.optim.'}{config.name}("
    lines = [f"from {entry.optimizer.__module__} import {config.name}", ""] if ours else []
    return "\n".join(
        [
            *lines,
            made,
            f"    network.parameters(){words}",
            ")",
            "for images, labels in batches:",
            f"    {zero}",
            "    loss = cross_entropy(network(images), labels)",
            "    loss.backward()",
            "    optimizer.step()",
        ]
    )


def _sgd(config: OptimizerConfig) -> tuple[list[str], list[str]]:
    """What stands before the loop, and the update of all weights."""
    values = config.values
    lr, momentum, decay = values["lr"], values["momentum"], values["weight_decay"]
    gradient = f"p.grad + {decay!r} * p" if decay else "p.grad"
    if not momentum:
        return [], ["for p in weights:", f"    p -= {lr!r} * {f'({gradient})' if decay else gradient}"]
    rule = ["for p, m in zip(weights, means):"]
    if decay:
        rule.append(f"    g = {gradient}")
        gradient = "g"
    weight = f"{1 - values['dampening']!r} * " if values["dampening"] else ""
    if weight:
        rule.append("    # torch takes the first gradient whole")
    rule.append(f"    m.mul_({momentum!r}).add_({weight}{gradient})")
    way = f"({gradient} + {momentum!r} * m)" if values["nesterov"] else "m"
    rule.append(f"    p -= {lr!r} * {way}")
    return ["means = [torch.zeros_like(p) for p in weights]"], rule


def _indented(*lines: str) -> list[str]:
    return [f"    {line}" for line in lines]
