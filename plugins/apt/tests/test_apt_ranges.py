"""Ranges: labels against searchsorted, to the last bit of each edge; species; charges."""

from __future__ import annotations

import timeit

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consilience.errors import BadInputError
from consilience_apt.ions import Ion
from consilience_apt.ranges import Range, RangeTable, assign_charges


def table_of(edges: np.ndarray) -> RangeTable:
    return RangeTable([Range(float(low), float(high)) for low, high in edges.reshape(-1, 2)])


def expected(edges: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """Half-open ranges by binary search in float64."""
    step = np.searchsorted(edges, mass.astype(np.float64), side="right")
    return np.where(step % 2 == 1, (step + 1) // 2, 0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.floats(0.001, 700.0, allow_subnormal=False),
        min_size=2,
        max_size=60,
        unique_by=np.float32,
    )
)
def test_edges_are_exact(values: list[float]) -> None:
    edges = np.sort(values)[: len(values) // 2 * 2]
    near = edges.astype(np.float32)
    mass = np.concatenate(
        [near, np.nextafter(near, np.float32(0)), np.nextafter(near, np.float32(1e9))]
    )
    np.testing.assert_array_equal(table_of(edges).labels(mass), expected(edges, mass))


def test_touching_ranges_share_no_ion() -> None:
    table = table_of(np.array([1.0, 2.0, 2.0, 3.0]))
    mass = np.array([0.5, 1.0, 1.9999999, 2.0, 2.9999998, 3.0], np.float32)
    assert table.labels(mass).tolist() == [0, 1, 1, 2, 2, 0]


def test_masses_that_are_none_are_unranged() -> None:
    mass = np.array([np.nan, np.inf, -np.inf, -5.0, 0.0, 1e-40, 3e38, 5.0], np.float32)
    assert table_of(np.array([4.0, 6.0])).labels(mass).tolist() == [0] * 7 + [1]


def test_labels_of_many_ions_are_right_and_fast() -> None:
    chance = np.random.default_rng(3)
    edges = np.sort(chance.uniform(1.0, 100.0, 50))
    peaks = chance.choice([1.0, 14.0, 28.0, 58.0], 2_000_000)
    mass = np.where(
        chance.random(peaks.size) < 0.7,
        peaks + chance.normal(0.0, 0.03, peaks.size),
        chance.uniform(-1.0, 150.0, peaks.size),
    ).astype(np.float32)
    table, out = table_of(edges), np.empty(mass.size, np.uint8)
    assert table.labels(mass, out) is out
    np.testing.assert_array_equal(out, expected(edges, mass))
    ours = min(timeit.repeat(lambda: table.labels(mass, out), number=1, repeat=5))
    search = min(
        timeit.repeat(lambda: np.searchsorted(edges, mass, side="right"), number=1, repeat=3)
    )
    assert search > 5.0 * ours, f"{search / ours:.1f} times as fast as searchsorted"


def test_species_elements_and_stoichiometry() -> None:
    table = RangeTable(
        [
            Range(57.8, 61.2, Ion.parse("Cr2O++")),
            Range(13.9, 14.2, Ion.parse("Si++")),
            Range(27.9, 28.6, Ion.parse("Si+")),
            Range(100.0, 101.0, None, label="noise"),
        ]
    )
    assert [ion.name for ion in table.ions] == ["Si", "Cr2O"]
    assert table.species.tolist() == [0, 1, 1, 2, 0]
    assert table.elements == ["Si", "Cr", "O"]
    assert table.stoichiometry.tolist() == [[1, 0, 0], [0, 2, 1]]
    again = RangeTable.from_json(table.to_json())
    assert again == table
    assert again.ranges == table.ranges
    assert hash(again) == hash(table)


def test_all_faults_are_listed_at_once() -> None:
    with pytest.raises(BadInputError) as caught:
        RangeTable(
            [
                Range(5.0, 4.0, line=3),
                Range(float("nan"), 2.0, line=1),
                Range(6.0, 7.0, line=4),
                Range(6.5, 6.6, line=5),
                Range(8.0, 8.0, line=6),
                Range(-1.0, 0.5, line=7),
                Range(6.9, 7.1, line=8),
                Range(50.0, 1e300, line=9),
            ],
            "a.rrng",
        )
    for part in (
        "a.rrng: an edge is not finite: nan to 2 Da, unidentified (line 1)",
        "reversed: 5 to 4 Da, unidentified (line 3)",
        "overlap: 6.5 to 6.6 Da, unidentified (line 5), with 6 to 7 Da, unidentified (line 4)",
        "empty: 8 to 8 Da",
        "an edge is beyond 10000 Da: 50 to 1e+300 Da",
        "an edge is negative: -1 to 0.5 Da",
        "overlap: 6.9 to 7.1 Da, unidentified (line 8), with 6 to 7 Da",
    ):
        assert part in caught.value.what
    assert caught.value.line == 1


@pytest.mark.parametrize("number", [0, 255])
def test_too_few_and_too_many(number: int) -> None:
    with pytest.raises(BadInputError, match=r"there is no range|255 ranges, at most 254"):
        RangeTable([Range(i + 0.1, i + 0.2) for i in range(number)])


@pytest.mark.parametrize("value", [None, {}, {"ranges": [{}], "source": ""}, {"ranges": 3}])
def test_json_of_another_form(value: object) -> None:
    with pytest.raises(BadInputError, match="these are no ranges as they are kept"):
        RangeTable.from_json(value)


def test_charges_are_taken_from_the_isotopes_where_one_fits() -> None:
    table, said = assign_charges(
        RangeTable(
            [
                Range(13.9, 14.2, Ion.parse("Si")),
                Range(27.9, 28.6, Ion.parse("Si")),
                Range(57.8, 61.2, Ion.parse("Cr2O")),
                Range(40.0, 40.1, Ion.parse("Si")),
                Range(5.0, 13.0, Ion.parse("C")),
                Range(98.0, 99.0, Ion.parse("Tc")),
            ]
        )
    )
    assert [one.ion.name for one in table.ranges if one.ion] == [
        "C", "Si++", "Si+", "Si", "Cr2O++", "Tc",
    ]  # fmt: skip
    assert len(said) == 3
