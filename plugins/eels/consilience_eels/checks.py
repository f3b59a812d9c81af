"""Is a spectrum sane?"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from consilience.model.measurement import Notice, Signal

__all__ = ["check_spectrum"]

NEAR_ZERO = 25.0
"""eV: the highest point of a low-loss spectrum within this is the zero loss."""


def check_spectrum(signal: Signal) -> list[Notice]:
    """Look for a zero-loss peak that is not at zero, and for negative counts.

    Parameters
    ----------
    signal : Signal
        With ``counts`` or ``intensity`` over ``energy_loss``.

    Returns
    -------
    list of Notice
        The offset is that of the highest point, so known to half a channel.
    """
    import numpy as np

    if signal.data is None or "energy_loss" not in signal.data.coords:
        return []
    name = next((n for n in ("counts", "intensity") if n in signal.data), None)
    if name is None or signal.data[name].dims != ("energy_loss",):
        return []
    energy, values = signal.data["energy_loss"].values, signal.data[name].values
    notices = []
    below = int(np.count_nonzero(values < 0))
    if below:
        notices.append(
            Notice(
                code="negative-counts",
                message=f"{below} of {values.size} values are negative, lowest {values.min():g}",
                fix="register the spectrum before its background was subtracted",
            )
        )
    if energy.size < 2 or not energy[0] <= 0.0 <= energy[-1]:
        return notices
    step = float(energy[1] - energy[0])
    top = float(energy[int(np.argmax(values))])
    if abs(top) <= NEAR_ZERO and abs(top) > 1.01 * step:
        notices.append(
            Notice(
                code="zero-loss-offset",
                message=(
                    f"the zero-loss maximum lies at {top:+.3g} eV ({step:g} eV a channel), "
                    "not at 0: all energies are off by as much"
                ),
                where=f"channel {int(np.argmax(values))}",
                fix=f"shift the axis by {-top:+.3g} eV before energies are compared",
            )
        )
    return notices
