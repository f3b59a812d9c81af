"""An image registered as a reference, held against one state's map: do the voids agree?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from consilience.analysis import AnalysisContext
from consilience.errors import BadFileError, BadInputError
from consilience.model.finding import FindingDraft, Interval
from consilience_xrf.change.series import ChangeSeries
from consilience_xrf.change.witness import brought, void_agreement
from consilience_xrf.findings.change_drafts import common, subject_of
from consilience_xrf.findings.change_input import Chosen, named

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_xrf.findings.change_params import ChangeParams

__all__ = ["read_image", "witness_draft"]

MOST = 50_000_000
"""Pixels of an image that are read."""


def read_image(path: Path) -> NDArray[np.float64]:
    """Return the grey values of an image (PNG, TIFF, JPEG, …), its last row first: y points up.

    Raises
    ------
    BadFileError
        It is no image, is damaged, or has more than 50 million pixels.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            if image.width * image.height > MOST:
                raise BadFileError(
                    f"the image has {image.width} x {image.height} pixels",
                    fix="make it smaller: a map needs a few pixels to a point",
                    path=path,
                )
            kept = image if image.mode in ("L", "F", "I", "I;16") else image.convert("L")
            values = np.asarray(kept, dtype=np.float64)
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        OSError,
        ValueError,
        SyntaxError,
    ) as error:
        raise BadFileError(
            f"the reference is no image that can be read: {error}",
            fix="register a grey image as PNG or TIFF",
            path=path,
        ) from error
    return np.asarray(values[::-1])


def witness_draft(
    chosen: Chosen, series: ChangeSeries, params: ChangeParams, context: AnalysisContext
) -> list[FindingDraft]:
    """Return how well the voids of an image agree with those of a map; nothing if none is named.

    Raises
    ------
    BadInputError
        The image or its scale is not given, or it cannot be laid on the map.
    """
    if not params.witness:
        return []
    found = [r for r in context.references if params.witness in (r.name, r.title)]
    if len(found) != 1 or params.witness_step is None or chosen.unit != "um":
        names = ", ".join(r.name for r in context.references) or "none"
        raise BadInputError(
            f"the image {params.witness!r} cannot be used: {len(found)} references have that name "
            f"(there are {names}), its step is {params.witness_step} um, the scan's positions are "
            f"in {chosen.unit}",
            fix="register it with 'consilience reference', give 'witness_step' in um a pixel, and "
            "scans whose positions have a unit",
        )
    places = [
        i
        for i, taken in enumerate(chosen.taken)
        if not params.witness_state or named(taken, params.witness_state)
    ]
    if not places:
        raise BadInputError(
            f"no scan is called {params.witness_state!r}",
            fix=f"name one of {', '.join(repr(t.title) for t in chosen.taken)}",
        )
    index = places[-1]
    one, state, taken = chosen.maps[index], series.states[index], chosen.taken[index]
    image = read_image(found[0].path)
    fit = params.witness_origin is None
    origin = params.witness_origin or _centred(image, params.witness_step, one.y, one.x)
    there = brought(image, params.witness_step, origin, (one.y, one.x))
    values = np.where(np.isfinite(one.values), one.values, np.nanmedian(one.values))
    variance = np.where(np.isfinite(one.variance), one.variance, np.nanmedian(one.variance))
    seen = void_agreement(values, variance, state.shift, series.film, there, fit=fit)
    lies = [seen.shift.y * series.film.step[0], seen.shift.x * series.film.step[1]]
    return [
        FindingDraft(
            kind="void_agreement",
            subject=subject_of(chosen, f"voids against {found[0].name}"),
            region=taken.region,
            state=dict(taken.measurement.record.state),
            value=seen.agreement,
            unit="1",
            interval=Interval(low=seen.low, high=seen.high, level=0.683) if fit else None,
            evidence={
                "scan": state.name,
                "image": found[0].name,
                "image_sha256": found[0].sha256,
                "p_by_chance": seen.p,
                "void_fraction_of_map": seen.map_fraction,
                "void_fraction_of_image": seen.image_fraction,
                "image_lies_off_um": lies if fit else None,
                "image_lies_off_std_um": [
                    s * t for s, t in zip(seen.shift.std, series.film.step, strict=True)
                ]
                if fit
                else None,
                "film_is_dark_in_image": seen.inverted,
            },
            assumptions=[
                *common(chosen, state, params),
                "the image shows the same area at the same scale, neither turned nor stretched",
                "its place is fitted, starting with both middles on each other"
                if fit
                else "its place is as declared; no error stands for that",
            ],
            method="correlation of the two masks of voids (phi) over the film; by chance: the "
            "image's voids moved about the film",
            measurements=[taken.measurement.id],
        )
    ]


def _centred(
    image: NDArray[np.float64], step: float, y: NDArray[np.float64], x: NDArray[np.float64]
) -> tuple[float, float]:
    """Where the first pixel lies if the middles of image and scan are the same."""
    return (
        float(y.mean()) - 0.5 * (image.shape[0] - 1) * step,
        float(x.mean()) - 0.5 * (image.shape[1] - 1) * step,
    )
