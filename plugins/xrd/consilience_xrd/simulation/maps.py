"""Simulated maps: scans of patterns or of detector frames in a NeXus layout, marked simulated.

Every phase has a place on the map, and one of them may be strained along x.  The truth is in a JSON
file beside it, and in the file (``/entry/truth``, an NXcollection) unless `told` is false.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from consilience.errors import BadInputError
from consilience_xrd.axes import wavelength_to_energy
from consilience_xrd.lines.batch_profile import add_profiles
from consilience_xrd.references.phases import library_phase
from consilience_xrd.references.reference import ReferencePattern, reference_pattern

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["MapParams", "detector_q", "expected_rows", "places_of", "run"]

Place = Literal["everywhere", "left", "right", "disc", "ring", "gradient", "film", "rim"]

REACH = 40.0
"""Widths from its centre to which a line is computed; beyond lies less than 1 % of its area."""


class MapParams(BaseModel):
    """What is simulated.

    `phases` gives each phase of the library its scale: counts under its strongest line, where it
    is.  `places` says where on the map; phases that it does not name are everywhere.  `axes` is the
    relative change of a, b and c of a phase's cell, everywhere alike.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: int = Field(10, ge=1, le=10_000)
    columns: int = Field(16, ge=1, le=10_000)
    step: float = Field(50.0, gt=0, description="between points [nm]")
    what: Literal["patterns", "frames"] = "patterns"
    phases: dict[str, float] = {"Pt": 400.0, "LiF": 150.0, "Li2CO3": 150.0}
    places: dict[str, Place] = {"Pt": "left", "LiF": "disc", "Li2CO3": "ring"}
    film: tuple[float, float] = Field(
        (4000.0, 6000.0), description="height and width of the places film and rim [nm]"
    )
    rim: float = Field(500.0, gt=0, description="breadth of the rim [nm]")
    origin: tuple[float, float] = Field((0.0, 0.0), description="y and x of the first point [nm]")
    strained: str | None = Field("Pt", description="phase whose cell changes along x")
    strain: float = Field(0.004, ge=-0.1, le=0.1, description="from the first column to the last")
    axes: dict[str, tuple[float, float, float]] = {}
    wavelength: float = Field(0.6888, gt=0, description="[angstrom]")
    q_min: float = Field(1.0, gt=0, description="[1/angstrom]")
    q_max: float = Field(4.8, gt=0, description="[1/angstrom]")
    points: int = Field(1000, ge=20, le=100_000)
    fwhm: float = Field(0.018, gt=0, description="[1/angstrom]")
    eta: float = Field(0.4, ge=0, le=1)
    background: float = Field(40.0, ge=0, description="level at the low end [counts]")
    halo: float = Field(20.0, ge=0, description="height of a liquid's halo at 1.3 1/angstrom")
    grains: float | None = Field(
        None, gt=0, description="grains in the beam, which spread the lines' intensities; None: all"
    )
    noise: bool = True
    told: bool = Field(True, description="what is true stands in the file too")
    detector: int = Field(256, ge=32, le=4096, description="pixels along each side of a frame")


def places_of(params: MapParams) -> dict[str, NDArray[np.float64]]:
    """How much of each phase is at each point, 0 to 1; shape (rows, columns)."""
    y, x = np.mgrid[: params.rows, : params.columns].astype(float)
    u = x / max(params.columns - 1, 1)
    v = y / max(params.rows - 1, 1)
    near = np.hypot((u - 0.65) * 1.6, v - 0.5)
    # nm from the edge of a rectangle in the middle of the map, positive within
    sides = (x, params.columns, params.film[1]), (y, params.rows, params.film[0])
    inside = np.minimum(
        *(side / 2 - np.abs(at - (count - 1) / 2) * params.step for at, count, side in sides)
    )
    known: dict[str, NDArray[np.float64]] = {
        "everywhere": np.ones_like(u),
        "left": (u < 0.5) * 1.0,
        "right": (u >= 0.5) * 1.0,
        "disc": (near < 0.3) * 1.0,
        "ring": ((near >= 0.3) & (near < 0.45)) * 1.0,
        "gradient": u,
        "film": (inside > 0) * 1.0,
        "rim": ((inside > 0) & (inside <= params.rim)) * 1.0,
    }
    unknown = sorted(set(params.places) - set(params.phases))
    if unknown:
        raise BadInputError(
            f"a place is given for {', '.join(unknown)}, which no phase of the map is",
            fix=f"the phases are {', '.join(params.phases) or 'none'}",
        )
    return {key: known[params.places.get(key, "everywhere")] for key in params.phases}


def _strain(params: MapParams) -> NDArray[np.float64]:
    """Relative change of the strained phase's cell at each column."""
    return np.asarray(np.linspace(0.0, params.strain, params.columns))


def _references(params: MapParams) -> dict[str, ReferencePattern]:
    if params.q_max <= params.q_min:
        raise BadInputError("q_max is not above q_min.", fix="Give an increasing range.")
    unknown = sorted(set(params.axes) - set(params.phases))
    if unknown:
        raise BadInputError(
            f"axes is given for {', '.join(unknown)}, which no phase of the map is",
            fix=f"the phases are {', '.join(params.phases) or 'none'}",
        )
    low, high = max(params.q_min - 0.2, 0.05), params.q_max + 0.2
    found = {}
    for key in params.phases:
        phase = library_phase(key)
        a, b, c = (
            length * (1 + change)
            for length, change in zip(
                phase.cell[:3], params.axes.get(key, (0.0, 0.0, 0.0)), strict=True
            )
        )
        phase = replace(phase, cell=(a, b, c, *phase.cell[3:]))
        found[key] = reference_pattern(phase, params.wavelength, (low, high))
    return found


def expected_rows(
    params: MapParams,
    q: NDArray[np.float64],
    row: int,
    references: dict[str, ReferencePattern],
    places: dict[str, NDArray[np.float64]],
    chance: np.random.Generator,
) -> NDArray[np.float64]:
    """Expected counts of one row of the map, shape (columns, points)."""
    span = (q - params.q_min) / (params.q_max - params.q_min)
    below = params.background * (1 - 0.4 * span)
    below = below + params.halo * np.exp(-0.5 * ((q - 1.3) / 0.18) ** 2)
    model = np.tile(below, (params.columns, 1))
    step = (params.q_max - params.q_min) / (params.points - 1)
    width = np.full(params.columns, params.fwhm)
    eta = np.full(params.columns, params.eta)
    reach = REACH * params.fwhm + 0.02 * params.q_max
    for key, reference in references.items():
        stretch = 1 + (_strain(params) if key == params.strained else np.zeros(params.columns))
        for line in reference.lines:
            area = params.phases[key] * line.intensity / 100 * step * places[key][row]
            if params.grains is not None:
                seen = params.grains * line.multiplicity / 24
                area = area * chance.gamma(seen, 1 / seen, params.columns)
            if not area.any():
                continue
            near = slice(*np.searchsorted(q, [line.q - reach, line.q + reach]))
            part = np.zeros((params.columns, near.stop - near.start))
            add_profiles(
                q[near], area, line.q / stretch, width, eta, ((1.0, 1.0),), False, part, None
            )
            model[:, near] += part
    return model


def detector_q(params: MapParams) -> tuple[NDArray[np.float64], NDArray[np.float64], float, float]:
    """Q [1/angstrom] and solid angle of each pixel, the distance and the pixel's side [m].

    The detector stands upright in the beam, which hits it near a corner, so that rings become
    arcs of a quarter.
    """
    pixel = 0.2 / params.detector
    angle = 2 * np.arcsin(min(params.q_max * params.wavelength / (4 * np.pi), 0.999))
    distance = 0.92 * 0.2 / np.tan(angle)
    y, x = np.mgrid[: params.detector, : params.detector] + 0.5
    radius = np.hypot(y * pixel, x * pixel)
    two_theta = np.arctan2(radius, distance)
    return (
        np.asarray(4 * np.pi * np.sin(two_theta / 2) / params.wavelength),
        np.asarray(np.cos(two_theta) ** 3),
        float(distance),
        float(pixel),
    )


def _frame_rows(
    patterns: NDArray[np.float64],
    q: NDArray[np.float64],
    at: NDArray[np.float64],
    solid: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Frames of one row: what each pixel expects from the pattern at its q."""
    flat = at.ravel()
    i = np.clip(np.searchsorted(q, flat) - 1, 0, len(q) - 2)
    share = np.clip((flat - q[i]) / (q[i + 1] - q[i]), 0, 1)
    values = patterns[:, i] * (1 - share) + patterns[:, i + 1] * share
    return np.asarray((values * solid.ravel()).reshape(len(patterns), *at.shape))


def run(params: MapParams, seed: int, folder: Path) -> list[Path]:
    """Write ``simulated-map-SEED.nxs`` and ``.truth.json``, for frames a ``.poni`` too.

    Frames have a gap of pixels at -1, two dead pixels and a saturated one, all in the file's
    pixel mask except the dead ones.
    """
    import h5py

    chance = np.random.default_rng(seed)
    q = np.linspace(params.q_min, params.q_max, params.points)
    references, places = _references(params), places_of(params)
    frames = params.what == "frames"
    at, solid, distance, pixel = detector_q(params)
    data_path = folder / f"simulated-map-{seed}.nxs"
    written = [data_path]
    with h5py.File(data_path, "w") as file:
        entry = _entry(file, params, seed, places)
        inner = at.shape if frames else (params.points,)
        data = entry.create_dataset(
            "data/intensity",
            shape=(params.rows, params.columns, *inner),
            dtype=np.int32 if params.noise else np.float64,
            chunks=(1, params.columns if not frames else 1, *inner),
            compression="gzip",
            compression_opts=1,
        )
        _axes(entry, params, q, frames, distance, pixel)
        for row in range(params.rows):
            expected = expected_rows(params, q, row, references, places, chance)
            if frames:
                expected = _frame_rows(expected, q, at, solid)
            counts = chance.poisson(expected) if params.noise else expected
            if frames:
                _faults(counts)
            data[row] = counts
    told = folder / f"simulated-map-{seed}.truth.json"
    lines = {
        key: [{"hkl": line.label, "q": line.q, "intensity": line.intensity} for line in r.lines]
        for key, r in references.items()
    }
    body = {"origin": "simulated", "seed": seed, "parameters": params.model_dump(), "lines": lines}
    told.write_text(json.dumps(body, indent=1, sort_keys=True), encoding="utf-8")
    written.append(told)
    if frames:
        poni = folder / f"simulated-map-{seed}.poni"
        poni.write_text(_poni(params, distance, pixel), encoding="utf-8")
        written.append(poni)
    return written


def _faults(frames: NDArray[Any]) -> None:
    """A gap between modules, two dead pixels, one that is saturated."""
    side = frames.shape[-1]
    middle = side // 2
    frames[:, :, middle : middle + max(side // 64, 1)] = -1
    frames[:, side // 3, side // 4] = 0
    frames[:, side // 4, side // 3] = 0
    frames[:, side // 5, side // 6] = 1_000_000


def _entry(file: Any, params: MapParams, seed: int, places: dict[str, NDArray[np.float64]]) -> Any:
    """The entry with beam, sample, monitor and truth, and an empty data group."""
    file.attrs["default"] = "entry"
    entry = file.create_group("entry")
    entry.attrs.update({"NX_class": "NXentry", "origin": "simulated", "default": "data"})
    entry["definition"] = "NXxrd"
    entry["title"] = f"simulated map of {', '.join(params.phases) or 'nothing'}, seed {seed}"

    def group(path: str, kind: str) -> Any:
        made = entry.create_group(path)
        made.attrs["NX_class"] = kind
        return made

    group("instrument", "NXinstrument")
    source = group("instrument/source", "NXsource")
    source["type"] = "simulated"
    source["probe"] = "x-ray"
    mono = group("instrument/monochromator", "NXmonochromator")
    for name, value, unit in (
        ("wavelength", params.wavelength, "angstrom"),
        ("energy", wavelength_to_energy(params.wavelength), "keV"),
    ):
        mono[name] = value
        mono[name].attrs["units"] = unit
    group("instrument/detector", "NXdetector")
    sample = group("sample", "NXsample")
    sample["name"] = "simulated sample"
    monitor = group("monitor", "NXmonitor")
    monitor["data"] = np.ones((params.rows, params.columns))
    if params.told:
        truth = group("truth", "NXcollection")
        for key, where in places.items():
            truth[f"scale_{key}"] = where * params.phases[key]
        truth["strain"] = np.tile(_strain(params), (params.rows, 1))
    group("data", "NXdata")
    return entry


def _axes(
    entry: Any,
    params: MapParams,
    q: NDArray[np.float64],
    frames: bool,
    distance: float,
    pixel: float,
) -> None:
    data = entry["data"]
    inner = ["detector_y", "detector_x"] if frames else ["q"]
    data.attrs["signal"] = "intensity"
    data.attrs["axes"] = ["y", "x", *inner]
    data["intensity"].attrs["units"] = "counts"
    for name, count, start in zip("yx", (params.rows, params.columns), params.origin, strict=True):
        data[name] = start + np.arange(count) * params.step
        data[name].attrs["units"] = "nm"
    detector = entry["instrument/detector"]
    if not frames:
        data["q"] = q
        data["q"].attrs["units"] = "1/angstrom"
        return
    for name in inner:
        data[name] = np.arange(params.detector)
        data[name].attrs["units"] = "pixel"
    for name, value, unit in (
        ("distance", distance * 1e3, "mm"),
        ("x_pixel_size", pixel * 1e3, "mm"),
        ("y_pixel_size", pixel * 1e3, "mm"),
        ("beam_center_x", 0.0, "pixel"),
        ("beam_center_y", 0.0, "pixel"),
    ):
        detector[name] = value
        detector[name].attrs["units"] = unit
    detector["saturation_value"] = 999_999
    side = params.detector
    mask = np.zeros((side, side), np.uint32)
    mask[side // 2 : side // 2 + max(side // 64, 1)] = 1  # bit 0: gap
    detector["pixel_mask"] = mask


def _poni(params: MapParams, distance: float, pixel: float) -> str:
    config = json.dumps(
        {"pixel1": pixel, "pixel2": pixel, "max_shape": [params.detector, params.detector],
         "orientation": 3}
    )  # fmt: skip
    lines = [
        "# origin: simulated",
        "poni_version: 2.1",
        "Detector: Detector",
        f"Detector_config: {config}",
        f"Distance: {distance!r}",
        "Poni1: 0.0",
        "Poni2: 0.0",
        "Rot1: 0.0",
        "Rot2: 0.0",
        "Rot3: 0.0",
        f"Wavelength: {params.wavelength * 1e-10!r}",
    ]
    return "\n".join(lines) + "\n"
