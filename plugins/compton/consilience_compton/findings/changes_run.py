"""The analysis ``compton.changes``: maps of EMR state by state, and where they changed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft, Rival, Subject
from consilience.model.measurement import Measurement, Notice
from consilience_compton.findings.momentum_params import ChangeParams
from consilience_compton.findings.momentum_run import Walked, net_map, walk
from consilience_compton.momentum.evaluation import Evaluated, evaluate
from consilience_compton.momentum.pooling import Difference, PooledMap, difference, pool, squares
from consilience_compton.momentum.sensitivity import smooth_curve

__all__ = ["run_changes"]

Array = NDArray[np.float64]
METHOD = "EMR of the same squares of pixels in two states, and their difference"


def run_changes(
    measurements: Sequence[Measurement], params: ChangeParams, context: AnalysisContext
) -> AnalysisOutput:
    """Compare each map with the first one of the same beam position.

    Returns
    -------
    AnalysisOutput
        One finding of kind ``spatial_change`` for each later state: the mean change, and whether
        it is the same everywhere.  Nothing where fewer than two maps can be compared.

    Raises
    ------
    BadInputError
        `along` is no number in every state.
    """
    maps = [m for m in measurements if _is_map(m, params)]
    findings: list[FindingDraft] = []
    arrays: dict[str, xr.Dataset] = {}
    notices: list[Notice] = []
    groups: dict[tuple[str, tuple[int, ...]], list[Measurement]] = {}
    for one in maps:
        where = one.record.state.get("region", one.metadata.get("region", ""))
        shape = tuple(one.record.summary.variables["counts"].shape[:2])
        groups.setdefault((str(where), shape), []).append(one)
    for number, ((where, _), members) in enumerate(groups.items()):
        if len(members) < 2:
            continue
        context.progress(number, len(groups), "maps of the states")
        ordered, walked = [], []
        for one in _ordered(members, params.along):
            try:
                walked.append(walk(one, params))
            except BadInputError as fault:
                said = f"{one.record.name} is left out: {fault.what}"
                notices.append(Notice(code="no-map", message=said, fix=fault.fix))
                continue
            ordered.append(one)
        if len(ordered) < 2:
            continue
        try:
            found, data = _compare(ordered, walked, params, f"changes_{number + 1}", where)
        except BadInputError as fault:
            notices.append(Notice(code="no-changes", message=fault.what, fix=fault.fix))
            continue
        findings += found
        arrays[f"changes_{number + 1}"] = data
    return AnalysisOutput(findings, arrays, notices)


def _is_map(measurement: Measurement, params: ChangeParams) -> bool:
    summary = measurement.record.summary.variables.get("counts")
    axes = {"energy", "channel"} if params.energy_scale == "lines" else {"energy"}
    return (
        summary is not None
        and {"row", "column"} <= set(summary.dims)
        and bool(axes & set(summary.dims))
    )


def _ordered(members: Sequence[Measurement], along: str | None) -> list[Measurement]:
    if along is None:
        return list(members)
    values = []
    for one in members:
        said = one.record.state.get(along)
        value = getattr(said, "value", said)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadInputError(
                f"along {along!r}: it is {said!r} for {one.record.name}, not a number",
                fix="name a state variable that every measurement has as a number",
            )
        values.append(float(value))
    return [members[i] for i in np.argsort(values, kind="stable")]


def _compare(
    ordered: Sequence[Measurement],
    walked: Sequence[Walked],
    params: ChangeParams,
    array: str,
    where: str,
) -> tuple[list[FindingDraft], xr.Dataset]:
    used = np.logical_and.reduce([one.found.used for one in walked])
    if not used.any():
        raise BadInputError(
            "no pixel can be used in all maps", fix="look at what marks the pixels as bad"
        )
    nets = [net_map(one) for one in walked]
    weakest = int(np.argmin([float(counts[used].sum()) for counts, _ in nets]))
    labels = squares(*nets[weakest], used, params.wanted)
    results = [evaluate(one.total, one.spectra.geometry, one.settings, one.peak) for one in walked]
    pooled = [
        pool(counts, matrix, labels, one.factor, params.wanted)
        for (counts, matrix), one in zip(nets, results, strict=True)
    ]
    names = _labels(ordered)
    data = _dataset(pooled, names, labels)
    findings = []
    for i in range(1, len(ordered)):
        found = difference(pooled[0], pooled[i])
        if found is None:
            continue
        data[f"z_{i}"] = (
            ("row", "column"),
            pooled[i].on_pixels(found.z),
            {"units": "1", "missing": "not used, or too few counts"},
        )
        draft = _draft(found, names, i, _drift(walked, results, i), array, where)
        ids = [ordered[0].id, ordered[i].id]
        state = dict(ordered[i].record.state)
        findings.append(draft.model_copy(update={"measurements": ids, "state": state}))
    return findings, data


def _drift(walked: Sequence[Walked], results: Sequence[Evaluated], i: int) -> tuple[float, float]:
    """How far the peak moved from the first state, keV, and what that makes of EMR."""
    first, other = walked[0], walked[i]
    moved = other.peak.deviation - first.peak.deviation
    if other.settings.energy_offset != first.settings.energy_offset:
        return moved, 0.0  # windows lie around each peak
    incident = other.spectra.geometry.incident_energy
    curve = smooth_curve(other.total.profile, other.settings.windows, incident, other.total.angle)
    return moved, abs(curve.by_offset(abs(moved))) * float(results[i].result.value)


def _draft(
    found: Difference,
    names: Sequence[str],
    i: int,
    drift: tuple[float, float],
    array: str,
    where: str,
) -> FindingDraft:
    number = int(np.isfinite(found.z).sum())
    sentence = (
        f"from {names[0]} to {names[i]} the ratio changes by {found.mean:+.4f} ± "
        f"{found.mean_std:.4f} (counting); {_where(found, number)}"
    )
    return FindingDraft(
        kind="spatial_change",
        subject=Subject(label=f"region {where}") if where else None,
        value=found.mean,
        unit="1",
        std_stat=found.mean_std,
        std_sys=drift[1],
        array=array,
        rivals=[
            Rival(
                subject=Subject(label="drift of the energy scale"),
                live=True,
                decided_by=["the detector's own lines in both states"],
                note=f"the Compton peak moved by {1e3 * drift[0]:+.0f} eV",
            ),
            Rival(
                subject=Subject(label="movement of the cell in the beam"),
                live=True,
                decided_by=["tomography of both states"],
            ),
        ],
        evidence={
            "sentence": sentence,
            "first": names[0],
            "second": names[i],
            "squares": number,
            "beyond_5_percent_family": found.beyond,
            "z_threshold": found.threshold,
            "p_uniform": found.p_uniform,
            "chance_of_a_square_beyond": 0.05,
            "peak_moved_keV": drift[0],
            "drift_on_emr": drift[1],
            "index": i,
        },
        assumptions=[
            "errors of the squares are those of counting; what both states share cancels",
            "a drift of the peak between the states does not cancel: std_sys carries it",
        ],
        method=METHOD,
    )


def _where(found: Difference, number: int) -> str:
    if found.p_uniform is None:
        return "there is one square only"
    one_by_one = f"{found.beyond} of {number} squares stand out one by one"
    if found.p_uniform < 0.05:
        return f"not by the same everywhere (p = {found.p_uniform:.2g}); {one_by_one}"
    if found.beyond:
        return f"{one_by_one}, though all together they vary no more than by chance"
    return f"by the same everywhere, as far as can be seen (p = {found.p_uniform:.2g})"


def _labels(ordered: Sequence[Measurement]) -> list[str]:
    """What tells the states apart, each once."""
    found: list[str] = []
    for number, one in enumerate(ordered, start=1):
        name = _label(one)
        taken = name in found or [_label(m) for m in ordered].count(name) > 1
        found.append(f"{name} ({number})" if taken else name)
    return found


def _label(measurement: Measurement) -> str:
    state = measurement.record.state
    parts = [f"{k} {getattr(v, 'value', v)}" for k, v in state.items() if k != "region"]
    return ", ".join(parts) or measurement.record.name


def _dataset(
    pooled: Sequence[PooledMap], names: Sequence[str], labels: NDArray[np.intp]
) -> xr.Dataset:
    dims = ("state", "row", "column")
    about = {"units": "1", "missing": "not used, or too few counts"}
    values = np.array([one.on_pixels(one.result.value) for one in pooled])
    std = np.array([one.on_pixels(one.result.std_stat) for one in pooled])
    return xr.Dataset(
        {
            "emr": (dims, values, {**about, "ancillary_variables": "emr_std"}),
            "emr_std": (dims, std, about),
            "square": (("row", "column"), labels, {"units": "1", "missing": "-1: not used"}),
        },
        {
            "state": ("state", np.array(list(names)), {"units": "1"}),
            "row": ("row", np.arange(labels.shape[0]), {"units": "1"}),
            "column": ("column", np.arange(labels.shape[1]), {"units": "1"}),
        },
    )
