"""Volumes and projections of computed tomography in HDF5 and NeXus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from consilience.errors import BadFileError, BadInputError
from consilience.hdf5 import origin_of, text_of
from consilience.hdf5_files import check_dataset, damaged, linked_files, open_hdf5
from consilience.model.measurement import DataSummary, Notice, Signal, VariableSummary
from consilience_compton.files.ct_links import Found, datasets
from consilience_compton.files.ct_stated import stated_voxel
from consilience_compton.files.ct_values import look_through, variable_of
from consilience_compton.files.ct_voxel import (
    AXES,
    VoxelSize,
    axis_values,
    chosen_voxel,
    option_text,
    volume_summary,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience.model.base import Json

__all__ = ["open_ct_hdf5", "read_ct_hdf5"]

OPTIONS = ("voxel_um", "kind", "dataset")
BLOCK_BYTES = 32 << 20
LEAST_SIDE = 4


def read_ct_hdf5(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Check and index a volume, or say honestly that these are projections.

    Parameters
    ----------
    path : Path
    options : mapping
        ``voxel_um``, ``kind``, and ``dataset``, the path of the volume where there are several.
    companions : mapping
        None are taken.

    Returns
    -------
    list of Signal
        One, of modality ``xct``: ``labels`` or ``grey`` over z, y, x; or ``projections`` over
        frame, row, column with ``image_key`` and, where one is there, ``angle``.

    Raises
    ------
    BadFileError, BadInputError
    """
    said = option_text(options, OPTIONS, path)
    if companions:
        raise BadInputError(
            f"a volume takes no companion {next(iter(companions))!r}", fix="leave --with out"
        )
    with damaged(path), open_hdf5(path) as file:
        found = datasets(file, path)
        place = _chosen(found, said.get("dataset"), path)
        data = found.data[place]
        key = _image_key(found, place, data)
        notices = _broken(found, path)
        common: dict[str, Any] = {
            "origin": origin_of(data, file),
            "linked": linked_files(path),
            "raw_metadata": _attributes(data, place),
        }
        if key is not None:
            if "kind" in said or "voxel_um" in said:
                raise BadInputError(
                    f"{place} of {path.name!r} holds projections, which have no voxels",
                    fix="leave voxel_um and kind out, or name a reconstructed volume",
                    path=path,
                )
            return [_projections(found, place, data, key, notices, common, path)]
        looked = look_through(_blocks(data), path)
        stated, source = stated_voxel(data, found, place)
        shape, dtype = tuple(int(n) for n in data.shape), data.dtype
    size, where, more = chosen_voxel(said.get("voxel_um"), stated, source, path)
    variable, kept, about = variable_of(looked, dtype, said.get("kind"), path)
    return [
        Signal(
            name="volume",
            modality="xct",
            lazy={
                "dataset": place,
                "variable": variable,
                "dtype": str(kept),
                "voxel_um": None if size is None else list(size),
                "missing": looked.missing > 0,
            },
            summary=volume_summary(variable, kept, shape, size),
            metadata={
                "voxels": int(np.prod(shape)),
                "voxel_size_from": where,
                **({"voxel_size": {"value": size[0], "unit": "um"}} if size else {}),
                "lowest": looked.low,
                "highest": looked.high,
            },
            notices=[*notices, *more, *about],
            **common,
        )
    ]


def _chosen(found: Found, given: str | None, path: Path) -> str:
    """The data set: as named, else the only one, else the one that NeXus calls the signal."""
    volumes = {
        place: data
        for place, data in found.data.items()
        if data.ndim == 3 and min(data.shape) >= LEAST_SIDE and data.dtype.kind in "buif"
    }
    if given is not None:
        place = "/" + given.strip("/")
        if place not in volumes:
            have = f"there are {', '.join(sorted(volumes)) or 'none'}"
            raise BadInputError(
                f"{path.name!r} has no volume {given!r}",
                fix=f"name a data set of three dimensions; {have}",
                path=path,
            )
        return place
    if not volumes:
        broken = ""
        if found.broken:
            broken = f"; {len(found.broken)} links are broken: {found.broken[0]}"
        raise BadFileError(
            f"{path.name!r} holds no volume: no data set of three dimensions with {LEAST_SIDE} or "
            f"more numbers along each{broken}",
            fix="copy the files that it links to beside it, or give the reconstructed volume",
            path=path,
        )
    same: dict[Any, str] = {}
    for place, data in sorted(volumes.items(), key=lambda p: (p[0].count("/"), p[0])):
        same.setdefault((data.file.filename, data.name), place)
    places = list(same.values())
    if len(places) > 1:
        signals = [p for p in places if _is_signal(volumes[p])]
        places = signals if len(signals) == 1 else places
    if len(places) > 1:
        raise BadInputError(
            f"{path.name!r} holds {len(places)} volumes: {', '.join(places[:8])}",
            fix=f"choose one with the option dataset={places[0]}",
            path=path,
        )
    return places[0]


def _is_signal(data: Any) -> bool:
    parent = data.parent
    return bool(text_of(parent.attrs.get("signal")) == data.name.rsplit("/", 1)[-1])


def _image_key(found: Found, place: str, data: Any) -> NDArray[np.int64] | None:
    """The image_key of the same detector: with one, these are projections."""
    keys = {
        where: key
        for where, key in found.data.items()
        if where.endswith("/image_key") and key.shape == (data.shape[0],)
    }
    own = [
        where
        for where in keys
        if any(
            found.data[p].name == data.name and found.data[p].file.filename == data.file.filename
            for p in found.data
            if p.rsplit("/", 1)[0] == where.rsplit("/", 1)[0]
        )
    ]
    beside = [w for w in keys if w.rsplit("/", 1)[0] == place.rsplit("/", 1)[0]]
    for where in (*beside, *own):
        return np.asarray(keys[where][()], dtype=np.int64)
    return None


def _angle(found: Found, place: str, frames: int) -> tuple[str, NDArray[np.float64], str] | None:
    """The rotation angle of each frame: its place, values, and unit as stated."""
    for where, data in sorted(found.data.items(), key=lambda p: (_apart(p[0], place), p[0])):
        name = where.rsplit("/", 1)[-1].lower()
        if data.shape != (frames,) or data.dtype.kind != "f":
            continue
        if name.startswith("rotation_angle") or "theta" in name:
            values = np.asarray(data[()], dtype=np.float64)
            if np.isfinite(values).all():
                return where, values, text_of(data.attrs.get("units")) or ""
    return None


def _apart(one: str, other: str) -> int:
    return int(one.rsplit("/", 1)[0] != other.rsplit("/", 1)[0])


def _projections(
    found: Found,
    place: str,
    data: Any,
    key: NDArray[np.int64],
    notices: list[Notice],
    common: dict[str, Any],
    path: Path,
) -> Signal:
    frames, rows, columns = (int(n) for n in data.shape)
    look_through(_blocks(data), path)
    kinds = {k: int((key == v).sum()) for k, v in (("projections", 0), ("flats", 1), ("darks", 2))}
    variables = {
        "projections": VariableSummary(
            dims=["frame", "row", "column"],
            shape=[frames, rows, columns],
            unit="adu",
            dtype=str(data.dtype.newbyteorder("=")),
        ),
        "image_key": VariableSummary(dims=["frame"], shape=[frames], unit="1", dtype="int64"),
    }
    angle = _angle(found, place, frames)
    lazy: dict[str, Any] = {"dataset": place, "variable": "projections", "angle": None}
    lazy["image_key"] = key.tolist()
    notices = [
        *notices,
        Notice(
            code="projections",
            message=f"{place} holds {kinds['projections']} projections, {kinds['flats']} flats and "
            f"{kinds['darks']} darks, not a reconstructed volume: no surface can be told from them",
            where=place,
            fix="reconstruct them (for example with Savu or HTTomo) and register the volume",
        ),
    ]
    if angle is not None:
        where, values, unit = angle
        if unit in ("", "deg", "degree", "degrees"):
            lazy["angle"] = where
            variables["angle"] = VariableSummary(
                dims=["frame"], shape=[frames], unit="deg", dtype="float64"
            )
        if not unit:
            notices.append(
                Notice(
                    code="angle-without-unit",
                    message=f"{where} runs from {values.min():.6g} to {values.max():.6g} and "
                    "states no unit; it is taken as degrees",
                    where=where,
                )
            )
    return Signal(
        name="projections",
        modality="xct",
        lazy=lazy,
        summary=DataSummary(variables=variables, coordinates={}),
        metadata={"frames": frames, **kinds},
        notices=notices,
        **common,
    )


def _broken(found: Found, path: Path) -> list[Notice]:
    if not found.broken:
        return []
    return [
        Notice(
            code="broken-links",
            message=f"{len(found.broken)} links of {path.name!r} lead nowhere, first "
            f"{found.broken[0]}",
            fix="copy the files that they name beside this one, if you need what they hold",
        )
    ]


def _attributes(data: Any, place: str) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for name in list(data.attrs)[:100]:
        value = data.attrs[name]
        text = text_of(value)
        said[str(name)] = text if text is not None else np.asarray(value).tolist()
        if not isinstance(said[str(name)], str | int | float | list):
            said[str(name)] = str(value)
    return {"dataset": place, "attributes": {k: str(v) for k, v in said.items()}}


def _blocks(data: Any) -> Iterator[NDArray[Any]]:
    rows = max(1, BLOCK_BYTES // max(1, data.dtype.itemsize * data.shape[1] * data.shape[2]))
    for first in range(0, data.shape[0], rows):
        yield np.asarray(data[first : first + rows])


class _Lazy(BackendArray):
    """One data set of the open file."""

    def __init__(self, data: Any, dtype: np.dtype[Any], path: Path) -> None:
        self.data, self.dtype, self.path = data, dtype, path
        self.shape = tuple(int(n) for n in data.shape)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self._read
        )

    def _read(self, key: tuple[Any, ...]) -> Any:
        plain: list[Any] = []
        turned: list[Any] = []
        for wanted, size in zip(key, self.shape, strict=True):
            if isinstance(wanted, slice):
                span = range(*wanted.indices(size))
                up = span[::-1] if span.step < 0 else span
                plain.append(slice(up.start, up.stop, up.step))
                turned.append(slice(None, None, -1 if span.step < 0 else None))
            else:
                plain.append(int(wanted))
        with damaged(self.path):
            values = np.asarray(self.data[tuple(plain)])
        return values[tuple(turned)].astype(self.dtype, copy=False) if turned else values


def open_ct_hdf5(
    path: Path, companions: Mapping[str, Path], lazy: Mapping[str, Json]
) -> xr.Dataset:
    """Open what the reader indexed; values are read when they are asked for.

    Returns
    -------
    xarray.Dataset
    """
    del companions
    stored: Any = lazy
    file = open_hdf5(path)
    try:
        with damaged(path):
            datasets(file, path)  # again: refuses what leads out, should the file have changed
            source = file[stored["dataset"]]
            check_dataset(source, path)
            if stored["variable"] == "projections":
                data = _open_projections(file, source, stored, path)
            else:
                data = _open_volume(source, stored, path)
    except BaseException:
        file.close()
        raise
    data.set_close(file.close)
    return data


def _open_volume(source: Any, stored: Any, path: Path) -> xr.Dataset:
    size = stored["voxel_um"]
    voxel: VoxelSize | None = None if size is None else (size[0], size[1], size[2])
    attrs = {"units": "1"}
    if stored["missing"]:
        attrs["missing"] = "outside of what was reconstructed"
    values = indexing.LazilyIndexedArray(_Lazy(source, np.dtype(stored["dtype"]), path))
    unit = {"units": "1" if voxel is None else "um"}
    axes = {a: (a, v, dict(unit)) for a, v in axis_values(source.shape, voxel).items()}
    return xr.Dataset({stored["variable"]: xr.Variable(AXES, values, attrs)}, axes)


def _open_projections(file: Any, source: Any, stored: Any, path: Path) -> xr.Dataset:
    dtype = source.dtype.newbyteorder("=")
    values = indexing.LazilyIndexedArray(_Lazy(source, dtype, path))
    variables: dict[str, Any] = {
        "projections": xr.Variable(("frame", "row", "column"), values, {"units": "adu"}),
        "image_key": ("frame", np.array(stored["image_key"], dtype=np.int64), {"units": "1"}),
    }
    if stored["angle"]:
        angle = np.asarray(file[stored["angle"]][()], dtype=np.float64)
        variables["angle"] = ("frame", angle, {"units": "deg"})
    return xr.Dataset(variables)
