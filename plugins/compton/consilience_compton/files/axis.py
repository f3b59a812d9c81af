"""From what a file says of its bins to the axis of energies, for all pixels or for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.errors import BadFileError, BadInputError
from consilience.model.measurement import Notice
from consilience.options import choice_option
from consilience_compton.files.tables import pixel_tables, read_scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Axis", "axis_of"]

MOST_KEV = 2000.0
"""No bin of this detector lies higher; larger numbers are adu."""


@dataclass(frozen=True)
class Axis:
    """Edges of the bins, and what each pixel's own calibration adds.

    Parameters
    ----------
    edges : ndarray, shape (n + 1,) or None
        In keV; None: the axis is in channels.
    scale, shift, good : ndarray, shape (rows, columns), or None
        As `consilience_compton.spectra` describes them.
    metadata : dict
    notices : list of Notice
    """

    edges: NDArray[np.float64] | None
    scale: NDArray[np.float64] | None = None
    shift: NDArray[np.float64] | None = None
    good: NDArray[np.bool_] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)

    def variables(self) -> dict[str, Any]:
        """Return the variables that stand beside the counts."""
        dims = ("row", "column")
        found: dict[str, Any] = {}
        if self.scale is not None and self.shift is not None:
            found["energy_scale"] = (dims, self.scale, {"units": "1"})
            found["energy_shift"] = (dims, self.shift, {"units": "keV"})
        if self.good is not None:
            found["good"] = (dims, self.good.astype(np.uint8), {"units": "1"})
        return found


def axis_of(
    bins: NDArray[np.float64],
    pixels: tuple[int, int],
    options: Mapping[str, object],
    companions: Mapping[str, Path],
    path: Path,
) -> Axis:
    """Return the axis of a file's bins.

    Parameters
    ----------
    bins : ndarray, shape (n,)
        As the file has them.
    pixels : (int, int)
        Rows and columns.
    options, companions
        Of the reader; see `consilience_compton.declared_readers`.
    path : Path
        For messages.

    Notes
    -----
    Bins in adu with tables of gain g and intercept b: the common axis is made with the medians
    ḡ and b̄ of the good pixels, E = ḡ·adu + b̄, and a pixel's own energy is (g/ḡ)·E + b − (g/ḡ)·b̄.
    No count is moved.

    Raises
    ------
    BadFileError
        Bins that do not rise; a table of another detector.
    BadInputError
        Options that contradict each other.
    """
    unit = choice_option(options, "bin_unit", ("keV", "adu"))
    marks = choice_option(options, "bin_marks", ("lower", "centre")) or "lower"
    order = choice_option(options, "table_order", ("image", "modules"))
    edges = _edges(bins, marks, path)
    metadata: dict[str, Any] = {"bins": int(bins.size), "bin_marks": marks}
    tables = {role: file for role, file in companions.items() if role != "scale"}
    if "scale" in companions and (unit != "keV" or tables):
        raise BadInputError(
            "a table of scales belongs to bins in keV, without gain and intercept",
            fix="say --option bin_unit=keV, or leave the table out",
        )
    if tables and unit != "adu":
        raise BadInputError(
            "tables of gain and intercept are for bins in adu"
            + (", and these are said to be in keV" if unit == "keV" else ""),
            fix="say --option bin_unit=adu, or leave the tables out",
        )
    if unit is None:
        notices = [_no_unit(bins)]
        return Axis(None, metadata=metadata | {"bin_unit": None}, notices=notices)
    metadata["bin_unit"] = unit
    if unit == "keV":
        if edges[-1] > MOST_KEV:
            raise BadInputError(
                f"the bins end at {edges[-1]:g}, which cannot be keV",
                fix="these are adu of the converter: --option bin_unit=adu with the tables of "
                "gain and intercept",
            )
        if "scale" in companions:
            metadata["own_scale"] = companions["scale"].name
            return Axis(edges, *read_scale(companions["scale"], pixels), metadata)
        return Axis(edges, metadata=metadata)
    metadata["bin_first"] = {"value": float(edges[0]), "unit": "adu"}
    metadata["bin_last"] = {"value": float(edges[-1]), "unit": "adu"}
    if set(tables) != {"gain", "intercept"}:
        if tables:
            raise BadInputError(
                f"only the table {next(iter(tables))!r} was given",
                fix="give both: --with gain=FILE --with intercept=FILE",
            )
        return Axis(None, metadata=metadata, notices=[_no_tables(edges)])
    return _with_tables(edges, pixels, companions, order or "image", metadata)


def _edges(bins: NDArray[np.float64], marks: str, path: Path) -> NDArray[np.float64]:
    rises = bins.size >= 2 and np.isfinite(bins).all() and (np.diff(bins) > 0).all()
    if not rises:
        at = int(np.argmax(~(np.diff(bins, prepend=-np.inf) > 0))) if bins.size else 0
        raise BadFileError(
            f"the {bins.size} bins of {path.name!r} do not rise (at bin {at})",
            fix="the file is cut or was written with a start of bins that its software cannot "
            "count from; export it again from bin 0",
            path=path,
        )
    if marks == "lower":
        return np.append(bins, 2 * bins[-1] - bins[-2])
    middle = 0.5 * (bins[1:] + bins[:-1])
    first, last = 2 * bins[0] - middle[0], 2 * bins[-1] - middle[-1]
    return np.concatenate([[first], middle, [last]])


def _with_tables(
    edges: NDArray[np.float64],
    pixels: tuple[int, int],
    companions: Mapping[str, Path],
    order: str,
    metadata: dict[str, Any],
) -> Axis:
    gain, intercept = pixel_tables(companions, pixels, order)
    good = gain > 0
    if not good.any():
        raise BadInputError(
            f"no pixel of {companions['gain'].name!r} has a gain above 0",
            fix="give the table of this detector",
        )
    mean_gain, mean_intercept = float(np.median(gain[good])), float(np.median(intercept[good]))
    scale = np.where(good, gain / mean_gain, 1.0)
    shift = np.where(good, intercept - scale * mean_intercept, 0.0)
    notices = []
    if not good.all():
        notices.append(
            Notice(
                code="dead-pixels",
                message=f"{int((~good).sum())} of {good.size} pixels have no gain",
                where=companions["gain"].name,
                fix="they are marked as not good and used by no analysis",
                severity="info",
            )
        )
    metadata |= {
        "median_gain": {"value": mean_gain, "unit": "keV/adu"},
        "median_intercept": {"value": mean_intercept, "unit": "keV"},
        "table_order": order,
    }
    return Axis(mean_gain * edges + mean_intercept, scale, shift, good, metadata, notices)


def _no_unit(bins: NDArray[np.float64]) -> Notice:
    return Notice(
        code="no-bin-unit",
        message=f"the file states no unit of its bins, {bins[0]:g} to {bins[-1]:g}; the axis is "
        "in channels",
        fix="say --option bin_unit=keV, or bin_unit=adu with --with gain= and --with intercept=",
    )


def _no_tables(edges: NDArray[np.float64]) -> Notice:
    return Notice(
        code="no-energy-scale",
        message=f"bins from {edges[0]:g} to {edges[-1]:g} adu without gain and intercept; the "
        "axis is in channels",
        fix="give --with gain=FILE and --with intercept=FILE, or fit the detector's lines with "
        "compton.calibration",
    )
