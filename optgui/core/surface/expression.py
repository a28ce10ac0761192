"""Formulas in x and y as a person types them: read against a whitelist, evaluated by torch.

The text is never run. It is cut into known words first, so that every refusal names a column; then
Python's `ast` groups what is left by precedence, and the tree becomes a list of torch operations.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import math
import operator
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

from optgui.core.surface.entry import root

MOST_CHARACTERS = 500
MOST_NESTED = 50
VARIABLES = ("x", "y")
CONSTANTS = {"pi": math.pi, "e": math.e}

Operation = Callable[..., torch.Tensor]  # of tensors and numbers, among them at least one tensor


def _of_all(pairwise: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Operation:
    """Chain a torch function of two tensors over operands of which some may be numbers."""

    def operation(*operands: torch.Tensor | float) -> torch.Tensor:
        like = next(operand for operand in operands if isinstance(operand, torch.Tensor))
        tensors = [o if isinstance(o, torch.Tensor) else like.new_tensor(o) for o in operands]
        return functools.reduce(pairwise, tensors)

    return operation


FUNCTIONS: dict[str, Operation] = {
    "abs": torch.abs,
    "min": _of_all(torch.minimum),
    "max": _of_all(torch.maximum),
    "sqrt": root,
    "exp": torch.exp,
    "log": torch.log,
    "ln": torch.log,
    "sin": torch.sin,
    "cos": torch.cos,
    "tan": torch.tan,
    "asin": torch.asin,
    "acos": torch.acos,
    "atan": torch.atan,
    "sinh": torch.sinh,
    "cosh": torch.cosh,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}
_SEVERAL = ("min", "max")  # two arguments or more; all others take one
_BINARY: dict[type[ast.operator], Operation] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_NAMES = f"x, y, pi, e or a function: {', '.join(FUNCTIONS)}"
_OPERAND = "a number, x, y, pi, e, a function or '('"
_TOKEN = re.compile(
    r"(?P<blank>[ \t]+)|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z_0-9]*)|(?P<mark>\*\*|[-+*/^(),])"
)


class _Call(NamedTuple):
    """One step of a program: `operation` takes `arity` operands from the stack and leaves its value."""

    operation: Operation
    arity: int


_Program = list[float | str | _Call]  # numbers and variables go onto the stack


@dataclasses.dataclass(frozen=True)
class Expression:
    """A formula that has been read; call it with x and y, tensors (...), for its values (...).

    torch differentiates it. Where it is undefined the value is NaN or infinite.
    """

    text: str
    program: tuple[float | str | _Call, ...]

    def __call__(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Value at each point."""
        stack: list[Any] = []
        for item in self.program:
            if isinstance(item, _Call):
                operands = stack[-item.arity :]
                del stack[-item.arity :]
                stack.append(item.operation(*operands))
            else:
                stack.append({"x": x, "y": y}[item] if isinstance(item, str) else item)
        (value,) = stack
        # A formula of numbers alone still wants the shape of x, and a gradient, which is zero.
        return value if isinstance(value, torch.Tensor) else value + 0 * x


@functools.lru_cache(maxsize=64)
def parse(text: str) -> Expression:
    """Read a formula in x and y.

    Numbers, x, y, pi, e, + - * /, ** or ^ for powers, parentheses and FUNCTIONS are known; precedence is
    Python's, so -x**2 is -(x**2) and 2**3**2 is 2**9. Numbers are double precision throughout: 9**9**9 is
    infinite. sqrt has the derivative 0 at 0, abs too; min and max share it between equal arguments.

    Raises:
        ValueError: naming the column, counted from 1, and what is expected there.
    """
    words = _words(text)
    try:
        tree = ast.parse(" ".join(words), mode="eval").body
        return Expression(text, tuple(_program(tree)))
    except (RecursionError, MemoryError, SyntaxError):  # the words are in order: what is left is depth
        raise _refusal(1, "the formula is nested too deeply; expected a simpler one") from None


def _refusal(column: int, reason: str) -> ValueError:
    return ValueError(f"column {column}: {reason}")


def _short(word: str) -> str:
    return repr(word if len(word) <= 20 else word[:17] + "...")


def _words(text: str) -> list[str]:
    """The words of a formula as Python writes them, in an order that is known to be a formula.

    Two states: an operand is due, or an operator. `open_` holds the column, the function's name or an
    empty string, and the number of arguments begun, of each parenthesis not yet closed.
    """
    if len(text) > MOST_CHARACTERS:
        raise _refusal(MOST_CHARACTERS + 1, f"expected at most {MOST_CHARACTERS} characters, got {len(text)}")
    words: list[str] = []
    open_: list[tuple[int, str, int]] = []
    function = ""  # the word before was this function's name
    operand_due = True
    position = 0
    while position < len(text):
        column = position + 1
        found = _TOKEN.match(text, position)
        if found is None:
            raise _refusal(
                column, f"expected numbers, names, + - * / ** ^ ( ) and ',', got {text[position]!r}"
            )
        position, word, kind = found.end(), found.group(), found.lastgroup
        if kind == "blank":
            continue
        if function and word != "(":
            raise _refusal(column, f"expected '(' after {function}, got {_short(word)}")
        if kind == "name" and word not in (*VARIABLES, *CONSTANTS, *FUNCTIONS):
            raise _refusal(column, f"unknown name {_short(word)}; expected {_NAMES}")
        begins = kind != "mark" or word == "("
        if begins and not operand_due and not function:
            raise _refusal(column, f"expected + - * / ** or ')', got {_short(word)}; a product needs its *")
        if not begins and operand_due and word not in "+-":
            raise _refusal(column, f"expected {_OPERAND}, got {word!r}")
        if kind == "number":
            if math.isinf(float(word)):
                raise _refusal(column, f"expected a number below 1.8e308, got {_short(word)}")
            word, operand_due = repr(float(word)), False
        elif kind == "name":
            function = word if word in FUNCTIONS else ""
            operand_due = False
        elif word == "(":
            open_.append((column, function, 1))
            if len(open_) > MOST_NESTED:
                raise _refusal(column, f"expected at most {MOST_NESTED} parentheses within each other")
            function, operand_due = "", True
        elif word == ")":
            if not open_:
                raise _refusal(column, "expected no ')' without its '('")
            _check_arguments(*open_.pop())
        elif word == ",":
            if not open_ or not open_[-1][1]:
                raise _refusal(column, "expected ',' only between the arguments of min and max")
            begun, name, count = open_[-1]
            open_[-1] = (begun, name, count + 1)
            operand_due = True
        else:
            operand_due = True
        words.append("**" if word == "^" else word)
    if function:
        raise _refusal(len(text) + 1, f"expected '(' after {function}, got the end")
    if operand_due:
        raise _refusal(len(text.rstrip()) + 1, f"expected {_OPERAND}, got the end")
    if open_:
        raise _refusal(open_[-1][0], "expected a ')' for this '(', got none")
    return words


def _check_arguments(column: int, name: str, count: int) -> None:
    if name in _SEVERAL and count < 2:
        raise _refusal(column, f"expected two arguments of {name} or more, got {count}")
    if name and name not in _SEVERAL and count != 1:
        raise _refusal(column, f"expected one argument of {name}, got {count}")


def _program(node: ast.expr) -> _Program:
    match node:
        case ast.Constant(value=float(number)):
            return [number]
        case ast.Name(id=name) if name in CONSTANTS:
            return [CONSTANTS[name]]
        case ast.Name(id=name) if name in VARIABLES:
            return [name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _apply(operator.neg, [_program(operand)])
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _program(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _apply(_BINARY[type(op)], [_program(left), _program(right)])
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            return _apply(FUNCTIONS[name], [_program(argument) for argument in arguments])
    raise AssertionError(f"{type(node).__name__} passed the words")


def _apply(operation: Operation, parts: Sequence[_Program]) -> _Program:
    """One more operation; of numbers alone it is done at once, by torch, which overflows to infinity."""
    numbers = [part[0] for part in parts if len(part) == 1 and isinstance(part[0], float)]
    if len(numbers) == len(parts):
        value = operation(*(torch.tensor(number, dtype=torch.float64) for number in numbers))
        return [value.item()]
    return [item for part in parts for item in part] + [_Call(operation, len(parts))]
