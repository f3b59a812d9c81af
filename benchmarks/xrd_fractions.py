"""Mass fractions against the balance: weighed powder mixtures, and certified intensity ratios.

    python benchmarks/xrd_fractions.py [FOLDER ...]

Folders hold `.xrdml` patterns of weighed mixtures whose names say what was weighed, as in
``TiO2_0p4009-ZnO_0p6010--8min.xrdml``.  Such a set is published with CederGroupHub/dara
(dataset/precursor_mixture); one of its files is among the shared data, which are used too where
CONSILIENCE_DATA names them.  Without any folder the certified ratios alone are printed.

For each mixture two fractions are printed: with all factors, and with V^2 rho left out, so that
a forgotten factor would show.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

import numpy as np

from consilience_xrd.files.xrdml import read_xrdml
from consilience_xrd.identification.detection import area_limit
from consilience_xrd.identification.fractions import FractionSettings, mass_fractions
from consilience_xrd.identification.identify import identify
from consilience_xrd.identification.matching import MatchSettings, observed_from_fit
from consilience_xrd.identification.texture import agreement_of, own_areas
from consilience_xrd.identification.wholepattern import fit_whole_pattern
from consilience_xrd.lines.peaks import fit_peaks
from consilience_xrd.references.intensity import absolute_intensities, cell_content
from consilience_xrd.references.phases import PhaseCell, library, phase_of
from consilience_xrd.references.reference import compute_pattern, line_q, reference_pattern

COPPER = 1.5405980


def _phase(
    key: str,
    formula: str,
    group: int,
    cell: tuple[float, float, float, float, float, float],
    sites: list[list[object]],
    expanded: bool = False,
) -> PhaseCell:
    return phase_of(
        {
            "key": key, "formula": formula, "space_group": group, "cell": list(cell),
            "cell_std": 0.001, "sites": sites, "expanded": expanded,
            "citation": "textbook structure, for this comparison only", "checked": "not checked",
        }
    )  # fmt: skip


def extra_phases() -> list[PhaseCell]:
    """Phases of the weighed mixtures that the library does not ship."""
    hexagonal = (90.0, 90.0, 120.0)
    right = (90.0, 90.0, 90.0)
    u = 0.2081
    centred = [(0.0, 0.0, 0.0), (0.5, 0.5, 0.5)]
    titanium = [(0.0, 0.0, 0.0), (0.0, 0.5, 0.25)]
    anatase: list[list[object]] = []
    for tx, ty, tz in titanium:
        for cx, cy, cz in centred:
            anatase.append(["Ti", (tx + cx) % 1, (ty + cy) % 1, (tz + cz) % 1])
            for sign in (u, -u):
                anatase.append(["O", (tx + cx) % 1, (ty + cy) % 1, (tz + cz + sign) % 1])
    return [
        _phase("ZnO", "ZnO", 186, (3.2499, 3.2499, 5.2065, *hexagonal),
               [["Zn", 1 / 3, 2 / 3, 0.0], ["O", 1 / 3, 2 / 3, 0.3819]]),
        _phase("TiO2-rutile", "TiO2", 136, (4.5939, 4.5939, 2.9589, *right),
               [["Ti", 0.0, 0.0, 0.0], ["O", 0.3051, 0.3051, 0.0]]),
        _phase("TiO2-anatase", "TiO2", 141, (3.7845, 3.7845, 9.5143, *right), anatase, True),
        _phase("In2O3", "In2O3", 206, (10.117, 10.117, 10.117, *right),
               [["In", 0.25, 0.25, 0.25], ["In", 0.4662, 0.0, 0.25],
                ["O", 0.3905, 0.1529, 0.3832]]),
        _phase("NiO", "NiO", 225, (4.1771, 4.1771, 4.1771, *right),
               [["Ni", 0.0, 0.0, 0.0], ["O", 0.5, 0.5, 0.5]]),
        _phase("Al2O3", "Al2O3", 167, (4.75893, 4.75893, 12.9917, *hexagonal),
               [["Al", 0.0, 0.0, 0.3522], ["O", 0.3063, 0.0, 0.25]]),
    ]  # fmt: skip


def certified() -> None:
    """I/I(corundum 113) of equal masses against NIST SRM 674 (Int. Tables C, table 5.2.11.1)."""
    phases = {p.key: p for p in [*extra_phases(), *library().values()]}

    def per_mass(key: str, hkl: tuple[int, int, int], factor: bool) -> float:
        reference = compute_pattern(phases[key], COPPER, (1.0, 6.0))
        full = absolute_intensities(reference, 0.5)
        q = line_q(phases[key], hkl)
        place = int(np.argmin([abs(line.q - q) for line in reference.lines]))
        return float(full[place]) / (cell_content(phases[key]).v2_rho if factor else 1.0)

    print("I / I(corundum 113), equal masses, Cu K-alpha")
    for key, hkl, value, std in (
        ("ZnO", (1, 0, 1), 5.17, 0.13),
        ("TiO2-rutile", (1, 1, 0), 3.39, 0.12),
    ):
        ratio, wrong = (
            per_mass(key, hkl, f) / per_mass("Al2O3", (1, 1, 3), f) for f in (True, False)
        )
        print(
            f"  {key} {hkl}: computed {ratio:.2f}, certified {value} +/- {std}; "
            f"without V^2 rho {wrong:.2f}"
        )


def _weighed(name: str) -> dict[str, float]:
    parts = re.findall(r"([A-Za-z0-9()]+)_(\d)p(\d+)", name.split("--")[0])
    total = sum(float(f"{a}.{b}") for _, a, b in parts)
    return {formula: float(f"{a}.{b}") / total for formula, a, b in parts}


def mixture(path: Path, cache: Path) -> None:
    """Identify the phases of one weighed mixture and compare the fractions with the balance."""
    weighed = _weighed(path.name)
    phases = [*library().values(), *extra_phases()]
    formulas = {p.formula for p in phases}
    if not set(weighed) <= formulas:
        print(f"{path.name}: no cell here for {', '.join(sorted(set(weighed) - formulas))}")
        return
    (pattern,) = read_xrdml(path)
    assert pattern.source is not None
    lam = pattern.source.wavelength
    fit = fit_peaks(pattern)
    q = pattern.q()
    references = [
        reference_pattern(p, lam, (max(0.5 * q[0], 0.2), float(q[-1]) + 1.0), cache) for p in phases
    ]
    pairing, results = identify(
        observed_from_fit(fit, pattern), references, (float(q[0]), float(q[-1])), lam,
        MatchSettings(shift="displacement"), area_limit(pattern, fit),
    )  # fmt: skip
    by_key = {p.key: p for p in phases}
    present = [r.phase for r in results if r.status == "present"]
    right = {by_key[k].formula for k in present} == set(weighed)
    print(f"{path.name}: present {', '.join(present)} ({'right' if right else 'NOT right'})")
    if not right:
        return
    whole = fit_whole_pattern(pattern, fit, pairing, present)
    if whole is None:
        return
    order = [next(r for r in references if r.phase.key == p.phase) for p in whole.phases]
    agreements = [agreement_of(r, own_areas(pairing, r, present)) for r in order]
    scales = np.array([p.scale for p in whole.phases])
    got = mass_fractions(
        order, scales, whole.covariance, lam, FractionSettings(),
        [0.5 if a is None else a.scatter / np.sqrt(a.lines) for a in agreements],
        np.array([0.0 if a is None else 100 * a.scale for a in agreements]),
    )  # fmt: skip
    forgotten = got.value / np.array([cell_content(r.phase).v2_rho for r in order])
    forgotten /= forgotten.sum()
    # a formula of two modifications is weighed as one
    for formula, truth in weighed.items():
        mine = [i for i, r in enumerate(order) if r.phase.formula == formula]
        value = float(got.value[mine].sum())
        stat = float(np.sqrt(got.covariance[np.ix_(mine, mine)].sum()))
        sys_part = None if got.std_sys is None else float(np.max(got.std_sys[mine]))
        total = np.hypot(stat, sys_part or 0.0)
        print(
            f"  {formula}: {value:.3f} +/- {stat:.3f} (stat) +/- {sys_part or float('nan'):.3f} "
            f"(sys), weighed {truth:.3f}: {(value - truth) / total:+.1f} sigma; "
            f"without V^2 rho {forgotten[mine].sum():.3f}; V^2 rho "
            + ", ".join(f"{cell_content(order[i].phase).v2_rho:.3g}" for i in mine)
        )


def main(folders: list[str]) -> None:
    """Print all comparisons."""
    certified()
    shared = os.environ.get("CONSILIENCE_DATA")
    places = [*(Path(f) for f in folders), *([Path(shared) / "xrd"] if shared else [])]
    with tempfile.TemporaryDirectory() as cache:
        for place in places:
            for path in sorted(place.glob("*_0p*.xrdml")):
                mixture(path, Path(cache))


if __name__ == "__main__":
    main(sys.argv[1:])
