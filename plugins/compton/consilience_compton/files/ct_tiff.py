"""Volumes of computed tomography in TIFF: many pages, or a folder of slices."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from consilience.errors import BadInputError
from consilience.hdf5 import says_simulated
from consilience.model.measurement import Notice, Signal
from consilience_compton.files.ct_pages import Pages, damaged_tiff, slice_files
from consilience_compton.files.ct_values import look_through, variable_of
from consilience_compton.files.ct_voxel import (
    AXES,
    VoxelSize,
    axis_values,
    chosen_voxel,
    option_text,
    page_resolution,
    to_um,
    volume_summary,
)

if TYPE_CHECKING:
    from consilience.model.base import Json, Origin

__all__ = ["linked_slices", "open_ct_tiff", "read_ct_tiff"]

OPTIONS = ("voxel_um", "kind")
_FIELD = re.compile(r"^\s*([A-Za-z_][\w ]*?)\s*=\s*(.*?)\s*$", re.MULTILINE)
_OME_SIZE = re.compile(r'PhysicalSize([XYZ])(Unit)?="([^"]*)"')
MISSING = "outside of what was reconstructed"


def linked_slices(path: Path) -> list[str]:
    """Return the other slices of a volume, where the file is one slice of a numbered folder."""
    names = slice_files(path)
    if len(names) < 2:
        return []
    with damaged_tiff(path):
        import tifffile

        with tifffile.TiffFile(path) as file:
            single = len(file.pages) == 1 and len(file.series[0].shape) == 2
    return [name for name in names if name != path.name] if single else []


def read_ct_tiff(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Check and index a volume; its values stay in the file.

    Parameters
    ----------
    path : Path
        A TIFF of many pages, or one slice of several beside each other.
    options : mapping
        ``voxel_um`` and ``kind``.
    companions : mapping
        None are taken.

    Returns
    -------
    list of Signal
        One, of modality ``xct``: ``labels`` or ``grey`` over z, y, x.

    Raises
    ------
    BadFileError, BadInputError
    """
    said = option_text(options, OPTIONS, path)
    if companions:
        raise BadInputError(
            f"a volume takes no companion {next(iter(companions))!r}", fix="leave --with out"
        )
    links = linked_slices(path)
    names = sorted([*links, path.name], key=slice_files(path).index) if links else []
    with closing(Pages(path, names)) as pages:
        with damaged_tiff(path):
            stated, source, notices, raw = _stated(pages)
        if names:
            notices += _gaps(names)
        found = look_through(pages, path)
        shape, dtype = pages.shape, pages.dtype
    size, where, more = chosen_voxel(said.get("voxel_um"), stated, source, path)
    variable, kept, about = variable_of(found, dtype, said.get("kind"), path)
    few = found.counts if found.counts is not None and len(found.counts) <= 16 else None
    return [
        Signal(
            name="volume",
            modality="xct",
            lazy={
                "variable": variable,
                "dtype": str(kept),
                "voxel_um": None if size is None else list(size),
                "slices": names or None,
                "missing": found.missing > 0,
            },
            summary=volume_summary(variable, kept, shape, size),
            metadata={
                "voxels": int(np.prod(shape)),
                "voxel_size_from": where,
                **({"voxel_size": {"value": size[0], "unit": "um"}} if size else {}),
                "lowest": found.low,
                "highest": found.high,
                **({"voxels_of_value": {str(k): v for k, v in few.items()}} if few else {}),
            },
            raw_metadata=raw,
            notices=[*notices, *more, *about],
            origin=_origin(raw),
            linked=links,
        )
    ]


def _stated(pages: Pages) -> tuple[VoxelSize | None, str, list[Notice], dict[str, Any]]:
    """What the tags say: voxel size, where, notices, and all of it as text."""
    tags = pages.first.tags
    description = str(pages.first.description or "")[:20000]
    raw: dict[str, Any] = {
        "description": description,
        "software": str(pages.first.software or ""),
    }
    info = (pages.file.imagej_metadata or {}).get("Info")
    if isinstance(info, str):
        raw["info"] = info[:20000]
    ome = {(a, bool(u)): v for a, u, v in _OME_SIZE.findall(description)}
    if ome:
        lengths = [
            to_um(float(ome[a, False]), ome.get((a, True), "µm")) if (a, False) in ome else None
            for a in "ZYX"
        ]
        return (*_complete(lengths, "OME-XML PhysicalSize"), raw)
    resolution = [tags.get(name) for name in ("YResolution", "XResolution")]
    numbers = [
        float(t.value[0]) / float(t.value[1]) if t is not None and t.value[1] else 0.0
        for t in resolution
    ]
    fields = {k.lower(): v for k, v in _FIELD.findall(description)}
    unit_tag = tags.get("ResolutionUnit")
    unit = {2: "inch", 3: "cm"}.get(int(unit_tag.value) if unit_tag is not None else 2, "")
    raw["resolution"] = [*numbers, fields.get("unit", unit)]
    if "imagej" in fields and fields.get("unit"):
        spacing = _number(fields.get("spacing"))
        lengths = [
            None if spacing is None else to_um(spacing, fields["unit"]),
            *(to_um(1.0 / n, fields["unit"]) if n > 0 else None for n in numbers),
        ]
        return (*_complete(lengths, "ImageJ's unit, spacing and resolution"), raw)
    if not unit or not all(n > 0 for n in numbers):
        return None, "", [], raw
    printed = page_resolution(numbers[0], unit)
    if printed:
        notice = Notice(
            code="resolution-of-a-page",
            message=f"the resolution tags say {printed}: no voxel size",
            severity="info",
        )
        return None, "", [notice], raw
    lengths = [None, *(to_um(1.0 / n, unit) for n in numbers)]
    return (*_complete(lengths, "resolution tags"), raw)


def _complete(
    lengths: list[float | None], source: str
) -> tuple[VoxelSize | None, str, list[Notice]]:
    z, y, x = lengths
    if z is not None and y is not None and x is not None:
        return (z, y, x), source, []
    if y is not None and x is not None:
        notice = Notice(
            code="slice-distance-unknown",
            message=f"{source} state {y:.6g} x {x:.6g} um within a slice, and no distance of "
            "slices: the voxel size is not taken from them",
            fix="say all three with voxel_um=Z,Y,X",
        )
        return None, "", [notice]
    return None, "", []


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _gaps(names: list[str]) -> list[Notice]:
    numbers = [int(re.findall(r"\d+", Path(n).stem)[-1]) for n in names]
    steps = np.diff(numbers)
    gaps = int((steps > steps.min()).sum())
    if not gaps:
        return []
    i = int(np.argmax(steps > steps.min()))
    return [
        Notice(
            code="slices-missing",
            message=f"{gaps} gaps in the numbers of the slices, the first after {names[i]!r}; the "
            "slices were put together as if there were none",
            fix="copy the missing slices",
            severity="fault",
        )
    ]


def _origin(raw: Mapping[str, Any]) -> Origin:
    said = [v for k, v in _FIELD.findall(raw["description"]) if k.lower() == "origin"]
    said += [v for k, v in _FIELD.findall(raw.get("info", "")) if k.lower() == "origin"]
    try:
        inside = json.loads(raw["description"])
    except ValueError:
        inside = None
    if isinstance(inside, dict):
        said.append(str(inside.get("origin", "")))
    return "simulated" if any(says_simulated(text) for text in said) else "measured"


class _Volume(BackendArray):
    """Slices of the registered file, decoded when they are asked for; it is open only meanwhile."""

    def __init__(
        self, path: Path, names: list[str] | None, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> None:
        self.path, self.names = path, names
        self.shape, self.dtype = shape, dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )

    def _read(self, key: tuple[Any, ...]) -> Any:
        first, rest = key[0], key[1:]
        with closing(Pages(self.path, self.names)) as pages:
            if isinstance(first, int | np.integer):
                return self._one(pages, int(first), rest)
            # one axis after the other: NumPy would pair two lists
            out = [self._one(pages, int(i), rest) for i in np.arange(self.shape[0])[first]]
            if not out:
                return np.empty((0, *self._one(pages, 0, rest).shape), dtype=self.dtype)
            return np.stack(out)

    def _one(self, pages: Pages, index: int, rest: tuple[Any, ...]) -> Any:
        page = pages[index % self.shape[0]]
        return page[rest[0]][..., rest[1]].astype(self.dtype, copy=False)


def open_ct_tiff(
    path: Path, companions: Mapping[str, Path], lazy: Mapping[str, Json]
) -> xr.Dataset:
    """Open a registered volume; slices are decoded when they are asked for.

    Parameters
    ----------
    path : Path
    companions : mapping
        None are used.
    lazy : mapping
        As the reader wrote it.

    Returns
    -------
    xarray.Dataset
        ``labels`` or ``grey`` over z, y, x (um, or voxels where their size is unknown).
    """
    del companions
    stored: Any = lazy
    with closing(Pages(path, stored["slices"])) as pages:
        shape = pages.shape
    size = None if stored["voxel_um"] is None else tuple(float(v) for v in stored["voxel_um"])
    unit = "1" if size is None else "um"
    attrs = {"units": "1", **({"missing": MISSING} if stored["missing"] else {})}
    values = indexing.LazilyIndexedArray(
        _Volume(path, stored["slices"], shape, np.dtype(stored["dtype"]))
    )
    voxel: VoxelSize | None = None if size is None else (size[0], size[1], size[2])
    coordinates = {a: (a, v, {"units": unit}) for a, v in axis_values(shape, voxel).items()}
    return xr.Dataset({stored["variable"]: xr.Variable(AXES, values, attrs)}, coordinates)
