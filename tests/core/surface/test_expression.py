"""Typed formulas: what they mean, how they are refused, and that nothing else ever happens."""

import inspect
import re
import sys

import numpy as np
import pytest
import torch

from optgui.core.surface import DescentConfig, DescentEngine, SurfaceConfig, levels, sample, shade
from optgui.core.surface.expression import FUNCTIONS, parse

VALUES = torch.rand(2, 50, generator=torch.Generator().manual_seed(4), dtype=torch.float64) * 4 - 2


def value_and_gradient(function, x, y):
    x, y = x.clone().requires_grad_(), y.clone().requires_grad_()
    value = function(x, y)
    return value.detach(), torch.autograd.grad(value.sum(), (x, y), materialize_grads=True)


# The same formula written by hand for torch.
WRITTEN = {
    "x**2 + 10*sin(y)": lambda x, y: x**2 + 10 * torch.sin(y),
    "(1 - x)^2 + 100*(y - x^2)^2": lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2,
    "-x^2": lambda x, y: -(x**2),
    "+x - -y": lambda x, y: x + y,
    "2^-x": lambda x, y: 2.0**-x,
    "2**3**2 * x": lambda x, y: 512 * x,
    "x - y - 1": lambda x, y: (x - y) - 1,
    "x / y / 2": lambda x, y: x / (2 * y),
    "x*y^2": lambda x, y: x * (y * y),
    "y": lambda x, y: y,
    "pi*x + e": lambda x, y: np.pi * x + np.e,
    "1e2*x + .5*y + 2.": lambda x, y: 100 * x + 0.5 * y + 2,
    "max(x, y, 0.5)": lambda x, y: torch.maximum(torch.maximum(x, y), torch.tensor(0.5)),
    "min(x, 1) + min(2, 3)": lambda x, y: x.clamp(max=1) + 2,
    "abs(x) + sqrt(x*x + y*y)": lambda x, y: x.abs() + torch.hypot(x, y),
    "exp(x) * log(3 + y) / ln(2)": lambda x, y: torch.exp(x) * torch.log(3 + y) / np.log(2),
    "cos(x) + tan(y/2)": lambda x, y: torch.cos(x) + torch.sin(y / 2) / torch.cos(y / 2),
    "sinh(x) + cosh(y)": lambda x, y: (torch.exp(x) - torch.exp(-x) + torch.exp(y) + torch.exp(-y)) / 2,
    "tanh(x) + sigmoid(y)": lambda x, y: 2 / (1 + torch.exp(-2 * x)) - 1 + 1 / (1 + torch.exp(-y)),
    "asin(x/3) + acos(y/3) + atan(x)": lambda x, y: (
        torch.arcsin(x / 3) + np.pi / 2 - torch.arcsin(y / 3) + torch.arctan(x)
    ),
    "(x^2)^(1/2 + y*0)": lambda x, y: x.abs(),
}


@pytest.mark.parametrize("text", WRITTEN)
def test_value_and_gradient_equal_those_of_the_formula_written_by_hand(text):
    found = value_and_gradient(parse(text), *VALUES)
    torch.testing.assert_close(found, value_and_gradient(WRITTEN[text], *VALUES), rtol=1e-12, atol=1e-12)


def test_every_function_occurs_in_a_formula_written_by_hand():
    used = {name for text in WRITTEN for name in re.findall(r"[a-z]+", text)}
    assert set(FUNCTIONS) <= used


def random_formula(rng, depth):
    if depth == 0 or rng.random() < 0.15:
        return str(rng.choice(["x", "y", "pi", "e", "2", "0.5", "3."]))
    one, other = (random_formula(rng, depth - 1) for _ in range(2))
    forms = [f"{one}+{other}", f"{one} - {other}", f"{one}*{other}", f"({one})", f"-{one}",
             f"{one}/(2+cos({other}))", f"sin({one})", f"tanh({one})", f"({one})^2",
             f"({one})**3", f"max({one}, {other})"]  # fmt: skip
    return str(rng.choice(forms))


def test_random_formulas_have_the_values_that_python_and_numpy_give_them():
    rng = np.random.default_rng(0)
    names = {"x": VALUES[0].numpy(), "y": VALUES[1].numpy(), "pi": np.pi, "e": np.e,
             "sin": np.sin, "cos": np.cos, "tanh": np.tanh, "max": np.maximum}  # fmt: skip
    for _ in range(300):
        text = random_formula(rng, 4)
        expected = eval(text.replace("^", "**"), {"__builtins__": {}}, names)
        found = parse(text)(*VALUES).numpy()
        np.testing.assert_allclose(found, np.broadcast_to(expected, 50), rtol=1e-9, atol=1e-9, err_msg=text)


# `...` stands for any words.
REFUSED = {
    "": "column 1: expected a number, x, y, pi, e, a function or '(', got the end",
    "   ": "column 1: expected a number, ... got the end",
    "x+": "column 3: expected a number, ... got the end",
    "x + )": "column 5: expected a number, ... got ')'",
    "()": "column 2: expected a number, ... got ')'",
    "x // y": "column 4: expected a number, ... got '/'",
    "x * *y": "column 5: expected a number, ... got '*'",
    "x + foo": "column 5: unknown name 'foo'; expected x, y, pi, e or a function: abs, ...cos",
    "xy": "column 1: unknown name 'xy'",
    "X": "column 1: unknown name 'X'",
    "lambda: x": "column 1: unknown name 'lambda'",
    "x if y else x": "column 3: unknown name 'if'",
    "__import__('os')": "column 1: unknown name '__import__'",
    "0x10": "column 2: unknown name 'x10'",
    "1_000": "column 2: unknown name '_000'",
    "a" * 300: "column 1: unknown name 'aaaaaaaaaaaaaaaaa...'",
    "2x": "column 2: expected ..., got 'x'; a product needs its *",
    "2 (x)": "column 3: expected ..., got '('; a product needs its *",
    "x y": "column 3: expected ..., got 'y'",
    "x 2": "column 3: expected ..., got '2'",
    "(x)(y)": "column 4: expected ..., got '('",
    "sin(x)(y)": "column 7: expected ..., got '('",
    "x(y)": "column 2: expected ..., got '('",
    "sin x": "column 5: expected '(' after sin, got 'x'",
    "sin": "column 4: expected '(' after sin, got the end",
    "sin(cos)": "column 8: expected '(' after cos, got ')'",
    "sin()": "column 5: expected a number, ... got ')'",
    "sin(x, y)": "column 4: expected one argument of sin, got 2",
    "max(x)": "column 4: expected two arguments of max or more, got 1",
    "max(x,)": "column 7: expected a number, ... got ')'",
    "x, y": "column 2: expected ',' only between the arguments of min and max",
    "max(x, (y, 1))": "column 10: expected ',' only between",
    "(x": "column 1: expected a ')' for this '(', got none",
    "(x + (y)": "column 1: expected a ')' for this '('",
    "x)": "column 2: expected no ')' without its '('",
    "x) + (y": "column 2: expected no ')'",
    "x.real": "column 2: expected numbers, names, + - * / ** ^ ( ) and ',', got '.'",
    "x < y": "column 3: expected numbers, names, ... got '<'",
    "x == y": "column 3: expected ... got '='",
    "(x := 3)": "column 4: expected ... got ':'",
    "'x'": 'column 1: expected ... got "\'"',
    "x[0]": "column 2: expected ... got '['",
    "{x}": "column 1: expected ... got '{'",
    "x % 2": "column 3: expected ... got '%'",
    "x\ny": "column 2: expected ... got '\\n'",
    "x # y": "column 3: expected ... got '#'",
    "x²": "column 2: expected ... got '²'",
    "π": "column 1: expected ... got 'π'",
    "ｘ": "column 1: expected ... got 'ｘ'",
    "٣": "column 1: expected ... got '٣'",
    "\ud800": "column 1: expected ... got",
    "x\0": "column 2: expected ... got",
    "x + 1e999": "column 5: expected a number below 1.8e308, got '1e999'",
    "9" * 400: "column 1: expected a number below 1.8e308, got '99999999999999999...'",
    "x" + " " * 500: "column 501: expected at most 500 characters, got 501",
    "(" * 499: "column 51: expected at most 50 parentheses within each other",
}


@pytest.mark.parametrize(("text", "sentence"), REFUSED.items(), ids=range(len(REFUSED)))
def test_a_text_that_is_no_formula_is_refused_with_its_column(text, sentence):
    pattern = ".*".join(re.escape(part) for part in sentence.split("..."))
    with pytest.raises(ValueError, match=f"^{pattern}"):
        parse(text)


def test_a_config_puts_the_field_in_front_of_the_column():
    with pytest.raises(ValueError, match=r"^text: column 3: expected a number"):
        SurfaceConfig.parse({"name": "Formula", "text": "x+"})
    with pytest.raises(ValueError, match=r"^surface\.text: column 5: unknown name 'foo'"):
        DescentConfig.parse({"surface": {"name": "Formula", "text": "x + foo"}})
    with pytest.raises(ValueError, match=r"^text: expected text, got 5"):
        SurfaceConfig.parse({"name": "Formula", "text": 5})


def test_a_formula_is_a_surface_by_its_text_alone():
    config = SurfaceConfig.parse({"name": "Formula", "text": "x * y"})
    assert config.value(3.0, -2.0) == -6
    assert config.formula == "x * y"
    assert config.changed("text", "x^y").value(3.0, 2.0) == 9
    with pytest.raises(ValueError, match="text: column 2"):
        config.changed("text", "x!")


ALPHABETS = {
    "characters": [*"xye0129.+-*/^(),= \t'\"\\[]{}:;_@#%&|<>~!?`$²−πｘ\n\0", "\ud83d"],
    "words": [
        "x",
        "y",
        "pi",
        "e",
        "sin",
        "max",
        "(",
        ")",
        ",",
        "+",
        "-",
        "*",
        "**",
        "^",
        "/",
        "9",
        "1e300",
        "0",
    ],
}


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_random_text_is_a_formula_or_refused_and_nothing_else(alphabet):
    rng = np.random.default_rng(1)
    refusals = []
    for _ in range(400):
        text = "".join(rng.choice(ALPHABETS[alphabet], size=rng.integers(1, 12)))
        try:
            expression = parse(text)
        except ValueError as error:
            refusals.append(str(error))
            continue
        values, slopes = value_and_gradient(expression, *VALUES)
        assert all(result.shape == (50,) for result in (values, *slopes))
    assert 0 < len(refusals) < 400
    assert [sentence for sentence in refusals if not re.match(r"column \d+: .*expected", sentence)] == []


@pytest.mark.parametrize(
    "text", ["-" * 499 + "x", "x" + "**x" * 166, "x" + "+x" * 249, "(" * 50 + "x" + ")" * 50]
)
def test_long_chains_are_read_or_refused_as_too_deep(text):
    assert parse(text)(*VALUES).shape == (50,)


def test_a_chain_deeper_than_what_is_left_of_pythons_stack_is_refused():
    def at_depth(depth):
        return at_depth(depth - 1) if depth else parse("-" * 489 + "y")

    free = sys.getrecursionlimit() - len(inspect.stack())
    with pytest.raises(ValueError, match="column 1: the formula is nested too deeply"):
        at_depth(free - 200)


@pytest.mark.parametrize(
    ("text", "value"),
    [("9**9**9", np.inf), ("-9^9^9", -np.inf), ("1/0", np.inf), ("0/0", np.nan), ("log(-1)", np.nan),
     ("sqrt(-1)", np.nan), ("0*9**9**9", np.nan), ("max(1, 2, 3)", 3), ("sqrt(16)", 4)],
)  # fmt: skip
def test_numbers_are_double_precision_and_overflow_to_infinity(text, value):
    values, slopes = value_and_gradient(parse(text), *VALUES)
    np.testing.assert_array_equal(values, np.full(50, value))
    assert all((slope == 0).all() for slope in slopes)


def test_cones_have_the_slope_zero_at_their_tip():
    tip = torch.zeros(1, dtype=torch.float64)
    for text in ("sqrt(x^2 + y^2)", "abs(x) + abs(y)", "max(x, -x) + max(y, -y)"):
        value, slopes = value_and_gradient(parse(text), tip, tip)
        assert (value, *slopes) == (0, 0, 0)


def test_a_formula_takes_points_of_any_shape_and_keeps_their_type():
    config = SurfaceConfig.parse({"name": "Formula", "text": "max(x, 0) + 7"})
    assert config.evaluate(torch.ones(2, 3, 2)).tolist() == [[8.0] * 3] * 2
    assert config.evaluate(torch.ones(2)).dtype == torch.float32
    constant = SurfaceConfig.parse({"name": "Formula", "text": "7"})
    assert constant.evaluate(torch.ones(2, 3, 2)).tolist() == [[7.0] * 3] * 2


@pytest.mark.parametrize(
    "text", ["log(x)", "1/x", "sqrt(1 - x^2 - y^2)", "9^9^9", "0/0", "1e308*x", "1e-320*exp(x)", "7"]
)
def test_a_picture_of_a_formula_leaves_out_what_is_not_finite(text):
    config = SurfaceConfig.parse({"name": "Formula", "text": text})
    grid = sample(config, 41, 41)
    x, y = torch.tensor(grid.x), torch.tensor(grid.y)
    values = parse(text)(x.expand(41, 41), y[:, None].expand(41, 41)).numpy()
    np.testing.assert_array_equal(grid.z, np.where(np.abs(values) < 1e300, values, np.nan))
    found, shades = levels(grid, 8), shade(grid)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(np.isnan(shades), np.isnan(grid.z))


@pytest.mark.parametrize(
    ("text", "log_levels"),
    [("(1 - x)^2 + 100*(y - x^2)^2", True), ("exp(x) + exp(y)", True), ("x^2 + 10*sin(y)", False),
     ("x", False), ("x^2 - y^2", False), ("3", False), ("0/0", False)],
)  # fmt: skip
def test_a_formula_gets_log_levels_when_most_of_it_is_low_also_when_zoomed(text, log_levels):
    config = SurfaceConfig.parse({"name": "Formula", "text": text})
    assert sample(config, 5, 5).log_levels is log_levels
    assert sample(config, 5, 5, ((0.9, 1.1), (0.9, 1.1))).log_levels is log_levels


@pytest.mark.parametrize(
    "text", ["sqrt(x)", "log(x)", "-exp(x*x)", "7", "x^2 + 10*sin(y)", "abs(x)^0.5 + y^2"]
)
def test_a_race_on_a_formula_ends_or_is_marked_as_diverged(text):
    racers = [{"optimizer": {"name": name, "lr": lr}} for name in ("SGD", "Adam") for lr in (0.1, 10.0)]
    surface = {"name": "Formula", "text": text}
    engine = DescentEngine(DescentConfig.parse({"surface": surface, "steps": 60, "racers": racers}))
    while not engine.done:
        engine.step()
    frame = engine.frame()
    assert np.isfinite(frame.paths).all()
    assert np.isfinite(frame.losses).all()
    left = {"sqrt(x)", "log(x)", "-exp(x*x)"}
    assert any(step is not None for step in frame.diverged) == (text in left)


def test_a_start_where_the_formula_is_not_finite_is_refused():
    config = DescentConfig.parse({"surface": {"name": "Formula", "text": "log(x)"}, "start": [-1, 0]})
    with pytest.raises(ValueError, match="start: expected a point where Formula is finite"):
        DescentEngine(config)
