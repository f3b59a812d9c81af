"""The kinds of finding that the plugin adds; imports nothing heavy."""

from __future__ import annotations

from consilience.declarations import Kind

__all__ = ["KINDS"]

KINDS = (
    # R_a of profiles is the core's kind "roughness"; areal quantities are never compared with it
    Kind(
        "areal_roughness",
        "areal roughness of a surface",
        "scalar",
        "um",
        goes_with=("momentum_ratio",),
    ),
    Kind("correlation_length", "autocorrelation length of a surface", "scalar", "um"),
    Kind("volume_fraction", "share of the volume", "scalar", "1"),
    Kind("lithium_calibration", "slope of lithium content on EMR", "scalar", "1"),
    Kind(
        "relative_change",
        "relative change between two states",
        "scalar",
        "1",
        0.005,
        False,
        "half a percent: what a change printed in whole percent can mean",
    ),
    Kind("rank_association", "rank correlation over states", "scalar", "1"),
    Kind("volume_ratio", "share of lithium relative to that of region 3", "scalar", "1"),
    Kind("energy_shift", "true less stated energy at the Compton peak", "scalar", "keV"),
    Kind("detector_resolution", "energy resolution of the detector, FWHM", "scalar", "keV"),
    Kind("bad_pixels", "pixels that cannot be used", "scalar", "1"),
    Kind("peak_shift", "shift of the Compton peak between states", "scalar", "keV"),
    Kind("angle_drift", "movement of the scattering angle between states", "scalar", "deg"),
)
