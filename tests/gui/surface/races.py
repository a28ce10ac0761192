"""Races for tests of what is drawn of them."""

from optgui.core.surface import DescentConfig, DescentEngine

RACERS = (
    {"id": 0, "optimizer": {"name": "SGD", "lr": 0.001}},
    {"id": 1, "optimizer": {"name": "SGD", "lr": 0.001, "momentum": 0.9}},
    {"id": 4, "optimizer": {"name": "Adam", "lr": 0.05}},
)
DIVERGING = {"id": 2, "optimizer": {"name": "SGD", "lr": 1.0}}


def run(surface="Rosenbrock", racers=RACERS, steps=60, taken=None, **rest):
    """The frame of a race after all, or the first `taken`, steps."""
    config = DescentConfig.parse(
        {
            "surface": {"name": surface} if isinstance(surface, str) else surface,
            "steps": steps,
            "racers": racers,
            **rest,
        }
    )
    engine = DescentEngine(config)
    for _ in range(steps if taken is None else taken):
        if not engine.done:
            engine.step()
    return engine.frame()


def shown(frame, *hidden):
    """Which racers are drawn: all but some."""
    return {identity: identity not in hidden for identity in frame.ids}
