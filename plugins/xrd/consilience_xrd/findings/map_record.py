"""What is kept of a map: maps of lines and phases, and the patterns of its regions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from consilience_xrd.findings.map_drafts import cell_lengths
from consilience_xrd.maps.fitting import FLAGS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_xrd.findings.map_job import MapResult

__all__ = ["maps_dataset", "patterns_dataset"]

UNKNOWN = {"missing": "nothing was measured there, or the line does not stand out; see line_flags"}
LINE_TITLES = {
    "area": "area of the line",
    "center": "centre of the line",
    "fwhm": "full width at half maximum",
}


def maps_dataset(found: MapResult) -> xr.Dataset:
    """Maps over the scan's two directions, of lines, phases, regions, background and total."""
    scan = found.scan
    y, x = scan.y, scan.x
    data = xr.Dataset(
        coords={
            y.name: (y.name, y.values, {"units": y.unit}),
            x.name: (x.name, x.values, {"units": x.unit}),
        }
    )
    plane = (y.name, x.name)
    unit, axis = scan.unit, "1/angstrom"

    def square(values: NDArray[Any]) -> NDArray[Any]:
        return values.reshape(*values.shape[:-1], *scan.shape)

    def put(
        name: str, dims: tuple[str, ...], values: NDArray[Any], units: str, **about: str
    ) -> None:
        attrs: dict[str, str] = {"units": units, **about}
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            attrs |= UNKNOWN
        data[name] = (dims, square(values) if dims[-1] == x.name else values, attrs)

    put("background", plane, found.maps["background"], unit, title="mean of the baseline over q")
    put("total", plane, found.maps["total"], unit, title="mean of the intensity over q")
    if "blank_scale" in found.maps:
        put(
            "blank_scale",
            plane,
            found.maps["blank_scale"],
            "1",
            title="fitted scale of the blank; where below zero, nothing is taken away",
        )
    names = ", ".join(f"{i}: {r.name}" for i, r in enumerate(found.regions) if i)
    put(
        "region", plane, found.labels.astype(np.int16), "1",
        title="number of the region; 0: none", names=names or "the whole map is one",
    )  # fmt: skip
    if found.lines:
        data = data.assign_coords(
            line=("line", [line.center for line in found.lines], {"units": axis})
        )
        _lines(found, put, plane, unit, axis)
    if found.phase_lines:
        data["phase_name"] = (
            "phase", np.array([p.phase for p in found.phase_lines]), {"units": "1"},
        )  # fmt: skip
        _phases(found, put, plane, unit, axis)
    return data


def _lines(found: MapResult, put: Any, plane: tuple[str, str], unit: str, axis: str) -> None:
    dims = ("line", *plane)
    put("line_area_sys", ("line",), np.array(
        [np.nan if i.area_sys is None else i.area_sys for i in found.lines]), "1",
        title="relative systematic standard deviation of all areas of a line together, from its "
        "Lorentzian fraction")  # fmt: skip
    put("line_area_base_sys", ("line",), np.array(
        [np.nan if i.base_sys is None else i.base_sys for i in found.lines]), f"{unit} {axis}",
        title="systematic standard deviation of an area by the choice of the baseline, typical of "
        "a point")  # fmt: skip
    put("line_eta", ("line",), np.array([i.eta for i in found.lines]), "1",
        title="Lorentzian fraction, common to all points")  # fmt: skip
    for name, units in (("area", f"{unit} {axis}"), ("center", axis), ("fwhm", axis)):
        about = {"title": LINE_TITLES[name], "ancillary_variables": f"line_{name}_std"}
        put(f"line_{name}", dims, found.maps[name], units, **about)
        put(f"line_{name}_std", dims, found.maps[f"{name}_std"], units)
    put("line_error_at_none", dims, found.maps["null_std"], f"{unit} {axis}",
        title="standard deviation of the area where there is no line")  # fmt: skip
    put("line_chi2", dims, found.maps["chi2"], "1", title="chi-square per degree of freedom")
    meaning = "; ".join(f"{bit}: {text}" for bit, text in FLAGS.items())
    put("line_flags", dims, found.maps["flags"].astype(np.uint8), "1", title=meaning)


def _phases(found: MapResult, put: Any, plane: tuple[str, str], unit: str, axis: str) -> None:
    dims = ("phase", *plane)
    area = f"{unit} {axis}"
    maps = found.phase_maps
    put("phase_intensity", dims, np.array([m.intensity for m in maps]), area,
        title="summed area of the phase's lines",
        ancillary_variables="phase_intensity_std")  # fmt: skip
    put("phase_intensity_std", dims, np.array([m.intensity_std for m in maps]), area)
    put("phase_intensity_sys", dims, _systematic(found), area,
        title="systematic standard deviation of the summed area, by Lorentzian fractions and the "
        "choice of the baseline, each moving all lines together")  # fmt: skip
    put("phase_limit", dims, np.array([m.limit for m in maps]), area,
        title="summed area that is missed in at most 5 % of trials")  # fmt: skip
    put("phase_detected", dims, np.array([m.detected for m in maps]).astype(np.int8), "1",
        title=f"1: summed area above {found.decision:g} standard deviations")  # fmt: skip
    put("phase_strain", dims, np.array([m.strain for m in maps]), "1",
        title="relative change of the lattice spacings against the map's median",
        ancillary_variables="phase_strain_std")  # fmt: skip
    put("phase_strain_std", dims, np.array([m.strain_std for m in maps]), "1")
    lengths = np.array([np.nan if a is None else a for a in cell_lengths(found)])[:, None]
    if np.isfinite(lengths).any():
        put("phase_lattice_parameter", dims, lengths * (1 + np.array([m.strain for m in maps])),
            "angstrom", title="cell length of cubic phases: that of the mean pattern, or of the "
            "first region with the phase, times one and the strain",
            ancillary_variables="phase_lattice_parameter_std")  # fmt: skip
        put("phase_lattice_parameter_std", dims,
            lengths * np.array([m.strain_std for m in maps]), "angstrom")  # fmt: skip


def _systematic(found: MapResult) -> NDArray[np.float64]:
    """Of each phase at each point; NaN where a part of it is not known."""
    nan = float("nan")
    out = []
    for phase in found.phase_lines:
        lines = [found.lines[i] for i in phase.used]
        share = np.array([nan if v.area_sys is None else v.area_sys for v in lines])
        base = sum(nan if v.base_sys is None else v.base_sys for v in lines)
        areas = found.maps["area"][list(phase.used)]
        out.append(np.hypot(share @ np.abs(areas), base))
    return np.array(out)


def patterns_dataset(found: MapResult) -> xr.Dataset:
    """Mean, maximum and region patterns with their fits, on the q axis; each a mean of a point."""
    scan = found.scan
    data = xr.Dataset(coords={"q": ("q", scan.q, {"units": "1/angstrom"})})
    unit = scan.unit
    data["maximum"] = ("q", found.survey.maximum, {"units": unit})
    names, rows = [], []
    for region in found.regions:
        whole = region.pattern.intensity_unit == "count" and region.pattern.sigma is None
        share = 1 / region.points if whole else 1.0
        sigma = region.pattern.sigma
        std = (
            np.sqrt(np.maximum(region.pattern.intensity, 1.0))
            if whole
            else np.full(len(scan.q), np.nan)
            if sigma is None
            else sigma
        )
        std = np.where(np.isfinite(std), std, np.nan)
        names.append(region.name)
        rows.append(
            [region.pattern.intensity * share, std * share, region.fit.model * share,
             region.fit.baseline.values * share]
        )  # fmt: skip
    data["region_name"] = ("region", np.array(names), {"units": "1"})
    data["region_points"] = ("region", np.array([r.points for r in found.regions]), {"units": "1"})
    missing = {"missing": "not known, or outside the range used"}
    table = np.array(rows)
    for i, name in enumerate(("intensity", "intensity_std", "model", "baseline")):
        attrs = {"units": unit}
        if not np.isfinite(table[:, i]).all():
            attrs |= missing
        if name == "intensity":
            attrs["ancillary_variables"] = "intensity_std"
        data[name] = (("region", "q"), table[:, i], attrs)
    return data
