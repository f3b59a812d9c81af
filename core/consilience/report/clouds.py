"""Clouds of points: a still picture for everybody, and packed points for those who can turn it.

The points go into the page as text that is no code: base64 of 16-bit coordinates.  One small
script of our own, whose hash the page's policy names, reads them; without it the still stands.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.view import CLOUD_POINTS, Cloud, palette

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure as MatplotlibFigure
    from numpy.typing import NDArray

__all__ = ["CLOUD_SIZE", "PackedCloud", "pack", "still"]

CLOUD_SIZE = (6.4, 4.8)
_GROUPS = 12
_COLOUR = re.compile(r"^#[0-9a-fA-F]{6}$")


@dataclass(frozen=True)
class PackedCloud:
    """Points for the page.

    Parameters
    ----------
    points : str
        Base64 of little-endian unsigned 16-bit x, y, z, one point after the other.
    described : str
        JSON: ``groups`` (label, colour, size, count), ``low`` and ``high`` of each axis, ``unit``.
    """

    points: str
    described: str


def pack(cloud: Cloud) -> PackedCloud:
    """Check a cloud and pack its points.

    Raises
    ------
    ValueError
        No points or too many, a shape that is not (n, 3), a coordinate that is not finite, a
        colour that is none.
    """
    import numpy as np

    groups = _checked(cloud)
    points = np.concatenate([p for _, _, _, p in groups])
    low, high = points.min(axis=0), points.max(axis=0)
    span = float(max((high - low).max(), 1e-9))  # one scale for all axes
    steps = np.round((points - low) / span * 65535).astype("<u2")
    described = {
        "groups": [
            {"label": label, "colour": colour, "size": size, "count": len(p)}
            for label, colour, size, p in groups
        ],
        "low": [float(f"{v:.6g}") for v in low],
        "high": [float(f"{v:.6g}") for v in high],
        "span": float(f"{span:.6g}"),
        "unit": str(cloud.unit),
    }
    return PackedCloud(
        base64.b64encode(steps.tobytes()).decode("ascii"),
        json.dumps(described, ensure_ascii=True, sort_keys=True),
    )


def _checked(cloud: Cloud) -> list[tuple[str, str, float, NDArray[np.float64]]]:
    import numpy as np

    if not 1 <= len(cloud.groups) <= _GROUPS:
        raise ValueError(f"a cloud has 1 to {_GROUPS} groups, not {len(cloud.groups)}")
    found = []
    colours = palette()
    for i, group in enumerate(cloud.groups):
        points = np.asarray(group.points, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 3:
            raise ValueError(
                f"group {group.label!r} has points of shape {points.shape}, not (n, 3)"
            )
        if not np.isfinite(points).all():
            raise ValueError(f"group {group.label!r} has a coordinate that is not finite")
        colour = group.colour or colours[i % len(colours)]
        if not _COLOUR.match(colour):
            raise ValueError(f"group {group.label!r}: {colour!r} is no colour like '#0072b2'")
        found.append((str(group.label), colour, min(max(float(group.size), 1.0), 8.0), points))
    total = sum(len(p) for _, _, _, p in found)
    if not 1 <= total <= CLOUD_POINTS:
        raise ValueError(f"a cloud has 1 to {CLOUD_POINTS} points, not {total}; thin them")
    return found


def still(cloud: Cloud) -> Callable[[MatplotlibFigure], None]:
    """Return what draws the cloud from one side: near points over far ones, paler with depth."""
    groups = _checked(cloud)

    def draw(figure: MatplotlibFigure) -> None:
        import numpy as np
        from matplotlib.colors import to_rgb

        points = np.concatenate([p for _, _, _, p in groups])
        middle = (points.min(axis=0) + points.max(axis=0)) / 2
        across, up, depth = ((points - middle) @ _turned(0.6, 0.25).T).T
        rgb = np.concatenate([np.tile(to_rgb(c), (len(p), 1)) for _, c, _, p in groups])
        sizes = np.concatenate([np.full(len(p), s) for _, _, s, p in groups])
        share = (depth - depth.min()) / max(float(np.ptp(depth)), 1e-9)
        rgb = 1 - (1 - rgb) * (0.45 + 0.55 * share)[:, None]
        order = np.argsort(depth)
        axes: Any = figure.add_subplot()
        axes.scatter(
            across[order], up[order], c=rgb[order], s=(0.75 * sizes[order]) ** 2, lw=0, marker="o"
        )
        axes.set_aspect("equal")
        axes.axis("off")
        _scale_bar(axes, float(np.ptp(points, axis=0).max()), cloud.unit, up.min(), across.min())
        for label, colour, _, p in groups:
            axes.scatter([], [], c=colour, s=30, label=f"{label} ({len(p)})")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), title="points drawn")

    return draw


def _turned(azimuth: float, tilt: float) -> NDArray[np.float64]:
    """Rotate about z, then look down a little: rows are right, up and towards the reader."""
    import numpy as np

    ca, sa, ct, st = np.cos(azimuth), np.sin(azimuth), np.cos(tilt), np.sin(tilt)
    return np.array([[ca, sa, 0.0], [sa * st, -ca * st, ct], [sa * ct, -ca * ct, -st]])


def _scale_bar(axes: Any, span: float, unit: str, bottom: float, left: float) -> None:
    import math

    power = 10 ** math.floor(math.log10(max(span, 1e-9) / 4))
    length = next(m * power for m in (5, 2, 1) if m * power <= span / 4 * 1.0001)
    y = bottom - 0.06 * span
    axes.plot([left, left + length], [y, y], color="#000000", lw=2.5, solid_capstyle="butt")
    axes.annotate(
        f"{length:g} {unit}", (left, y), xytext=(0, -4), textcoords="offset points", va="top",
        fontsize=8,
    )  # fmt: skip
