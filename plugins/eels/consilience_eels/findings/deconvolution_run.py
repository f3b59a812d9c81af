"""``eels.single_scattering`` and ``eels.fourier_ratio``: plural scattering taken out."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft
from consilience.model.measurement import Measurement, Notice
from consilience_eels.edges.background import fit_power_law, pre_edge
from consilience_eels.findings.pairs import choose_pairs
from consilience_eels.findings.probed import placed
from consilience_eels.findings.refusals import without_zero_loss
from consilience_eels.findings.spectra_of import loss_array, spectrum_dataset, whole_of
from consilience_eels.findings.thickness_run import threshold_of
from consilience_eels.lowloss.deconvolution import single_scattering, without_plural_scattering
from consilience_eels.lowloss.zero_loss import NoZeroLossError

__all__ = [
    "FourierRatioParams",
    "SingleScatteringParams",
    "run_fourier_ratio",
    "run_single_scattering",
]

LOG = "Fourier-log deconvolution, by exSpy"
RATIO = "Fourier-ratio deconvolution after a power-law background, by exSpy"
Gain = Annotated[float, Field(gt=0.0, le=1e6)]
THICK = 2.0
"""t/λ from which on the zero loss is a small part, and noise in it decides."""


class SingleScatteringParams(BaseModel):
    """Parameters of `run_single_scattering`.

    Parameters
    ----------
    threshold : float, optional
        In eV, parts elastic from inelastic; by default exSpy finds it in the summed spectrum.
    counts_per_electron : float, optional
        The detector's gain; where it is not known, errors are not known either.
    maps : bool
        Deconvolute each pixel as well, and store it; else the sum alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: Annotated[float, Field(gt=0.0, le=100.0)] | None = None
    counts_per_electron: Gain | None = None
    maps: bool = False


class FourierRatioParams(BaseModel):
    """Parameters of `run_fourier_ratio`.

    Parameters
    ----------
    background : tuple of float
        eV; window before the edge, through which a power law is put.
    low, core : str, optional
        Which measurements: file name, signal name or ID; by default every pair of one scan.
    threshold : float, optional
        In eV, parts elastic from inelastic; by default exSpy finds it in the summed low loss.
    counts_per_electron : float, optional
        The detector's gain; where it is not known, errors are not known either.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    background: tuple[float, float] | None = None
    low: str | None = None
    core: str | None = None
    threshold: Annotated[float, Field(gt=0.0, le=100.0)] | None = None
    counts_per_electron: Gain | None = None


def run_single_scattering(
    measurements: Sequence[Measurement], params: SingleScatteringParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return the single-scattering distribution of one low loss.

    Returns
    -------
    AnalysisOutput
        One finding of kind ``single_scattering`` with the spectrum in ``spectrum``; not
        observable without a zero loss, or with one that is cut off or saturated; a core-loss
        spectrum gives a notice.
    """
    del context
    (measurement,) = measurements
    axis, array = loss_array(measurement)
    cube = array.values
    whole = whole_of(cube)
    try:
        threshold, said = threshold_of(measurement, whole, params.threshold)
        # flat tops are seen in spectra as recorded, not in sums
        if cube.ndim == 1:
            whole = cube
        found = single_scattering(axis, whole, threshold, params.counts_per_electron)
        pixels = single_scattering(axis, cube, threshold) if params.maps and cube.ndim > 1 else None
    except NoZeroLossError as fault:
        return _refused(measurement, fault, LOG)
    spectra: dict[str, Any] = {"single_scattering": (found.intensity, found.std)}
    if pixels is not None:
        spectra["single_scattering_map"] = (pixels.intensity, None)
    ratio = found.t_over_lambda
    notices = []
    if ratio is not None and ratio > THICK:
        notices.append(
            Notice(
                code="thick",
                message=f"{measurement.record.name}: t/λ is {ratio:.2f}; little zero loss is "
                "left to divide by, and the distribution is noise at the detail of the zero loss",
            )
        )
    finding = FindingDraft(
        kind="single_scattering",
        array="spectrum",
        evidence={
            "sentence": f"single-scattering distribution from {axis.energy[0]:g} to "
            f"{axis.energy[-1]:g} eV",
            "threshold_eV": threshold,
            "threshold_from": said,
            "t_over_lambda_of_the_distribution": ratio,
            "channels_tapered": found.tapered,
            "errors_from": "48 noisy copies" if found.std is not None else None,
        },
        assumptions=[
            "single scatterings are independent (Poisson's law)",
            "the zero loss is what lies below the threshold",
            f"{found.tapered} channels at either end are brought to zero and mean nothing",
        ],
        method=LOG,
    )
    arrays = {"spectrum": spectrum_dataset(axis.energy, spectra, array)}
    return AnalysisOutput(placed([finding], measurement, array), arrays, notices)


def run_fourier_ratio(
    measurements: Sequence[Measurement], params: FourierRatioParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return core losses without plural scattering, for each pair of low and core loss.

    Returns
    -------
    AnalysisOutput
        One finding of kind ``single_scattering`` for each pair, with the spectrum; not observable
        where the low loss has no usable zero loss.

    Raises
    ------
    BadInputError
        No window for the background was named, or dispersions differ.
    """
    del context
    pairs = choose_pairs(measurements, params.low, params.core)
    if not pairs:
        return AnalysisOutput([])
    if params.background is None:
        raise BadInputError(
            "Fourier-ratio needs a core loss without background, and no window was named",
            fix="name the window before the edge, such as background=[240, 280] for carbon",
        )
    findings: list[FindingDraft] = []
    arrays: dict[str, Any] = {}
    for number, (low, core) in enumerate(pairs):
        low_axis, lows = loss_array(low)
        core_axis, cores = loss_array(core)
        low_sum, core_sum = whole_of(lows.values), whole_of(cores.values)
        try:
            threshold, said = threshold_of(low, low_sum, params.threshold)
            window = pre_edge(core_axis, *params.background)
            energy = core_axis.energy
            law = fit_power_law(energy[window], core_sum[None, window])
            above = np.arange(energy.size) >= window.start
            under = np.where(above, law.counts(np.maximum(energy, energy[window.start]))[0], 0.0)
            if not np.isfinite(under).all():
                raise BadInputError(
                    f"no power law goes through {core.record.name} in the window of "
                    f"{params.background[0]:g} to {params.background[1]:g} eV",
                    fix="name a window before the edge that holds counts and falls",
                )
            net = np.where(above, core_sum - under, 0.0)
            found = without_plural_scattering(
                core_axis,
                net,
                low_axis,
                low_sum if lows.ndim > 1 else lows.values,
                threshold,
                params.counts_per_electron,
                under,
            )
        except NoZeroLossError as fault:
            findings += _refused(low, fault, RATIO).findings
            continue
        name = f"spectrum_{number}"
        arrays[name] = spectrum_dataset(
            core_axis.energy,
            {"without_plural_scattering": (found.intensity, found.std), "net": (net, None)},
        )
        findings.append(
            FindingDraft(
                kind="single_scattering",
                array=name,
                measurements=[low.id, core.id],
                evidence={
                    "sentence": f"{core.record.name} without plural scattering",
                    "threshold_eV": threshold,
                    "threshold_from": said,
                    "background_eV": list(params.background),
                    "channels_tapered": found.tapered,
                    "errors_from": "48 noisy copies" if found.std is not None else None,
                },
                assumptions=[
                    "both spectra are of the same region and thickness",
                    "the background falls as a power law",
                    "an edge is as high as electrons make it that lost energy there alone",
                ],
                method=RATIO,
            )
        )
    return AnalysisOutput(findings, arrays)


def _refused(measurement: Measurement, fault: NoZeroLossError, method: str) -> AnalysisOutput:
    so = "so plural scattering cannot be taken out of it alone"
    return without_zero_loss(measurement, fault, "single_scattering", method, so)
