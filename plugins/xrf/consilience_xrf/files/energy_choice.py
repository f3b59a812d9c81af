"""Which energy axis a scan gets: what the file states, or what the user asks for; never a guess.

An axis that does not fit the beam is kept as it is and told with the option that would put it
right; one without a unit stays in channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadFileError, BadInputError
from consilience.model.measurement import Notice
from consilience.options import choice_option, number_option
from consilience_xrf.files.energy_axis import check_energy

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "EnergyChoice",
    "EnergyOptions",
    "StatedAxis",
    "choose_energy",
    "energy_options",
    "misfit_of",
]

PER_KEV = {"kev": 1.0, "ev": 1e-3}
MISFIT = "times "
"""How `EnergyChoice.check` begins where the beam speaks against the axis."""


@dataclass(frozen=True)
class EnergyOptions:
    """What the user said of the energy axis; see `ENERGY_OPTIONS` for the words."""

    zero: float | None = None
    gain: float | None = None
    unit: str | None = None
    scale: float | None = None
    incident: float | None = None


@dataclass(frozen=True)
class StatedAxis:
    """The axis as the file has it: its numbers, its unit in the file's words, and its place."""

    values: NDArray[np.float64]
    unit: str
    where: str


@dataclass(frozen=True)
class EnergyChoice:
    """The axis that was chosen.

    Attributes
    ----------
    energy : ndarray or None
        In keV; None: unknown.
    source : str
        In words where it comes from.
    factor : float or None
        keV for one unit of the file's own axis; None where the user gave zero and gain, or the
        energy is unknown.
    check : str
        What was found when it was held against the beam; empty where it could not be.
    """

    energy: NDArray[np.float64] | None
    source: str
    factor: float | None = None
    check: str = ""
    notices: list[Notice] = field(default_factory=list)


def energy_options(options: Mapping[str, object]) -> EnergyOptions:
    """Read the options of the energy axis.

    Raises
    ------
    BadInputError
        One makes no sense, or zero comes without gain.
    """
    zero = number_option(options, "zero", "-0.49", -1e3, 1e3)
    gain = number_option(options, "gain", "0.005", 1e-9, 1e3)
    if (zero is None) != (gain is None):
        raise BadInputError(
            "options zero and gain belong together, only one was given",
            fix="give both, for example --option zero=-0.49 --option gain=0.005",
        )
    return EnergyOptions(
        zero,
        gain,
        choice_option(options, "energy_unit", ("keV", "eV")),
        number_option(options, "energy_scale", "0.5", 1e-6, 1e6),
        number_option(options, "incident_energy", "17.0", 0.1, 1e3),
    )


def misfit_of(check: str) -> str:
    """Return what the beam says against an axis, from `EnergyChoice.check`; empty: nothing.

    Examples
    --------
    >>> misfit_of("times 0.5: the elastic peak lies at 18.00 keV for a beam of 18.000 keV")
    'with its energies times 0.5, the elastic peak lies at 18.00 keV for a beam of 18.000 keV'
    >>> misfit_of("the elastic peak lies at 18.00 keV for a beam of 18.000 keV")
    ''
    """
    factor, _, said = check.removeprefix(MISFIT).partition(": ")
    return f"with its energies times {factor}, {said}" if check.startswith(MISFIT) else ""


def choose_energy(
    stated: StatedAxis | None,
    asked: EnergyOptions,
    spectrum: NDArray[np.float64],
    incident: float | None,
    path: Path,
) -> EnergyChoice:
    """Choose the energy axis of a scan and hold it against the beam.

    Parameters
    ----------
    stated : StatedAxis or None
    asked : EnergyOptions
    spectrum : ndarray, shape (channels,)
        Sum of the spectra.
    incident : float or None
        Energy of the beam [keV].

    Raises
    ------
    BadFileError
        The axis falls, or does not rise from channel to channel.
    BadInputError
        A scale was asked for where there is no axis to scale.
    """
    channel = np.arange(spectrum.size, dtype=np.float64)
    if asked.zero is not None and asked.gain is not None:
        said = f"given by the user: {asked.zero:g} keV + {asked.gain:g} keV a channel"
        return _checked(asked.zero + asked.gain * channel, said, None, spectrum, incident)
    if stated is None:
        if asked.scale is not None or asked.unit is not None:
            raise BadInputError(
                "the file has no energy axis that energy_scale or energy_unit could be of",
                fix="give --option zero=… --option gain=… (keV, keV a channel)",
                path=path,
            )
        notice = Notice(
            code="not-calibrated",
            message="the file states no energy for its channels",
            fix="--option zero=… --option gain=… (keV, keV a channel) from a known sample",
            severity="info",
        )
        return EnergyChoice(None, "none", notices=[notice])
    _rising(stated, path)
    unit = stated.unit.strip().lower() or (asked.unit or "").lower()
    if unit not in PER_KEV:
        return _without_unit(stated, spectrum, incident)
    by = "of the file" if stated.unit.strip() else "said by the user"
    scale = 1.0 if asked.scale is None else asked.scale
    factor = PER_KEV[unit] * scale
    said = f"{stated.where}, unit {stated.unit.strip() or asked.unit} {by}"
    if asked.scale is not None:
        said += f", times {scale:g} as asked"
    return _checked(stated.values * factor, said, factor, spectrum, incident, scale)


def _rising(stated: StatedAxis, path: Path) -> None:
    values = stated.values
    steps = np.diff(values)
    if np.isfinite(values).all() and (steps > 0).all():
        return
    falls = np.isfinite(values).all() and (steps < 0).all()
    raise BadFileError(
        f"the energy axis {stated.where} "
        + (
            f"falls, from {values[0]:g} to {values[-1]:g}"
            if falls
            else "does not rise from channel to channel"
        ),
        fix="give a sound one: --option zero=… --option gain=… (keV, keV a channel)"
        + (", or turn spectra and axis round in a copy" if falls else ""),
        path=path,
    )


def _checked(
    energy: NDArray[np.float64],
    source: str,
    factor: float | None,
    spectrum: NDArray[np.float64],
    incident: float | None,
    scale: float = 1.0,
) -> EnergyChoice:
    """The choice, with what the beam says of it."""
    if incident is None:
        notice = Notice(
            code="no-incident-energy",
            message="the energy of the beam is not stated, so the energy axis cannot be held "
            "against it",
            fix="--option incident_energy=… (keV) if it is known",
            severity="info",
        )
        return EnergyChoice(energy, source, factor, notices=[notice])
    found = check_energy(energy, spectrum, incident)
    said = found.sentence(incident)
    if found.factor == 1.0:
        return EnergyChoice(energy, source, factor, said)
    if found.factor is None:
        notice = Notice(
            code="energy-unchecked",
            message=f"{said}, nor with the axis halved or doubled; the axis is kept as it is",
            severity="info",
        )
        return EnergyChoice(energy, source, factor, said, [notice])
    hint = (
        f"--option energy_scale={found.factor * scale:g}"
        if factor is not None
        else f"give another zero and gain: energies are to be multiplied by {found.factor:g}"
    )
    notice = Notice(
        code="energy-scale",
        message=f"the energy axis ({energy[0]:.4g} to {energy[-1]:.4g} keV as stated) does not fit "
        f"the beam: with its energies times {found.factor:g}, {said}; nothing was changed",
        where=source,
        fix=hint,
    )
    return EnergyChoice(energy, source, factor, f"{MISFIT}{found.factor:g}: {said}", [notice])


def _without_unit(
    stated: StatedAxis, spectrum: NDArray[np.float64], incident: float | None
) -> EnergyChoice:
    """An axis without a unit stays in channels; the beam tells which unit would fit."""
    words = {"fix": "--option energy_unit=keV (or eV)"}
    said = (
        "the energy of the beam is not stated either, so nothing tells its unit"
        if incident is None
        else ""
    )
    if incident is not None:
        found = check_energy(stated.values, spectrum, incident)
        said = found.sentence(incident)
        if found.factor is not None:
            unit = "eV" if found.factor < 0.02 else "keV"
            scale = found.factor / PER_KEV[unit.lower()]
            words["fix"] = f"--option energy_unit={unit}" + (
                "" if np.isclose(scale, 1.0) else f" --option energy_scale={scale:g}"
            )
            said = f"taken as {unit}{'' if np.isclose(scale, 1.0) else f' times {scale:g}'}, {said}"
    stated_unit = f"the unit {stated.unit!r}, which is no energy" if stated.unit else "no unit"
    notice = Notice(
        code="energy-without-unit",
        message=f"the energy axis ({stated.values[0]:g} to {stated.values[-1]:g}) has "
        f"{stated_unit}, so the scan stays in channels; {said}",
        where=stated.where,
        fix=words["fix"],
    )
    return EnergyChoice(None, f"{stated.where}, without unit", notices=[notice])
