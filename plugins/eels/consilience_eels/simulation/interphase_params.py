"""What an interphase is made of and how it is measured, for its simulator."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["InterphaseParams", "Layer"]

Positive = Annotated[float, Field(gt=0.0, le=1e9)]
NotNegative = Annotated[float, Field(ge=0.0, le=1e9)]


class Layer(BaseModel):
    """A layer across the image: volume fractions of materials, and `thickness` along x in nm.

    Materials are those of `consilience_eels.physics.materials`; fractions sum to 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    materials: dict[str, Annotated[float, Field(ge=0.0, le=1.0)]]
    thickness: Positive

    @model_validator(mode="after")
    def _whole(self) -> Layer:
        if not self.materials or abs(sum(self.materials.values()) - 1.0) > 1e-6:
            raise ValueError(f"the volume fractions of layer {self.name!r} do not sum to 1")
        return self


def _layers() -> tuple[Layer, ...]:
    return (
        Layer(name="Cr", materials={"Cr": 1.0}, thickness=32.0),
        Layer(name="SEI", materials={"LiF": 1.0}, thickness=40.0),
        Layer(name="Pt", materials={"Pt": 1.0}, thickness=56.0),
        Layer(name="SiN", materials={"SiN": 1.0}, thickness=32.0),
        Layer(name="Si", materials={"Si": 1.0}, thickness=32.0),
    )


class InterphaseParams(BaseModel):
    """Parameters of the simulated interphase in cross-section.

    Parameters
    ----------
    layers : tuple of Layer
        Along x; the last one goes on to the end of the image.
    roughness : float
        Standard deviation of each interface along x within the lamella, nm.
    lamella, lamella_end : float
        Thickness along the beam at the first and at the last row of pixels, nm.
    pixels : (int, int)
        Rows and columns.
    step : float
        nm from pixel to pixel.
    beam_energy : float
        keV.
    convergence, collection : float
        Half-angles, mrad.
    current : float
        pA.
    dwell : float
        s for each pixel and frame.
    frames : int
        That were summed.
    resolution : float
        Full width of the zero loss at half maximum, eV.
    low_dispersion, low_offset, low_channels
        eV, eV, and their number, of the low loss; the first channel's centre is at the offset.
    core_dispersion, core_offset, core_channels
        The same of the core loss.
    counts_per_electron : float
        Gain of the spectrometer's camera.
    readout : float
        Standard deviation of reading one channel of one frame, counts.
    implanted : dict
        Element to atoms for each atom of the lamella: what the mill left (Xe, Ga, Ar).
    stray : dict
        Element to counts per pixel of its main X-ray line that come from elsewhere (Cu grid).
    edx_live_share : float
        Live time over dwell time.
    edx_solid_angle : float
        sr of all detectors.
    edx_channels, edx_dispersion
        Number, and keV; the first channel's centre is at 0.
    edx_resolution : float
        Full width at Mn Kα, eV.
    edx_peak_to_background : float
        Continuum: counts of all lines over counts of the continuum, of silicon.
    take_off : float
        degree, for absorption in the lamella.
    absorption : bool
    image_frames : int
        Frames of the dark-field stack; 0 writes none.
    drift : float
        Standard deviation of the drift from frame to frame along x and y, nm.
    corrected : bool
        The spectrum images were corrected for drift before they were summed; otherwise they
        are blurred by it.
    damage : bool
        LiF and Li₂CO₃ turn into Li₂O with the dose (see `simulation.damage`).
    temperature : float
        K, for damage.
    model : {"first", "second"}
        Second: other edge shapes, another background, fine structure moved, a zero loss that
        wanders and has a tail, noise that is not Poisson's.
    noise : bool
        False writes expected values.
    truth : bool
        Also write what was planted, for a scorer alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    layers: tuple[Layer, ...] = Field(default_factory=_layers, min_length=1)
    roughness: NotNegative = 1.0
    lamella: Positive = 60.0
    lamella_end: Positive = 60.0
    pixels: tuple[Annotated[int, Field(ge=1, le=1024)], Annotated[int, Field(ge=1, le=1024)]] = (
        8,
        48,
    )
    step: Positive = 4.0
    beam_energy: Annotated[float, Field(ge=20.0, le=1000.0)] = 300.0
    convergence: NotNegative = 40.5
    collection: Positive = 156.5
    current: Positive = 17.0
    dwell: Positive = 0.05
    frames: Annotated[int, Field(ge=1, le=10000)] = 40
    resolution: Annotated[float, Field(gt=0.0, le=5.0)] = 1.0
    low_dispersion: Annotated[float, Field(gt=0.0, le=1.0)] = 0.05
    low_offset: Annotated[float, Field(ge=-200.0, le=0.0)] = -15.0
    low_channels: Annotated[int, Field(ge=64, le=8192)] = 2500
    core_dispersion: Annotated[float, Field(gt=0.0, le=5.0)] = 0.4
    core_offset: Annotated[float, Field(ge=60.0, le=4000.0)] = 240.0
    core_channels: Annotated[int, Field(ge=0, le=8192)] = 2048
    counts_per_electron: Positive = 1.0
    readout: NotNegative = 0.0
    implanted: dict[str, Annotated[float, Field(ge=0.0, le=0.5)]] = Field(default_factory=dict)
    stray: dict[str, NotNegative] = Field(default_factory=dict)
    edx_live_share: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    edx_solid_angle: Annotated[float, Field(gt=0.0, le=12.6)] = 0.7
    edx_channels: Annotated[int, Field(ge=0, le=8192)] = 1400
    edx_dispersion: Annotated[float, Field(gt=0.0, le=0.1)] = 0.01
    edx_resolution: Annotated[float, Field(gt=0.0, le=1000.0)] = 130.0
    edx_peak_to_background: Positive = 2.0
    take_off: Annotated[float, Field(gt=0.0, le=90.0)] = 22.0
    absorption: bool = True
    image_frames: Annotated[int, Field(ge=0, le=1000)] = 0
    drift: NotNegative = 0.0
    corrected: bool = True
    damage: bool = False
    temperature: Annotated[float, Field(gt=0.0, le=1000.0)] = 100.0
    model: Literal["first", "second"] = "first"
    noise: bool = True
    truth: bool = False

    @property
    def electrons(self) -> float:
        """Electrons for each pixel, all frames."""
        return self.current * 1e-12 * self.dwell * self.frames / 1.602176634e-19

    @property
    def dose(self) -> float:
        """Electrons per square ångström, as if they spread evenly over the pixel's area."""
        return self.electrons / (10.0 * self.step) ** 2
