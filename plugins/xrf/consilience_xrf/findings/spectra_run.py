"""The same analyses on spectra: ``xrf.maps_of_spectra`` and its kin fit the spectra first."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.checkpoints import Checkpoints
from consilience.errors import BadInputError
from consilience.model.canonical import canonical_json
from consilience.model.measurement import Measurement, Notice
from consilience_xrf import __version__
from consilience_xrf.amounts.element_maps import POINT, MapSet, map_sets
from consilience_xrf.findings.amount_params import (
    DensityParams,
    MapsParams,
    ProfileParams,
    SensitivityParams,
)
from consilience_xrf.findings.change_params import ChangeParams
from consilience_xrf.findings.change_run import changes_of
from consilience_xrf.findings.density_run import densities_of
from consilience_xrf.findings.elements_drafts import element_draft
from consilience_xrf.findings.elements_params import ElementsParams
from consilience_xrf.findings.elements_run import (
    FitOfMeasurement,
    fit_of_measurement,
    unusable_axis,
)
from consilience_xrf.findings.map_input import Compared, gather
from consilience_xrf.findings.maps_run import compared_maps
from consilience_xrf.findings.profile_run import profiles_of
from consilience_xrf.findings.sensitivity_run import sensitivities_of

__all__ = [
    "SpectraChangeParams",
    "SpectraDensityParams",
    "SpectraMapsParams",
    "SpectraProfileParams",
    "SpectraSensitivityParams",
    "run_change_of_spectra",
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


class SpectraChangeParams(ChangeParams):
    """Parameters of `run_change_of_spectra`; `fit` as of ``xrf.elements``."""

    fit: ElementsParams = ElementsParams()


def run_maps_of_spectra(
    measurements: Sequence[Measurement], params: SpectraMapsParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return what `consilience_xrf.findings.maps_run.run_maps` says of fitted spectra.

    Spectra that cannot be fitted get a notice.

    Raises
    ------
    BadInputError
        A line that none of the spectra has.
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


def run_change_of_spectra(
    measurements: Sequence[Measurement], params: SpectraChangeParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return what `consilience_xrf.findings.change_run.run_change` says of fitted spectra."""
    return _run(measurements, params, context, lambda c: changes_of(c, params, context))


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
        return AnalysisOutput([], notices=notices)
    made = said_of(gather(fitted, params, lambda m: sets[m.id]))
    return AnalysisOutput(made.findings, made.arrays, [*notices, *made.notices])


def _fitted(
    measurement: Measurement, params: Any, context: AnalysisContext, notices: list[Notice]
) -> list[MapSet]:
    wanted = params.fit
    if params.lines:
        wanted = wanted.model_copy(update={"elements": (*wanted.elements, *params.lines)})
    if wanted.incident_energy is None and params.incident_energy is not None:
        wanted = wanted.model_copy(update={"incident_energy": params.incident_energy})
    refused = unusable_axis(measurement, wanted.incident_energy)
    if refused is not None:
        what = refused.message.removeprefix(f"{measurement.record.name}: ")
        raise BadInputError(what, fix=refused.fix)
    data, said = _fit(measurement, wanted.model_copy(update={"maps": True}), params, context)
    notices += said
    dims = {str(d) for n in data.data_vars for d in data[n].dims}
    data = data.assign(
        {
            name: measurement.data[name]
            for name in POINT
            if name in measurement.data and set(map(str, measurement.data[name].dims)) <= dims
        }
    )
    return map_sets(data, counting=params.counting)


def _fit(
    measurement: Measurement, wanted: ElementsParams, params: Any, context: AnalysisContext
) -> tuple[xr.Dataset, list[Notice]]:
    """Maps of the families that are there, or of those asked for; kept for the next analysis."""
    identity = {
        "what": "xrf element maps of spectra",
        "version": __version__,
        "measurement": measurement.id,
        "fit": wanted.model_dump(mode="json"),
        "lines": list(params.lines),
        "elements": list(context.sample.elements),
    }
    kept = Checkpoints(context.cache, identity)
    stored = kept.load("fit")
    if stored is None:
        fit = fit_of_measurement(measurement, wanted, context)
        skip = () if params.lines else _not_seen(fit)
        whole = fit.maps if fit.maps is not None else fit.whole.fit
        names = [n for n in whole.names[: whole.elements] if n not in skip]
        chosen = [whole.of(n) for n in names]
        stored = {
            "names": np.array(names),
            "values": whole.free[chosen],
            "std": whole.std[chosen],
            "notices": np.array(canonical_json([n.to_json() for n in fit.notices]).decode()),
        }
        kept.save("fit", stored)
    counts = measurement.data["counts"].transpose(..., "channel")
    dims = tuple(str(d) for d in counts.dims[:-1]) or ("y", "x")
    shape = tuple(int(counts.sizes[d]) for d in dims) if counts.ndim > 1 else (1, 1)
    variables: dict[str, Any] = {}
    for name, values, std in zip(stored["names"], stored["values"], stored["std"], strict=True):
        element, _, shell = str(name).partition("_")
        attrs = {"units": "count", "element": element, "line": shell, "std_from": "fit"}
        variables[str(name)] = (dims, np.reshape(values, shape), attrs)
        variables[f"{name}_std"] = (dims, np.reshape(std, shape), {"units": "count"})
    coordinates = {
        n: c.variable for n, c in counts.coords.items() if "channel" not in c.dims and c.ndim
    }
    said = [Notice.model_validate(one) for one in json.loads(str(stored["notices"]))]
    return xr.Dataset(variables, coordinates), said


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
