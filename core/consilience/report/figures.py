"""The report's own figures: tree of samples, steps in time, quantities lined up.

Each is a `consilience.view.Figure`, as a plugin's are, and goes the same way onto the page.
"""

from __future__ import annotations

from consilience.report.lineage import lineage_figures
from consilience.report.strips import strip_figures
from consilience.report.timeline import timeline_figures

__all__ = ["lineage_figures", "strip_figures", "timeline_figures"]
