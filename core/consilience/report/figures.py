"""The report's own figures: tree of samples, chains, steps in time, quantities lined up.

Each is a `consilience.view.Figure`, as a plugin's are, and goes the same way onto the page.
"""

from __future__ import annotations

from consilience.report.chains import chain_figures
from consilience.report.lineage import lineage_figures
from consilience.report.strips import strip_figures
from consilience.report.timeline import timeline_blocks

__all__ = ["chain_figures", "lineage_figures", "strip_figures", "timeline_blocks"]
