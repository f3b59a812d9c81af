"""The figures of a report as files of their own, at full quality."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from consilience.progress import Progress, no_progress
from consilience.report.clouds import CLOUD_SIZE, still
from consilience.report.content import ReportContent
from consilience.report.drawing import draw_file
from consilience.report.figures import figure_parts
from consilience.report.text import one_line
from consilience.text import safe_file_name
from consilience.view import Cloud, Figure

__all__ = ["write_figures"]


def write_figures(
    content: ReportContent, folder: Path, progress: Progress = no_progress
) -> tuple[list[Path], list[tuple[str, str]]]:
    """Write every figure of a report.

    Returns
    -------
    written : list of Path
        SVG, or PNG for maps and clouds, and ``captions.txt``.
    failed : list of (str, str)
        Title and reason of those that could not be drawn.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures = list(_figures(content))
    written: list[Path] = []
    failed: list[tuple[str, str]] = []
    captions: list[str] = []
    for number, (place, figure) in enumerate(figures, start=1):
        progress(number, len(figures), f"drawing {figure.title}")
        name = f"{number:03d}-{safe_file_name(f'{place}-{figure.title}'.lower(), 80)}"
        try:
            if isinstance(figure, Cloud):
                path = draw_file(still(figure), CLOUD_SIZE, folder / name, raster=True)
            else:
                path = draw_file(figure.draw, figure.size, folder / name, raster=figure.raster)
        except Exception as error:  # noqa: BLE001  one bad picture never stops the export
            failed.append((str(figure.title), f"{type(error).__name__}: {error}"))
            continue
        written.append(path)
        captions.append(f"{path.name}\n  {one_line(figure.title)}. {one_line(figure.caption)}\n")
    if captions:
        listing = folder / "captions.txt"
        listing.write_text("\n".join(captions), encoding="utf-8", errors="backslashreplace")
        written.append(listing)
    return written, failed


def _figures(content: ReportContent) -> Iterator[tuple[str, Figure | Cloud]]:
    """Yield every figure with a word for where it stands, in the order of the page."""
    parts = figure_parts(content)
    for section in (*content.agreement, *content.custody, *content.sections):
        parts.append((section.measurement or section.sample or "study", section.blocks))
    for place, blocks in parts:
        for block in blocks:
            if isinstance(block, Figure | Cloud):
                yield place, block
