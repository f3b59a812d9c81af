"""The wavelength of a NeXus entry."""

from __future__ import annotations

from typing import Any

from consilience.hdf5 import text_of
from consilience_xrd.axes import energy_to_wavelength
from consilience_xrd.files.nexus_groups import class_of, members, number_in

__all__ = ["wavelength_of"]


def wavelength_of(entry: Any) -> tuple[float | None, str | None]:
    """The wavelength [angstrom] wherever these layouts put it, and where it was found."""
    import h5py

    best: list[tuple[int, float, str]] = []
    rank = {"incident_wavelength": 0, "wavelength": 1, "incident_energy": 2, "energy": 3}

    def look(group: Any, depth: int) -> None:
        for member in members(group):
            if isinstance(member, h5py.Group) and depth < 6:
                if class_of(member) not in ("NXdata", "NXsubentry", "NXdetector", "NXfluorescence"):
                    look(member, depth + 1)
            elif isinstance(member, h5py.Dataset):
                name = member.name.rpartition("/")[2].lower()
                if name not in rank or member.size != 1:
                    continue
                value, unit = number_in(member), (text_of(member.attrs.get("units")) or "").lower()
                if value is None or value <= 0:
                    continue
                factor = {"angstrom": 1.0, "a": 1.0, "\u00e5": 1.0, "nm": 10.0, "m": 1e10}.get(unit)
                if "wavelength" in name and factor:
                    best.append((rank[name], value * factor, member.name))
                scale = {"ev": 1e-3, "kev": 1.0}.get(unit)
                if "energy" in name and scale:
                    best.append((rank[name], energy_to_wavelength(value * scale), member.name))

    look(entry, 0)
    if not best:
        return None, None
    _, value, where = min(best)
    return value, where
