"""The report's section on ions: spectrum, needle, composition along it, and tests."""

from __future__ import annotations

from collections.abc import Sequence

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, ViewContext
from consilience_apt.drawing.views_needle import atom_map, map_blocks
from consilience_apt.drawing.views_profile import profile_blocks, proxigram_blocks
from consilience_apt.drawing.views_spectrum import hits_blocks, spectrum_blocks
from consilience_apt.drawing.views_tables import composition_blocks, homogeneity_blocks

__all__ = ["ions_view"]


def ions_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Show what was measured and what was found in it, of each measurement."""
    blocks: list[Block] = []
    for one in measurements:
        mine = [f for f in findings if one.id in f.measurements]
        blocks += spectrum_blocks(one, mine, context)
        blocks += atom_map(one, mine)
        blocks += composition_blocks(mine)
        blocks += profile_blocks(one, mine, context)
        blocks += map_blocks(one, mine, context)
        blocks += proxigram_blocks(one, mine, context)
        blocks += homogeneity_blocks(one, mine, context)
        blocks += hits_blocks(one, mine, context)
    return blocks
