"""Spectra for the tests: drawn from isotope patterns with a seed, and the measured Si.pos."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from consilience_apt.files.layout import FileSource
from consilience_apt.files.range_files import read_ranges
from consilience_apt.files.reading import pos_layout
from consilience_apt.files.stream import IonSource, array_source
from consilience_apt.ions import Ion, isotopologues
from consilience_apt.masses.spectrum import MassSpectrum, measure_spectrum
from consilience_apt.ranges import RangeTable


def drawn(
    amounts: dict[str, float],
    quiet: int = 100_000,
    resolving: float = 1000.0,
    seed: int = 1,
    tail: float = 0.0,
) -> IonSource:
    """Poisson counts of each isotopologue, Gaussian in mass, over flat time of flight to 100 Da.

    With `tail` three ions of ten come late, by an exponential of that relative length.
    """
    chance = np.random.default_rng(seed)
    parts = [(chance.random(quiet) * 10.0) ** 2]
    for name, amount in amounts.items():
        for one in isotopologues(Ion.parse(name), 1e-8):
            number = chance.poisson(amount * one.abundance)
            shape = 1 + chance.normal(0.0, 1 / resolving / 2.3548, number)
            if tail:
                shape += chance.exponential(tail, number) * (chance.random(number) < 0.3)
            parts.append(one.mass_to_charge * shape)
    mass = np.concatenate(parts)
    none = np.zeros(mass.size)
    return array_source(none, none, none, mass)


@cache
def silicon(data: Path) -> tuple[MassSpectrum, RangeTable]:
    """Si.pos counted with Si.RRNG."""
    table = read_ranges(data / "apt" / "Si.RRNG")
    path = data / "apt" / "Si.pos"
    source = FileSource(path, pos_layout(path.stat().st_size // 16))
    return measure_spectrum(source, table), table
