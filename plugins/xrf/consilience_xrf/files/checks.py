"""Is a spectrum sane?"""

from __future__ import annotations

from consilience.model.measurement import Notice, Signal

__all__ = ["check_spectrum"]


def check_spectrum(signal: Signal) -> list[Notice]:
    """Look for a spectrum without counts, an odd length and an overflow channel.

    Parameters
    ----------
    signal : Signal
        With ``counts`` over ``channel``, or a scan of such spectra, which are summed.

    Returns
    -------
    list of Notice
    """
    import numpy as np

    if signal.data is None or "counts" not in signal.data:
        return []
    array = signal.data["counts"]
    counts = array.sum(dim=[d for d in array.dims if d != "channel"]).values
    notices = []
    size = counts.size
    if not counts.any():
        notices.append(
            Notice(
                code="no-counts",
                message=f"all {size} channels are zero",
                fix="check that the shutter was open; register another spectrum",
                severity="fault",
            )
        )
    if size & (size - 1):
        notices.append(
            Notice(
                code="odd-length",
                message=f"{size} channels; analysers have a power of two (…, 2048, 4096, …)",
                fix="check that the export was not cut, nor its ends left out",
            )
        )
    if size > 16:
        usual = float(np.median(counts[-16:-1]))
        last = float(counts[-1])
        if last > 10 * usual + 100:
            notices.append(
                Notice(
                    code="overflow-channel",
                    message=f"the last channel holds {last:g} counts, those before it {usual:g}",
                    where=f"channel {size - 1}",
                    fix="leave the last channel out: it collects what lies above the range",
                )
            )
    return notices
