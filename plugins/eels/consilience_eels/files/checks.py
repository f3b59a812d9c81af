"""Is a spectrum sane, and was there a beam?"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from consilience.model.measurement import Notice, Signal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from consilience_eels.files.places import Found

__all__ = ["check_edx", "check_spectrum", "check_stored"]

NEAR_ZERO = 25.0
"""eV: the highest point of a low-loss spectrum within this is the zero loss."""

ABOVE_NOISE = 0.2
"""keV: the detector's own peak at 0 has ended here."""

SHIFTED = 10.0
"""eV from 0 within which the highest point is taken for the zero loss."""

FEW = 10
"""X-rays in a whole spectrum or map that no sample under a beam stays below."""


FLAT_TOP = 0.55
"""Width at nine tenths over that at half height from which a zero loss is no plain peak."""


def check_spectrum(signal: Signal) -> list[Notice]:
    """Look for a zero-loss peak that is not at zero, for negative counts, and for a beam.

    Parameters
    ----------
    signal : Signal
        With ``counts`` or ``intensity`` over ``energy_loss``; maps are summed.

    Returns
    -------
    list of Notice
        The offset is that of the highest point, so known to half a channel.
    """
    import numpy as np

    name = _values(signal, "energy_loss")
    if signal.data is None or name is None:
        return []
    energy, values = signal.data["energy_loss"].values, signal.data[name].values
    notices = _negative(values)
    whole = values if values.ndim == 1 else values.reshape(-1, energy.size).sum(0, dtype=float)
    notices += _no_electrons(energy, whole)
    if notices and notices[-1].code == "no-beam":
        return notices
    if energy.size < 2 or not energy[0] <= 0.0 <= energy[-1]:
        return notices
    ceiling = _ceiling(values.reshape(-1, energy.size))
    notices += ceiling or _flat_top(whole)
    step = float(energy[1] - energy[0])
    top = float(energy[int(np.argmax(whole))])
    if abs(top) <= NEAR_ZERO and abs(top) > 1.01 * step:
        notices.append(
            Notice(
                code="zero-loss-offset",
                message=(
                    f"the zero-loss maximum lies at {top:+.3g} eV ({step:g} eV a channel), "
                    "not at 0: all energies are off by as much"
                )
                if abs(top) <= SHIFTED
                else (
                    f"the highest point lies at {top:+.3g} eV, not at 0: the zero loss was not "
                    "recorded, or all energies are off by as much"
                ),
                where=f"channel {int(np.argmax(whole))}",
                fix=f"shift the axis by {-top:+.3g} eV before energies are compared"
                + ("" if abs(top) <= SHIFTED else ", if that is the zero loss"),
            )
        )
    return notices


def check_edx(signal: Signal) -> list[Notice]:
    """Look for negative counts, and for X-rays beyond the detector's noise at 0 keV."""
    import numpy as np

    name = _values(signal, "energy")
    if signal.data is None or name is None:
        return []
    energy, values = signal.data["energy"].values, signal.data[name].values
    notices = _negative(values)
    above = energy > ABOVE_NOISE
    if name != "counts" or not above.any():
        return notices
    spectrum = values.reshape(-1, energy.size).sum(axis=0, dtype=np.float64)
    rays, all_of_them = float(spectrum[above].sum()), float(spectrum.sum())
    if rays < FEW:
        notices.append(
            Notice(
                code="no-beam",
                message=f"{rays:.0f} of {all_of_them:.0f} counts lie above {ABOVE_NOISE:g} keV, "
                "the rest are the detector's noise: recorded with no usable beam",
                fix="use it for its structure, not for chemistry",
            )
        )
    return notices


def check_stored(signal: Signal, found: Found) -> list[Notice]:
    """Look for the same in an array that stays in its file, by what was seen of it once."""
    import xarray as xr

    axis = {"eels": "energy_loss", "edx": "energy"}.get(signal.modality)
    if axis is None or signal.summary is None or signal.lazy is None:
        return []
    (name, variable), *_ = signal.summary.variables.items()
    coordinates: Any = signal.lazy["coordinates"]
    energy = coordinates[axis]["values"]
    summed = xr.Dataset({name: (axis, found.total)}, {axis: (axis, energy)})
    check = check_spectrum if signal.modality == "eels" else check_edx
    said = check(Signal(signal.name, signal.modality, summed))
    notices = [notice for notice in said if notice.code != "negative-counts"]
    if found.negative:
        size = 1
        for n in variable.shape:
            size *= n
        notices.insert(0, _below_zero(found.negative, size, found.lowest))
    return notices


def _values(signal: Signal, axis: str) -> str | None:
    """Return the variable over this axis, the axis last."""
    if signal.data is None or axis not in signal.data.coords:
        return None
    name = next((n for n in ("counts", "intensity") if n in signal.data), None)
    return name if name is not None and signal.data[name].dims[-1] == axis else None


def _negative(values: NDArray[Any]) -> list[Notice]:
    import numpy as np

    below = int(np.count_nonzero(values < 0)) if values.dtype.kind in "if" else 0
    if not below:
        return []
    return [_below_zero(below, values.size, float(values.min()))]


def _below_zero(below: int, size: int, lowest: float) -> Notice:
    return Notice(
        code="negative-counts",
        message=f"{below} of {size} values are negative, lowest {lowest:g}",
        fix="register the spectrum before its background was subtracted",
    )


def _ceiling(spectra: NDArray[Any]) -> list[Notice]:
    """Spectra whose highest channels are equal, or at the end of their type of number."""
    from consilience_eels.lowloss.zero_loss import saturated

    flat = 0
    if spectra.shape[1] > 3:
        for first in range(0, len(spectra), 1024):
            flat += int(saturated(spectra[first : first + 1024]).sum())
    if not flat:
        return []
    return [
        Notice(
            code="zero-loss-saturated",
            message=f"{flat} of {len(spectra)} spectra have a flat top: their zero loss is "
            "saturated, so neither thickness nor deconvolution can be had from them",
            fix="record the zero loss with a shorter exposure",
        )
    ]


def _flat_top(whole: NDArray[Any]) -> list[Notice]:
    """A top that is too flat for a peak, though its channels differ."""
    import numpy as np

    from consilience_eels.lowloss.zero_loss import flatness

    ratio = flatness(np.asarray(whole, dtype=float))
    if ratio is None or ratio < FLAT_TOP:
        return []
    return [
        Notice(
            code="zero-loss-flat",
            message=f"the top of the zero loss is flat: at nine tenths of its height it is "
            f"{ratio:.2f} times as wide as at half (0.39 for a Gaussian): clipped by the detector "
            "and then scaled or summed, or it wandered between frames",
            fix="look at a single frame; if it was clipped, t/λ and deconvolution are wrong",
        )
    ]


def _no_electrons(energy: NDArray[np.float64], whole: NDArray[Any]) -> list[Notice]:
    """A spectrum without slope or feature is the camera's dark level.

    Sums over 32 stretches must scatter more than the channels' own noise lets them.
    """
    import numpy as np

    if not np.isfinite(whole).any() or not np.any(whole):
        empty = "is zero" if np.isfinite(whole).any() else "is not a number"
        return [
            Notice(
                code="no-beam",
                message=f"every value of the spectrum {empty}: recorded with no usable beam, or "
                "lost on export",
                fix="export it again from the microscope",
            )
        ]
    if energy.size < 256:
        return []
    size = energy.size // 32
    blocks = np.asarray(whole[: 32 * size], dtype=np.float64).reshape(32, size)
    steps = np.diff(blocks, axis=1)
    noise = float(np.sqrt(np.mean(steps**2) / 2.0 / size))
    scatter = float(np.std(blocks.mean(axis=1), ddof=1))
    if scatter > 3.0 * noise:
        return []
    return [
        Notice(
            code="no-beam",
            message=f"the spectrum is flat: its {32} parts differ by {scatter:.3g} where noise "
            f"alone gives {noise:.3g}; neither a zero loss nor an edge: recorded with no usable "
            "beam",
            fix="use it for its structure, not for chemistry",
        )
    ]
