"""Spectra that species are known by: from a user's files, or a model of their edges.

A model is made of the edges of the free atoms, and near an edge of what is published of the bond;
it is a model, and says so.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadFileError, BadInputError
from consilience.model.stoichiometry import fractions_of_formula
from consilience_eels.physics.beam import Beam
from consilience_eels.physics.cross_sections import edges_between, remainder_cross_section
from consilience_eels.physics.materials import MATERIALS, Material
from consilience_eels.physics.near_edge import edge_in
from consilience_eels.physics.oscillator import atoms_of

__all__ = [
    "FORM",
    "Edge",
    "Reference",
    "model_reference",
    "on_scale",
    "read_reference",
    "valence_reference",
]

OTHER_DENSITIES = {
    "SiO2": 2.20,
    "Xe": 3.5,
    "Ga": 5.91,
    "Al": 2.70,
    "Al2O3": 3.95,
    "Ni": 8.91,
    "Cu": 8.96,
    "Cr2O3": 5.22,
    "H2O": 0.92,
}
"""g/cm³ of what is no material of `physics.materials`; xenon solid, water as vitreous ice."""

AVOGADRO = 602.214076
"""Atoms of 1 g/mol in 1 g, per nm³ in a cm³."""

FORM = {"K": 0.10, "L": 0.20, "M": 0.35, "N": 0.50, "O": 0.50}
"""Relative standard deviation of a model edge's form, by the shell's first letter.

Cross sections of K shells are known to about a tenth and of L shells to twice that [1]_; below
them the tables are of free atoms where the solid's outer shells decide, and are good for less.

.. [1] R. F. Egerton, *Electron Energy-Loss Spectroscopy in the Electron Microscope*, 3rd ed.,
   Springer (2011), section 4.5.2.
"""

FADES = 50.0
"""eV past an onset over which the error of the form fades."""

NEAR_ONSET = 5.0
"""eV before an onset from which the form is uncertain."""

MEASURED_FORM = 0.03
"""The same of a measured reference: thickness, resolution and background of another day."""

STEP = 0.1
"""Of the energies of a model, eV."""


@dataclass(frozen=True)
class Edge:
    """One edge of a reference: element, shell and onset in eV."""

    element: str
    shell: str
    onset: float

    @property
    def name(self) -> str:
        """As in ``"Pt O23 at 52 eV"``."""
        return f"{self.element} {self.shell} at {self.onset:g} eV"


@dataclass(frozen=True)
class Reference:
    """Energy loss of one species, by single scattering, without what lies under its edges.

    Parameters
    ----------
    name : str
    formula : str
    energy : ndarray, shape (n,)
        eV, rising; nothing is said of energies outside.
    intensity : ndarray, shape (n,)
        barn/eV for one formula unit, or arbitrary.
    edges : tuple of Edge
    origin : {"measured", "model"}
    source : str
        Where it is from, in words or as the name of a file.
    absolute : bool
        Whether `intensity` is in barn/eV.
    """

    name: str
    formula: str
    energy: NDArray[np.float64]
    intensity: NDArray[np.float64]
    edges: tuple[Edge, ...]
    origin: Literal["measured", "model"]
    source: str
    absolute: bool = True

    def at(self, energy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the intensity at these energies; 0 outside the reference."""
        return np.interp(energy, self.energy, self.intensity, left=0.0, right=0.0)

    def form_error(self, energy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the relative standard deviation of the form at these energies (eV).

        That of the nearest edge below, fading over `FADES` past it: far from its onset an edge is
        a smooth tail, which the background takes in.
        """
        if self.origin == "measured":
            return np.full(len(energy), MEASURED_FORM)
        error = np.zeros(len(energy))
        for edge in self.edges:
            past = np.asarray(energy) - edge.onset
            level = FORM.get(edge.shell[0], FORM["O"])
            own = level * np.exp(-np.clip(past, 0.0, None) / FADES)
            error = np.where(past > -NEAR_ONSET, np.maximum(error, own), error)
        return error

    @property
    def atoms(self) -> dict[str, float]:
        """Element to number in the formula unit."""
        return atoms_of(self.formula)

    def units_per_volume(self, density: float | None = None) -> float | None:
        """Return formula units per nm³, or None where no density (g/cm³) is known."""
        import periodictable

        known = density
        if known is None:
            solid = _solid(self.formula)
            known = OTHER_DENSITIES.get(self.formula) if solid is None else solid.density
        if known is None:
            return None
        return known * AVOGADRO / float(periodictable.formula(self.formula).mass)


def model_reference(
    formula: str,
    low: float,
    high: float,
    beam: Beam,
    *,
    name: str = "",
    elements: Sequence[str] | None = None,
) -> Reference:
    """Return the edges of a formula between two energies, as a model.

    Parameters
    ----------
    formula : str
        Near edges are those of the material of this formula, where one is known; else the atom's.
    low, high : float
        eV.
    beam : Beam
    name : str
        By default the formula.
    elements : sequence of str, optional
        Only edges of these.

    Raises
    ------
    BadInputError
        No formula, or no optical data of one of its elements.
    """
    if fractions_of_formula(formula) is None:
        raise BadInputError(
            f"{formula!r} is no chemical formula", fix="name species by formula, as in 'LiF'"
        )
    grid = np.arange(low, high + STEP, STEP)
    atoms = atoms_of(formula)
    solid = _solid(formula) or Material(formula, formula, 1.0, 20.0, 10.0, "none")
    total = np.zeros(len(grid))
    edges: list[Edge] = []
    # an edge that begins a little below reaches into the range
    for symbol, shell, onset in edges_between(formula, 0.6 * low, high):
        if elements is not None and symbol not in elements:
            continue
        total += atoms[symbol] * edge_in(solid, symbol, shell, grid, beam)
        near = solid.near_edges.get((symbol, shell))
        if onset >= low:
            edges.append(Edge(symbol, shell, near.onset if near else onset))
    return Reference(
        name or formula,
        formula,
        grid,
        total,
        tuple(edges),
        "model",
        "model: optical oscillator strengths (Henke 1993), dipole formula, near edge as published",
    )


def _solid(formula: str) -> Material | None:
    """The material of this formula that the physics room knows, if any."""
    return next((m for m in MATERIALS.values() if formula in (m.name, m.formula)), None)


def valence_reference(symbol: str, low: float, high: float, beam: Beam) -> Reference:
    """Return what an atom loses beside its edges, from `low` to `high` eV: its other shells."""
    grid = np.arange(low, high + STEP, STEP)
    curve = remainder_cross_section(symbol, grid, beam)
    said = "model: optical oscillator strengths (Henke 1993) below the edges, dipole formula"
    return Reference(f"other shells of {symbol}", symbol, grid, curve, (), "model", said)


def on_scale(reference: Reference, model: Reference) -> Reference:
    """Return a reference in arbitrary units with the integral that the model has in its range.

    Raises
    ------
    BadInputError
        Reference and model have nothing in common.
    """
    if reference.absolute:
        return reference
    own = float(np.trapezoid(reference.intensity, reference.energy))
    theirs = float(np.trapezoid(model.at(reference.energy), reference.energy))
    if not (own > 0 and theirs > 0):
        raise BadInputError(
            f"the reference {reference.name!r} holds nothing where {reference.formula} has edges",
            fix="give one with its background taken off, in eV of energy loss",
        )
    return replace(
        reference, intensity=reference.intensity * theirs / own, edges=model.edges, absolute=True
    )


def read_reference(path: Path, formula: str, *, name: str = "", suffix_of: str = "") -> Reference:
    """Read a reference from a file: two columns (``.csv``, ``.txt``), ``.msa`` or ``.hspy``.

    Energy loss in eV and intensity in any unit, with its background taken off; maps are summed.
    `suffix_of` is the file's own name, where `path` is that of a copy without one.

    Raises
    ------
    BadFileError
        The file has no such columns, too few values, or energies that do not rise.
    """
    own = suffix_of or path.name
    if Path(own).suffix.lower() in (".msa", ".emsa", ".ems", ".hspy"):
        energy, intensity = _through_library(path, own)
    else:
        energy, intensity = _columns(path)
    if len(energy) < 8 or not (np.diff(energy) > 0).all():
        raise BadFileError(
            f"{path.name!r} has {len(energy)} energies, or they do not rise",
            fix="give at least eight rows of energy loss in eV, rising, and intensity",
            path=path,
        )
    return Reference(
        name or formula,
        formula,
        energy,
        np.clip(intensity, 0.0, None),
        (),
        "measured",
        own,
        absolute=False,
    )


def _columns(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows: list[tuple[float, float]] = []
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        said = line.replace(",", " ").replace(";", " ").replace("\t", " ").split()
        if not said or said[0].startswith("#"):
            continue
        try:
            row = (float(said[0]), float(said[1]))
        except (ValueError, IndexError) as error:
            if not rows:
                continue  # headings
            raise BadFileError(
                f"line {number} of {path.name!r} is not energy and intensity",
                fix="write two columns of numbers, with a point as decimal sign",
                path=path,
                line=number,
            ) from error
        rows.append(row)
    table = np.array(rows, dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(table).all():
        raise BadFileError(
            f"{path.name!r} holds values that are no numbers",
            fix="leave out rows without a value",
            path=path,
        )
    return table[:, 0], table[:, 1]


def _through_library(path: Path, own: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The sum of the first signal; the libraries go by the suffix, which a copy may lack."""
    import shutil
    import tempfile

    from consilience_eels.files.safety import refuse_unsafe
    from consilience_eels.library import load_signals

    with tempfile.TemporaryDirectory() as folder:
        named = Path(folder) / Path(own).name
        shutil.copyfile(path, named)
        if named.suffix.lower() == ".hspy":
            refuse_unsafe(named)
        signals, _ = load_signals(named)
    signal = signals[0]
    axis = signal.axes_manager.signal_axes[0]
    values = np.asarray(signal.data, dtype=np.float64)
    values = values.reshape(-1, values.shape[-1]).sum(axis=0)
    scale = 1e3 if str(axis.units) == "keV" else 1.0
    return scale * np.asarray(axis.axis, dtype=np.float64), values
