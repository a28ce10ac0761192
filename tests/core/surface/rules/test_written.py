"""A step written out is arithmetic that holds: its numbers, evaluated, give the result it states."""

import re

import numpy as np
import pytest

from optgui.core.params import Kind, params_of
from optgui.core.surface.objective import Objective
from optgui.core.surface.optimizers import DESCENT_OPTIMIZERS, DescentOptimizer
from optgui.core.surface.problems import SURFACES
from optgui.core.surface.rules import RULES, Step, make_rule
from optgui.core.surface.rules.words import line, shown

OBJECTIVE = Objective(SURFACES["Rosenbrock"])
NUMBERS = {
    "weight_decay": 0.1,
    "momentum": 0.8,
    "lr_decay": 0.05,
    "initial_accumulator_value": 0.5,
    "lambd": 0.1,
}
OWN_TRADE = {"LBFGS", "Adafactor"}  # one line: what torch remembers is its own


def cases():
    for name in RULES:
        specs = params_of(DESCENT_OPTIMIZERS[name].params)
        numbers = {s.name: NUMBERS[s.name] for s in specs if s.name in NUMBERS}
        yield name, {}
        yield name, numbers
        for spec in specs:
            if spec.kind is Kind.SWITCH:
                yield name, numbers | {spec.name: True, **({"dampening": 0.0} if name == "SGD" else {})}
    yield "SGD", {"momentum": 0.9, "dampening": 0.3}
    yield "RMSprop", {"centered": True}


CASES = list(cases())
SLOW = {"SGD": 1e-4, "ASGD": 1e-4, "RAdam": 1e-4}


def steps_of(name, values, count, lr=None):
    """The steps of one point as an engine records them, with the Hessian and without."""
    lr = SLOW.get(name, 0.01) if lr is None else lr
    config = DescentOptimizer.parse({"name": name, **values})
    x = np.array([[-1.2, 1.0]])
    rule = make_rule(config, x)

    def copied(state):
        return None if state is None else state[0].copy()

    steps = []
    for number in range(1, count + 1):
        known = OBJECTIVE.derivatives(x)
        before = copied(rule.momentum), copied(rule.second_moment)
        new = rule.step(x, known.gradients, lr, OBJECTIVE)
        after = copied(rule.momentum), copied(rule.second_moment)
        states = (before[0], after[0], before[1], after[1])
        steps.append(Step(number, lr, x[0], known.gradients[0], *states, new[0], known.hessians[0]))
        x = new
    return rule, steps


def evaluated(text):
    """A numeric expression of points, with the signs that people use."""
    text = re.sub(r"\(([^(),]+(?:, [^(),]+)+)\)", r"np.array([\1])", text)
    for sign, python in {"−": "-", "·": "*", "^": "**", "max(": "np.maximum("}.items():
        text = text.replace(sign, python)
    return np.asarray(eval(text, {"np": np}), np.float64)


@pytest.mark.parametrize(("name", "values"), CASES)
def test_the_last_line_states_the_real_new_point(name, values):
    rule, steps = steps_of(name, values, 12)
    for step in (steps[0], steps[1], steps[-1], steps[-1]._replace(hessian=None)):
        lines = rule.written(rule.values, step)
        assert lines[-1].numbers.endswith(f"= {shown(step.led_to)}")
        assert lines[-1].name == "step"
        assert all(part for text in lines for part in text)


@pytest.mark.parametrize(("name", "values"), CASES)
def test_each_line_is_true(name, values):
    rule, steps = steps_of(name, values, 12)
    for step in (steps[0], steps[1], steps[-1]):
        for text in rule.written(rule.values, step):
            left, equals, right = text.numbers.rpartition(" = ")
            if not equals or any(sign in text.numbers for sign in ("⁻¹", "–", "Δ", "η =", "r =", "none")):
                continue
            size = max(
                1.0, *(abs(float(n)) for n in re.findall(r"\d+\.?\d*", text.numbers.replace("−", "-")))
            )
            np.testing.assert_allclose(
                evaluated(left), evaluated(right), rtol=2e-2, atol=2e-3 * size, err_msg=str(text)
            )


@pytest.mark.parametrize("name", sorted(set(RULES) - OWN_TRADE))
def test_symbols_on_the_left_of_a_formula_come_in_the_order_of_computation(name):
    rule, steps = steps_of(name, {}, 3)
    lines = rule.written(rule.values, steps[-1])
    assert lines[-1].formula.startswith("x ← x −")
    assert len({text.name for text in lines}) == len(lines)


def test_adam_is_written_as_in_the_paper():
    rule, steps = steps_of("Adam", {}, 2)
    first, second = (rule.written(rule.values, step) for step in steps)
    assert [text.formula for text in first] == [
        "m ← β₁ m + (1 − β₁) g",
        "v ← β₂ v + (1 − β₂) g²",
        "m̂ = m / (1 − β₁ᵗ)",
        "v̂ = v / (1 − β₂ᵗ)",
        "x ← x − lr m̂ / (√v̂ + ε)",
    ]
    assert first[0].numbers == "0.9 · (0, 0) + 0.1 · (−215.6, −88) = (−21.56, −8.8)"
    assert first[-1].numbers == "(−1.2, 1) − 0.01 · (−215.6, −88) / (215.6, 88) = (−1.19, 1.01)"
    assert second[2].numbers.startswith("(")
    assert " / 0.19 = " in second[2].numbers


def test_a_line_search_tells_how_often_it_shrank_the_step():
    rule, steps = steps_of("ArmijoGD", {}, 1, lr=1.0)
    search, last = rule.written(rule.values, steps[0])
    assert re.fullmatch(r"1 · 0\.5\^\d+ = [\d.e−]+", search.numbers)
    assert last.formula == "x ← x − t g"
    still = steps[0]._replace(led_to=steps[0].x)
    assert "stands still" in rule.written(rule.values, still)[0].numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"), (-0.0, "0"), (-2.5, "−2.5"), (1e-8, "1e−8"), (12345678.0, "1.235e7"),
        (0.123456, "0.1235"),
        (np.inf, "∞"), (-np.inf, "−∞"), (np.nan, "–"), (np.array([1.0, -0.5]), "(1, −0.5)"),
        (np.array([[1.0, 2.0], [3.0, 4.0]]), "((1, 2), (3, 4))"),
    ],
)  # fmt: skip
def test_numbers_have_four_digits_and_a_real_minus(value, text):
    assert shown(value) == text
    assert line("n", "f", "a = {}", value).numbers == f"a = {text}"
