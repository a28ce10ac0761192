"""What the attack tab says in words: verdicts, the size of epsilon in other terms, and notes."""

from __future__ import annotations

from optgui.core.attack import METHODS, AttackConfig, AttackFrame, AttackRecord, norm_of
from optgui.core.training import DATASETS

STD = 0.3081  # of the pixels; the network's first layer divides by it
PIXELS = 784
USUAL = {  # what is tried on MNIST, by norm
    "L2": (0.3, 4.0),
    "Linf": (0.02, 0.35),
    "L1": (2.0, 60.0),
    "L0": (1.0, 60.0),
    "Subspace": (0.3, 6.0),
    "HalfSpace": (0.05, 3.0),
}
SATURATED = 1e-4  # a gradient below this moves nothing in sight


def dataset_words(name: str) -> str:
    """A data set as people call it."""
    return DATASETS[name].label if name in DATASETS else name


def notes(config: AttackConfig) -> dict[str, str]:
    """Why a field that a form shows does nothing in an attack, by its path."""
    if not METHODS[config.method.name].minimal:
        return {}
    return {
        "epsilon": "Has no effect: this method looks for the smallest change that fools.",
        "clip": "Has no effect: this method always keeps to [0, 1].",
        "exact": "Has no effect: this method projects onto no ball.",
    }


def percent(share: float) -> str:
    """A probability in words: `99.97 %`."""
    return f"{100 * share:.4g} %"


def equivalents(config: AttackConfig) -> list[tuple[str, str]]:
    """Epsilon in other terms: the change of this size that is spread evenly over all pixels."""
    epsilon, norm = config.epsilon, config.norm.name
    each = {"L2": epsilon / PIXELS**0.5, "Linf": epsilon, "L1": epsilon / PIXELS}.get(norm)
    if each is None:
        return []
    rows = [
        (label, f"{each * times:.4g}")
        for name, label, times in (
            ("L2", "as L2", PIXELS**0.5),
            ("Linf", "as L∞", 1),
            ("L1", "as L1", PIXELS),
        )
        if name != norm
    ]
    return [
        *rows,
        ("normalized units", f"{epsilon / STD:.4g}"),
        ("grey levels of 255", f"{255 * each:.3g}"),
    ]


def flag(config: AttackConfig) -> str:
    """What is unusual about epsilon and the step size, or an empty string."""
    entry = METHODS[config.method.name]
    if entry.minimal:
        return ""
    if config.epsilon == 0:
        return "With ε = 0 nothing may change."
    return " ".join(filter(None, (_flag_of_epsilon(config), _flag_of_step(config))))


def _flag_of_epsilon(config: AttackConfig) -> str:
    norm, epsilon = config.norm.name, config.epsilon
    if norm == "Linf" and epsilon >= 1:
        return "In L∞ an ε of 1 or more lets every pixel take any grey: nothing of the digit need be left."
    low, high = USUAL.get(norm, (0.0, float("inf")))
    if low <= epsilon <= high:
        return ""
    size = "large" if epsilon > high else "small"
    return f"This ε is unusually {size} for the norm; on MNIST {low:g} to {high:g} is usual."


def _flag_of_step(config: AttackConfig) -> str:
    """A raw step is as long as its gradient: nothing can be said of it beforehand."""
    uses = METHODS[config.method.name].uses
    raw = "step_rule" in uses and config.step_rule == "gradient"
    if "step_size" not in uses or raw or config.step_size <= config.epsilon:
        return ""
    if config.step_size > 2 * config.epsilon:
        return "A step is longer than the ball is wide: every step ends at its edge."
    return "A step is longer than ε: the first one already reaches the edge of the ball."


def saturation(config: AttackConfig, record: AttackRecord) -> str:
    """Why a raw step crawls, where it does."""
    softmax = _climbs_softmax(config)
    if record.skipped:
        why = (
            "the network is so sure that float32 has no slope left. Climb the margin of logits instead."
            if softmax
            else "the loss is flat."
        )
        return f"The gradient is exactly zero here, so the step is skipped: {why}"
    if not 0 < record.gradient_norm < SATURATED:
        return ""
    start = "The softmax is saturated: the" if softmax else "The"
    words = f"{start} gradient is only {record.gradient_norm:.1e} long"
    if "step_rule" in METHODS[config.method.name].uses and config.step_rule == "gradient":
        moved = config.step_size * record.gradient_norm
        return f"{words}, so a raw step moves {moved:.1e} px. Normalized steps do not depend on that length."
    return f"{words}. Normalized steps keep their length all the same; raw ones would hardly move."


def _climbs_softmax(config: AttackConfig) -> bool:
    """Whether the loss saturates as the network gets sure."""
    own = config.method.name == "APGD-CE"
    return own or ("loss" in METHODS[config.method.name].uses and config.loss == "CrossEntropy")


def verdict(config: AttackConfig, frame: AttackFrame, names: tuple[str, ...]) -> str:
    """What became of the first image, as a sentence or three."""
    label, answer = int(frame.labels[0]), int(frame.predictions[0])
    sure = percent(float(frame.probabilities[0, answer]))
    first = int(frame.original_probabilities[0].argmax())
    minimal = METHODS[config.method.name].minimal
    if frame.success[0]:
        words = f"<b>Fooled.</b> {names[label]} is read as {names[answer]}, {sure} sure."
        if first != label:
            return f"{words} The network misreads this one without any attack; choose another to fool it."
        if minimal:
            words += f" The smallest change found has size {size_of(config, frame)}."
        return words
    words = f"The network reads {names[answer]}, {sure} sure."
    if not frame.step:
        return words
    if config.epsilon == 0 and not minimal:
        return f"{words} With ε = 0 nothing may change."
    if minimal:
        return f"{words} Nothing that fools was found yet: give the attack more steps."
    yet = (
        "It is not fooled yet" if frame.targets is None else f"It does not read {names[frame.targets[0]]} yet"
    )
    return f"{words} {yet}: give the attack {_more(config)}."


def _more(config: AttackConfig) -> str:
    """What would make an attack stronger, of what its method has."""
    uses = METHODS[config.method.name].uses
    offers = ("step_size", "a larger step"), ("steps", "more steps")
    ways = ["a larger ε", *(words for name, words in offers if name in uses)]
    return " or ".join(filter(None, (", ".join(ways[:-1]), ways[-1])))


def size_of(config: AttackConfig, frame: AttackFrame) -> str:
    """The size of the first image's change with its unit; pixels are counted in whole ones."""
    size, unit = float(frame.norms[0]), norm_of(config.norm).unit
    return f"{size:.4g} {unit}"
