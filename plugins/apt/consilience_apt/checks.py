"""Are the ions those of a needle?  Looked at in the metadata, so that nothing is read again."""

from __future__ import annotations

from typing import Any

from consilience.model.measurement import Notice, Signal

__all__ = ["check_ions"]

LONGEST, SHORTEST = 5000.0, 1.0
"""nm; reconstructions are some 10 to 1000 nm long."""
WIDEST_MASS = 2000.0
FEWEST_RANGED = 0.3


def check_ions(signal: Signal) -> list[Notice]:
    """Say when ions are few, have no ranges, or fill a volume that no needle has."""
    notices: list[Notice] = []
    if signal.modality != "apt":
        return notices
    ions = signal.metadata.get("ions")
    sizes = {axis: _value(signal.metadata.get(f"extent_{axis}")) for axis in "xyz"}
    known = {axis: size for axis, size in sizes.items() if size is not None}
    large = {axis: size for axis, size in known.items() if size > LONGEST}
    if large:
        text = ", ".join(f"{size:.4g} nm along {axis}" for axis, size in large.items())
        notices.append(
            Notice(
                code="too-large",
                message=f"the ions fill {text}: no needle is so large; some ions are far off, or "
                "the unit is not nm",
                fix="check the reconstruction's unit",
            )
        )
    if known and max(known.values()) < SHORTEST and isinstance(ions, int) and ions > 1:
        notices.append(
            Notice(
                code="too-small",
                message=f"all ions lie within {max(known.values()):.3g} nm: the unit is not nm, or "
                "they were never reconstructed",
                fix="check the reconstruction's unit",
            )
        )
    top = _value(signal.metadata.get("mass_to_charge_high"))
    if top is not None and top > WIDEST_MASS:
        notices.append(
            Notice(
                code="mass-too-large",
                message=f"a mass-to-charge ratio of {top:.4g} Da: no ion of a needle is so heavy",
                fix="check the calibration of the mass scale",
                severity="info",
            )
        )
    ranged = signal.metadata.get("ions_in_ranges")
    if isinstance(ranged, int) and isinstance(ions, int) and ranged < FEWEST_RANGED * ions:
        notices.append(
            Notice(
                code="few-ranged",
                message=f"{ranged} of {ions} ions lie in ranges: the range file may belong to "
                "another run, or to another calibration",
                fix="compare the ranges with the peaks of the spectrum",
            )
        )
    return notices


def _value(found: Any) -> float | None:
    return float(found["value"]) if isinstance(found, dict) and "value" in found else None
