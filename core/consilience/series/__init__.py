"""Logs of sensors: read in pieces of bounded memory, checked reading by reading, stored."""

from consilience.series.flags import FLAGS, flag_name
from consilience.series.mapping import (
    SensorColumn,
    SeriesMapping,
    StatusColumn,
    TimeColumn,
)

__all__ = [
    "FLAGS",
    "SensorColumn",
    "SeriesMapping",
    "StatusColumn",
    "TimeColumn",
    "flag_name",
]
