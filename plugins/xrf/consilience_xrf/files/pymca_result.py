"""Read the maps that PyMca's batch fit writes as HDF5: areas, their errors, mass fractions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from consilience.errors import BadFileError, BadInputError
from consilience.hdf5 import origin_of, text_of
from consilience.hdf5_files import check_dataset, children, damaged, linked_files, open_hdf5
from consilience.model.measurement import Notice, Signal
from consilience.nexus import class_of, member_of
from consilience.options import choice_option
from consilience.sizes import sized
from consilience_xrf.files.map_names import map_name
from consilience_xrf.files.map_signal import StoredMap, map_signal
from consilience_xrf.files.nexus_facts import incident_energy, positions, sample_facts
from consilience_xrf.files.nexus_find import axis_names

__all__ = ["read_pymca"]


@sized
def read_pymca(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Read every fit of a result file of PyMca as one set of maps.

    Parameters
    ----------
    path : Path
    options : mapping
        ``position_unit`` (um, mm), if the file has positions without one.
    companions : mapping
        None are taken.

    Returns
    -------
    list of Signal
        Modality ``xrf_map``: areas in counts with PyMca's own standard deviations, and mass
        fractions (``<name>_fraction``) where it made them.

    Raises
    ------
    BadFileError
        No result of a fit; a damaged file; unsafe links.
    """
    if companions:
        raise BadInputError(
            f"a result of PyMca takes no companion file, got {', '.join(companions)}",
            fix="leave it out",
        )
    length = choice_option(options, "position_unit", ("um", "mm"))
    linked = linked_files(path)
    with damaged(path), open_hdf5(path) as file:
        fits: list[tuple[Any, Any]] = []
        _walk(file["/"], file["/"], path, fits, [], 0)
        if not fits:
            raise BadFileError(
                f"{path.name!r} holds no result of a fit by PyMca (results/parameters)",
                fix="choose the reader for what it holds with --reader",
                path=path,
            )
        signals = [_signal(entry, results, length) for entry, results in fits]
    for signal in signals:
        signal.linked.extend(linked)
    return signals


def _walk(
    group: Any, entry: Any, path: Path, found: list[tuple[Any, Any]], seen: list[Any], depth: int
) -> None:
    import h5py

    if group.id in seen or depth > 20:
        return
    seen.append(group.id)
    if class_of(group) in ("NXentry", "NXsubentry"):
        entry = group
    for name, member in children(group, path, []):
        if isinstance(member, h5py.Dataset):
            check_dataset(member, path)
        elif isinstance(member, h5py.Group):
            if name == "parameters" and any(_arrays(member)):
                found.append((entry, group))
            _walk(member, entry, path, found, seen, depth + 1)


def _arrays(group: Any) -> dict[str, Any]:
    """Maps of a group by name."""
    import h5py

    if group is None or not hasattr(group, "keys"):
        return {}
    out = {}
    for name in group:
        data = member_of(group, name)
        if isinstance(data, h5py.Dataset) and data.ndim in (1, 2, 3) and data.dtype.kind in "iuf":
            out[name] = data
    axes = axis_names(group.attrs["axes"]) if "axes" in group.attrs else []
    return {k: v for k, v in out.items() if k not in axes}


def _signal(entry: Any, results: Any, length: str | None) -> Signal:
    areas = results["parameters"]
    errors = _arrays(member_of(results, "uncertainties"))
    stored = []
    for name, data in _arrays(areas).items():
        known = map_name(name)
        error = errors.get(name)
        if error is not None and error.shape != data.shape:
            error = None
        stored.append(StoredMap(name, known, data, error, "count" if known else "1"))
    for name, data in _arrays(member_of(results, "massfractions")).items():
        stored.append(StoredMap(f"{name}_fraction", None, data, None, "1"))
    names = tuple(axis_names(areas.attrs["axes"])) if "axes" in areas.attrs else ()
    said: list[Notice] = []
    if not errors:
        said.append(
            Notice(
                code="no-errors",
                message="the fit wrote no standard deviations",
                fix="let PyMca save its uncertainties",
                severity="info",
            )
        )
    facts = sample_facts(entry)
    process = results.parent
    version = member_of(process, "version")
    program = member_of(process, "program")
    for key, field in (("program", program), ("program_version", version)):
        if field is not None and hasattr(field, "size") and field.size == 1:
            facts[key] = text_of(field[()]) or "unknown"
    signal = map_signal(
        name=results.name.strip("/").replace("/", "."),
        entry=entry,
        maps=stored,
        places={way: data for way, (_, data) in positions(areas, names).items()},
        names=names,
        length=length,
        beam=incident_energy(entry),
        facts=facts,
        said=said,
        origin=origin_of(areas, entry),
    )
    assert signal.data is not None
    for variable in list(signal.data.data_vars):
        if str(variable).endswith("_fraction"):
            known = map_name(
                str(signal.data[variable].attrs["long_name"]).removesuffix("_fraction")
            )
            if known is not None:
                about = {"element": known.element, "line": known.line, "quantity": "mass fraction"}
                signal.data[variable].attrs.update(about)
    return signal
