"""Peaks and references in, phases out: matching and judging, twice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from consilience_xrd.identification.matching import (
    MatchSettings,
    ObservedPeak,
    Pairing,
    match_peaks,
)
from consilience_xrd.identification.phaseid import AreaProbe, PhaseResult, evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from consilience_xrd.identification.shift import Shift
    from consilience_xrd.references.reference import ReferencePattern

__all__ = ["identify"]


def identify(
    peaks: Sequence[ObservedPeak],
    references: Sequence[ReferencePattern],
    q_range: tuple[float, float],
    wavelength: float | None = None,
    settings: MatchSettings | None = None,
    probe: AreaProbe | None = None,
    least_share: float = 0.7,
    greatest_chance: float = 1e-3,
    fallback: Shift | None = None,
    barred: Mapping[str, str] | None = None,
    admitted: Mapping[str, str] | None = None,
) -> tuple[Pairing, list[PhaseResult]]:
    """Match, judge, fit the shift again from the phases that are there, match and judge again.

    The first round always corrects the shift, so that with the correction switched off its size
    is still known from the right phases.  Where no phase is present the shift is not known: one
    that lines of phases fit which are not there says nothing.

    Parameters
    ----------
    fallback : Shift, optional
        Taken where the peaks alone give no shift.
    barred : dict of str to str, optional
        Phases that are not called present, with the reason.
    admitted : dict of str to str, optional
        Phases for which another argument than improbable accidents holds, with it.
    """
    chosen = settings or MatchSettings()
    first = replace(chosen, apply_shift=True)
    if first.shift == "none":
        first = replace(first, shift="zero")
    pairing = match_peaks(peaks, references, q_range, wavelength, first, fallback=fallback)
    found = evaluate(pairing, probe, least_share, greatest_chance, barred, admitted)
    present = [r.phase for r in found if r.status == "present"]
    for _ in range(2):
        pairing = match_peaks(
            peaks, references, q_range, wavelength, chosen, shift_from=present, fallback=fallback
        )
        found = evaluate(pairing, probe, least_share, greatest_chance, barred, admitted)
        again = [r.phase for r in found if r.status == "present"]
        # uncorrected, phases get lost; the shift stays that of the phases found with correction
        if not again or again == present or not chosen.apply_shift:
            break
        present = again
    return pairing, found
