"""A figure becomes a picture: drawn once, the same bytes each time, and nothing in it that runs.

Pictures are embedded as ``<img src="data:…">``, in which no browser runs a script or loads
anything.  Text in a figure is never parsed as mathematics, so a sample called ``$x`` is drawn
as it is called.
"""

from __future__ import annotations

import base64
import io
import math
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.view import palette

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["Picture", "draw", "draw_file", "fit", "style"]

WIDTHS = (1.0, 10.0)
HEIGHTS = (0.4, 9.4)  # inches: at 8 inches wide, what fits on one A4 page
SVG_BUDGET = 180_000
"""Bytes from which a vector picture is embedded as pixels; shared out among many figures."""
_LEAST_SVG = 25_000  # below this hardly any curve fits: not tried

_SUPERSCRIPT = str.maketrans("0123456789-+", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺")


@dataclass(frozen=True)
class Picture:
    """A drawn figure: data URI, size in CSS pixels, and what was noticed while drawing."""

    uri: str
    width: int
    height: int
    notes: tuple[str, ...] = ()


@contextmanager
def style() -> Iterator[None]:
    """Set the report's style, and nothing of the user's own matplotlib configuration."""
    import matplotlib as mpl
    from cycler import cycler

    ours: dict[str, Any] = {
        "font.family": ["DejaVu Sans"],  # shipped with matplotlib: the same on every machine
        "font.size": 8.5,
        "axes.titlesize": 9.5,
        "axes.titlelocation": "left",
        "axes.labelsize": 8.5,
        "axes.labelcolor": "#333333",
        "axes.edgecolor": "#777777",
        "axes.linewidth": 0.7,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": cycler(color=list(palette())),
        "axes.formatter.useoffset": False,
        "xtick.color": "#555555",
        "ytick.color": "#555555",
        "xtick.labelcolor": "#333333",
        "ytick.labelcolor": "#333333",
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "legend.frameon": False,
        "legend.fontsize": 8,
        "lines.linewidth": 1.1,
        "image.cmap": "cividis",
        "path.simplify": True,
        "path.simplify_threshold": 0.25,
        "svg.fonttype": "path",  # no font of the reader's machine, no text that could be markup
        "svg.hashsalt": "consilience",
        "text.usetex": False,
        "text.parse_math": False,
    }
    defaults = {k: v for k, v in mpl.rcParamsDefault.items() if not k.startswith("backend")}
    parameters: Any = mpl.rcParams
    with mpl.rc_context():
        parameters.update(defaults)
        parameters.update(ours)
        yield


def draw(
    drawer: Callable[[MatplotlibFigure], None],
    size: tuple[float, float],
    *,
    raster: bool = False,
    budget: int = SVG_BUDGET,
) -> Picture:
    """Draw a figure and return it as a picture.

    Parameters
    ----------
    drawer : callable
        ``drawer(figure)``; whatever it raises goes through to the caller.
    size : tuple of float
        Width and height in inches; kept between 1 and 10, and 0.4 and 9.4.
    raster : bool
        Pixels (PNG) from the start; otherwise SVG, or PNG where SVG exceeds `budget`.
    budget : int
        Bytes that the SVG may take.

    Raises
    ------
    ValueError
        `size` is not two finite numbers.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, height = (float(side) for side in size)
    if not (math.isfinite(width) and math.isfinite(height)):
        raise ValueError(f"size of the figure is {size!r}, expected two finite numbers in inches")
    width = min(max(width, WIDTHS[0]), WIDTHS[1])
    height = min(max(height, HEIGHTS[0]), HEIGHTS[1])
    notes: list[str] = []
    with style(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        drawer(figure)
        _plain_tick_labels(figure)
        data, mime = b"", "svg+xml"
        if not raster and budget >= _LEAST_SVG:
            data = _svg(figure)
        if not data or len(data) > budget:
            data, mime = _bitmap(figure, budget)
    for warning in caught:
        text = str(warning.message)
        if "layout engine that is incompatible" in text:  # the report's own layout does the work
            continue
        note = (
            "characters that the figure's font lacks are drawn as boxes"
            if "Glyph" in text
            else text
        )
        if note not in notes:
            notes.append(note)
    uri = f"data:image/{mime};base64,{base64.b64encode(data).decode('ascii')}"
    return Picture(uri, round(width * 96), round(height * 96), tuple(notes))


_LARGE_SVG = 3_000_000
_FILE_DPI = 220


def draw_file(
    drawer: Callable[[MatplotlibFigure], None],
    size: tuple[float, float],
    stem: Path,
    *,
    raster: bool = False,
) -> Path:
    """Draw a figure into a file of its own: SVG, or PNG where it is `raster` or SVG is too large.

    Returns
    -------
    Path
        `stem` with its suffix.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with style(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the report prints them beside the same figure
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        drawer(figure)
        _plain_tick_labels(figure)
        data = b"" if raster else _svg(figure)
        if data and len(data) <= _LARGE_SVG:
            path = stem.with_name(f"{stem.name}.svg")
            path.write_bytes(data)
        else:
            path = stem.with_name(f"{stem.name}.png")
            figure.savefig(path, format="png", dpi=_FILE_DPI, metadata={"Software": None})
    return path


def _svg(figure: MatplotlibFigure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue().decode("utf-8")
    # A hundredth of a point is finer than any printer; it halves the file.
    text = re.sub(
        r'(?<= d=")[^"]*(?=")',
        lambda m: re.sub(r"(\.\d\d)\d+", r"\1", m[0]).replace("\n", ""),
        text,
    )
    return re.sub(r">\s+<", "><", text).encode("utf-8")


def _bitmap(figure: MatplotlibFigure, budget: int) -> tuple[bytes, str]:
    """Return a picture of few colours, and the kind of its file."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    small = budget < _LEAST_SVG
    dpi, colours = (160, 256) if budget >= SVG_BUDGET else (84 if small else 110, 48)
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]  # once; savefig would draw twice
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")  # type: ignore[no-untyped-call]
    method = Image.Quantize.MEDIANCUT if colours == 256 else Image.Quantize.FASTOCTREE
    image = image.quantize(colours, method, dither=Image.Dither.NONE)
    packed = io.BytesIO()
    if small:  # a fifth smaller than PNG; fewer colours would lose letters and pale bands
        image.convert("RGB").save(packed, "WEBP", lossless=True, quality=60, method=3)
        return packed.getvalue(), "webp"
    image.save(packed, "PNG", optimize=True)
    return packed.getvalue(), "png"


def _plain_tick_labels(figure: MatplotlibFigure) -> None:
    """Let logarithmic axes write 10⁻³ in Unicode, as nothing is parsed as mathematics."""
    from matplotlib import ticker

    class Plain(ticker.Formatter):
        def __init__(self, inner: ticker.Formatter) -> None:
            self.inner = inner

        def set_axis(self, axis: Any) -> None:
            super().set_axis(axis)
            self.inner.set_axis(axis)

        def set_locs(self, locs: Any) -> None:
            super().set_locs(locs)
            self.inner.set_locs(locs)

        def __call__(self, x: float, pos: int | None = None) -> str:
            return _without_math(self.inner(x, pos))

        def get_offset(self) -> str:
            return _without_math(self.inner.get_offset())

    for axes in figure.get_axes():
        for axis in axes._axis_map.values():
            for which in ("major", "minor"):
                formatter = getattr(axis, f"get_{which}_formatter")()
                if isinstance(formatter, ticker.LogFormatterMathtext | ticker.LogitFormatter):
                    getattr(axis, f"set_{which}_formatter")(Plain(formatter))


def _without_math(text: str) -> str:
    text = re.sub(r"\$\\mathdefault\{(.*)\}\$", r"\1", text)
    text = text.replace(r"\times", "×").replace(r"\dfrac{1}{2}", "½")
    return re.sub(
        r"\^\{([-+\d]*)\}", lambda m: m[1].replace("−", "-").translate(_SUPERSCRIPT), text
    )


def fit(text: str, inches: float, points: float, *, bold: bool = False) -> str:
    """Return `text` on one line, ended with ``…`` where it is wider than `inches`."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextToPath

    from consilience.report.text import one_line

    text = one_line(text, 400)
    font = FontProperties(family="DejaVu Sans", size=points, weight="bold" if bold else "normal")
    measure = TextToPath()

    def wide(candidate: str) -> bool:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph")  # said again when it is drawn
            width, _, _ = measure.get_text_width_height_descent(candidate, font, ismath=False)
        return bool(width / 72 > inches)

    if not wide(text):
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if wide(text[:middle].rstrip() + "…"):
            high = middle - 1
        else:
            low = middle
    return text[:low].rstrip() + "…"
