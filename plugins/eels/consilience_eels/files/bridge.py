"""HyperSpy's signals and Consilience's measurements, from one to the other without loss.

Signals keep their data type, their axes to the last digit, and both trees of metadata.  What is
only about the run (`General.FileIO`, `tmp_parameters`, the name of the folder) is left out, and so
are models, which would run code when they are restored.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.errors import BadFileError, BadInputError
from consilience.model.measurement import Measurement, Notice, Signal
from consilience_eels.files.axes import axes_hold, axis_of
from consilience_eels.files.form import Form
from consilience_eels.files.instrument import drop_defaults, exposure_of, microscope_of, start_of
from consilience_eels.files.typed_json import from_text, to_text
from consilience_eels.files.units import known_unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_eels.files.places import Found

__all__ = ["KEPT", "MODALITY", "SIMULATED", "from_hyperspy", "modality_of", "to_hyperspy"]

KEPT = "hyperspy"
"""Attribute of the data set with HyperSpy's axes and metadata as text."""

MODALITY = {"EELS": "eels", "EDS_TEM": "edx", "EDS_SEM": "edx", "EDS": "edx"}
TYPE = {"eels": "EELS", "edx": "EDS_TEM", "stem": ""}
SIMULATED = re.compile(r"\borigin:\s*simulated\b", re.IGNORECASE)
"""What the notes of a simulated file say."""

VOLATILE = ("FileIO",)


def modality_of(signal: Any) -> str | None:
    """Return eels, edx or stem; None for what none of them is."""
    kind = str(signal.metadata.get_item("Signal.signal_type", "") or "")
    if kind in MODALITY:
        return MODALITY[kind] if signal.axes_manager.signal_dimension == 1 else None
    is_image = signal.axes_manager.signal_dimension == 2
    return "stem" if is_image and not kind else None


def from_hyperspy(
    signal: Any,
    *,
    name: str | None = None,
    modality: str | None = None,
    same_as: str | None = None,
    stored: Found | None = None,
) -> Signal:
    """Return a HyperSpy signal as what a reader returns.

    Parameters
    ----------
    signal : hyperspy.signal.BaseSignal
        Spectrum, spectrum image, image, or a stack of images.
    name : str, optional
        The signal's title by default.
    modality : {"eels", "edx", "stem"}, optional
        Where the signal's type does not say it.
    same_as : str, optional
        Another signal with which the dose of this scan is entered.
    stored : Found, optional
        Where in its file the array of a lazy signal lies; it stays there.

    Returns
    -------
    Signal
        Energies in eV (EELS) or keV (EDX), lengths in nm, whatever the signal has.

    Raises
    ------
    BadFileError
        It is neither of these, has no unit of energy, or holds what is no real number.
    """
    title = str(signal.metadata.get_item("General.title", "") or "")
    label = _one_line(name or title) or "signal"
    modality = modality or modality_of(signal)
    if modality is None:
        kind = signal.metadata.get_item("Signal.signal_type", "")
        raise BadFileError(
            f"signal {label!r} has type {kind!r} and {signal.axes_manager.signal_dimension} "
            "signal axes: no spectrum of EELS or EDX and no image",
            fix="say --option signal=EELS or signal=EDX if it is a spectrum of that sort",
        )
    notices: list[Notice] = []
    values = signal.data if stored is not None else _values(signal, label)
    if stored is not None and stored.infinite:
        raise _infinite(label)
    metadata, original = _trees(signal)
    axes = [_axis_dictionary(axis) for axis in signal.axes_manager._axes]
    dims, coordinates, steps = _coordinates(signal, modality, label, notices)
    variable, unit = _variable(signal, modality, values, notices)
    attrs: dict[str, Any] = {"units": unit, "long_name": variable}
    if stored.missing if stored is not None else _not_finite(values):
        attrs["missing"] = "no value was stored here"
    text, left_out = to_text({"axes": axes, "metadata": metadata, "original": original})
    if left_out:
        notices.append(
            Notice(
                code="metadata-left-out",
                message=f"{len(left_out)} entries have no plain form: {', '.join(left_out[:5])}",
                severity="info",
            )
        )
    if _models(signal):
        notices.append(
            Notice(
                code="models-left-out",
                message="the file's models are not restored: that would run code from the file",
                severity="info",
            )
        )
    quantities = microscope_of(metadata, original, notices)
    if modality == "edx":
        drop_defaults(quantities, notices)
    simulated = bool(SIMULATED.search(str(metadata.get("General", {}).get("notes", ""))))
    spatial = [n for n, d in zip(values.shape, dims, strict=True) if d in ("y", "x")]
    pixels = int(np.prod(spatial)) if spatial else None
    exposure = exposure_of(quantities, steps, pixels, same_as)
    if modality != "stem" and values.shape[-1] > 1:
        _, energies, own = coordinates[dims[-1]]
        quantities["dispersion"] = {
            "value": float(energies[1] - energies[0]),
            "unit": own["units"],
        }
    plain = {"axes": axes, "metadata": metadata, "original_metadata": original}
    form = Form(variable, dims, attrs, coordinates, {KEPT: text})
    return Signal(
        name=label,
        modality=modality,
        data=form.dataset(values) if stored is None else None,
        lazy=None if stored is None else form.lazy(stored.place),
        summary=None if stored is None else form.summary(stored.place),
        metadata={**({"title": title} if title else {}), **quantities},
        raw_metadata=from_text(to_text(plain)[0]),
        notices=notices,
        exposures=[] if simulated else [exposure],
        origin="simulated" if simulated else "measured",
        start=start_of(metadata, notices),
    )


def to_hyperspy(measurement: Measurement | Signal) -> Any:
    """Return a measurement as the HyperSpy signal of its type.

    Parameters
    ----------
    measurement : Measurement or Signal
        Of modality eels, edx or stem.

    Returns
    -------
    hyperspy.signal.BaseSignal
        `exspy.signals.EELSSpectrum`, `exspy.signals.EDSTEMSpectrum` or
        `hyperspy.signals.Signal2D`; what came from a HyperSpy signal is as it was.

    Raises
    ------
    BadInputError
        The measurement is of another modality.
    """
    from consilience_eels.library import make_signal

    modality, data = measurement.modality, measurement.data
    if modality not in TYPE or data is None:
        raise BadInputError(
            f"a measurement of modality {modality!r} is no spectrum of electrons and no image",
            fix=f"give one of {', '.join(TYPE)}",
        )
    variable = next(name for name in ("counts", "intensity") if name in data)
    array = data[variable]
    kept = from_text(data.attrs[KEPT]) if KEPT in data.attrs else {}
    axes = kept.get("axes", [])
    signal_axes = 2 if modality == "stem" else 1
    if not axes_hold(axes, array):
        axes = [
            axis_of(array, str(dim), navigate=i < array.ndim - signal_axes)
            for i, dim in enumerate(array.dims)
        ]
    metadata = kept.get("metadata") or _metadata_of(measurement, modality, variable)
    return make_signal(
        array.values, axes, metadata, kept.get("original", {}), TYPE[modality], signal_axes
    )


def _values(signal: Any, label: str) -> NDArray[Any]:
    values = np.asarray(signal.data)
    if values.dtype.kind not in "biuf":
        raise BadFileError(
            f"signal {label!r} holds {values.dtype}, which is no real number",
            fix="save its amplitude, or the spectrum, as a signal of its own",
        )
    if values.dtype.kind == "f" and np.isinf(values).any():
        raise _infinite(label)
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))


def _infinite(label: str) -> BadFileError:
    return BadFileError(
        f"signal {label!r} holds infinite values",
        fix="export it again before it is divided by zero",
    )


def _not_finite(values: NDArray[Any]) -> bool:
    return values.dtype.kind == "f" and not bool(np.isfinite(values).all())


def _trees(signal: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    metadata = signal.metadata.as_dictionary()
    general = metadata.get("General")
    if isinstance(general, dict):
        for name in VOLATILE:
            general.pop(name, None)
        if "original_filename" in general:
            general["original_filename"] = PurePath(str(general["original_filename"])).name
    return metadata, signal.original_metadata.as_dictionary()


def _models(signal: Any) -> bool:
    return bool(getattr(signal, "models", None)) and len(signal.models) > 0


def _one_line(text: str) -> str:
    return "".join(c for c in " ".join(text.split()) if c.isprintable())


def _axis_dictionary(axis: Any) -> dict[str, Any]:
    found = dict(axis.get_axis_dictionary())
    found["_type"] = type(axis).__name__
    return {k: None if type(v).__name__ == "_Undefined" else v for k, v in found.items()}


def _coordinates(
    signal: Any, modality: str, label: str, notices: list[Notice]
) -> tuple[tuple[str, ...], dict[str, Any], dict[str, float]]:
    """Dimensions, coordinates, and the steps of the scan in nm."""
    axes = signal.axes_manager._axes
    spectral = signal.axes_manager.signal_axes[0] if modality != "stem" else None
    space = [axis for axis in axes if axis is not spectral]
    names = _space_names(space, modality)
    dims: list[str] = []
    coordinates: dict[str, Any] = {}
    steps: dict[str, float] = {}
    for axis in axes:
        values = np.array(axis.axis, dtype=np.float64)
        if axis is spectral:
            name, unit, values = _energy(axis, values, modality, label)
        else:
            name = names[space.index(axis)]
            known = known_unit(axis.units)
            unit = "1"
            if known is not None and known.sort != "energy":
                unit, values = known.unit, values * known.factor
                if known.sort == "reciprocal" and name in ("x", "y"):
                    name = f"k{name}"
                elif known.sort == "time" and name not in ("x", "y"):
                    name = "time" if "time" not in dims else name
            elif name in ("x", "y"):
                notices.append(
                    Notice(
                        code="uncalibrated",
                        message=f"axis {name} {_in_no_unit(axis.units)}: pixels, no length",
                        fix="calibrate the image before lengths are read from it",
                        severity="info",
                    )
                )
            if unit == "nm" and name in ("x", "y") and values.size > 1:
                steps[name] = float(abs(values[1] - values[0]))
        dims.append(name)
        coordinates[name] = (name, values, {"units": unit, "long_name": name})
    return tuple(dims), coordinates, steps


def _space_names(space: list[Any], modality: str) -> list[str]:
    """Return y and x for the last two axes of space, and names of their own for the rest."""
    count = len(space)
    if count == 1 and modality != "stem":
        return ["x"]
    rest: list[str] = []
    for i, axis in enumerate(space[: max(0, count - 2)]):
        own = re.sub(r"\W+", "_", str(axis.name or "")).strip("_").lower()
        taken = {"", "x", "y", "energy", "energy_loss", "undefined", *rest}
        rest.append(own if own not in taken else f"stack_{i}")
    return [*rest, *(["y", "x"] if count >= 2 else [])]


def _in_no_unit(said: object) -> str:
    """Return what an axis says of its unit where that is none that is known."""
    text = str(said or "")
    return f"is in {text!r}" if text not in ("", "<undefined>") else "has no unit"


def _energy(
    axis: Any, values: NDArray[np.float64], modality: str, label: str
) -> tuple[str, str, NDArray[np.float64]]:
    known = known_unit(axis.units)
    if known is None or known.sort != "energy":
        raise BadFileError(
            f"signal {label!r}: its energy axis {_in_no_unit(axis.units)}, neither eV nor keV",
            fix="calibrate the axis (channels are no energies), or say --option energy_unit=eV",
        )
    name, unit, in_ev = ("energy", "keV", 1e3) if modality == "edx" else ("energy_loss", "eV", 1.0)
    factor = known.factor / in_ev
    return name, unit, values if factor == 1.0 else values * factor


def _variable(
    signal: Any, modality: str, values: NDArray[Any], notices: list[Notice]
) -> tuple[str, str]:
    if modality == "stem":
        return "intensity", "1"
    said = str(signal.metadata.get_item("Signal.quantity", "") or "")
    whole = values.dtype.kind in "iu"
    if "count" in said.lower() or (not said and whole and modality == "edx"):
        return "counts", "count"
    notices.append(
        Notice(
            code="no-counts",
            message=(
                f"the file calls its values {said!r}, not counts; they are intensities"
                if said
                else "the file does not say that its values are counts; they are intensities"
            ),
            fix="export the spectrum in counts",
            severity="info",
        )
    )
    return "intensity", "1"


def _metadata_of(measurement: Measurement | Signal, modality: str, variable: str) -> dict[str, Any]:
    """Return HyperSpy's metadata of a measurement that came by another reader."""
    said: Mapping[str, Any] = measurement.metadata
    column: dict[str, Any] = {}
    for name, unit in (("beam_energy", "keV"), ("convergence_angle", "mrad")):
        if isinstance(said.get(name), Mapping) and said[name].get("unit") == unit:
            column[name] = said[name]["value"]
    angle = said.get("collection_angle")
    if modality == "eels" and isinstance(angle, Mapping) and angle.get("unit") == "mrad":
        column["Detector"] = {"EELS": {"collection_angle": angle["value"]}}
    quantity = {"eels": "Electrons (Counts)", "edx": "X-rays (Counts)"}.get(modality)
    return {
        "General": {"title": str(said.get("title", ""))},
        "Signal": {
            "signal_type": TYPE[modality],
            **({"quantity": quantity} if variable == "counts" and quantity else {}),
        },
        **({"Acquisition_instrument": {"TEM": column}} if column else {}),
    }
