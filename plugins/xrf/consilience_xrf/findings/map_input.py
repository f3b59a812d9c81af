"""What analyses of maps start from: the maps of each measurement, by one exposure and beam."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.errors import BadInputError
from consilience.model.finding import Region
from consilience.model.measurement import Measurement, Notice
from consilience_xrf.amounts.attenuation import Angles, Layer, Material
from consilience_xrf.amounts.element_maps import ElementMap, MapSet, map_sets
from consilience_xrf.amounts.normalise import (
    Exposure,
    common_basis,
    corrected,
    exposure_of,
    rate_exposure,
)

if TYPE_CHECKING:
    from consilience_xrf.findings.amount_params import LayerParams

__all__ = [
    "Compared",
    "Taken",
    "beam_of",
    "gather",
    "geometry_of",
    "layer_of",
    "material_of",
    "mean_of",
    "refuse_amounts",
]


@dataclass(frozen=True)
class Taken:
    """The maps of one scan.

    Attributes
    ----------
    title : str
        The state where it has one, else the file.
    maps : MapSet
        As read.
    exposure : Exposure
    corrected : dict
        Maps as if each point had got the mean exposure of all that are compared.
    """

    measurement: Measurement
    title: str
    maps: MapSet
    exposure: Exposure
    corrected: dict[str, ElementMap]

    @property
    def region(self) -> Region:
        """The area of the scan."""
        x, y = self.maps.x, self.maps.y
        return Region(
            shape="box",
            coordinates=[[float(x.min()), float(y.min())], [float(x.max()), float(y.max())]],
            unit=self.maps.unit if self.maps.unit != "1" else "point",
            frame=f"scan ({self.maps.dims[1]}, {self.maps.dims[0]})",
            label=self.maps.label,
        )


@dataclass(frozen=True)
class Compared:
    """All scans that are compared, on one exposure.

    Attributes
    ----------
    basis : tuple of str
        What was divided by.
    reference, unit : float, str
        The exposure that all are brought to: the mean over all points.
    lines : tuple of str
        Names of all maps, such as ``Pt_La``.
    """

    taken: tuple[Taken, ...]
    basis: tuple[str, ...]
    reference: float
    unit: str
    lines: tuple[str, ...]
    notices: tuple[Notice, ...]

    def of(self, line: str) -> list[tuple[int, ElementMap]]:
        """The scans that have a map of a line, by their place in `taken`."""
        return [(i, t.corrected[line]) for i, t in enumerate(self.taken) if line in t.corrected]

    @property
    def said(self) -> str:
        """How the points were made comparable, in words."""
        if not self.basis:
            units = {one.unit for t in self.taken for one in t.corrected.values()}
            if units and all(unit.endswith(("/s", "/cm^2")) for unit in units):
                said = " and ".join(sorted(units))
                return f"maps in {said} are divided by no time again, and by no monitor"
            return "points are not divided by any monitor or time: none is in all the files"
        by = ", ".join(dict.fromkeys(b for t in self.taken for b in t.exposure.by))
        return f"each point is divided by {by} and brought to {self.reference:.6g} {self.unit}"


def gather(
    measurements: Sequence[Measurement],
    params: Any,
    sets_of: Any = None,
) -> Compared:
    """Return the maps of all measurements, on one exposure.

    Parameters
    ----------
    measurements : sequence of Measurement
    params : of `consilience_xrf.findings.amount_params`
    sets_of : callable, optional
        ``sets_of(measurement) -> list of MapSet``; by default the maps that it holds.

    Raises
    ------
    BadInputError
        No measurement has a map of the lines asked for; maps in counts, in counts per second and
        in mass per area are mixed.

    Notes
    -----
    Maps in counts per second are divided by no time again, maps in mass per area by nothing.
    """
    raw: list[tuple[Measurement, MapSet]] = []
    for measurement in measurements:
        sets = (
            map_sets(measurement.data, counting=params.counting)
            if sets_of is None
            else sets_of(measurement)
        )
        raw += [(measurement, one) for one in sets]
    have = list(dict.fromkeys(name for _, one in raw for name in one.maps))
    missing = [name for name in params.lines if name not in have]
    if missing:
        raise BadInputError(
            f"there is no map of {', '.join(missing)}; the files have {', '.join(have)}",
            fix="name lines that are there",
        )
    lines = tuple(params.lines) or tuple(have)
    sets = [one for _, one in raw]
    per = _per([one.maps[n].unit for one in sets for n in lines if n in one.maps])
    wanted = () if per == "area" else params.normalise_by
    basis = common_basis(sets, wanted)
    exposures = [exposure_of(one, basis, params.monitor_std) for one in sets]
    timeless: list[Notice] = []
    if per == "second":
        basis = tuple(name for name in basis if name == "monitor")
        rates = [rate_exposure(o, basis, e) for o, e in zip(sets, exposures, strict=True)]
        known = [e for e in rates if e is not None]
        if len(known) < len(rates):
            timeless, basis = [_TIMELESS], ()
            known = [exposure_of(one, ()) for one in sets]
        exposures = known
    amounts = np.concatenate([e.amount[np.isfinite(e.amount)].ravel() for e in exposures])
    reference = float(amounts.mean())
    titles = _titles(raw)
    taken = []
    for (measurement, one), exposure, title in zip(raw, exposures, titles, strict=True):
        maps = {n: corrected(one.maps[n], exposure, reference) for n in lines if n in one.maps}
        taken.append(Taken(measurement, title, one, exposure, maps))
    notices = timeless if per == "second" else _left_out(raw, basis, wanted)
    return Compared(tuple(taken), basis, reference, exposures[0].unit, lines, tuple(notices))


_TIMELESS = Notice(
    code="monitor-without-time",
    message="the maps are in counts per second, the monitor is a sum over a time that not all "
    "files state; nothing is divided by it",
    fix="read maps in counts, or a monitor in A or counts per second",
)


def _per(units: Sequence[str]) -> str:
    """What maps are values per: a point, a second, or an area.

    Raises
    ------
    BadInputError
        They are mixed.
    """
    found = {
        "second" if unit.endswith("/s") else "area" if unit.endswith("/cm^2") else "point"
        for unit in units
    }
    if len(found) > 1:
        raise BadInputError(
            f"maps in {', '.join(sorted(set(units)))} cannot be brought to one scale",
            fix="name lines and scans whose maps have one unit",
        )
    return found.pop() if found else "point"


def refuse_amounts(compared: Compared) -> None:
    """Refuse maps that are amounts already, which have no counts to make a mass of.

    Raises
    ------
    BadInputError
        A map is in mass per area.
    """
    done = sorted(
        {o.name for t in compared.taken for o in t.corrected.values() if o.unit.endswith("/cm^2")}
    )
    if done:
        raise BadInputError(
            f"maps of {', '.join(done)} are in mass per area already, not in counts",
            fix="use xrf.maps or xrf.profile for them, or register maps in counts",
        )


def _titles(raw: Sequence[tuple[Measurement, MapSet]]) -> list[str]:
    """State or file, whichever tells all scans apart."""
    frames = [f" {one.label}" if one.label else "" for _, one in raw]
    states = [_state(m.record.state) + f for (m, _), f in zip(raw, frames, strict=True)]
    if all(states) and len(set(states)) == len(states):
        return states
    files = [m.record.file_name + f for (m, _), f in zip(raw, frames, strict=True)]
    if len(set(files)) == len(files):
        return files
    named = [f"{m.record.title}{f}" for (m, _), f in zip(raw, frames, strict=True)]
    if len(set(named)) == len(named):
        return named
    return [f"{i + 1}: {one}" for i, one in enumerate(named)]


def _state(state: Mapping[str, Any]) -> str:
    said = []
    for name, value in state.items():
        shown = f"{value.value:g} {value.unit}" if hasattr(value, "unit") else value
        number = isinstance(value, int | float) and not isinstance(value, bool)
        shown = f"{value:g}" if number else shown
        said.append(str(shown) if isinstance(value, str) else f"{name} {shown}")
    return ", ".join(said)


def _left_out(
    raw: Sequence[tuple[Measurement, MapSet]], basis: Sequence[str], wanted: Sequence[str]
) -> list[Notice]:
    """Say what some of the compared files have and others lack."""
    said = []
    for name in wanted:
        have = sum(name in one.point for _, one in raw)
        if name not in basis and have > 0:
            why = (
                f"{have} of {len(raw)} scans have a {name}"
                if have < len(raw)
                else f"the scans give {name} in different units"
            )
            said.append(
                Notice(
                    code="exposure-not-common",
                    message=f"{why}, so that nothing is divided by it",
                    fix="compare scans that all have it, or register it for all",
                )
            )
    return said


def beam_of(measurement: Measurement, given: float | None) -> float | None:
    """Return the energy of the beam in keV: what was given, else what the file says, else None."""
    if given is not None:
        return given
    stated = measurement.metadata.get("incident_energy")
    if isinstance(stated, Mapping):
        value, unit = stated.get("value"), stated.get("unit", "keV")
        if isinstance(value, int | float):
            return float(value) / (1000.0 if unit == "eV" else 1.0)
    return float(stated) if isinstance(stated, int | float) and stated > 0 else None


def material_of(material: str | Mapping[str, float], density: float | None = None) -> Material:
    """Return a material as parameters give it."""
    if isinstance(material, str):
        return Material.of(material, density)
    return Material(dict(material), density, " + ".join(material))


def layer_of(given: LayerParams) -> Layer:
    """Return a layer as parameters give it.

    Raises
    ------
    BadInputError
        Its density is not known.
    """
    material = material_of(given.material, given.density)
    _ = material.needed_density
    return Layer(material, given.thickness, given.thickness_std)


def geometry_of(params: Any) -> Angles:
    """Return the angles of an analysis."""
    return Angles(params.incident_angle, params.takeoff_angle)


def mean_of(one: ElementMap) -> tuple[float, float | None]:
    """Mean of a map and its counting error."""
    good = np.isfinite(one.values)
    if not good.any():
        return 0.0, None
    mean = float(one.values[good].mean())
    if one.std is None:
        return mean, None
    std = one.std[good]
    return mean, float(np.sqrt(np.square(std[np.isfinite(std)]).sum())) / int(good.sum())
