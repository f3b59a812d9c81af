"""One spectrum of X-rays with its lines: what is asked for, what is in reach, what is counted."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.analysis import AnalysisContext
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft, Subject
from consilience.model.measurement import Measurement, Signal
from consilience_eels.files.bridge import to_hyperspy
from consilience_eels.findings.quantify_params import QuantificationParams
from consilience_eels.library import LineSums, line_windows, lines_of
from consilience_eels.spectra import blocks_of_rows
from consilience_eels.xray.artefacts import detector_rivals, named, stands_out
from consilience_eels.xray.quantify import LineCounts, line_counts, window_weights
from consilience_eels.xray.reach import beyond_reach, default_line, overlaps

__all__ = ["Asked", "XraySpectrum", "asked_of", "beam_of", "quantity_of", "spectrum_of"]


@dataclass(frozen=True)
class Asked:
    """What a spectrum is asked about.

    Parameters
    ----------
    elements : list of str
        Of the specimen.
    origins : dict
        Artefact element to where its X-rays come from.
    lines : list of str
        In reach, sorted; those of artefacts too.
    findings : list of FindingDraft
        On elements that are not in reach.
    """

    elements: list[str]
    origins: dict[str, str]
    lines: list[str]
    findings: list[FindingDraft]


@dataclass(frozen=True)
class XraySpectrum:
    """The (summed) spectrum with its line sums, in the order of `lines`."""

    signal: Any
    energy: NDArray[np.float64]
    counts: NDArray[np.float64]
    lines: list[str]
    sums: list[LineSums]
    weights: NDArray[np.float64]
    found: list[LineCounts]

    def only(self, keep: Sequence[int]) -> XraySpectrum:
        """Return it with some of the lines."""
        return XraySpectrum(
            self.signal,
            self.energy,
            self.counts,
            [self.lines[i] for i in keep],
            [self.sums[i] for i in keep],
            self.weights[list(keep)],
            [self.found[i] for i in keep],
        )


def quantity_of(measurement: Measurement, name: str) -> float | None:
    """Return a quantity of the instrument's metadata in its unit; None if it is not known."""
    given = measurement.metadata.get(name)
    return float(given["value"]) if isinstance(given, Mapping) else None


def beam_of(measurement: Measurement) -> float | None:
    """Return the beam's energy in keV."""
    return quantity_of(measurement, "beam_energy")


def asked_of(
    measurement: Measurement, params: QuantificationParams, context: AnalysisContext
) -> Asked:
    """Return elements and lines to look for, and findings on elements out of reach.

    What a file alone lists does not make an element the specimen's if microscopes add it, too.

    Raises
    ------
    BadInputError
        A line is named that the element does not have.
    """
    given = {line.partition("_")[0]: line for line in (*params.lines, *params.factors)}
    stated = [str(e) for e in measurement.metadata.get("elements") or []]
    own = [
        e
        for e in dict.fromkeys([*given, *params.elements, *context.sample.elements])
        if e not in params.artefacts
    ]
    origins = named(params.artefacts, own) if params.look_for_artefacts else dict(params.artefacts)
    if not params.elements:
        own += [e for e in stated if e not in own and e not in origins]
    sought = list(params.artefacts)
    if params.look_for_artefacts:
        # those that the file lists are answered for; the others only if they stand out
        sought += [e for e in origins if e not in sought]
    elif not params.elements:
        sought += [e for e in stated if e not in own and e not in sought]
    energy = measurement.data["energy"].values
    beam = beam_of(measurement)
    lines, findings = [], []
    for element in sorted({*own, *sought}):
        known = lines_of(element)
        line = given.get(element) or default_line(element, energy, beam, known)
        if element in given and line not in known and known:
            raise BadInputError(
                f"{line!r} is no line of {element} that exSpy knows",
                fix=f"its lines are {', '.join(known)}",
            )
        reason = beyond_reach(element, line, known, energy, params)
        if reason is None and line is not None:
            lines.append(line)
        elif element in own or element in params.artefacts:
            findings.append(
                FindingDraft(
                    kind="element",
                    subject=Subject(element=element),
                    status="not_observable",
                    reason=reason or "it has no X-ray line in this spectrum",
                    method="reach of the spectrum and of its detector",
                )
            )
    return Asked(own, origins, sorted(lines), findings)


def spectrum_of(
    measurement: Measurement, asked: Asked, params: QuantificationParams
) -> XraySpectrum:
    """Return the sum over all pixels with its lines; those of artefacts only if they are there."""
    data = measurement.data
    array = data["counts"].transpose(..., "energy")
    energy = data["energy"].values
    counts = np.zeros(energy.size)
    for _, block in blocks_of_rows(array.values):
        counts += block.sum(axis=0, dtype=np.float64)
    summed = xr.Dataset(
        {"counts": ("energy", counts, dict(array.attrs))}, {"energy": data["energy"]}, data.attrs
    )
    signal = to_hyperspy(
        Signal(
            name=measurement.record.name,
            modality="edx",
            data=summed,
            metadata=dict(measurement.metadata),
        )
    )
    stated = {*asked.elements, *params.artefacts}
    windows = line_windows(
        signal,
        asked.lines,
        params.line_width,
        params.windows_width,
        params.integration_width,
        apart=[line for line in asked.lines if line.partition("_")[0] not in stated],
    )
    weights = window_weights(energy, windows)
    # the sums that exSpy's `get_lines_intensity` makes
    nets = weights @ counts
    sums = [replace(line, net=float(net)) for line, net in zip(windows, nets, strict=True)]
    found = line_counts(weights, counts)
    whole = XraySpectrum(signal, energy, counts, asked.lines, sums, weights, found)
    keep = _kept(whole, asked, measurement, params)
    return whole.only(keep)


def _kept(
    whole: XraySpectrum, asked: Asked, measurement: Measurement, params: QuantificationParams
) -> list[int]:
    """Leave out artefacts that nobody named unless they stand out and nothing else explains it."""
    stated = {*asked.elements, *params.artefacts, *(measurement.metadata.get("elements") or [])}
    there = {
        line.partition("_")[0]: one.present
        for line, one in zip(whole.lines, whole.found, strict=True)
    }
    others = overlaps(whole.sums, asked.elements, there)
    detector = detector_rivals(whole.sums, whole.found)
    keep = []
    for i, line in enumerate(whole.lines):
        explained = [r for r in (*others.get(line, []), *detector.get(line, [])) if r.live]
        if line.partition("_")[0] in stated or (stands_out(whole.found[i]) and not explained):
            keep.append(i)
    return keep
