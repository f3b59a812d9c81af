"""Formulas as text: arithmetic of named numbers, with intervals, and nothing else.

A formula is parsed into Python's syntax tree and walked here; nothing is ever executed.
Interval arithmetic [1]_ encloses every value that the formula can take while each number stays in
its interval.  A number that stands in a formula twice is taken as two, so that the enclosure may be
wider than it must be, never narrower.

References
----------
.. [1] R. E. Moore, Interval Analysis (1966), ch. 2.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from consilience.errors import BadInputError

__all__ = ["FUNCTIONS", "Range", "evaluate", "interval", "names_in", "parsed", "printed"]

LONGEST = 400
DEEPEST = 40
LARGEST_POWER = 16.0
CONSTANTS = {"pi": math.pi}


@dataclass(frozen=True)
class Range:
    """An interval of numbers, low <= high."""

    low: float
    high: float

    @classmethod
    def around(cls, value: float, half: float = 0.0) -> Range:
        """Return value ± half."""
        return cls(value - half, value + half)

    def _of(self, *values: float) -> Range:
        return Range(min(values), max(values))

    def plus(self, other: Range) -> Range:
        """Return the sum."""
        return Range(self.low + other.low, self.high + other.high)

    def minus(self, other: Range) -> Range:
        """Return the difference."""
        return Range(self.low - other.high, self.high - other.low)

    def times(self, other: Range) -> Range:
        """Return the product."""
        ends = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        return self._of(*ends)

    def over(self, other: Range) -> Range:
        """Return the quotient; an interval that holds 0 divides nothing."""
        if other.low <= 0.0 <= other.high:
            raise ZeroDivisionError("the divisor can be zero")
        return self.times(Range(1.0 / other.high, 1.0 / other.low))

    def power(self, other: Range) -> Range:
        """Return the power with one exponent; a negative base takes whole exponents only."""
        if other.low != other.high:
            raise ValueError("an exponent has to be one number")
        exponent = other.low
        if abs(exponent) > LARGEST_POWER:
            raise ValueError(f"an exponent of {exponent:g} is larger than {LARGEST_POWER:g}")
        if exponent < 0.0:
            return Range(1.0, 1.0).over(self.power(Range(-exponent, -exponent)))
        if self.low < 0.0 and not exponent.is_integer():
            raise ValueError("a root of a number that can be negative")
        ends = self._of(self.low**exponent, self.high**exponent)
        if self.low < 0.0 < self.high and exponent % 2.0 == 0.0 and exponent > 0.0:
            return Range(0.0, ends.high)
        return ends

    def remainder(self, other: Range) -> Range:
        """Return the remainder of two numbers that are known exactly."""
        if self.low != self.high or other.low != other.high:
            raise ValueError("a remainder of numbers that are rounded")
        return Range.around(math.fmod(self.low, other.low))


def _absolute(one: Range) -> Range:
    low = 0.0 if one.low <= 0.0 <= one.high else min(abs(one.low), abs(one.high))
    return Range(low, max(abs(one.low), abs(one.high)))


def _smallest(*all_: Range) -> Range:
    return Range(min(r.low for r in all_), min(r.high for r in all_))


def _largest(*all_: Range) -> Range:
    return Range(max(r.low for r in all_), max(r.high for r in all_))


def _rising(function: Callable[[float], float]) -> Callable[..., Range]:
    def apply(one: Range) -> Range:
        return Range(function(one.low), function(one.high))

    return apply


FUNCTIONS: dict[str, Callable[..., Range]] = {
    "abs": _absolute,
    "exp": _rising(math.exp),
    "log": _rising(math.log),
    "max": _largest,
    "min": _smallest,
    "sqrt": _rising(math.sqrt),
}
"""What a formula may call."""

_BINARY: dict[type[ast.operator], Callable[[Range, Range], Range]] = {
    ast.Add: Range.plus,
    ast.Sub: Range.minus,
    ast.Mult: Range.times,
    ast.Div: Range.over,
    ast.Pow: Range.power,
    ast.Mod: Range.remainder,
}


def parsed(text: str) -> ast.expr:
    """Return the tree of a formula.

    Raises
    ------
    BadInputError
        It is too long, no formula, or uses what no formula may.
    """
    fix = f"write numbers, names, + - * / ** %, brackets and {', '.join(FUNCTIONS)}"
    if len(text) > LONGEST:
        raise BadInputError(f"a formula of {len(text)} characters", fix=f"at most {LONGEST}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadInputError(f"{text!r} is no formula: {error}", fix=fix) from error
    try:
        _check(tree, 0)
    except ValueError as error:
        raise BadInputError(f"formula {text!r}: {error}", fix=fix) from error
    return tree


def _check(node: ast.expr, depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError(f"brackets deeper than {DEEPEST}")
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            if not abs(value) <= 1e100:
                raise ValueError("a number beyond 1e100")
        case ast.Name():
            pass
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            _check(left, depth + 1)
            _check(right, depth + 1)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            _check(operand, depth + 1)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if (
            name in FUNCTIONS and arguments
        ):
            if name not in ("min", "max") and len(arguments) != 1:
                raise ValueError(f"{name}() takes one number")
            for argument in arguments:
                _check(argument, depth + 1)
        case _:
            raise ValueError(f"{ast.unparse(node)!r} is not allowed in it")


def names_in(text: str) -> set[str]:
    """Return the names of the numbers that a formula takes."""
    tree = parsed(text)
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    return names - set(FUNCTIONS) - set(CONSTANTS)


def interval(text: str, numbers: Mapping[str, Range]) -> Range:
    """Return what a formula encloses while each number stays in its interval.

    Raises
    ------
    ArithmeticError, ValueError
        It divides by an interval that holds zero, takes the root of a negative number, ….
    """
    found = _walk(parsed(text), numbers)
    if not (math.isfinite(found.low) and math.isfinite(found.high)):
        raise OverflowError("the result is beyond all numbers")
    return found


def evaluate(text: str, numbers: Mapping[str, float]) -> float:
    """Return the value of a formula."""
    return interval(text, {name: Range.around(value) for name, value in numbers.items()}).low


def _walk(node: ast.expr, numbers: Mapping[str, Range]) -> Range:
    match node:
        case ast.Constant(value=value):
            return Range.around(float(value))  # type: ignore[arg-type]
        case ast.Name(id=name):
            return Range.around(CONSTANTS[name]) if name in CONSTANTS else numbers[name]
        case ast.BinOp(left=left, op=op, right=right):
            return _BINARY[type(op)](_walk(left, numbers), _walk(right, numbers))
        case ast.UnaryOp(op=op, operand=operand):
            one = _walk(operand, numbers)
            return Range(-one.high, -one.low) if isinstance(op, ast.USub) else one
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return FUNCTIONS[name](*(_walk(a, numbers) for a in arguments))
        case _:  # pragma: no cover  _check lets nothing else through
            raise ValueError(ast.unparse(node))


_WORD = re.compile(r"\b[A-Za-z_]\w*")  # not the e of 1e-05


def printed(text: str, words: Mapping[str, str]) -> str:
    """Return a formula as it is read, with the numbers in place of their names."""
    tree = ast.unparse(parsed(text))
    filled = _WORD.sub(lambda m: words.get(m[0], m[0]), tree)
    for sign, shown in ((" ** ", "^"), (" * ", " × "), (" - ", " − "), (" / ", "/")):
        filled = filled.replace(sign, shown)
    return filled.replace("pi", "π").replace("-", "−")
