"""The robust curve of 20 radii and 1,000 digits against one projected gradient that never stops early."""

from __future__ import annotations

import time

import torch

from optgui.core import runtime
from optgui.core.attack import Attack, AttackConfig, Victim
from optgui.core.attack.robust import RobustConfig, RobustCurve, RobustEngine, RobustInputs
from optgui.core.snapshot import NetworkSnapshot
from optgui.core.training import Digits
from tests.benchmarks.networks import mnist, train
from tests.benchmarks.report import Row, interleaved

COUNT, REPEATS = 1_000, 3
NORMS = ("L2", "Linf")


def rows() -> list[Row]:
    runtime.use_threads(1)
    data = mnist()
    engine = train(data)[0]
    victim, snapshot = Victim(engine.network), engine.snapshot()
    found = []
    for norm in NORMS:
        most = float(_config(norm).radii(norm)[-1])
        times = interleaved(
            REPEATS,
            ours=lambda norm=norm: _curve(norm, snapshot, data)[0],
            other=lambda norm=norm, most=most: _pgd(norm, most / 2, victim, data)[0],
        )
        curve = _curve(norm, snapshot, data)[1]
        cold = [_pgd(norm, float(epsilon), victim, data)[1] for epsilon in curve.epsilons[1:]]
        above = max(100 * (ours - other) for ours, other in zip(curve.robust[1:], cold, strict=True))
        best = {name: min(values) for name, values in times.items()}
        found += [
            Row(
                f"robust curve, {norm}, 20 radii, {COUNT:,} digits, against one PGD-40",
                best["ours"],
                best["other"],
                "s",
                "< 6",
            ),
            Row(f"robust curve, {norm}: most points above cold PGD-40", above, unit="%", target="<= 0.5"),
        ]
    return found


def _config(norm: str) -> RobustConfig:
    switches = {name.lower(): name == norm for name in ("L2", "Linf", "L1")}
    return RobustConfig.parse({"digits": COUNT, "noise": False, **switches})


def _curve(norm: str, snapshot: NetworkSnapshot, data: Digits) -> tuple[float, RobustCurve]:
    engine = RobustEngine(_config(norm), RobustInputs((snapshot,), data.test_images, data.test_labels))
    before = time.perf_counter()
    while not engine.done:
        engine.step()
    return time.perf_counter() - before, engine.frame().curves[0]


def _pgd(norm: str, epsilon: float, victim: Victim, data: Digits) -> tuple[float, float]:
    """Seconds of 40 unstopped steps on all digits, and the share that is read rightly behind them."""
    images = torch.tensor(data.test_images[:COUNT]).unsqueeze(1) / 255
    labels = torch.tensor(data.test_labels[:COUNT])
    config = AttackConfig.parse(
        {"norm": norm, "epsilon": epsilon, "step_size": 0.1 * epsilon, "steps": 40, "random_start": True}
    )
    before = time.perf_counter()
    attack = Attack(config, victim, images, labels)
    changed = attack.changed(attack.run())
    seconds = time.perf_counter() - before
    return seconds, float((victim.logits(changed).argmax(1) == labels).float().mean())
