"""The kinds of finding that the plugin adds; imports nothing heavy."""

from __future__ import annotations

from consilience.declarations import Kind

__all__ = ["KINDS"]

KINDS = (
    # R_a of profiles is the core's kind "roughness"; areal quantities are never compared with it
    Kind("areal_roughness", "areal roughness of a surface", "scalar", "um"),
    Kind("correlation_length", "autocorrelation length of a surface", "scalar", "um"),
    Kind("volume_fraction", "share of the volume", "scalar", "1"),
    Kind("volume_ratio", "share of lithium relative to that of region 3", "scalar", "1"),
)
