"""Muon for a whole network: torch's for the hidden layers' weight matrices, AdamW for everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch


def split(parameters: Sequence[torch.Tensor]) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """(what Muon steps, what AdamW steps) of the parameters of a network in the order of its layers.

    Muon steps the weight matrices of hidden layers; of the last layer only where there is no other. The
    filters of a convolution are no matrices.
    """
    matrices = [parameter for parameter in parameters if parameter.ndim == 2]
    hidden = matrices[:-1] or matrices
    chosen = {id(parameter) for parameter in hidden}
    return hidden, [parameter for parameter in parameters if id(parameter) not in chosen]


class Muon(torch.optim.Optimizer):
    """torch.optim.Muon and torch.optim.AdamW side by side, as one optimizer with two groups.

    m = momentum * m + (1 - momentum) * g;  W = (1 - lr * weight_decay) * W - lr * a * U V^T, where U S V^T
    is m (or its Nesterov look-ahead) and a = sqrt(max(1, rows / columns)). The rest steps by AdamW with its
    usual betas and epsilon, the same weight_decay and the rate lr * adamw_lr; so whatever acts on lr, a
    schedule or a finder, acts on both. Source: K. Jordan et al., "Muon: an optimizer for hidden layers in
    neural networks", 2024.

    Raises:
        ValueError: torch's own sentence, if there is no matrix or it refuses a value.
    """

    def __init__(
        self,
        params: Iterable[torch.Tensor],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adamw_lr: float = 1.0,
        foreach: bool | None = None,
    ) -> None:
        parameters = list(params)
        hidden, rest = split(parameters)
        own = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
        }
        torch.optim.Muon(hidden or parameters, **own)  # type: ignore[arg-type]  # refuses in torch's words
        groups = [{"params": hidden}, {"params": rest}]
        defaults = {**own, "adjust_lr_fn": None, "adamw_lr": adamw_lr, "foreach": foreach}
        super().__init__([group for group in groups if group["params"]], defaults)
        self._build_parts()

    def _build_parts(self) -> None:
        """Make the two optimizers of torch; they work on this one's state and parameters."""
        hidden, *rest = self.param_groups
        self._muon = torch.optim.Muon(hidden["params"])
        self._muon.param_groups = [hidden]
        self._muon.state = self.state
        self._adamw: torch.optim.AdamW | None = None
        if rest:
            self._adamw = torch.optim.AdamW(rest[0]["params"], foreach=rest[0]["foreach"])
            self._adamw.state = self.state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._build_parts()

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of both."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self._muon.step()  # type: ignore[no-untyped-call]
        if self._adamw is not None:
            group = self.param_groups[1]
            self._adamw.param_groups[0].update(
                lr=group["lr"] * group["adamw_lr"], weight_decay=group["weight_decay"]
            )
            self._adamw.step()
        return loss
