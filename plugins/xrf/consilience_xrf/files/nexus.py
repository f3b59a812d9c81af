"""Read X-ray fluorescence from NeXus: raw scans of spectra, and element maps made of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from consilience.datasets import summarise
from consilience.errors import BadFileError, BadInputError
from consilience.hdf5 import origin_of, text_of
from consilience.hdf5_files import check_dataset, damaged, linked_files, open_hdf5
from consilience.model.base import Origin
from consilience.model.measurement import Notice, Signal
from consilience.nexus import member_of
from consilience.options import choice_option, number_option
from consilience.sizes import sized
from consilience_xrf.files.common import beam_of, place_index, same_unit, start_of
from consilience_xrf.files.cube import cube_dataset
from consilience_xrf.files.energy_choice import (
    EnergyChoice,
    EnergyOptions,
    StatedAxis,
    choose_energy,
    energy_options,
)
from consilience_xrf.files.look import look_at
from consilience_xrf.files.nexus_facts import (
    incident_energy,
    point_data,
    positions,
    sample_facts,
)
from consilience_xrf.files.nexus_find import Cube, find_cubes
from consilience_xrf.files.nexus_maps import read_maps

__all__ = ["cube_signal", "read_nexus"]


@sized
def read_nexus(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Index every scan of spectra of a NeXus file, and read its element maps.

    Parameters
    ----------
    path : Path
    options : mapping
        ``energy_scale``, ``energy_unit``, ``zero``, ``gain``, ``incident_energy``: the energy
        axis; ``positions`` (first), ``position_unit``; ``detector``: an element's number or
        sum; ``map_unit``.
    companions : mapping
        None are taken.

    Returns
    -------
    list of Signal
        Modality ``xrf`` for spectra, which stay in the file, ``xrf_map`` for maps.

    Raises
    ------
    BadFileError
        No fluorescence data; unsafe links; a damaged file; an energy axis that falls.
    BadInputError
        An option makes no sense.
    """
    if companions:
        raise BadInputError(
            f"a NeXus scan takes no companion file, got {', '.join(companions)}",
            fix="leave it out",
        )
    asked = energy_options(options)
    detector = _detector(options)
    first = choice_option(options, "positions", ("first", "whole")) == "first"
    length = choice_option(options, "position_unit", ("um", "mm"))
    map_unit = choice_option(options, "map_unit", ("count", "1", "ug/cm^2", "count/s"))
    linked = linked_files(path)
    with damaged(path), open_hdf5(path) as file:
        cubes, reasons, broken = find_cubes(file, path)
        signals = []
        for cube in cubes:
            index, points = _index(cube, detector, first, length, path)
            signals.append(_signal(file, path, cube, index, points, asked))
        signals += read_maps(file, path, length, map_unit)
        if not signals:
            raise BadFileError(
                f"{path.name!r} holds no fluorescence spectra or element maps"
                + (" (" + "; ".join(reasons[:4]) + ")" if reasons else ""),
                fix="choose the reader for what it holds with --reader",
                path=path,
            )
        notes = [
            Notice(code="broken-link", message=b, fix="copy the linked file beside it")
            for b in broken
        ]
        signals[0].notices.extend(notes)
    for signal in signals:
        signal.linked.extend(linked)
    return signals


def _detector(options: Mapping[str, object]) -> int | None:
    if options.get("detector", "sum") == "sum":
        return None
    number = number_option(options, "detector", "0", 0, 1023)
    if number is not None and number != int(number):
        raise BadInputError(
            f"option detector={options['detector']!r} is no number of an element",
            fix="give 0 for the first element, or sum",
        )
    return None if number is None else int(number)


def _index(
    cube: Cube,
    detector: int | None,
    first: bool,
    length: str | None,
    path: Path,
) -> tuple[dict[str, Any], list[Notice]]:
    """Where everything of a cube lies, without its energy; and what could not be used."""
    import h5py

    said: list[Notice] = []
    stored = positions(cube.group, cube.names)
    places: dict[str, dict[str, Any] | None] = {}
    for name in ("y", "x"):
        label, data = stored.get(name, ("", None))
        if data is not None:
            check_dataset(data, path)
        places[name] = place_index(data, name, length, said)
        if places[name] is not None:
            places[name] = {"path": cube.located(data, label), **(places[name] or {})}
    same_unit(places)
    scan = tuple(
        int(n)
        for n, role in zip(cube.data.shape, cube.roles, strict=True)
        if role not in ("channel", "detector")
    )
    elements = int(cube.data.shape[cube.roles.index("detector")]) if "detector" in cube.roles else 1
    if detector is not None and detector >= elements:
        raise BadInputError(
            f"the detector of {cube.data.name} has {elements} elements, number {detector} was "
            "asked for",
            fix="count from 0, or leave the option out for their sum",
            path=path,
        )
    each, whole, lost = point_data(cube.entry, scan, elements)
    said += [Notice(code=c, message=m, severity="info") for c, m in lost]
    lead = []
    for i, role in enumerate(cube.roles):
        if role != "lead":
            continue
        name = cube.names[i] if cube.names[i] != "." else f"direction_{i}"
        axis = member_of(cube.group, name)
        fits = isinstance(axis, h5py.Dataset) and axis.shape == (cube.data.shape[i],)
        if fits:
            check_dataset(axis, path)
            values = np.asarray(axis[()], dtype=np.float64)
            steps = np.diff(values)
            fits = bool(np.isfinite(values).all() and ((steps > 0).all() or (steps < 0).all()))
        unit = (text_of(axis.attrs.get("units")) or "1") if fits else "1"
        lead.append(
            {
                "name": name,
                "path": cube.located(axis, name) if fits else None,
                "unit": {"degrees": "deg", "degree": "deg"}.get(unit, unit),
            }
        )
    if elements > 1:
        which = "their sum was taken" if detector is None else f"element {detector} was taken"
        said.append(
            Notice(
                code="detector-elements",
                message=f"the detector has {elements} elements; {which}",
                fix="--option detector=0 … for one of them",
                severity="info",
            )
        )
    index: dict[str, Any] = {
        "signal": cube.located(cube.data, cube.label),
        "roles": list(cube.roles),
        "lead": lead,
        **places,
        "first": first,
        "detector": detector,
        "energy": None,
        "points": [
            {"name": p.name, "path": cube.under_entry(p.path), "unit": p.unit, "factor": p.factor}
            for p in each
        ],
        "whole": {k: {"value": v, "unit": u} for k, (v, u) in whole.items()},
    }
    return index, said


def _stated(cube: Cube) -> tuple[StatedAxis | None, str | None, list[Notice]]:
    """The energy axis of a cube as the file has it, and its path."""
    import h5py

    axis = member_of(cube.group, cube.names[-1]) if cube.names[-1] != "." else None
    if not isinstance(axis, h5py.Dataset) or axis.dtype.kind not in "iuf":
        return None, None, []
    channels = int(cube.data.shape[-1])
    if axis.shape != (channels,):
        notice = Notice(
            code="energy-axis-length",
            message=f"the energy axis has shape {axis.shape}, the spectra {channels} channels; it "
            "is left out",
            where=str(axis.name),
            fix="give --option zero=… --option gain=…",
        )
        return None, None, [notice]
    unit = text_of(axis.attrs.get("units")) or text_of(axis.attrs.get("unit")) or ""
    values = np.asarray(axis[()], dtype=np.float64)
    return StatedAxis(values, unit, str(axis.name)), cube.located(axis, cube.names[-1]), []


def _signal(
    file: Any,
    path: Path,
    cube: Cube,
    index: dict[str, Any],
    said: list[Notice],
    asked: EnergyOptions,
) -> Signal:
    stated, where, more = _stated(cube)
    incident, from_where = incident_energy(cube.entry)
    facts = sample_facts(cube.entry)
    return cube_signal(
        file,
        path,
        index,
        stated if where is None or stated is None else (stated, where),
        asked,
        (incident, from_where),
        {**facts, **index.pop("whole")},
        [*said, *more],
        origin_of(cube.data, cube.group, cube.entry),
    )


def cube_signal(
    file: Any,
    path: Path,
    index: dict[str, Any],
    stated: tuple[StatedAxis, str] | StatedAxis | None,
    asked: EnergyOptions,
    beam: tuple[float | None, str],
    facts: dict[str, Any],
    said: list[Notice],
    origin: Origin,
) -> Signal:
    """The signal of one indexed cube: one pass over its spectra, and its energy axis chosen."""
    axis, where = stated if isinstance(stated, tuple) else (None, None)
    data, grid = cube_dataset(file, path, index)
    measured = None
    if "measured" in data:
        measured = np.asarray(data["measured"].values, dtype=bool)
    look = look_at(data["counts"], measured)
    incident, from_where = beam
    if asked.incident is not None:
        incident, from_where = asked.incident, "given by the user"
    choice = choose_energy(axis, asked, look.spectrum, incident, path)
    index["energy"] = _energy_index(choice, asked, where)
    notices = [*said, *look.notices, *choice.notices, *_point_notices(data)]
    if grid is not None:
        notices += [Notice(code=c, message=m, fix=f) for c, m, f in grid.said]
    data, _ = cube_dataset(file, path, index)
    metadata: dict[str, Any] = {k: v for k, v in facts.items() if k != "start_time"}
    if incident is not None:
        metadata["incident_energy"] = {"value": incident, "unit": "keV", "from": from_where}
    metadata["calibration"] = choice.source
    if choice.check:
        metadata["energy_check"] = choice.check
    common: dict[str, Any] = {
        "name": str(index["signal"]).strip("/").replace("/", "."),
        "modality": "xrf",
        "metadata": metadata,
        "raw_metadata": index,
        "notices": notices,
        "exposures": beam_of(incident, origin),
        "origin": origin,
        "start": start_of(facts.get("start_time")),
    }
    if data["counts"].ndim == 1:
        loaded = data.load()
        counts = loaded["counts"].values
        if look.whole and (counts >= 0).all():
            std = np.sqrt(np.maximum(counts.astype(np.float64), 1.0))
            loaded["counts_std"] = ("channel", std, {"units": "count"})
            loaded["counts"].attrs["ancillary_variables"] = "counts_std"
        return Signal(data=loaded, **common)
    return Signal(lazy=index, summary=summarise(data), **common)


def _energy_index(
    choice: EnergyChoice, asked: EnergyOptions, where: str | None
) -> dict[str, Any] | None:
    if choice.energy is None:
        return None
    if choice.factor is None:
        return {"path": None, "zero": asked.zero, "gain": asked.gain, "source": choice.source}
    return {"path": where, "factor": choice.factor, "source": choice.source}


def _point_notices(data: xr.Dataset) -> list[Notice]:
    """Times and monitors that cannot be right."""
    out = []
    measured = data["measured"].values != 0 if "measured" in data else np.True_
    for name in ("live_time", "real_time", "dwell", "monitor"):
        if name not in data:
            continue
        values = np.asarray(data[name].values)
        bad = int(np.count_nonzero((~(values > 0)) & measured))
        if bad:
            what = name.replace("_", " ")
            out.append(
                Notice(
                    code=f"{name.replace('_', '-')}-zero",
                    message=f"the {what} is zero, negative or missing at {bad} of {values.size} "
                    "points: nothing can be normalised to it there",
                    fix="such points are left out where it is used",
                )
            )
    if "dead_time" in data:
        values = np.asarray(data["dead_time"].values)
        bad = int(np.count_nonzero(~((values >= 0) & (values < 1)) & measured))
        if bad:
            out.append(
                Notice(
                    code="dead-time-range",
                    message=f"the dead time is no fraction from 0 to 1 at {bad} of {values.size} "
                    "points",
                )
            )
    return out
