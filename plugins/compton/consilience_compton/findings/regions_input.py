"""Which measurements are regions 1, 2 and 3 of one state, and how much each was exposed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience.model.base import StateValue
from consilience.model.canonical import canonical_json
from consilience.model.measurement import Measurement, Notice
from consilience_compton.findings.momentum_params import RegionParams
from consilience_compton.findings.momentum_run import Walked, walk
from consilience_compton.momentum.collect import Collected, Total, total_of
from consilience_compton.momentum.regions import Fractions, fractions_of_layers, given
from consilience_compton.spectra import number_of

__all__ = [
    "Triple",
    "against_layers",
    "fractions_of",
    "groups_of",
    "once",
    "region_number",
    "triple_of",
]

Array = NDArray[np.float64]
NUMBER = re.compile(r"(?:R|region)?[\s_-]*([123])(?:\.0)?", re.IGNORECASE)
ROUNDING = 0.005
"""Of fractions that are stated with two digits."""


@dataclass(frozen=True)
class Triple:
    """The three regions of one state, added up over the pixels that all three can use.

    Parameters
    ----------
    walked : sequence of Walked
        One for each region, or the same one three times.
    totals : sequence of Total
    exposures : ndarray, shape (3,)
        Relative to region 1.
    exposure_from : str
    maps : sequence of Collected or None
        Pixels of each region, where the three are measurements of one detector.
    measurements : sequence of str
    state : mapping
        What the three share.
    angles : ndarray, shape (k,)
        Of the pixels, degrees.
    """

    walked: tuple[Walked, ...]
    totals: tuple[Total, ...]
    exposures: Array
    exposure_from: str
    maps: tuple[Collected, ...] | None
    measurements: tuple[str, ...]
    state: Mapping[str, StateValue]
    angles: Array


def region_number(value: object) -> int | None:
    """Return 1, 2 or 3 for 1, "R2", "region 3"; None for anything else."""
    found = NUMBER.fullmatch(str(value).strip())
    return int(found[1]) if found else None


def once(notices: Sequence[Notice]) -> list[Notice]:
    """Return notices without repeats: what is unknown for all states is said once."""
    return list({(n.code, n.message): n for n in notices}.values())


def fractions_of(params: RegionParams) -> Fractions:
    """Return α and β as the parameters say them.

    Raises
    ------
    BadInputError
        Neither fractions nor heights are known, or they are impossible.
    """
    if params.alpha is not None and params.beta is not None:
        return given(
            params.alpha, params.beta, params.alpha_std, params.beta_std, params.correlation
        )
    if params.beam is None or params.cathode is None or params.electrolyte is None:
        raise BadInputError(
            "α and β are not known: how much lithium the beam meets in regions 2 and 1",
            fix="say alpha=… and beta=… with their errors, or beam=…, cathode=… and electrolyte=… "
            "in µm; each of compton.regions, compton.lithium and compton.series takes its own",
        )
    return fractions_of_layers(
        params.beam,
        params.cathode,
        params.electrolyte,
        beam_std=params.beam_std,
        cathode_std=params.cathode_std,
        electrolyte_std=params.electrolyte_std,
        aligned_std=params.aligned_std,
    )


def against_layers(params: RegionParams) -> list[Notice]:
    """Say where stated α and β contradict the layers that are stated too; the first count."""
    heights = params.beam, params.cathode, params.electrolyte
    if params.alpha is None or params.beta is None or None in heights:
        return []
    stated, layers = fractions_of(params), fractions_of(params.model_copy(update={"alpha": None}))
    said = []
    for at, name in enumerate(("alpha", "beta")):
        one, other = (getattr(f, name) for f in (stated, layers))
        known = [f.covariance for f in (stated, layers) if f.covariance is not None]
        std = math.sqrt(sum(float(c[at, at]) for c in known))
        if abs(one - other) > 3.0 * std + ROUNDING:
            said.append(f"{name} = {one:g} is stated, the heights give {other:.3g} (± {std:.2g})")
    if not said:
        return []
    return [
        Notice(
            code="fractions-against-layers",
            message="; ".join(said),
            fix="find out which is right: every component hangs on it; leave the other away",
        )
    ]


def groups_of(
    measurements: Sequence[Measurement], params: RegionParams
) -> list[tuple[dict[str, StateValue], dict[int, Measurement]]]:
    """Return states in the order they were registered, each with its measurements by region."""
    groups: dict[str, tuple[dict[str, StateValue], dict[int, Measurement]]] = {}
    for one in measurements:
        state = dict(one.record.state)
        number = region_number(state.pop(params.region, one.metadata.get(params.region, "")))
        if number is None:
            continue
        key = str(canonical_json({k: _plain(v) for k, v in state.items()}))
        members = groups.setdefault(key, (state, {}))[1]
        if number in members:
            raise BadInputError(
                f"{members[number].record.name} and {one.record.name} are both region {number} of "
                "one state",
                fix="give them states that differ, or leave one out",
            )
        members[number] = one
    return list(groups.values())


def _plain(value: StateValue) -> Any:
    return value.to_json() if hasattr(value, "to_json") else value


def triple_of(
    members: Mapping[int, Measurement], state: Mapping[str, StateValue], params: RegionParams
) -> Triple:
    """Walk through the three measurements of one state.

    Raises
    ------
    BadInputError
        A region is missing, or its spectra cannot be used.
    """
    missing = [str(n) for n in (1, 2, 3) if n not in members]
    if missing:
        raise BadInputError(
            f"region {' and '.join(missing)} was not measured in this state: nothing can be "
            "subtracted",
            fix="register the spectra of all three regions with the same state",
        )
    ordered = [members[n] for n in (1, 2, 3)]
    walked = [walk(one, params) for one in ordered]
    shapes = {one.found.used.shape for one in walked}
    if len(shapes) > 1:
        raise BadInputError(
            f"the regions have different pixels: {', '.join(map(str, sorted(shapes)))}",
            fix="give spectra of one detector, or sums of its pixels for all three",
        )
    common = np.logical_and.reduce([one.found.used for one in walked])
    if not common.any():
        raise BadInputError(
            "no pixel can be used in all three regions", fix="look at what marks the pixels as bad"
        )
    sides = walked[0].settings.sides
    if sides is not None:
        params = params.model_copy(update={"sides": (sides.below, sides.above)})
    labels = np.where(common, 0, -1)
    for i, one in enumerate(walked):
        if (one.found.used != common).any() or one.settings.sides != sides:
            walked[i] = walk(ordered[i], params, labels, one.spectra)
    incident = walked[0].spectra.geometry.incident_energy
    totals = [total_of(one.found, incident, one.settings, common) for one in walked]
    exposures, said = _exposures(ordered)
    is_map = walked[0].spectra.is_map
    return Triple(
        tuple(walked),
        tuple(totals),
        exposures,
        said,
        tuple(replace(one.found, used=common) for one in walked) if is_map else None,
        tuple(one.id for one in ordered),
        state,
        walked[0].spectra.angles[common],
    )


def triple_in_one(measurement: Measurement, params: RegionParams) -> Triple | None:
    """Return the regions that one measurement holds: rows of a detector, or a list of spectra.

    Returns
    -------
    Triple or None
        None where the measurement holds no three regions.

    Raises
    ------
    BadInputError
        As `triple_of`.
    """
    counts = measurement.data["counts"]
    if params.region_rows is not None and {"row", "column"} <= set(counts.dims):
        labels = np.full((counts.sizes["row"], counts.sizes["column"]), -1, dtype=np.intp)
        for number, (first, last) in enumerate(params.region_rows):
            if not 0 <= first <= last < counts.sizes["row"]:
                raise BadInputError(
                    f"region {number + 1}: rows {first} to {last} of a detector with "
                    f"{counts.sizes['row']}",
                    fix=f"name rows from 0 to {counts.sizes['row'] - 1}",
                )
            labels[first : last + 1] = number
    elif "region" in counts.dims:
        where = counts["region"].values.tolist() if "region" in counts.coords else [1, 2, 3]
        numbers = [region_number(one) for one in where]
        if sorted(n for n in numbers if n is not None) != [1, 2, 3]:
            return None
        labels = np.array([-1 if n is None else n - 1 for n in numbers], dtype=np.intp)
    else:
        return None
    walked = walk(measurement, params, labels)
    incident = walked.spectra.geometry.incident_energy
    totals = [total_of(walked.found, incident, walked.settings, labels == n, n) for n in range(3)]
    pixels = np.array([float(t.profile.pixels) for t in totals])
    return Triple(
        (walked,) * 3,
        tuple(totals),
        pixels / pixels[0],
        "pixels of each region; one exposure for all",
        None,
        (measurement.id,),
        dict(measurement.record.state),
        walked.spectra.angles[labels == 0],
    )


def _exposures(measurements: Sequence[Measurement]) -> tuple[Array, str]:
    for name, unit in (("monitor", ""), ("live_time", "s")):
        found = []
        for one in measurements:
            value = one.metadata.get(name)
            if name == "monitor" and isinstance(value, int | float) and value > 0:
                found.append(float(value))
            elif name == "live_time":
                seconds = number_of(one.metadata, name, unit)
                if seconds is not None and seconds > 0:
                    found.append(seconds)
        if len(found) == len(measurements):
            return np.array(found) / found[0], name.replace("_", " ")
    return np.ones(len(measurements)), "not stated: taken as equal"
