"""Is an element spread at random?  Tests with a p-value and the effect they could have seen."""

from consilience_apt.homogeneity.adjacent import (
    AdjacentTable,
    adjacent_table,
    adjacent_test,
)
from consilience_apt.homogeneity.blocks import BlockCounts, detection_blocks, spatial_blocks
from consilience_apt.homogeneity.frequency import dispersion_test, frequency_test
from consilience_apt.homogeneity.neighbours import neighbour_test
from consilience_apt.homogeneity.radial import RadialDistribution, radial_test
from consilience_apt.homogeneity.result import LEVEL, POWER, HomogeneityResult, cannot_tell

__all__ = [
    "LEVEL",
    "POWER",
    "AdjacentTable",
    "BlockCounts",
    "HomogeneityResult",
    "RadialDistribution",
    "adjacent_table",
    "adjacent_test",
    "cannot_tell",
    "detection_blocks",
    "dispersion_test",
    "frequency_test",
    "neighbour_test",
    "radial_test",
    "spatial_blocks",
]
