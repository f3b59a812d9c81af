"""Is a pattern sane?"""

from __future__ import annotations

import numpy as np

from consilience.model.measurement import Notice, Signal

__all__ = ["check_pattern"]


def check_pattern(signal: Signal) -> list[Notice]:
    """Say when a pattern holds no counts, is flat, below zero, or has no wavelength."""
    notices: list[Notice] = []
    if signal.data is None or "intensity" not in signal.data:
        return notices
    values = np.asarray(signal.data["intensity"].values)
    if not np.any(values):
        notices.append(
            Notice(
                code="all-zero",
                message="every intensity is zero",
                fix="check that the detector counted and that the mask leaves pixels",
                severity="fault",
            )
        )
    elif np.all(values == values.flat[0]):
        notices.append(
            Notice(code="flat", message=f"every intensity is {values.flat[0]:g}", severity="fault")
        )
    below = int(np.count_nonzero(values < 0))
    if below:
        notices.append(
            Notice(
                code="below-zero",
                message=f"{below} intensities are below zero: a background was subtracted, or "
                "gap pixels were not masked",
                fix="give the data before subtraction",
            )
        )
    if "wavelength" not in signal.metadata and "two_theta" in signal.data.coords:
        notices.append(
            Notice(
                code="no-wavelength",
                message="no wavelength is known, so 2theta cannot become q and no phase can be "
                "matched",
                fix='give --option wavelength="1.5406 angstrom" or --option energy="18 keV"',
            )
        )
    return notices
