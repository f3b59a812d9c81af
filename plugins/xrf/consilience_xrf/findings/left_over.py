"""What a fit leaves of a spectrum, in words: peaks of no element, scatter of another shape, χ²."""

from __future__ import annotations

import numpy as np

from consilience.model.measurement import Notice
from consilience_xrf.fitting.maps import MapFit
from consilience_xrf.fitting.search import Search
from consilience_xrf.lines.geometry import Geometry

__all__ = ["left_over", "scatter_from"]

FAR = 3.0
"""Reduced χ² from which it is said where it comes from."""
THIN = 1e-3
"""Of its height, at which the Compton peak ends."""
BESIDE = 0.25
"""Of the Compton peak's lower half, by which the background beside it bends with its misfit."""


def scatter_from(fit: MapFit) -> float | None:
    """Return the energy (keV) from which scattered photons are; None where none were fitted."""
    if "compton" not in fit.design.names:
        return None
    column = fit.design.matrix[:, fit.design.names.index("compton")]
    middle = int(column.argmax())
    # an escape peak of it lies apart, below
    thin = np.flatnonzero(column[:middle] < THIN * column[middle])
    first = int(thin[-1]) if thin.size else 0
    energy = fit.design.energy
    return float(energy[first] - BESIDE * (energy[middle] - energy[first]))


def left_over(name: str, fit: MapFit, search: Search, geometry: Geometry) -> list[Notice]:
    """Return notices on what the fit of a summed spectrum does not explain.

    Parameters
    ----------
    name : str
        Of the measurement.
    fit : MapFit
        Of one spectrum.
    search : Search
    geometry : Geometry
    """
    start = scatter_from(fit)
    scattered = [p for p in search.unexplained if start is not None and p[0] >= start]
    others = [p for p in search.unexplained if p not in scattered]
    said = []
    if others:
        said.append(
            Notice(
                code="peaks-unexplained",
                message=f"{name}: no element explains the peaks at {_told(others)}",
                fix="name elements that may be there, or mend axis, angle and detector",
            )
        )
    if scattered:
        at = f"elastic {geometry.incident_energy:.2f}, Compton {geometry.compton_energy():.2f} keV"
        said.append(
            Notice(
                code="scatter-misfit",
                message=f"{name}: scattered photons ({at}) have another shape than the model, free "
                f"oxygen atoms at one angle, gives them; left over: {_told(scattered)}",
                fix="no element is meant; lines beneath have what this may do to them in the part "
                "'misfit' of their systematic error",
            )
        )
    chi2 = float(fit.chi2)
    if chi2 > FAR:
        model = np.maximum(fit.model, 1e-9)
        inside = np.isfinite(fit.mean)
        parts = np.where(inside, (fit.mean - model) ** 2 / model, 0.0)
        where = ""
        if start is not None:
            share = _share(parts, fit.design.energy >= start)
            where = f", {share} of it where photons are scattered"
        said.append(
            Notice(
                code="fit-beyond-counting",
                message=f"{name}: reduced χ² is {chi2:.3g}{where}: so many counts know the shapes "
                "of peaks better than the model does",
                fix="counting errors alone are too small; the part 'misfit' of the systematic "
                "errors holds the rest",
                severity="info",
            )
        )
    return said


def _told(peaks: list[tuple[float, float]]) -> str:
    return ", ".join(f"{energy:.2f} keV ({height:.0f}σ)" for energy, height in peaks)


def _share(parts: np.ndarray, inside: np.ndarray) -> str:
    return f"{100 * float(parts[inside].sum() / max(parts.sum(), 1e-300)):.0f} %"
