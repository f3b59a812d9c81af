"""The analyses ``eels.rings`` and ``eels.image_rings``: spacings of lattice planes from rings."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft, Rival, Subject
from consilience.model.measurement import Measurement
from consilience.sizes import whole_of
from consilience_eels.diffraction.lattices import LATTICES, Line, lattice_of, lines_of_lattice
from consilience_eels.diffraction.profiles import Profile, radial_profile
from consilience_eels.diffraction.rings import Ring, find_rings
from consilience_eels.findings.probed import placed
from consilience_eels.findings.rings_input import Seen, pattern_of
from consilience_eels.findings.rings_params import RingParams

__all__ = ["Found", "rings_of", "run_rings"]

METHOD = "Gaussians on the mean over the angle"
UNCALIBRATED = "how well the scale is calibrated is not stated; 1 to 2 % is usual"


class Found:
    """Pattern, profile and rings of one measurement."""

    def __init__(self, seen: Seen, profile: Profile, rings: tuple[Ring, ...]) -> None:
        self.seen = seen
        self.profile = profile
        self.rings = rings


def rings_of(measurement: Measurement, params: RingParams) -> Found:
    """Return the rings of one measurement.

    Raises
    ------
    BadInputError
        It has no calibrated pattern; or a phase is stated whose cell is not known.
    """
    for formula in params.phases:
        lattice_of(formula)
    seen = pattern_of(measurement, params)
    profile = radial_profile(seen.pattern)
    found = find_rings(seen.pattern, profile, (params.smallest, params.largest), least=params.least)
    return Found(seen, profile, found)


def run_rings(
    measurements: Sequence[Measurement], params: RingParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return one spacing for each ring, and the cells of the phases that were stated.

    Returns
    -------
    AnalysisOutput
        Findings of kind ``d_spacing`` (Å): `std_stat` from the fit, `std_sys` from the scale and
        from what makes circles into ellipses.  Without a ring, one that is not observable, with
        the reason.  A phase of two rings or more that was stated has a ``lattice_parameter``.
    """
    del context
    (measurement,) = measurements
    for formula in params.phases:
        lattice_of(formula)
    try:
        found = rings_of(measurement, params)
    except BadInputError as fault:
        return AnalysisOutput([_open(f"{fault.what}; {fault.fix}", ())])
    seen = found.seen
    assumptions = _assumptions(seen, params)
    arrays = {"profile": _profile_array(found)}
    if not found.rings:
        top = 10.0 / (seen.pattern.reach or 1.0)
        reason = (
            f"no ring from {max(params.smallest, top):.3g} to {params.largest:g} Å is "
            f"{params.least:g} times its error in the {seen.source}"
        )
        draft = _open(reason, assumptions).model_copy(update={"array": "profile"})
        return AnalysisOutput([draft], arrays)
    drafts: list[FindingDraft] = []
    cells: dict[str, list[tuple[Line, Ring]]] = {}
    for index, ring in enumerate(found.rings):
        draft, line = _spacing(ring, index, found, params, assumptions)
        drafts.append(draft)
        if line is not None:
            cells.setdefault(line[0], []).append((line[1], ring))
    drafts += [
        made
        for formula, lines in cells.items()
        if (made := _cell(formula, lines, params, assumptions)) is not None
    ]
    return AnalysisOutput(_placed(drafts, measurement), arrays)


def _placed(drafts: Sequence[FindingDraft], measurement: Measurement) -> list[FindingDraft]:
    """Return findings with their area; of rings in an image no single pixel shows anything."""
    array = measurement.data["counts" if "counts" in measurement.data else "intensity"]
    if not str(array.dims[-1]).startswith("k"):
        where = whole_of(array, [str(d) for d in array.dims[-2:]], measurement.record.name)
        return [one.model_copy(update={"region": where}) for one in drafts]
    return placed(drafts, measurement, array)


def _open(reason: str, assumptions: Sequence[str]) -> FindingDraft:
    return FindingDraft(
        kind="d_spacing",
        subject=Subject(label="rings"),
        unit="angstrom",
        status="not_observable",
        reason=reason,
        assumptions=list(assumptions),
        method=METHOD,
        evidence={"sentence": f"Spacings by rings: cannot tell, {reason}."},
    )


def _assumptions(seen: Seen, params: RingParams) -> list[str]:
    said = list(seen.assumptions)
    if params.calibration is None:
        said.append(UNCALIBRATED)
    else:
        said.append(f"the scale is calibrated to {100 * params.calibration:g} %, as stated")
    return said


def _near(ring: Ring, formula: str, params: RingParams) -> Line | None:
    lines = lines_of_lattice(lattice_of(formula), 0.95 * params.smallest)
    best = min(lines, key=lambda line: abs(line.d - ring.d), default=None)
    return best if best and abs(best.d - ring.d) <= params.tolerance * best.d else None


def _spacing(
    ring: Ring, index: int, found: Found, params: RingParams, assumptions: list[str]
) -> tuple[FindingDraft, tuple[str, Line] | None]:
    stated = [(f, line) for f in params.phases if (line := _near(ring, f, params)) is not None]
    others = [
        (f, line)
        for f in LATTICES
        if f not in {one for one, _ in stated} and (line := _near(ring, f, params)) is not None
    ]
    own = min(stated, key=lambda one: abs(one[1].d - ring.d), default=None)
    subject = Subject(label=f"ring {index + 1}")
    if own is not None:
        group = lattice_of(own[0]).space_group
        subject = Subject(formula=own[0], space_group=group, label=f"{own[0]} {own[1].label}")
    rivals = [
        Rival(
            subject=Subject(formula=f, space_group=lattice_of(f).space_group),
            explains=[f"{line.label} at {line.d:.4f} Å, {100 * (ring.d / line.d - 1):+.2f} % away"],
            decided_by=[f"other lines of {f}", "X-ray diffraction of the same sample"],
        )
        for f, line in [*(one for one in stated if one != own), *others]
    ]
    parts = {
        "scale": None if params.calibration is None else params.calibration * ring.d,
        "ellipse_or_centre": None if ring.k_spread is None else ring.d * ring.k_spread / ring.k,
    }
    known = [part for part in parts.values() if part is not None]
    evidence: dict[str, Any] = {
        "k_per_nm": round(ring.k, 5),
        "q_per_angstrom": round(2.0 * math.pi / ring.d, 5),
        "fwhm_per_nm": round(ring.fwhm, 5),
        "significance": round(ring.significance, 2),
        "shape": ring.shape,
        "share_in_brightest_tenth_of_angles": round(ring.brightest_tenth, 3),
        "spot_angles_degrees": list(ring.angles),
        "std_sys_parts": parts,
        "lines_within_tolerance": [f"{f} {line.label}" for f, line in [*stated, *others]],
    }
    draft = FindingDraft(
        kind="d_spacing",
        subject=subject,
        value=ring.d,
        unit="angstrom",
        std_stat=ring.d * ring.k_std / ring.k,
        std_sys=None if params.calibration is None else math.hypot(*known),
        array="profile",
        rivals=rivals,
        evidence=evidence,
        assumptions=assumptions
        + ([f"taken as a line of {own[0]}, which was stated and not found"] if own else []),
        method=f"{METHOD}; {found.seen.source}",
    )
    return draft, own


def _cell(
    formula: str,
    lines: list[tuple[Line, Ring]],
    params: RingParams,
    assumptions: list[str],
) -> FindingDraft | None:
    """Weighted mean of the cell's length over two or more lines."""
    if len({line.hkl for line, _ in lines}) < 2:
        return None
    root = np.array([math.sqrt(sum(i * i for i in line.hkl)) for line, _ in lines])
    lengths = np.array([ring.d for _, ring in lines]) * root
    errors = lengths * np.array([ring.k_std / ring.k for _, ring in lines])
    weights = 1.0 / errors**2
    mean = float((weights * lengths).sum() / weights.sum())
    chi2 = float((weights * (lengths - mean) ** 2).sum()) / (len(lines) - 1)
    std = math.sqrt(max(chi2, 1.0) / float(weights.sum()))
    spreads = [r.k_spread / r.k for _, r in lines if r.k_spread is not None]
    ellipse = max(spreads, default=0.0)
    sys = None if params.calibration is None else mean * math.hypot(params.calibration, ellipse)
    group = lattice_of(formula).space_group
    return FindingDraft(
        kind="lattice_parameter",
        subject=Subject(formula=formula, space_group=group),
        value=mean,
        unit="angstrom",
        std_stat=std,
        std_sys=sys,
        array="profile",
        evidence={
            "lines": [line.label for line, _ in lines],
            "lengths_angstrom": [round(float(v), 5) for v in lengths],
            "chi2_per_degree": round(chi2, 3),
            "std_sys_parts": {
                "scale": None if params.calibration is None else params.calibration * mean,
                "ellipse_or_centre": mean * ellipse,
            },
        },
        assumptions=[*assumptions, f"the rings are lines of {formula}, as was stated"],
        method=f"weighted mean over {len(lines)} lines; {METHOD}",
    )


def _profile_array(found: Found) -> xr.Dataset:
    profile = found.profile
    attrs = {"units": "1"}
    return xr.Dataset(
        {
            "mean": ("k", profile.mean, {**attrs, "ancillary_variables": "mean_std"}),
            "mean_std": ("k", profile.std, dict(attrs)),
            "background": ("k", profile.background, dict(attrs)),
        },
        {"k": ("k", profile.k, {"units": "1/nm"})},
    )
