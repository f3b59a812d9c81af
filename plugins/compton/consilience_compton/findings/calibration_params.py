"""Parameters of the analyses ``compton.calibration`` and ``compton.drift``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["CalibrationParams", "DriftParams"]

Element = Literal["Cd", "Te", "W", "Pb"]
Energy = Annotated[float, Field(gt=1.0, lt=1000.0)]
Angle = Annotated[float, Field(gt=0.0, le=180.0)]


class _Beam(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    incident_energy: Energy | None = None
    scattering_angle: Angle | None = None
    elements: Annotated[tuple[Element, ...], Field(min_length=1)] = ("Cd", "Te", "W", "Pb")
    nominal_gain: Annotated[float, Field(gt=0.0, lt=100.0)] | None = None
    nominal_offset: Annotated[float, Field(ge=-100.0, le=100.0)] = 0.0


class CalibrationParams(_Beam):
    """Parameters of ``compton.calibration``.

    Parameters
    ----------
    incident_energy, scattering_angle : float, optional
        keV and degrees, for the place of the Compton peak, where errors are judged; None: as the
        measurement says.
    elements : tuple of {"Cd", "Te", "W", "Pb"}
        Whose lines are looked for.
    nominal_gain, nominal_offset : float
        keV a channel and keV at channel 0, to begin with where the axis is in channels.
    wanted : float
        Statistical error at the peak, keV, above which neighbouring pixels are added.
    """

    wanted: Annotated[float, Field(gt=0.0, le=5.0)] = 0.1


class DriftParams(_Beam):
    """Parameters of ``compton.drift``.

    Parameters
    ----------
    group : str
        Name of a state variable: only spectra that share its value are compared.
    half : float
        Half the span of energies around the Compton peak that is compared, keV.
    correct : bool
        Give the sum spectra moved back, too.  Nothing is corrected unasked.
    """

    group: Annotated[str, Field(max_length=80)] = "region"
    half: Annotated[float, Field(ge=1.0, le=15.0)] = 4.0
    correct: bool = False
