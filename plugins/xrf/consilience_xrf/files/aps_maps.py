"""Read HDF5 of XRF-Maps (Advanced Photon Source): element maps, and the spectra behind them.

Group ``MAPS``: ``XRF_Analyzed/<method>/Counts_Per_Sec`` over (element, y, x) with
``Channel_Names`` and ``Channel_Units``, ``Scan/x_axis`` and ``y_axis``, ``Scalers``, and
``Spectra/mca_arr`` over (channel, y, x) with ``Energy`` in keV.  Files of version 9 and older
have ``XRF_fits``, ``XRF_roi`` and ``channel_names`` in ``MAPS`` itself.

References
----------
.. [1] XRF-Maps, Argonne National Laboratory, https://github.com/AdvancedPhotonSource/XRF-Maps
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from consilience.errors import BadFileError, BadInputError
from consilience.hdf5 import origin_of, text_of
from consilience.hdf5_files import check_dataset, children, damaged, linked_files, open_hdf5
from consilience.model.measurement import Notice, Signal
from consilience.nexus import member_of
from consilience.options import choice_option
from consilience.sizes import sized
from consilience_xrf.files.common import place_index
from consilience_xrf.files.energy_choice import StatedAxis, energy_options
from consilience_xrf.files.map_names import map_name
from consilience_xrf.files.map_signal import StoredMap, map_dataset
from consilience_xrf.files.nexus import cube_signal
from consilience_xrf.files.scan_grid import grid_of_plane

__all__ = ["METHODS", "read_aps_maps"]

METHODS = ("Fitted", "NNLS", "ROI")
"""From the best to the plainest; the first that is there is read unless another is asked for."""

_LEGACY = {"Fitted": "XRF_fits", "NNLS": "XRF_fits_nnls", "ROI": "XRF_roi"}
_UNITS = {
    "cts/s": "count/s",
    "counts/s": "count/s",
    "cts": "count",
    "counts": "count",
    "count": "count",
    "ug/cm2": "ug/cm^2",
    "ug/cm^2": "ug/cm^2",
}
_CHANNELS_MOST = 10_000


@sized
def read_aps_maps(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Read the maps of one method, and index the spectra.

    Parameters
    ----------
    path : Path
    options : mapping
        ``method`` (Fitted, NNLS, ROI), ``monitor``: name of a scaler, ``position_unit``, and
        the options of the energy axis.
    companions : mapping
        None are taken.

    Raises
    ------
    BadFileError
        No maps and no spectra; arrays that do not fit each other; a damaged file.
    BadInputError
        An option makes no sense, or names what the file does not have.
    """
    if companions:
        raise BadInputError(
            f"XRF-Maps takes no companion file, got {', '.join(companions)}", fix="leave it out"
        )
    asked = energy_options(options)
    method = choice_option(options, "method", METHODS)
    length = choice_option(options, "position_unit", ("um", "mm"))
    monitor = options.get("monitor")
    if monitor is not None and not (isinstance(monitor, str) and monitor.strip()):
        raise BadInputError(
            f"option monitor={monitor!r} is no name of a scaler",
            fix="for example --option monitor=US_IC",
        )
    linked = linked_files(path)
    with damaged(path), open_hdf5(path) as file:
        group = member_of(file, "MAPS")
        if group is None or not hasattr(group, "keys"):
            raise BadFileError(
                f"{path.name!r} has no group MAPS: it was not written by XRF-Maps",
                fix="choose the reader for what it holds with --reader",
                path=path,
            )
        _check_all(group, path, [])
        said: list[Notice] = []
        places = _places(group, length, said)
        points = _points(group, monitor, path, said)
        origin = origin_of(group)
        facts = {"title": _text(group, "Scan/name")}
        signals = []
        found = _analysed(group, method, said, path)
        if found is not None:
            name, values, names, units = found
            signals.append(
                _maps(group, name, values, names, units, places, points, said, facts, origin)
            )
        cube = _get(group, "Spectra/mca_arr", "mca_arr")
        if cube is not None and cube.ndim == 3 and cube.dtype.kind in "iuf":
            signals.append(
                _spectra(file, path, group, cube, places, asked, facts, said, origin, points)
            )
        if not signals:
            raise BadFileError(
                f"{path.name!r} holds neither analysed maps nor spectra",
                fix="run XRF-Maps on it, or register the raw scan",
                path=path,
            )
    for signal in signals:
        signal.linked.extend(linked)
    return signals


def _check_all(group: Any, path: Path, seen: list[Any]) -> None:
    """Refuse unsafe links, external storage and absurd shapes anywhere in the group."""
    import h5py

    if group.id in seen or len(seen) > 1000:
        return
    seen.append(group.id)
    for _, member in children(group, path, []):
        if isinstance(member, h5py.Dataset):
            check_dataset(member, path)
        else:
            _check_all(member, path, seen)


def _get(group: Any, *names: str) -> Any:
    """The first of these data sets that is there, else None."""
    import h5py

    for name in names:
        member = member_of(group, name)
        if isinstance(member, h5py.Dataset):
            return member
    return None


def _text(group: Any, name: str) -> str | None:
    data = _get(group, name)
    return None if data is None or data.size != 1 else text_of(data[()])


def _texts(data: Any) -> list[str]:
    """Names as text, each without what pads it."""
    if data is None or data.ndim != 1 or data.size > _CHANNELS_MOST:
        return []
    return [(text_of(v) or "").strip("\x00 ") for v in data[()]]


def _places(
    group: Any, length: str | None, said: list[Notice]
) -> dict[str, tuple[Any, dict[str, Any]]]:
    places = {}
    for name in ("y", "x"):
        data = _get(group, f"Scan/{name}_axis", f"{name}_axis")
        unit = place_index(data, name, length, said)
        if data is not None and unit is not None and data.ndim == 1:
            places[name] = (data, unit)
    return places


def _points(
    group: Any, asked: str | None, path: Path, said: list[Notice]
) -> dict[str, dict[str, Any]]:
    """Where live time, real time and the monitor of each point lie."""
    points: dict[str, dict[str, Any]] = {}
    for name, field in (("live_time", "Elapsed_Livetime"), ("real_time", "Elapsed_Realtime")):
        data = _get(group, f"Spectra/{field}", field.lower())
        if data is not None and data.ndim == 2:
            points[name] = {"path": str(data.name), "unit": "s", "row": None}
    values = _get(group, "Scalers/Values", "scalers")
    names = _texts(_get(group, "Scalers/Names", "scaler_names"))
    units = _texts(_get(group, "Scalers/Units", "scaler_units"))
    if values is None or values.ndim != 3 or len(names) != values.shape[0]:
        names = []
    wanted = [asked] if asked else ["us_ic", "us-ic", "upstream_ic", "ic1"]
    at = next((i for w in wanted for i, n in enumerate(names) if n.lower() == w.lower()), None)
    if asked and at is None:
        raise BadInputError(
            f"the file has no scaler {asked!r}",
            fix=f"it has {', '.join(names) or 'none'}",
            path=path,
        )
    if at is not None:
        stated = units[at].lower() if at < len(units) else ""
        unit = _UNITS.get(stated, "1")
        points["monitor"] = {"path": str(values.name), "unit": unit, "row": at, "name": names[at]}
    elif names:
        said.append(
            Notice(
                code="no-monitor",
                message=f"none of {len(names)} scalers is known as the monitor of the beam",
                fix=f"--option monitor=NAME, one of {', '.join(n for n in names[:12] if n)}",
                severity="info",
            )
        )
    return points


def _analysed(
    group: Any, method: str | None, said: list[Notice], path: Path
) -> tuple[str, Any, list[str], list[str]] | None:
    """The maps of a method with their names and units."""
    found = {}
    for name in METHODS:
        values = _get(group, f"XRF_Analyzed/{name}/Counts_Per_Sec", _LEGACY[name])
        if values is not None and values.ndim == 3 and values.dtype.kind in "iuf":
            names = _texts(_get(group, f"XRF_Analyzed/{name}/Channel_Names", "channel_names"))
            units = _texts(_get(group, f"XRF_Analyzed/{name}/Channel_Units", "channel_units"))
            found[name] = (name, values, names, units)
    if method is not None and method not in found:
        raise BadInputError(
            f"the file has no maps of the method {method}",
            fix=f"it has {', '.join(found) or 'none'}",
            path=path,
        )
    if not found:
        return None
    chosen = found[method or next(iter(found))]
    if len(chosen[2]) != chosen[1].shape[0]:
        raise BadFileError(
            f"{len(chosen[2])} channel names stand for {chosen[1].shape[0]} maps of {chosen[0]}",
            fix="write the file again with XRF-Maps",
            path=path,
        )
    others = [n for n in found if n != chosen[0]]
    if others and method is None:
        said.append(
            Notice(
                code="other-methods",
                message=f"the maps of {chosen[0]} were read; the file has those of "
                f"{', '.join(others)} too",
                fix=f"--option method={others[0]}",
                severity="info",
            )
        )
    return chosen


def _maps(
    group: Any,
    method: str,
    values: Any,
    names: list[str],
    units: list[str],
    places: dict[str, tuple[Any, dict[str, Any]]],
    points: dict[str, dict[str, Any]],
    said: list[Notice],
    facts: dict[str, Any],
    origin: Any,
) -> Signal:
    shape = (int(values.shape[1]), int(values.shape[2]))
    axes = {k: np.asarray(d[()], dtype=np.float64) * u["factor"] for k, (d, u) in places.items()}
    grid = grid_of_plane(shape, axes.get("y"), axes.get("x"))
    mine = [*said, *(Notice(code=c, message=m, fix=f) for c, m, f in grid.said)]
    stored = []
    for i, name in enumerate(names):
        unit = _UNITS.get(units[i].lower() if i < len(units) else "cts/s", "count/s")
        known = map_name(name, bare="K")
        plane = np.asarray(values[i], dtype=np.float64)
        if known is None and (not name or not np.isfinite(plane).any()):
            continue
        stored.append(StoredMap(name, known, plane, None, unit if known else "1"))
    each = {}
    for name, point in points.items():
        data = group.file[point["path"]]
        plane = np.asarray(data[()] if point["row"] is None else data[point["row"]], dtype=float)
        if plane.shape == shape:
            each[name] = (plane, {"units": point["unit"], "source": point["path"]})
    data = map_dataset(
        stored, grid, ["y", "x"], {k: u["unit"] for k, (_, u) in places.items()}, each, mine
    )
    return Signal(
        name=f"maps.{method}",
        modality="xrf_map",
        data=data,
        metadata={k: v for k, v in facts.items() if v} | {"method": method},
        raw_metadata={"channels": list(names), "units": list(units)},
        notices=mine,
        origin=origin,
    )


def _spectra(
    file: Any,
    path: Path,
    group: Any,
    cube: Any,
    places: dict[str, tuple[Any, dict[str, Any]]],
    asked: Any,
    facts: dict[str, Any],
    said: list[Notice],
    origin: Any,
    points: dict[str, dict[str, Any]],
) -> Signal:
    index: dict[str, Any] = {
        "signal": str(cube.name),
        "roles": ["channel", "y", "x"],
        "lead": [],
        **dict.fromkeys(("y", "x")),
        **{k: {"path": str(d.name), **u} for k, (d, u) in places.items()},
        "first": False,
        "detector": None,
        "energy": None,
        "points": [
            {"name": n, "path": p["path"], "unit": p["unit"], "factor": 1.0, "row": p["row"]}
            for n, p in points.items()
            if file[p["path"]].shape[-2:] == cube.shape[1:]
        ],
    }
    axis = _get(group, "Spectra/Energy", "energy")
    stated = None
    if axis is not None and axis.shape == (cube.shape[0],):
        # the format has keV; version 10 says so nowhere
        unit = text_of(axis.attrs.get("units")) or "keV"
        stated = (StatedAxis(np.asarray(axis[()], dtype=float), unit, axis.name), str(axis.name))
    beam = (None, "")
    return cube_signal(
        file,
        path,
        index,
        stated,
        asked,
        beam,
        {k: v for k, v in facts.items() if v},
        [n for n in said if n.code != "other-methods"],
        origin,
    )
