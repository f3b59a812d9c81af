"""Reference patterns: hkl, d, q, 2theta, relative intensity, multiplicity; cached by content."""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from consilience.errors import BadInputError
from consilience_xrd.axes import check_wavelength, q_to_two_theta
from consilience_xrd.references.phases import PhaseCell

__all__ = [
    "Line",
    "ReferencePattern",
    "allowed_hkl",
    "compute_pattern",
    "forbidden_lines",
    "hkl_text",
    "is_allowed",
    "line_q",
    "reference_pattern",
]

_FORMAT = 3
FULL_REACH = 6.0
"""q [1/angstrom] up to which the strongest line of a phase is looked for."""
LEAST_SHARE = 1e-4
"""Weaker lines, relative to the strongest, are rounding noise or never seen."""


@dataclass(frozen=True)
class Line:
    """One powder line.

    Attributes
    ----------
    hkl : tuple of int
        Three indices, four for hexagonal cells.
    q, d, two_theta : float
        [1/angstrom], [angstrom], [deg].
    intensity : float
        Relative to the strongest line of the computed range = 100.
    multiplicity : int
        Of all families that fall on this q.
    q_std : float
        Standard deviation from the cell's [1/angstrom].
    """

    hkl: tuple[int, ...]
    q: float
    d: float
    two_theta: float
    intensity: float
    multiplicity: int
    q_std: float

    @property
    def label(self) -> str:
        """Indices as text, as in ``20-2``."""
        return hkl_text(self.hkl)


@dataclass(frozen=True)
class ReferencePattern:
    """The lines of one phase for one wavelength, by increasing q."""

    phase: PhaseCell
    wavelength: float
    q_range: tuple[float, float]
    lines: tuple[Line, ...]
    pymatgen_version: str

    @property
    def strongest(self) -> Line | None:
        """The strongest line in range, if there is one."""
        return max(self.lines, key=lambda line: line.intensity, default=None)

    def table(self) -> list[dict[str, Any]]:
        """Rows of hkl, d, 2theta, q, relative intensity and multiplicity."""
        return [
            {
                "hkl": line.label,
                "d (angstrom)": line.d,
                "2theta (deg)": line.two_theta,
                "q (1/angstrom)": line.q,
                "relative intensity": line.intensity,
                "multiplicity": line.multiplicity,
            }
            for line in self.lines
        ]


def hkl_text(hkl: tuple[int, ...]) -> str:
    """Indices without separators where each is one digit, else with spaces."""
    if all(abs(i) < 10 for i in hkl):
        return "".join(str(i) for i in hkl)
    return " ".join(str(i) for i in hkl)


def _three(hkl: tuple[int, ...]) -> tuple[int, int, int]:
    return (hkl[0], hkl[1], hkl[3]) if len(hkl) == 4 else (hkl[0], hkl[1], hkl[2])


def line_q(phase: PhaseCell, hkl: tuple[int, ...]) -> float:
    """Q [1/angstrom] of `hkl` for the cell of `phase`, allowed or not."""
    return _q_of(phase.cell, _three(hkl))


def _reciprocal(cell: tuple[float, ...]) -> np.ndarray[Any, np.dtype[np.float64]]:
    a, b, c = cell[:3]
    ca, cb, cg = (math.cos(math.radians(v)) for v in cell[3:6])
    metric = np.array(
        [
            [a * a, a * b * cg, a * c * cb],
            [a * b * cg, b * b, b * c * ca],
            [a * c * cb, b * c * ca, c * c],
        ]
    )
    return np.asarray(np.linalg.inv(metric))


def _q_of(cell: tuple[float, ...], hkl: tuple[int, int, int]) -> float:
    h = np.array(hkl, dtype=float)
    return float(2 * np.pi * math.sqrt(h @ _reciprocal(cell) @ h))


def _q_std(phase: PhaseCell, hkl: tuple[int, int, int]) -> float:
    """Propagate the relative std of a, b, c; lengths that symmetry ties move together."""
    q = _q_of(phase.cell, hkl)
    a, b, c = phase.cell[:3]
    tied_ab = phase.space_group >= 75  # tetragonal and above
    if phase.cubic:
        return q * phase.cell_std[0]
    moves = [(0, 1), (2,)] if tied_ab else [(0,), (1,), (2,)]
    total = 0.0
    for group in moves:
        lengths = [a, b, c]
        for i in group:
            lengths[i] *= 1 + 1e-5
        moved = _q_of((*lengths, *phase.cell[3:]), hkl)
        total += ((moved - q) / 1e-5 * phase.cell_std[group[0]]) ** 2
    return math.sqrt(total)


def compute_pattern(
    phase: PhaseCell, wavelength: float, q_range: tuple[float, float]
) -> ReferencePattern:
    """Compute the lines of `phase` through pymatgen's XRDCalculator.

    Parameters
    ----------
    wavelength : float
        [angstrom]
    q_range : (float, float)
        [1/angstrom]; what lies beyond 4 pi / wavelength is left out.

    Raises
    ------
    BadInputError
        Empty or unreachable q range.

    Notes
    -----
    Intensities are |F|^2 x multiplicity x the Lorentz-polarisation factor for unpolarised
    X-rays, without Debye-Waller factor and without absorption, relative to the phase's
    strongest line up to `FULL_REACH`, in the range or not.
    """
    import pymatgen.core
    from pymatgen.analysis.diffraction.xrd import XRDCalculator

    lam = check_wavelength(wavelength)
    low, high = float(q_range[0]), min(float(q_range[1]), 4 * np.pi / lam * 0.999)
    if not 0 <= low < high:
        raise BadInputError(
            f"No line can lie between q = {q_range[0]:g} and {q_range[1]:g} 1/angstrom at a "
            f"wavelength of {lam:g} angstrom.",
            fix="Check the wavelength's unit and the range.",
        )
    # far enough for the phase's strongest line, wherever the range lies: intensities are
    # relative to it, or else rounding noise of an absent line would count as a strong one
    reach = min(max(high, FULL_REACH), 4 * np.pi / lam * 0.999)
    window = (0.0, float(q_to_two_theta(reach, lam)))
    found = XRDCalculator(wavelength=lam).get_pattern(
        phase.structure(), scaled=False, two_theta_range=window
    )
    strongest = float(np.max(found.y)) if len(found.x) else 1.0
    lines = []
    for angle, height, families in zip(found.x, found.y, found.hkls, strict=True):
        hkl = tuple(int(i) for i in max(families, key=lambda f: f["multiplicity"])["hkl"])
        q = float(4 * np.pi * math.sin(math.radians(angle) / 2) / lam)
        if not low <= q <= high or height < LEAST_SHARE * strongest:
            continue
        lines.append(
            Line(
                hkl=hkl,
                q=q,
                d=2 * math.pi / q,
                two_theta=float(angle),
                intensity=float(100 * height / strongest),
                multiplicity=int(sum(f["multiplicity"] for f in families)),
                q_std=_q_std(phase, _three(hkl)),
            )
        )
    return ReferencePattern(phase, lam, (low, high), tuple(lines), str(pymatgen.core.__version__))


def reference_pattern(
    phase: PhaseCell,
    wavelength: float,
    q_range: tuple[float, float],
    cache: Path | None = None,
) -> ReferencePattern:
    """As `compute_pattern`, keeping the result in `cache`, keyed by content.

    The key is the SHA-256 of the phase's content, wavelength, range and pymatgen's version;
    a damaged cache file is computed again and replaced.
    """
    if cache is None:
        return compute_pattern(phase, wavelength, q_range)
    from importlib.metadata import version

    key = hashlib.sha256(
        json.dumps(
            [_FORMAT, phase.content, phase.cell_std, repr(float(wavelength)),
             [repr(float(v)) for v in q_range], version("pymatgen")]
        ).encode()
    ).hexdigest()  # fmt: skip
    path = cache / f"reference-{key[:32]}.json"
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        body = json.dumps(stored["body"], sort_keys=True)
        if stored["sha256"] == hashlib.sha256(body.encode()).hexdigest():
            lines = tuple(
                Line(**{**row, "hkl": tuple(row["hkl"])}) for row in stored["body"]["lines"]
            )
            low, high = stored["body"]["q_range"]
            return ReferencePattern(
                phase, wavelength, (low, high), lines, stored["body"]["pymatgen_version"]
            )
    except (OSError, ValueError, KeyError, TypeError):
        pass  # absent or damaged: a cache may always be computed again
    made = compute_pattern(phase, wavelength, q_range)
    content = {
        "q_range": list(made.q_range),
        "lines": [asdict(line) for line in made.lines],
        "pymatgen_version": made.pymatgen_version,
    }
    content = json.loads(json.dumps(content))
    body = json.dumps(content, sort_keys=True)
    text = json.dumps({"sha256": hashlib.sha256(body.encode()).hexdigest(), "body": content})
    cache.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=cache)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)
    Path(temporary).replace(path)
    return made


@lru_cache(maxsize=64)
def _expanded(phase: PhaseCell) -> tuple[tuple[float, ...], tuple[tuple[float, float, float], ...]]:
    structure = phase.structure()
    numbers = tuple(
        sum(float(e.Z) * float(amount) for e, amount in s.species.items()) for s in structure
    )
    points = tuple((float(x), float(y), float(z)) for x, y, z in structure.frac_coords)
    return numbers, points


def is_allowed(phase: PhaseCell, hkl: tuple[int, ...]) -> bool:
    """Whether `hkl` has a structure factor that differs from zero.

    Counts both systematic absences (lattice, glide, screw) and absences by special positions:
    what matters is that no intensity can be there.  Atoms scatter as their number of
    electrons, which decides only zero or not.
    """
    numbers, points = _expanded(phase)
    z = np.array(numbers, dtype=float)
    phases = np.exp(2j * np.pi * (np.array(points) @ np.array(_three(hkl), dtype=float)))
    return bool(abs(np.sum(z * phases)) > 1e-3 * z.sum())


@lru_cache(maxsize=64)
def allowed_hkl(phase: PhaseCell, limit: int) -> tuple[tuple[tuple[int, int, int], bool], ...]:
    """All hkl up to `limit` in each index (one of each Friedel pair) and whether allowed."""
    span = range(-limit, limit + 1)
    rows = [(hkl, is_allowed(phase, hkl)) for hkl in product(span, span, span) if hkl > (0, 0, 0)]
    return tuple(rows)


def forbidden_lines(phase: PhaseCell, q_max: float, limit: int = 3) -> list[Line]:
    """Forbidden low-index reflections, so that a label such as Li(111) can be named.

    Parameters
    ----------
    q_max : float
        [1/angstrom]
    limit : int
        Highest index considered.

    Returns
    -------
    list of Line
        Intensity 0; a q that an allowed reflection has as well is left out.
    """
    allowed_q = [line_q(phase, hkl) for hkl, ok in allowed_hkl(phase, limit) if ok]
    found: dict[int, Line] = {}
    for hkl, ok in sorted(allowed_hkl(phase, limit), key=lambda row: row[0], reverse=True):
        if ok:
            continue
        q = line_q(phase, hkl)
        if q > q_max or any(abs(q - other) < 1e-6 for other in allowed_q):
            continue
        name = round(q * 1e6)
        if name not in found or sum(i < 0 for i in hkl) < sum(i < 0 for i in found[name].hkl):
            found[name] = Line(hkl, q, 2 * math.pi / q, math.nan, 0.0, 0, _q_std(phase, hkl))
    return sorted(found.values(), key=lambda line: line.q)
