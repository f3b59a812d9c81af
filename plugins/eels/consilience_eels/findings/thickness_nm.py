"""A finding of t/λ said in nanometres, with what the mean free path is worth."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from consilience.model.finding import FindingDraft
from consilience_eels.findings.thickness_params import ThicknessParams
from consilience_eels.lowloss.mean_free_path import UNCERTAIN, mean_free_path_of, optics_of

__all__ = ["in_nanometres"]

METHOD = (
    "log-ratio t/λ times the inelastic mean free path of Iakoubovskii et al. (2008) for the "
    "density, corrected for the angles, by exSpy"
)


def in_nanometres(
    relative: FindingDraft, params: ThicknessParams, metadata: Mapping[str, Any]
) -> FindingDraft:
    """Return the finding of kind ``thickness`` (nm) that belongs to one of t/λ.

    Not observable where the beam's energy or an angle is stated neither by the file nor by the
    user.  The error of λ, ±20 %, is systematic and the same for all parts of a specimen.
    """
    density = params.density
    optics = optics_of(
        metadata, params.beam_energy, params.convergence_angle, params.collection_angle
    )
    common: dict[str, Any] = {
        "kind": "thickness",
        "region": relative.region,
        "array": relative.array,
        "method": METHOD,
    }
    if isinstance(optics, list) or density is None or relative.value is None:
        missing = " and ".join(optics) if isinstance(optics, list) else "t/λ"
        return FindingDraft(
            **common,
            status="not_observable",
            reason=f"{missing}: neither the file nor the user says it, and the mean free path "
            "depends on it",
        )
    path = mean_free_path_of(density, optics)
    nm = path.effective
    value = relative.value * nm
    said = relative.evidence.get("std_sys_parts")
    parts: dict[str, Any] = dict(said) if isinstance(said, dict) else {}
    in_nm = {k: None if v is None else v * nm for k, v in parts.items()}
    in_nm["mean_free_path"] = UNCERTAIN * value
    known = [part for part in in_nm.values() if part is not None]
    assumptions = [
        *relative.assumptions[:1],
        f"density {density:g} g/cm³{f' of {params.material}' if params.material else ''}, as given",
    ]
    if path.beyond_measured:
        assumptions.append(
            "the formula for λ was measured up to 20 mrad; at these angles it is extrapolated"
        )
    return FindingDraft(
        **common,
        value=value,
        unit="nm",
        std_stat=None if relative.std_stat is None else relative.std_stat * nm,
        std_sys=math.sqrt(sum(part**2 for part in known)) if relative.std_sys is not None else None,
        evidence={
            "t_over_lambda": relative.value,
            "mean_free_path_nm": path.length,
            "angular_factor": path.factor,
            "nm_per_t_over_lambda": nm,
            "density_g_per_cm3": density,
            "material": params.material,
            "beam_energy_keV": optics.beam_energy,
            "convergence_mrad": optics.convergence,
            "collection_mrad": optics.collection,
            "std_sys_parts": in_nm,
            "std_sys_shared": "mean_free_path is the same for all pixels and regions",
        },
        assumptions=assumptions,
    )
