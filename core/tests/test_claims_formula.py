"""Formulas as text: what they give, what they enclose, and what is no formula."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from consilience.claims.formula import Range, evaluate, interval, names_in, printed
from consilience.claims.stated import Stated
from consilience.errors import BadInputError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("-2 ** 2", -4.0),
        ("2 ** -1", 0.5),
        ("7 % 3", 1.0),
        ("sqrt(16) + abs(-3) - max(1, 2) + min(4, 5)", 9.0),
        ("log(exp(2))", 2.0),
        ("2 * pi / 1.49", 2 * math.pi / 1.49),
    ],
)
def test_arithmetic(text: str, value: float) -> None:
    assert evaluate(text, {}) == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').getcwd()",
        "a.b",
        "a[0]",
        "lambda: 1",
        "'text'",
        "True",
        "1 if a else 2",
        "open(a)",
        "sqrt()",
        "sqrt(1, 2)",
        "sqrt(x=1)",
        "a < b",
        "1e200",
        "1 +",
        "",
        "(" * 60 + "1" + ")" * 60 + " + " + "-" * 60 + "1",
        "1 + " * 150 + "1",
    ],
)
def test_what_is_no_formula(text: str) -> None:
    with pytest.raises(BadInputError, match="formula"):
        evaluate(text, {"a": 1.0, "b": 2.0})


def test_names_are_those_of_numbers() -> None:
    assert names_in("max(a, 2 * pi / q) - sqrt(a)") == {"a", "q"}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("1 / a", ZeroDivisionError),
        ("sqrt(a - 1)", ValueError),
        ("2 ** b", ValueError),
        ("a % 2", ValueError),
        ("(a - 1) ** 0.5", ValueError),
        ("exp(exp(exp(b)))", OverflowError),
    ],
)
def test_what_cannot_be_computed(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        interval(text, {"a": Range(-0.5, 0.5), "b": Range(5.0, 6.0)})


@pytest.mark.parametrize(
    "text",
    [
        "100 * ((a - b) / (c - d) - 1)",
        "abs(a - c) ** 2 - d",
        "(a - c) ** 2 / b",
        "max(a / b, c / d) - min(a, c)",
        "a / (a + b)",
        "sqrt(a) * log(b + c) ** 3 / exp(-d)",
        "-(a - b) ** 3 / c ** -2",
    ],
)
def test_an_interval_holds_every_value_and_no_more_where_each_name_stands_once(text: str) -> None:
    rng = np.random.default_rng(3)
    ranges = {
        n: Range.around(v, 0.05) for n, v in zip("abcd", (1.01, 0.26, 1.03, 0.66), strict=True)
    }
    found = interval(text, ranges)
    corners = [
        evaluate(text, dict(zip(ranges, ends, strict=True)))
        for ends in itertools.product(*((r.low, r.high) for r in ranges.values()))
    ]
    inside = [
        evaluate(text, {n: float(rng.uniform(r.low, r.high)) for n, r in ranges.items()})
        for _ in range(300)
    ]
    assert found.low <= min(corners + inside) + 1e-12
    assert found.high >= max(corners + inside) - 1e-12
    if text.startswith("100"):
        assert (found.low, found.high) == pytest.approx((min(corners), max(corners)))


def test_a_formula_as_it_is_read() -> None:
    said = printed("100 * (1 - x_slow / x_fast) ** 2 + pi", {"x_slow": "0.26", "x_fast": "0.66"})
    assert said == "100 × (1 − 0.26/0.66)^2 + π"
    assert printed("e * 1e-5 / pi", {"e": "7"}) == "7 × 1e−05/π"


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("61", 60.5, 61.5),
        ("13.4", 13.35, 13.45),
        ("-0.0132", -0.01325, -0.01315),
        ("\N{MINUS SIGN}2", -2.5, -1.5),
        ("1.75e-4", 1.745e-4, 1.755e-4),
        ("> 2", 2.0, math.inf),
        ("<= 0.01", -math.inf, 0.01),
    ],
)
def test_what_is_printed_so(text: str, low: float, high: float) -> None:
    stated = Stated.read(text)
    assert (stated.low, stated.high) == pytest.approx((low, high))


def test_bounds_that_do_not_count_themselves() -> None:
    assert not Stated.read("> 0").holds(0.0)
    assert not Stated.read("> 0").reached(0.0, 0.0)
    assert Stated.read(">= 0").holds(0.0)
    assert Stated.read("> 0").reached(-1.0, 1e-9)


@pytest.mark.parametrize("text", ["about 61", "61 %", "1/2", "nan", "inf", "> x", "", "1,5"])
def test_what_is_no_figure(text: str) -> None:
    with pytest.raises(BadInputError, match="no figure"):
        Stated.read(text)
