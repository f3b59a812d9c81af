"""Each line of a phase: found, shared, hidden, too weak, missing; and the chance of accidents."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from consilience_xrd.identification.matching import tolerance
from consilience_xrd.identification.results import CHANCE, STRONG, AreaProbe, LineState, Work
from consilience_xrd.identification.shift import shift_in_q
from consilience_xrd.references.reference import Line

if TYPE_CHECKING:
    from consilience_xrd.identification.matching import Pairing

TRIALS = 10.0
"""Independent places over six standard deviations of a loosely known cell, about."""

__all__ = ["chance_of", "hidden", "plausible", "reach_of", "scale_of", "states_of"]


def scale_of(
    strong: list[tuple[Line, float, int | None, tuple[int, ...]]], pairing: Pairing
) -> tuple[float | None, float | None]:
    """Median area per unit of computed intensity, and how well the ratios agree.

    Lines of the phase that fall on one peak add up.
    """
    per_peak: dict[int, float] = {}
    for line, _, i, _ in strong:
        if i is not None:
            per_peak[i] = per_peak.get(i, 0.0) + line.intensity
    ratios = [
        pairing.peaks[i].peak.area / intensity
        for i, intensity in per_peak.items()
        if math.isfinite(pairing.peaks[i].peak.area) and pairing.peaks[i].peak.area > 0
    ]
    if not ratios:
        return None, None
    scale = float(np.median(ratios))
    if len(ratios) < 2:
        return scale, None
    logs = np.log(np.array(ratios) / scale)
    return scale, float(np.exp(-np.sqrt(np.mean(np.minimum(logs**2, 9.0)))))


def hidden(q: float, line: Line, work: Work, pairing: Pairing) -> bool:
    """Whether a line would vanish under a peak that is not its own."""
    expected = None if work.scale is None else work.scale * line.intensity
    for matched in pairing.peaks:
        peak = matched.peak
        if "broad" in peak.flags:
            continue
        if abs(peak.q - q) < 1.0 * peak.fwhm and (
            expected is None or not math.isfinite(peak.area) or peak.area > 0.7 * expected
        ):
            return True
    return False


def _coverage(pairing: Pairing, least_area: float, cell: float, span: float) -> float:
    """Share of the range within tolerance of a peak of at least `least_area`.

    `cell` is the relative error of the line's place by its cell, `span` the distance
    [1/angstrom] between the first and the last of the lines that count as one chance.
    """
    low, high = pairing.q_range
    edges = []
    for matched in pairing.peaks:
        peak = matched.peak
        if "broad" in peak.flags or (math.isfinite(peak.area) and peak.area < least_area):
            continue
        # the very window of the matching
        room = 0.5 * span + tolerance(
            pairing.settings, peak.std, pairing.shift_std(peak.q), cell * peak.q
        )
        edges.append((max(peak.q - room, low), min(peak.q + room, high)))
    edges.sort()
    covered, end = 0.0, low
    for a, b in edges:
        covered += max(0.0, b - max(a, end))
        end = max(end, b)
    return min(0.98, covered / max(high - low, 1e-9))


def chance_of(pairing: Pairing, work: Work, only_unclaimed: dict[int, str] | None = None) -> float:
    """Probability of at least so many lines meeting peaks if the lines fell at random.

    A line counts as met only by a peak of at least a fifth of the area that it should have, so
    that strong lines on strong peaks are worth more than on any of many weak ones.  Every line
    counts, met or not, that would be as large as the smallest peak that was found.
    """
    low, high = pairing.q_range
    known = [m.peak.area for m in pairing.peaks if math.isfinite(m.peak.area)]
    seen = min(known) if known and work.scale is not None else 0.0
    rows = [
        row
        for row in work.lines
        if row[0].intensity >= CHANCE
        and low <= row[1] <= high
        and (row[2] is not None or not hidden(row[1], row[0], work, pairing))
        and (row[0].intensity >= STRONG or row[0].intensity * (work.scale or 0.0) >= seen)
    ]
    if only_unclaimed is not None:
        rows = [row for row in rows if row[2] is None or row[2] not in only_unclaimed]
    # lines closer than a peak's width are one chance, not two
    width = float(np.median([m.peak.fwhm for m in pairing.peaks])) if pairing.peaks else 0.0
    distinct: list[list[tuple[Line, float, int | None, tuple[int, ...]]]] = []
    for row in rows:
        if distinct and row[1] - distinct[-1][-1][1] < width:
            distinct[-1].append(row)
        else:
            distinct.append([row])
    found = 0
    spread = np.array([1.0])  # distribution of the number of accidental hits
    for group in distinct:
        intensity = sum(row[0].intensity for row in group)
        least = 0.0 if work.scale is None else 0.2 * work.scale * intensity
        hit = {row[2] for row in group if row[2] is not None}
        areas = [pairing.peaks[i].peak.area for i in hit]
        if any(not math.isfinite(a) or a >= least for a in areas):
            found += 1
        cell = max(pairing.place(work.reference, row[0])[1] / row[0].q for row in group)
        cover = _coverage(pairing, least, cell, group[-1][1] - group[0][1])
        spread = np.convolve(spread, [1 - cover, cover])
    if not found:
        return 1.0
    # a cell that was sought over its range had that many chances to fit
    trials = TRIALS if max(work.reference.phase.cell_std) >= 0.003 else 1.0
    return float(min(1.0, trials * spread[found:].sum()))


def plausible(line: Line, peak: int, work: Work, pairing: Pairing) -> bool:
    """Whether the phase can account for a good part of the peak's area (texture allowed)."""
    area = pairing.peaks[peak].peak.area
    if work.scale is None or not math.isfinite(area):
        return True
    return work.scale * line.intensity > 0.15 * area


def room_of(pairing: Pairing, work: Work, line: Line) -> float:
    """How far from its place a line may be [1/angstrom]."""
    if pairing.settings.plain is not None:
        return pairing.settings.plain
    _, cell = pairing.place(work.reference, line)
    stds = [m.peak.std for m in pairing.peaks]
    std = float(np.median(stds)) if stds else 0.0
    room = tolerance(pairing.settings, std, pairing.shift_std(line.q), cell)
    return room if pairing.shift_unknown else min(room, 0.03)


def reach_of(pairing: Pairing, work: Work, line: Line) -> tuple[float, float]:
    """Lowest and highest q [1/angstrom] at which a line of a phase that is there may be.

    The change of the cell that was fitted is that of the peaks that the phase was given: if it is
    said not to be there, these are none of its own, and its cell may be any that its source allows.
    """
    place, _ = pairing.place(work.reference, line)
    room = room_of(pairing, work, line)
    known = line.q + float(shift_in_q(pairing.shift, np.array([line.q]), pairing.wavelength)[0])
    stds = [m.peak.std for m in pairing.peaks]
    std = float(np.median(stds)) if stds else 0.0
    wide = tolerance(pairing.settings, std, pairing.shift_std(line.q), line.q_std)
    return min(place - room, known - wide), max(place + room, known + wide)


def states_of(
    work: Work, pairing: Pairing, claimed: dict[int, str], probe: AreaProbe | None
) -> list[LineState]:
    """Say of each strong line whether it is there, and if not, why."""
    low, high = pairing.q_range
    key = work.reference.phase.key
    out: list[LineState] = []
    for line, q, peak, _ in work.lines:
        if line.intensity < STRONG:
            continue
        expected = None if work.scale is None else work.scale * line.intensity
        if not low <= q <= high:
            out.append(LineState(line, q, "out_of_range", None, "outside the data"))
        elif peak is not None:
            owner = claimed.get(peak)
            shared = owner is not None and owner != key
            out.append(
                LineState(
                    line, q, "shared" if shared else "found", peak,
                    f"peak also explained by {owner}" if shared else "", expected,
                )
            )  # fmt: skip
        elif hidden(q, line, work, pairing):
            near = min(pairing.peaks, key=lambda m: abs(m.peak.q - q))
            at = pairing.peaks.index(near)
            who = claimed.get(at, "an unassigned phase")
            out.append(
                LineState(line, q, "hidden", None, f"under a peak at {near.peak.q:.4f} of {who}",
                          expected)
            )  # fmt: skip
        else:
            least = probe.limit(q) if probe else None
            # texture can weaken a line three times before its absence speaks against the phase
            if least is not None and expected is not None and expected < 3 * least:
                out.append(
                    LineState(line, q, "below_detection", None,
                              "too weak to be seen, as the other lines are", expected)
                )  # fmt: skip
            else:
                out.append(
                    LineState(line, q, "missing", None, "should be seen and is not", expected)
                )
    return out
