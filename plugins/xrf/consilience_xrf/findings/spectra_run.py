"""The same analyses on spectra: ``xrf.maps_of_spectra`` and its kin fit the spectra first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.measurement import Measurement, Notice
from consilience_xrf.amounts.element_maps import POINT, MapSet, map_sets
from consilience_xrf.findings.amount_params import (
    DensityParams,
    MapsParams,
    ProfileParams,
    SensitivityParams,
)
from consilience_xrf.findings.density_run import densities_of
from consilience_xrf.findings.elements_arrays import map_dataset
from consilience_xrf.findings.elements_drafts import element_draft
from consilience_xrf.findings.elements_params import ElementsParams
from consilience_xrf.findings.elements_run import FitOfMeasurement, fit_of_measurement
from consilience_xrf.findings.map_input import Compared, gather
from consilience_xrf.findings.maps_run import compared_maps
from consilience_xrf.findings.profile_run import profiles_of
from consilience_xrf.findings.sensitivity_run import sensitivities_of

__all__ = [
    "SpectraDensityParams",
    "SpectraMapsParams",
    "SpectraProfileParams",
    "SpectraSensitivityParams",
    "run_density_of_spectra",
    "run_maps_of_spectra",
    "run_profile_of_spectra",
    "run_sensitivity_of_spectra",
]


class SpectraMapsParams(MapsParams):
    """Parameters of `run_maps_of_spectra`: those of maps, and `fit` as of ``xrf.elements``."""

    fit: ElementsParams = ElementsParams()


class SpectraProfileParams(ProfileParams):
    """Parameters of `run_profile_of_spectra`; `fit` as of ``xrf.elements``."""

    fit: ElementsParams = ElementsParams()


class SpectraDensityParams(DensityParams):
    """Parameters of `run_density_of_spectra`; `fit` as of ``xrf.elements``."""

    fit: ElementsParams = ElementsParams()


class SpectraSensitivityParams(SensitivityParams):
    """Parameters of `run_sensitivity_of_spectra`; `fit` as of ``xrf.elements``."""

    fit: ElementsParams = ElementsParams()


def run_maps_of_spectra(
    measurements: Sequence[Measurement], params: SpectraMapsParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return what `consilience_xrf.findings.maps_run.run_maps` says of fitted spectra.

    Raises
    ------
    BadInputError
        No spectrum can be fitted, or a line that none has.
    """
    return _run(measurements, params, context, lambda c: compared_maps(c, params))


def run_profile_of_spectra(
    measurements: Sequence[Measurement], params: SpectraProfileParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return what `consilience_xrf.findings.profile_run.run_profile` says of fitted spectra."""
    return _run(measurements, params, context, lambda c: profiles_of(c, params))


def run_density_of_spectra(
    measurements: Sequence[Measurement], params: SpectraDensityParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return what `consilience_xrf.findings.density_run.run_density` says of fitted spectra."""
    return _run(measurements, params, context, lambda c: densities_of(c, params))


def run_sensitivity_of_spectra(
    measurements: Sequence[Measurement],
    params: SpectraSensitivityParams,
    context: AnalysisContext,
) -> AnalysisOutput:
    """Return what `consilience_xrf.findings.sensitivity_run.run_sensitivity` says of them."""
    return _run(measurements, params, context, lambda c: sensitivities_of(c, params))


def _run(
    measurements: Sequence[Measurement],
    params: Any,
    context: AnalysisContext,
    said_of: Callable[[Compared], AnalysisOutput],
) -> AnalysisOutput:
    """Fit each measurement; those that cannot be fitted get a notice and are left out."""
    notices: list[Notice] = []
    sets: dict[str, list[MapSet]] = {}
    for measurement in measurements:
        try:
            sets[measurement.id] = _fitted(measurement, params, context, notices)
        except BadInputError as fault:
            text = f"{measurement.record.file_name}: {fault.what}"
            notices.append(Notice(code="spectra-not-fitted", message=text, fix=fault.fix or ""))
    fitted = [m for m in measurements if m.id in sets]
    if not fitted:
        raise BadInputError(
            "no spectrum can be fitted: " + "; ".join(n.message for n in notices),
            fix="give an energy axis, and name elements with fit={elements: […]}",
        )
    made = said_of(gather(fitted, params, lambda m: sets[m.id]))
    return AnalysisOutput(made.findings, made.arrays, [*notices, *made.notices])


def _fitted(
    measurement: Measurement, params: Any, context: AnalysisContext, notices: list[Notice]
) -> list[MapSet]:
    if "energy" not in measurement.data.coords:
        raise BadInputError(
            "no energy axis is known, so no line can be named",
            fix="register it with options that give one",
        )
    wanted = params.fit
    if params.lines:
        wanted = wanted.model_copy(update={"elements": (*wanted.elements, *params.lines)})
    if wanted.incident_energy is None and params.incident_energy is not None:
        wanted = wanted.model_copy(update={"incident_energy": params.incident_energy})
    fit = fit_of_measurement(measurement, wanted.model_copy(update={"maps": True}), context)
    notices += fit.notices
    if fit.maps is not None:
        data = map_dataset(fit.maps, fit.counts)
        dims = {str(d) for d in fit.counts.dims[:-1]}
    else:
        data, dims = _one_point(fit.whole.fit), set()
    if not params.lines:
        data = data.drop_vars([n for n in _not_seen(fit) if n in data])
    data = data.assign(
        {
            name: measurement.data[name]
            for name in POINT
            if name in measurement.data and set(map(str, measurement.data[name].dims)) <= dims
        }
    )
    return map_sets(data, counting=params.counting)


def _not_seen(fit: FitOfMeasurement) -> list[str]:
    """Families of elements that are not there for sure, or that show no counts themselves.

    All are kept where none is there.
    """
    whole = fit.whole
    seen = set()
    for found in fit.scale.search.elements:
        if element_draft(found, whole).status != "present":
            continue
        for family in found.families:
            if family.name in whole.fit.names:
                net, critical, _ = whole.decision(whole.fit.of(family.name))
                if net > critical:
                    seen.add(family.name)
    families = whole.fit.names[: whole.fit.elements]
    return [name for name in families if name not in seen] if seen else []


def _one_point(fit: Any) -> xr.Dataset:
    """A single spectrum as a map of one point."""
    variables: dict[str, Any] = {}
    for i, name in enumerate(fit.names[: fit.elements]):
        element, _, shell = name.partition("_")
        attrs = {"units": "count", "element": element, "line": shell}
        dims = ("y", "x")
        variables[name] = (dims, np.full((1, 1), float(np.ravel(fit.free[i])[0])), attrs)
        std = np.full((1, 1), float(np.ravel(fit.std[i])[0]))
        variables[f"{name}_std"] = (dims, std, {"units": "count", "std_from": "fit"})
    return xr.Dataset(variables)
