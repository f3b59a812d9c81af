"""Axis, resolution, angle and elements of a spectrum, each found with the help of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilience_xrf.fitting.maps import fitted_range
from consilience_xrf.fitting.search import Search, search_elements
from consilience_xrf.lines.calibration import Calibration, calibrate, fitted_response
from consilience_xrf.lines.elements import Family
from consilience_xrf.lines.geometry import Geometry
from consilience_xrf.lines.response import Response

__all__ = ["Scale", "found_scale"]

Array = NDArray[np.float64]

BELOW_SCATTER = 0.93
"""Of the Compton energy: what lies higher has no part in the calibration."""
SURE = 8.0
"""Standard deviations of elements that the axis is calibrated on."""
FAR = 0.6
"""Of a line's width: an axis that would move a line farther is not believed."""
WIDER = 2.5
"""Times: a noise that is so much more or less than the peaks' own widths say is not believed."""


@dataclass(frozen=True)
class Scale:
    """The energy axis that is fitted on, and what it rests on.

    Parameters
    ----------
    energy : ndarray, shape (channels,)
        keV.
    response : Response
    geometry : Geometry
    search : Search
    calibration : Calibration or None
        None: the file's axis was kept, and `refused` says why.
    refused : str
    shift : float
        Largest change of the axis between its ends of the fit, keV.
    """

    energy: Array
    response: Response
    geometry: Geometry
    search: Search
    calibration: Calibration | None
    refused: str
    shift: float


def found_scale(
    energy: Array,
    total: Array,
    geometry: Geometry,
    named: Sequence[str] = (),
    *,
    unasked: bool = True,
    rivals: bool = True,
    calibrated: bool = True,
    low: float | None = None,
    high: float | None = None,
) -> Scale:
    """Find elements, calibrate the axis on those that are sure, and find elements again.

    Parameters
    ----------
    energy, total : ndarray, shape (channels,)
        keV as the file has it, and the counts of all spectra.
    geometry : Geometry
    named : sequence of str
        Elements that are fitted in any case.
    unasked : bool
        Look for others too.
    rivals : bool
        Hold each element against those that are not in the fit.
    calibrated : bool
        False keeps the axis as it is.
    low, high : float, optional
        keV that are fitted.
    """

    def part(axis: Array) -> slice:
        return fitted_range(axis, geometry.incident_energy, low, high, total)

    used = part(energy)
    response, geometry = fitted_response(energy[used], total[used], (), geometry)
    search = search_elements(
        energy[used], total[used], response, geometry, named, unasked=unasked, rivals=False
    )
    sure = [f for e in search.elements if e.lines.score >= SURE for f in e.families[:1]]
    if sure:
        response, geometry = fitted_response(energy[used], total[used], search.families, geometry)
    if not calibrated or not sure:
        why = "" if not calibrated else "no element is sure enough to calibrate on"
        if sure:
            search = search_elements(
                energy[used], total[used], response, geometry, named,
                unasked=unasked, rivals=rivals,
            )  # fmt: skip
        return Scale(energy, response, geometry, search, None, why, 0.0)
    found, why = _calibrated(energy, total, response, geometry, search.families, sure, used)
    if found is None:
        search = search_elements(
            energy[used], total[used], response, geometry, named, unasked=unasked, rivals=rivals
        )
        return Scale(energy, response, geometry, search, None, why, 0.0)
    axis = found.energy(energy.size)
    shift = float(np.abs((axis - energy)[used]).max())
    used = part(axis)
    search = search_elements(
        axis[used], total[used], found.response, geometry, named, unasked=unasked, rivals=rivals
    )
    return Scale(axis, found.response, geometry, search, found, "", shift)


def _calibrated(
    energy: Array,
    total: Array,
    response: Response,
    geometry: Geometry,
    families: Sequence[Family],
    sure: Sequence[Family],
    used: slice,
) -> tuple[Calibration | None, str]:
    gain = float(energy[-1] - energy[0]) / (energy.size - 1)
    if np.abs(energy - (energy[0] + gain * np.arange(energy.size))).max() > 0.1 * gain:
        return None, "the axis is not linear"
    scatter = geometry.compton_energy()
    high = float(energy[used][-1])
    if scatter is not None:
        high = min(high, BELOW_SCATTER * scatter)
    lines = [f.main for f in sure if f.main < high]
    if not lines:
        return None, "no sure element has its line below the scattered photons"
    # two lines far apart give zero and gain, one gives the zero alone
    far = max(lines) > 1.5 * min(lines) and len(lines) > 1
    fit = ("zero", "gain", "noise") if far else ("zero", "noise")
    found = calibrate(
        total, float(energy[0]), gain, families, geometry,
        response=response, fit=fit, low=float(energy[used][0]), high=high,
    )  # fmt: skip
    moved = np.abs(found.energy(energy.size) - energy)[used].max()
    if moved > FAR * response.fwhm(max(lines)):
        return None, (
            f"a fit would move the axis by up to {1e3 * moved:.0f} eV, which is more than its "
            "lines could be mistaken by"
        )
    if not 1.0 / WIDER < (found.response.noise + 0.02) / (response.noise + 0.02) < WIDER:
        return None, f"a fit would make the noise {1e3 * found.response.noise:.0f} eV"
    return found, ""
