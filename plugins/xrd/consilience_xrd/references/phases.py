"""Phases: cells with their source, from the shipped library or from a CIF."""

from __future__ import annotations

import hashlib
import math
import re
import tomllib
import warnings
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from consilience.errors import BadFileError, NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "DEFAULT_CELL_STD",
    "PhaseCell",
    "elements_of",
    "library",
    "library_phase",
    "phase_from_cif",
    "phase_of",
]

DEFAULT_CELL_STD = 0.002
"""Relative standard deviation of a cell whose source states none: an assumption, always named."""


@dataclass(frozen=True)
class PhaseCell:
    """A crystal structure as far as a powder pattern needs it.

    Attributes
    ----------
    key : str
        Unique name.
    formula : str
        Reduced formula; with `space_group` (international number) the identity of the phase.
    cell : tuple of float
        a, b, c [angstrom], alpha, beta, gamma [deg].
    cell_std : tuple of float
        Relative standard deviation of a, b, c.
    cell_std_source : str
        Where that comes from; says so where it is assumed.
    sites : tuple
        (element, x, y, z, occupancy), of the asymmetric unit unless `expanded`.
    content : str
        SHA-256 of what the phase was read from.
    """

    key: str
    label: str
    formula: str
    space_group: int
    cell: tuple[float, float, float, float, float, float]
    cell_std: tuple[float, float, float]
    cell_std_source: str
    sites: tuple[tuple[str, float, float, float, float], ...]
    expanded: bool
    citation: str
    checked: str
    temperature: float | None
    content: str

    @property
    def identity(self) -> str:
        """Formula and space group: two entries with the same are the same phase."""
        return f"{self.formula}#{self.space_group}"

    @property
    def assumptions(self) -> list[str]:
        """What was taken for granted of this cell, in words."""
        said = [f"cell of {self.label}: {self.citation}; {self.checked}"]
        if "default" in self.cell_std_source or "assumed" in self.cell_std_source:
            worst = max(self.cell_std)
            said.append(
                f"cell of {self.label} taken as uncertain by {worst:.2%} ({self.cell_std_source})"
            )
        if self.temperature is None:
            said.append(f"temperature of the cell of {self.label} is not known")
        return said

    @property
    def cubic(self) -> bool:
        """Whether one length fixes the cell."""
        return self.space_group >= 195

    def structure(self) -> Any:
        """The pymatgen Structure of the whole cell; sites with one place are shared."""
        return _structure(self).copy()


@lru_cache(maxsize=256)
def _structure(phase: PhaseCell) -> Any:
    # expanding a cubic cell takes most of a second, and every line of work asks for it
    from pymatgen.core.lattice import Lattice
    from pymatgen.core.structure import Structure

    lattice = Lattice.from_parameters(*phase.cell)
    shared: dict[tuple[float, float, float], dict[str, float]] = {}
    for name, x, y, z, amount in phase.sites:
        shared.setdefault((x, y, z), {})[name] = amount
    species = list(shared.values())
    points = [list(point) for point in shared]
    if phase.expanded:
        return Structure(lattice, species, points)
    group = _group(phase.space_group)
    orbits = [group.get_orbit(point, tol=1e-5) for point in points]
    return Structure(
        lattice,
        [kind for kind, orbit in zip(species, orbits, strict=True) for _ in orbit],
        [place for orbit in orbits for place in orbit],
    )


@lru_cache(maxsize=64)
def _group(number: int) -> Any:
    """A space group in its standard setting; making one takes long."""
    from pymatgen.symmetry.groups import SpaceGroup

    return SpaceGroup.from_int_number(number)


def phase_of(data: dict[str, Any]) -> PhaseCell:
    """Make a phase from an entry as `library.toml` has them."""
    std = float(data.get("cell_std", DEFAULT_CELL_STD))
    a, b, c, alpha, beta, gamma = (float(v) for v in data["cell"])
    return PhaseCell(
        key=data["key"],
        label=data.get("label", data["key"]),
        formula=data["formula"],
        space_group=int(data["space_group"]),
        cell=(a, b, c, alpha, beta, gamma),
        cell_std=(std, std, std),
        cell_std_source=data.get("cell_std_source", "default of 0.2 %, an assumption"),
        sites=tuple(
            (str(s[0]), float(s[1]), float(s[2]), float(s[3]), float(s[4]) if len(s) > 4 else 1.0)
            for s in data["sites"]
        ),
        expanded=bool(data.get("expanded", False)),
        citation=data["citation"],
        checked=data["checked"],
        temperature=data.get("temperature"),
        content=hashlib.sha256(repr(sorted(data.items())).encode()).hexdigest(),
    )


@lru_cache(maxsize=1)
def library() -> dict[str, PhaseCell]:
    """The shipped phases by key, in the order of the file."""
    text = files("consilience_xrd.references").joinpath("library.toml").read_text(encoding="utf-8")
    return {p["key"]: phase_of(p) for p in tomllib.loads(text)["phase"]}


def library_phase(key: str) -> PhaseCell:
    """One phase of the library by key, label or formula.

    Raises
    ------
    NotFoundError
        No such phase, or a formula that several entries share.
    """
    phases = library()
    if key in phases:
        return phases[key]
    found = [p for p in phases.values() if key in (p.label, p.formula)]
    if len(found) == 1:
        return found[0]
    raise NotFoundError(
        f"The library has no phase {key!r}."
        if not found
        else f"{key!r} is the formula of {', '.join(p.key for p in found)}.",
        fix=f"Choose one of {', '.join(phases)}, or register a CIF as a reference.",
    )


def phase_from_cif(path: Path, label: str | None = None, name: str | None = None) -> PhaseCell:
    """Read a phase from a CIF through pymatgen.

    Parameters
    ----------
    path : path
    label : str, optional
        What a reader sees; the reduced formula by default.
    name : str, optional
        Name that the file had; that of `path` by default (in a study the path is a hash).

    Returns
    -------
    PhaseCell
        With the std of the cell from the digits in brackets where the CIF has them, else the
        default of 0.2 %, marked as an assumption.

    Raises
    ------
    BadFileError
        Broken, without a cell or atoms, without usable symmetry, or with partial occupancy.
    """
    raw = path.read_bytes()
    name = name or path.name
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadFileError(
            "The CIF is not text in UTF-8.",
            fix="Save it as plain text.",
            path=name,
            offset=error.start,
        ) from None
    if "data_" not in text:
        raise BadFileError(
            "The file has no data_ block, so it is not a CIF.",
            fix="Export the structure as CIF again.",
            path=name,
        )
    low = text.lower()
    if not any(
        word in low
        for word in (
            "_symmetry_equiv_pos_as_xyz",
            "_space_group_symop_operation_xyz",
            "_symmetry_space_group_name_h-m",
            "_space_group_name_h-m_alt",
            "_symmetry_int_tables_number",
            "_space_group_it_number",
        )
    ):
        raise BadFileError(
            "The CIF states no symmetry: neither operations nor a space group.",
            fix="Add _space_group_IT_number or the symmetry operations from the source.",
            path=name,
        )
    structure, notes = _parse(text, name)
    partial = sorted({str(s.species) for s in structure if abs(s.species.num_atoms - 1) > 0.01})
    if partial:
        raise BadFileError(
            f"The CIF has partly occupied sites ({', '.join(partial[:4])}), so its intensities "
            "would rest on vacancies that a powder pattern cannot confirm.",
            fix="Give an ordered model, or the end members as separate references.",
            path=name,
        )
    mixed = sorted({str(s.species) for s in structure if not s.is_ordered})
    if mixed:
        notes.append(f"sites shared by several elements: {', '.join(mixed[:4])}")
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    number = int(SpacegroupAnalyzer(structure, symprec=0.01).get_space_group_number())
    lattice = structure.lattice
    std, std_source = _cell_std(text)
    formula = _formula(structure.composition)
    temperature = _number(text, "_diffrn_ambient_temperature") or _number(
        text, "_cell_measurement_temperature"
    )
    return PhaseCell(
        key=PurePath(name).stem,
        label=label or formula,
        formula=formula,
        space_group=number,
        cell=(lattice.a, lattice.b, lattice.c, lattice.alpha, lattice.beta, lattice.gamma),
        cell_std=std,
        cell_std_source=std_source,
        sites=tuple(
            (element.symbol, *(float(v) for v in s.frac_coords), float(amount))
            for s in structure
            for element, amount in s.species.items()
        ),
        expanded=True,
        citation=f"CIF {name}, SHA-256 {hashlib.sha256(raw).hexdigest()[:12]}",
        checked="; ".join(["not checked against a second source", *notes]),
        temperature=temperature,
        content=hashlib.sha256(raw).hexdigest(),
    )


def _formula(composition: Any) -> str:
    """Reduced formula; with shared sites per the common divisor of the whole amounts."""
    amounts = [float(v) for v in composition.values()]
    whole = [round(v) for v in amounts if abs(v - round(v)) < 1e-6 and round(v) > 0]
    if len(whole) == len(amounts) or not whole:
        return str(composition.reduced_formula)
    part = composition / math.gcd(*whole)
    return "".join(
        f"{e.symbol}{'' if amount == 1 else f'{amount:.6g}'}" for e, amount in part.items()
    )


def _parse(text: str, name: str) -> tuple[Any, list[str]]:
    from pymatgen.io.cif import CifParser

    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            # on_error="raise" would refuse harmless rounding, so errors are looked at here
            found = CifParser.from_str(text, occupancy_tolerance=1.0).parse_structures(
                primitive=False
            )
        except Exception as error:  # pymatgen raises many types on broken text
            raise BadFileError(
                f"The CIF cannot be read: {str(error).splitlines()[0] if str(error) else error!r}.",
                fix="Export it again, or take the reference back: "
                "consilience retract ID --reason …",
                path=name,
            ) from error
    notes = sorted({str(w.message).splitlines()[0] for w in caught})
    if not found or len(found[0]) == 0:
        raise BadFileError(
            "The CIF has no atoms.",
            fix="Export it with its atom sites; intensities need them.",
            path=name,
        )
    return found[0], [f"reader's note: {n}" for n in notes]


def _number(text: str, tag: str) -> float | None:
    for line in text.splitlines():
        words = line.split()
        if len(words) == 2 and words[0].lower() == tag:
            try:
                return float(words[1].split("(")[0])
            except ValueError:
                return None
    return None


def _cell_std(text: str) -> tuple[tuple[float, float, float], str]:
    """Relative std of a, b, c from the digits in brackets, as in ``5.4112(3)``."""
    out: list[float] = []
    for axis in "abc":
        for line in text.splitlines():
            words = line.split()
            if len(words) == 2 and words[0].lower() == f"_cell_length_{axis}":
                value, _, digits = words[1].rstrip(")").partition("(")
                if digits.isdigit():
                    places = len(value.partition(".")[2])
                    out.append(int(digits) * 10.0**-places / float(value))
                break
    if len(out) == 3 and all(v > 0 and math.isfinite(v) for v in out):
        # a fit's own error says nothing of another sample: never below 0.05 %
        floor = 0.0005
        a, b, c = (max(v, floor) for v in out)
        return (a, b, c), "errors of the CIF's fit, at least 0.05 % assumed from sample to sample"
    return (
        (DEFAULT_CELL_STD, DEFAULT_CELL_STD, DEFAULT_CELL_STD),
        "default of 0.2 %, an assumption: the CIF states none",
    )


def elements_of(formula: str) -> set[str]:
    """Return the element symbols of a formula such as ``Li2CO3``."""
    return set(re.findall(r"[A-Z][a-z]?", formula))
