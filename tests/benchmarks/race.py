"""A race of twelve against one loop of torch.optim per racer, and where its time goes."""

import time

import torch

from optgui.core.surface import SURFACES, DescentConfig, DescentEngine, SurfaceConfig, sample
from tests.benchmarks.report import Row, interleaved

STEPS = 500
SIDE = 500
RACERS = (
    {"name": "SGD", "lr": 1e-4},
    {"name": "SGD", "lr": 5e-4},
    {"name": "SGD", "lr": 2e-4, "momentum": 0.9},
    {"name": "SGD", "lr": 2e-4, "momentum": 0.9, "nesterov": True},
    {"name": "Adam", "lr": 0.01},
    {"name": "Adam", "lr": 0.05},
    {"name": "AdamW", "lr": 0.02},
    {"name": "RMSprop", "lr": 0.005},
    {"name": "Adagrad", "lr": 0.1},
    {"name": "Adadelta", "lr": 1.0},
    {"name": "NAdam", "lr": 0.02},
    {"name": "RAdam", "lr": 0.02},
)


def rows() -> list[Row]:
    torch.set_num_threads(1)
    config = DescentConfig.parse({"racers": [{"optimizer": racer} for racer in RACERS], "steps": STEPS})
    _loops(20)
    seconds = interleaved(7, ours=lambda: _race(config), other=lambda: _loops(STEPS))
    best = {name: min(values) for name, values in seconds.items()}
    step, gradient, rules = _parts(config)
    what = f"{len(RACERS)} racers x {STEPS} steps, races a second; other: a loop of torch.optim each"
    return [
        Row(what, 1 / best["ours"], 1 / best["other"], "", ">= 5"),
        Row("one step of that race: its batched gradient", gradient, step, "µs", note="of the whole step"),
        Row("one step of that race: its rules", rules, step, "µs", note="of the whole step"),
        Row(f"a surface on {SIDE} x {SIDE} points in one call", _grid(), None, "ms"),
    ]


def _race(config: DescentConfig) -> float:
    began = time.perf_counter()
    engine = DescentEngine(config)
    while not engine.done:
        engine.step()
    engine.frame()
    return time.perf_counter() - began


def _loops(steps: int) -> float:
    """As one writes it: path and losses of each racer are kept."""
    began = time.perf_counter()
    surface = SURFACES["Rosenbrock"]
    for racer in RACERS:
        values = dict(racer)
        point = torch.nn.Parameter(torch.tensor(surface.start, dtype=torch.float64))
        optimizer = getattr(torch.optim, values.pop("name"))([point], **values)
        path, losses = [point.detach().clone()], []
        for _ in range(steps):
            optimizer.zero_grad()
            loss = surface(point)
            loss.backward()
            optimizer.step()
            path.append(point.detach().clone())
            losses.append(loss.item())
    return time.perf_counter() - began


def _parts(config: DescentConfig) -> tuple[float, float, float]:
    """Microseconds of a step, of its gradient and of its rules, each the best of some."""
    engine = DescentEngine(config)
    x, given, rates = engine._x, engine._given, engine._rates.now[:, None]

    def rules() -> None:
        for rows_, rule in engine._groups:
            rule.step(x[rows_], given[rows_], rates[rows_], engine._objective)

    gradient = _best(lambda: engine._objective.gradients(x.copy()))
    step = min(_race(config) for _ in range(3)) / STEPS * 1e6
    return step, gradient, _best(rules)


def _best(work: object, calls: int = 100) -> float:
    times = []
    for _ in range(10):
        began = time.perf_counter()
        for _ in range(calls):
            work()
        times.append((time.perf_counter() - began) / calls)
    return min(times) * 1e6


def _grid() -> float:
    config = SurfaceConfig(name="Rosenbrock")
    times = []
    for _ in range(10):
        began = time.perf_counter()
        sample(config, SIDE, SIDE)
        times.append(time.perf_counter() - began)
    return min(times) * 1e3
