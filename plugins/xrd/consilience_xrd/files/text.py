"""Text patterns (.xy, .xye, .csv): the axis is said by the file or the user, never guessed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadFileError, BadInputError
from consilience.hdf5 import says_simulated
from consilience_xrd.axes import energy_to_wavelength, parse_energy, parse_wavelength
from consilience_xrd.files.option_help import TEXT_OPTIONS
from consilience_xrd.files.text_table import TextTable, parse_table
from consilience_xrd.pattern import Pattern, Source, check_axis

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from consilience.model.base import Origin

__all__ = ["read_text_pattern", "source_from_options"]

_UNITS = {
    "deg": "deg", "degree": "deg", "degrees": "deg", "\u00b0": "deg",
    "1/angstrom": "1/angstrom", "1/a": "1/angstrom", "a-1": "1/angstrom", "a^-1": "1/angstrom",
    "angstrom^-1": "1/angstrom", "\u00e5-1": "1/angstrom", "\u00e5^-1": "1/angstrom",
    "1/\u00e5": "1/angstrom", "\u00e5\u207b\u00b9": "1/angstrom",
    "1/nm": "1/nm", "nm-1": "1/nm", "nm^-1": "1/nm", "nm\u207b\u00b9": "1/nm",
}  # fmt: skip
_FIX_AXIS = (
    "Say it: --option axis=two_theta --option unit=deg, or --option axis=q --option "
    "unit=1/angstrom (or 1/nm)."
)
_TWO_THETA = re.compile(r"(?:\b2\s*-?\s*(?:theta|th|\u03b8)|\btwo[_ -]?theta)", re.IGNORECASE)
_Q = re.compile(r"(?:^|[\s,;:#|])q(?:$|[\s,;:(\[_|])", re.IGNORECASE)


def read_text_pattern(path: Path, options: Mapping[str, str] | None = None) -> Pattern:
    """Read one pattern from text.

    Parameters
    ----------
    path : path
    options : mapping
        See `TEXT_OPTIONS`; what the user says overrides what the file says, except that a
        file marked as simulated stays so.

    Returns
    -------
    Pattern

    Raises
    ------
    BadFileError
        Empty, cut off, not numbers, not increasing, NaN, one point; with line number.
    BadInputError
        Axis or unit not said by file or user, decimal comma, or an unusable option.
    """
    said = dict(options or {})
    unknown = sorted(set(said) - set(TEXT_OPTIONS))
    if unknown:
        raise BadInputError(
            f"Unknown option {', '.join(unknown)}.", fix=f"Known are {', '.join(TEXT_OPTIONS)}."
        )
    table = parse_table(path)
    warnings: list[str] = []
    headline = "\n".join(table.header)
    axis, unit = _axis_of(table, said, path)
    x = table.rows[:, 0].copy()
    if unit == "1/nm":
        x /= 10.0
        warnings.append("q was given in 1/nm and is kept in 1/angstrom (divided by 10)")
    named = {"two_theta": bool(_TWO_THETA.search(headline)), "q": bool(_Q.search(headline))}
    if "axis" in said and not named[axis] and any(named.values()):
        other = "2\u03b8" if axis == "q" else "q"
        warnings.append(
            f"the header names {other} as the axis, the user says {axis}: one of them is wrong"
        )
    intensity = table.rows[:, 1].copy()
    names = _columns_of(table, said, path, warnings)
    extra: dict[str, NDArray[np.float64]] = {}
    sigma = None
    for i, name in enumerate(names[2:], start=2):
        if name == "sigma":
            sigma = _sigma(table.rows[:, i].copy(), warnings)
        else:
            extra[name] = table.rows[:, i].copy()
    check_axis(x, intensity, str(path), table.lines)
    unit_i = said.get("intensity_unit") or _said_in(headline, "intensity_unit") or ""
    if unit_i in ("count", "counts"):
        unit_i = "count"
    elif unit_i in ("arbitrary", "a.u.", "arb"):
        unit_i = "arbitrary"
    elif unit_i:
        raise BadInputError(
            f"The intensity unit {unit_i!r} is not known.",
            fix="Use --option intensity_unit=count or --option intensity_unit=arbitrary.",
            path=path,
        )
    else:
        unit_i = "arbitrary"
        warnings.append(
            "the unit of the intensity is not said, so it is taken as arbitrary"
            + ("" if sigma is not None else " and its standard deviation is unknown")
            + "; give --option intensity_unit=count if these are counts"
        )
    if unit_i == "count" and sigma is None and np.any(intensity < 0):
        warnings.append("negative intensities cannot be raw counts; their std is unknown")
        unit_i = "arbitrary"
    if (
        unit_i == "count"
        and sigma is None
        and np.any(np.abs(intensity - np.rint(intensity)) > 1e-6)
    ):
        warnings.append("intensities said to be counts are not whole numbers")
    if axis == "two_theta" and (x[0] < 0 or x[-1] > 180):
        raise BadFileError(
            f"2theta runs from {x[0]:g} to {x[-1]:g}°, beyond 0 to 180°.",
            fix="Check that the axis is 2theta; if it is q, give --option axis=q.",
            path=path,
            line=int(table.lines[0]),
        )
    source = source_from_options(said, headline)
    stated = source_from_options({}, headline)
    if source and stated and abs(source.wavelength / stated.wavelength - 1) > 1e-4:
        warnings.append(
            f"the file states a wavelength of {stated.wavelength:.5g} angstrom, the user "
            f"{source.wavelength:.5g}; the user's is used"
        )
    origin = _origin_of(said, table.header, path, warnings)
    return Pattern(
        axis=axis,
        x=x,
        intensity=intensity,
        sigma=sigma,
        intensity_unit=unit_i,
        source=source,
        origin=origin,
        extra=extra,
        metadata={"header": table.header, "columns": names},
        warnings=tuple(warnings),
    )


def _origin_of(
    said: Mapping[str, str], header: list[str], path: Path, warnings: list[str]
) -> Origin:
    """The file's mark, or the user's where there is none: simulated data stay simulated."""
    option = said.get("origin")
    if option is not None and option.strip().lower() != "simulated":
        raise BadInputError(
            f"The option origin={option} is refused: it can only say simulated.",
            fix="Use --option origin=simulated, or leave it out for a measurement.",
            path=path,
        )
    marks = [mark for line in header if (mark := _said_in(line, "origin")) is not None]
    if option is not None or any(says_simulated(mark) for mark in marks):
        return "simulated"
    warnings.extend(
        f"the file states the origin {mark!r}, which is neither measured nor simulated; it is "
        "taken as measured"
        for mark in marks
        if not mark.lower().startswith("measured")
    )
    return "measured"


def source_from_options(said: Mapping[str, str], headline: str = "") -> Source | None:
    """Wavelength and K-alpha 2 from options or from ``key: value`` lines of a header."""

    def get(key: str) -> str | None:
        return said.get(key) or _said_in(headline, key)

    wavelength, energy, doublet = get("wavelength"), get("energy"), get("ka2")
    if wavelength and energy and "wavelength" in said and "energy" in said:
        raise BadInputError(
            "Both a wavelength and an energy are given.", fix="Give one of the two."
        )
    if "energy" in said:
        wavelength = None
    value = (
        parse_wavelength(wavelength)
        if wavelength
        else energy_to_wavelength(parse_energy(energy))
        if energy
        else None
    )
    if value is None:
        if doublet:
            raise BadInputError(
                "K-alpha 2 is given without K-alpha 1.",
                fix='Give --option wavelength="1.5406 angstrom" as well.',
            )
        return None
    if not doublet or doublet.strip().lower() == "none":
        return Source(value)
    parts = [p.strip() for p in re.split(r"[,;]", doublet)]
    try:
        second, ratio = parse_wavelength(parts[0]), float(parts[1])
    except (IndexError, ValueError):
        raise BadInputError(
            f"K-alpha 2 {doublet!r} cannot be read.",
            fix='Write --option ka2="1.5444 angstrom, 0.5".',
        ) from None
    if not 0 < ratio <= 1 or abs(second / value - 1) > 0.02:
        raise BadInputError(
            f"K-alpha 2 of {second:g} angstrom and ratio {ratio:g} does not belong to a "
            f"K-alpha 1 of {value:g} angstrom.",
            fix='Write --option ka2="1.5444 angstrom, 0.5" for copper.',
        )
    return Source(value, second, ratio)


def _said_in(headline: str, key: str) -> str | None:
    found = re.search(
        rf"^[\s#!%;'/*]*{re.escape(key)}\s*[:=]\s*(.+?)\s*$", headline, re.IGNORECASE | re.MULTILINE
    )
    if not found:
        return None
    # "axis: q, unit: 1/angstrom" puts two on one line
    return re.split(r",\s*(?=[a-z_]+\s*:)", found.group(1), flags=re.IGNORECASE)[0].strip()


def _axis_of(table: TextTable, said: Mapping[str, str], path: Path) -> tuple[str, str]:
    headline = "\n".join([*table.header, ",".join(table.columns or [])])
    axis = said.get("axis") or _said_in(headline, "axis") or ""
    axis = {"2theta": "two_theta", "2th": "two_theta", "twotheta": "two_theta"}.get(
        axis.lower(), axis.lower()
    )
    unit_text = said.get("unit") or _said_in(headline, "unit")
    inline = re.search(r"unit\s*[:=]\s*([^\s,;]+)", headline, re.IGNORECASE)
    if unit_text is None and inline:
        unit_text = inline.group(1)
    if not axis and said.get("columns"):
        first = said["columns"].split(",")[0].strip().lower()
        axis = first if first in ("q", "two_theta") else ""
    if not axis:
        is_angle, is_q = bool(_TWO_THETA.search(headline)), bool(_Q.search(headline))
        if is_angle and is_q:
            raise BadInputError(
                "The header names both 2theta and q, so the axis is not clear.",
                fix=_FIX_AXIS,
                path=path,
            )
        axis = "two_theta" if is_angle else "q" if is_q else ""
    if axis not in ("two_theta", "q"):
        raise BadInputError(
            "The file does not say what its first column is."
            if not axis
            else f"The axis {axis!r} is not known.",
            fix=_FIX_AXIS,
            path=path,
        )
    if unit_text is None:
        bracket = re.search(
            r"(?:theta|\u03b8|2th|\bq)[^\n,;]*?[(\[/|]\s*([^)\]\n,;]+?)\s*[)\]]?\s*(?:$|[,;\s|])",
            headline,
            re.IGNORECASE | re.MULTILINE,
        )
        unit_text = bracket.group(1) if bracket else None
        suffix = re.search(r"\bq_(nm\^-1|A\^-1)|\b2th_(deg)\b", headline)
        if suffix:
            unit_text = suffix.group(1) or suffix.group(2)
        if unit_text and unit_text.lower() not in _UNITS:
            unit_text = None
    if unit_text is None and axis == "two_theta":
        unit = "deg"  # 2theta has no other unit in these formats
        if (
            "axis" in said
            or "columns" in said
            or _TWO_THETA.search(headline)
            or _said_in(headline, "axis")
        ):
            return axis, unit
    if unit_text is None:
        raise BadInputError(
            "The unit of q is not said.",
            fix="Give --option unit=1/angstrom or --option unit=1/nm.",
            path=path,
        )
    try:
        unit = _UNITS[unit_text.strip().lower()]
    except KeyError:
        raise BadInputError(
            f"The unit {unit_text!r} of the axis is not known.",
            fix="Give --option unit=deg, unit=1/angstrom or unit=1/nm.",
            path=path,
        ) from None
    if (unit == "deg") != (axis == "two_theta"):
        raise BadInputError(f"An axis {axis} in {unit} makes no sense.", fix=_FIX_AXIS, path=path)
    return axis, unit


def _columns_of(
    table: TextTable, said: Mapping[str, str], path: Path, warnings: list[str]
) -> list[str]:
    count = table.rows.shape[1]
    if "columns" in said:
        names = [n.strip().lower() for n in said["columns"].split(",")]
        if len(names) != count or len(set(names)) != count or "" in names:
            raise BadInputError(
                f"columns={said['columns']} names {len(names)} columns; the file has {count}.",
                fix="Name each column once, as in columns=two_theta,intensity,smoothed.",
                path=path,
            )
        if names[1] != "intensity" or names[0] not in ("two_theta", "q"):
            raise BadInputError(
                f"columns={said['columns']} does not start with the axis and intensity.",
                fix="Put the axis (two_theta or q) first and intensity second.",
                path=path,
            )
        return names
    names = ["axis", "intensity"]
    stated = [c.lower() for c in table.columns] if table.columns else []
    for i in range(2, count):
        name = stated[i] if len(stated) == count else ""
        if i == 2 and (
            path.suffix.lower() == ".xye"
            or name in ("sigma", "error", "err", "esd", "std", "uncertainty")
        ):
            names.append("sigma")
            continue
        names.append(re.sub(r"\W+", "_", name) if name else f"column_{i + 1}")
        if not name:
            warnings.append(
                f"column {i + 1} is not explained by the file; it is kept as column_{i + 1}. "
                "Name it with --option columns=two_theta,intensity,…"
            )
    return names


def _sigma(values: NDArray[np.float64], warnings: list[str]) -> NDArray[np.float64] | None:
    if not np.all(np.isfinite(values)) or np.any(values < 0):
        warnings.append("the column of standard deviations has negative or non-finite values")
        return None
    zero = int(np.count_nonzero(values == 0))
    if zero:
        warnings.append(
            f"{zero} standard deviation(s) are 0, which no measurement has; they are unknown"
        )
        values[values == 0] = np.nan
        if zero == len(values):
            return None
    return values
