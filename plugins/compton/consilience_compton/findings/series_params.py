"""Parameters of ``compton.series`` and ``compton.lithium``."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from consilience_compton.findings.momentum_params import RegionParams

__all__ = ["LithiumParams", "PointParams", "SeriesParams"]


class PointParams(BaseModel):
    """A state whose lithium is known some other way.

    Parameters
    ----------
    emr, x : float
    emr_std, x_std : float, optional
        None: not known.
    label, source : str
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    emr: float
    x: float
    emr_std: Annotated[float, Field(ge=0.0)] | None = None
    x_std: Annotated[float, Field(ge=0.0)] | None = None
    label: str = ""
    source: str = ""


class LithiumParams(RegionParams):
    """Parameters of ``compton.lithium``, beside those of ``compton.regions``.

    Parameters
    ----------
    points : tuple of PointParams
        The calibration of x on EMR; empty: x is not said, only what the model expects.
    oxide : str
        What the cathode is, ``Lix`` for the lithium that moves.
    binder : float
        Mass fraction of carbon and PVDF, for counts and sensitivities.
    same_setup : bool
        The points were measured with the same beam, detector and geometry, so that errors of
        these are common to them and to the states, and not counted again in x.
    wanted_x : float
        Error of x for which the counts are said.
    """

    points: tuple[PointParams, ...] = ()
    oxide: Annotated[str, Field(min_length=1, max_length=80)] = "LixNi0.6Mn0.2Co0.2O2"
    binder: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    same_setup: bool = False
    wanted_x: Annotated[float, Field(gt=0.0, le=1.0)] = 0.05


class SeriesParams(LithiumParams):
    """Parameters of ``compton.series``, beside those of ``compton.lithium``.

    Parameters
    ----------
    pairs : tuple of (label, label)
        States between which changes are said; empty: from the first to the last.
    along : str, optional
        State variable that orders spectra; None: as they were registered.
    """

    pairs: tuple[tuple[str, str], ...] = ()
    along: str | None = None
