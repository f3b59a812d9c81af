"""The report: one self-contained HTML file that says first whether the modalities agree."""

from __future__ import annotations

from consilience.report.build import render
from consilience.report.content import FailedView, JournalHead, ReportContent, Section
from consilience.report.views import collect_sections

__all__ = [
    "FailedView",
    "JournalHead",
    "ReportContent",
    "Section",
    "collect_sections",
    "render",
]
