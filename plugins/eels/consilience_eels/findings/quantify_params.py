"""Parameters of ``eels.quantification``."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from consilience_eels.xray.amounts import Method
from consilience_eels.xray.binning import Binning
from consilience_eels.xray.reach import DetectorWindow

__all__ = ["QuantificationParams"]

Positive = Annotated[float, Field(gt=0.0, le=1e6, allow_inf_nan=False)]
Std = Annotated[float, Field(ge=0.0, le=1e6, allow_inf_nan=False)]
Large = Annotated[float, Field(gt=0.0, le=1e9, allow_inf_nan=False)]
LINE = re.compile(r"[A-Z][a-z]?_[KLM][a-z0-9]+")


class QuantificationParams(BaseModel):
    """Parameters of `run_quantification`.

    Parameters
    ----------
    method : {"cliff_lorimer", "zeta", "cross_section"}
        Which of the factors below count.
    k_factors, zeta_factors, cross_sections : dict
        Line, such as ``"Fe_Ka"``, to its k-factor (by weight), ζ-factor (kg/m²) or cross-section
        (barn).  Without any there is no composition, only presence.
    k_std, zeta_std, cross_section_std : dict
        Line to the standard deviation of its factor; of k-factors 0 for the line that the others
        are relative to.  If one of the lines has none, the systematic error is not known.
    elements : tuple of str
        What is asked for; by default what the file and the sample list.
    lines : tuple of str
        Lines to use where they differ from exSpy's choice or from those of the factors.
    artefacts : dict
        Element to where its X-rays come from if not from the specimen, such as ``{"Cr": "cap"}``;
        left out of the composition.
    look_for_artefacts : bool
        Name the usual ones (copper of the grid, gallium of the mill, …) where they stand out by 5σ
        and neither the sample nor `elements` list them.
    detector_window : {"unknown", "windowless", "polymer", "nitride", "beryllium"}
        What soft X-rays have to come through.
    line_width, windows_width, integration_width : float
        As in exSpy: distance of the background windows on the left and right, their width, and
        the width of the line's window, in full widths at half maximum.
    beam_current, beam_current_std : float
        nA; by default what the file states, with an unknown error.
    live_time, live_time_std : float
        s, by default what the file states.
    live_time_of : {"whole", "pixel"}, optional
        Whether that is the time of the whole measurement or of one pixel.  None: of the whole if
        it is given here, else of a single spectrum; files of maps do not say which theirs is.
    absorption : bool
        Correct absorption as exSpy does.  If it could be corrected and is not, what it would
        change counts as a systematic error.
    thickness, thickness_std : float
        nm, for Cliff–Lorimer; the other methods find the mass per area themselves.
    density, density_std : float or "elements"
        g/cm³; "elements": exSpy's mean of the densities of the pure elements, weighted by mass.
    take_off_angle, take_off_std : float
        degree; by default from the angles of the file, if it states all of them.
    coefficients_std : float
        Relative standard deviation of mass absorption coefficients, 0 to 1.  For oxygen Kα in iron,
        oxygen and platinum the tables of Chantler and of Henke differ by 7 to 13 %.
    maps : bool
        Maps of fractions for spectrum images.
    map_binning : {"quadtree", "blocks", "none"}
        How pixels are joined.
    map_error : float
        Counting error of an atomic fraction that is wanted in a cell, 0 to 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Method = "cliff_lorimer"
    k_factors: dict[str, Positive] = {}
    k_std: dict[str, Std] = {}
    zeta_factors: dict[str, Positive] = {}
    zeta_std: dict[str, Std] = {}
    cross_sections: dict[str, Positive] = {}
    cross_section_std: dict[str, Std] = {}
    elements: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    artefacts: dict[str, str] = {}
    look_for_artefacts: bool = True
    detector_window: DetectorWindow = "unknown"
    line_width: tuple[Positive, Positive] = (2.0, 2.0)
    windows_width: Annotated[float, Field(gt=0.0, le=20.0)] = 1.0
    integration_width: Annotated[float, Field(gt=0.0, le=20.0)] = 2.0
    beam_current: Positive | None = None
    beam_current_std: Std | None = None
    live_time: Large | None = None
    live_time_std: Std | None = None
    live_time_of: Literal["whole", "pixel"] | None = None
    absorption: bool = False
    thickness: Positive | None = None
    thickness_std: Std | None = None
    density: Annotated[float, Field(gt=0.0, le=30.0)] | Literal["elements"] | None = None
    density_std: Std | None = None
    take_off_angle: Annotated[float, Field(gt=0.0, le=90.0)] | None = None
    take_off_std: Annotated[float, Field(ge=0.0, le=45.0)] = 2.0
    coefficients_std: Annotated[float, Field(ge=0.0, le=1.0)] = 0.15
    maps: bool = True
    map_binning: Binning = "quadtree"
    map_error: Annotated[float, Field(gt=0.0, le=1.0)] = 0.03

    @property
    def factors(self) -> dict[str, float]:
        """Of the chosen method, by line."""
        return {
            "cliff_lorimer": self.k_factors,
            "zeta": self.zeta_factors,
            "cross_section": self.cross_sections,
        }[self.method]

    @property
    def factors_std(self) -> dict[str, float]:
        """Their standard deviations, where they are stated."""
        return {
            "cliff_lorimer": self.k_std,
            "zeta": self.zeta_std,
            "cross_section": self.cross_section_std,
        }[self.method]

    @model_validator(mode="after")
    def _sound(self) -> QuantificationParams:
        pairs = (
            (self.k_factors, self.k_std, "k_std", "k-factor"),
            (self.zeta_factors, self.zeta_std, "zeta_std", "ζ-factor"),
            (self.cross_sections, self.cross_section_std, "cross_section_std", "cross-section"),
        )
        for factors, stds, name, word in pairs:
            for line in (*factors, *stds, *self.lines):
                if not LINE.fullmatch(line):
                    raise ValueError(f"{line!r} is no X-ray line; write for example 'Fe_Ka'")
            extra = set(stds) - set(factors)
            if extra:
                raise ValueError(f"{name} names {', '.join(sorted(extra))}, which have no {word}")
        if not self.factors and any(factors for factors, *_ in pairs):
            raise ValueError(f"factors are given, but none for the method {self.method!r}")
        named = [*self.factors, *(line for line in self.lines if line not in self.factors)]
        elements = [line.partition("_")[0] for line in named]
        twice = sorted({e for e in elements if elements.count(e) > 1})
        if twice:
            raise ValueError(f"more than one line is named for {', '.join(twice)}")
        if isinstance(self.density, str) and self.density_std is not None:
            raise ValueError("density_std needs a density in g/cm³")
        return self
