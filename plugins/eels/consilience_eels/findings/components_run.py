"""The analysis ``eels.components``: what varies together in a map, and what it is like."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
import xarray as xr
from pydantic import BaseModel, ConfigDict, Field

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.model.finding import FindingDraft, Rival, Subject
from consilience.model.measurement import Measurement, Notice
from consilience_eels.decomposition.components import Match, find_components, match_components
from consilience_eels.findings.probed import placed
from consilience_eels.fingerprint.references import model_reference
from consilience_eels.fingerprint.species import MATRIX, PHASES
from consilience_eels.physics.beam import Beam
from consilience_eels.spectra import LossAxis

__all__ = ["ComponentParams", "run_components"]

SHOWN = 3
"""References named beside a component."""

TYPICAL = Beam(300.0, 10.0, 50.0)
"""Where a file states no beam: the form of an edge hardly depends on it."""


class ComponentParams(BaseModel):
    """Parameters of `run_components`.

    Parameters
    ----------
    components : int
    method : {"ORNMF", "NMF", "PCA", "ICA"}
    references : tuple of str
        Formulas that components are held against.
    window : (float, float), optional
        eV; by default from 45 eV, or the beginning of the axis, to its end.
    bins : int
        Channels are summed to at most so many.
    seed : int
        Of the start of the non-negative methods.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    components: Annotated[int, Field(ge=1, le=20)] = 5
    method: Literal["ORNMF", "NMF", "PCA", "ICA"] = "ORNMF"
    references: tuple[str, ...] = (*PHASES, *MATRIX)
    window: tuple[float, float] | None = None
    bins: Annotated[int, Field(ge=16, le=4096)] = 256
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0


def run_components(
    measurements: Sequence[Measurement], params: ComponentParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return the components of one spectrum image, each with the references it is like.

    Returns
    -------
    AnalysisOutput
        One finding of kind ``homogeneity`` for the map: how many components there are and what
        each is like; spectra and maps as an array.  A single spectrum gives a notice.
    """
    del context
    (measurement,) = measurements
    data = measurement.data
    array = data["counts" if "counts" in data else "intensity"].transpose(..., "energy_loss")
    name = measurement.record.name
    if array.ndim != 3 or min(array.shape[:2]) < 1 or array.shape[0] * array.shape[1] < 4:
        notice = Notice(
            code="no-components",
            message=f"{name}: {array.shape[:-1]} pixels hold nothing that could vary",
            severity="info",
        )
        return AnalysisOutput([], notices=[notice])
    axis = LossAxis.of(data)
    low, high = params.window or (max(45.0, axis.low), axis.high)
    window = axis.window(low, high)
    each = max(1, -(-(window.stop - window.start) // params.bins))
    many = (window.stop - window.start) // each
    channels = slice(window.start, window.start + many * each)
    cube = np.asarray(array.values[..., channels], dtype=np.float64)
    cube = cube.reshape(*cube.shape[:2], many, each).sum(axis=-1)
    energy = axis.energy[channels].reshape(many, each).mean(axis=1)
    found = find_components(cube, energy, params.components, params.method, params.seed)
    beam = _beam(measurement.metadata)
    references = [
        model_reference(f, max(15.0, low - 30.0), high + 10.0, beam) for f in params.references
    ]
    matches = match_components(found, references)
    count = len(found.factors)
    coordinates = {d: array[d].variable for d in array.dims[:2] if d in array.coords}
    arrays = {
        "components": xr.Dataset(
            {
                "spectra": (("component", "energy_loss"), found.factors, {"units": "1"}),
                "maps": (("component", *array.dims[:2]), found.loadings, {"units": "1"}),
            },
            {
                "component": ("component", np.arange(1, count + 1), {"units": "1"}),
                "energy_loss": ("energy_loss", energy, {"units": "eV"}),
                **coordinates,
            },
        )
    }
    finding = FindingDraft(
        kind="homogeneity",
        array="components",
        evidence={
            "sentence": _sentence(params.method, matches),
            "components": [
                {
                    "component": index + 1,
                    "like": [
                        {"reference": m.reference, "score": round(m.score, 4)} for m in own[:SHOWN]
                    ],
                }
                for index, own in enumerate(matches)
            ],
            "explained_variance": (
                None
                if found.explained is None
                else [float(f"{v:.4g}") for v in found.explained[:10]]
            ),
            "window_eV": [float(energy[0]), float(energy[-1])],
        },
        rivals=[
            Rival(
                subject=Subject(label=own[0].reference),
                live=True,
                explains=[f"component {index + 1}, with a cosine of {own[0].score:.2f}"],
                decided_by=["a fit of references (eels.fingerprints)"],
                note="a component is what varies together, and need be no phase",
            )
            for index, own in enumerate(matches)
            if own
        ],
        assumptions=[
            "the number of components is as asked, not found",
            "noise is Poisson's: channels and pixels are weighted by their sums",
            "likeness is the cosine after a smooth background is taken off both; no name follows",
        ],
        method=f"{params.method} of {count} components by HyperSpy",
    )
    return AnalysisOutput(placed([finding], measurement, array), arrays)


def _sentence(method: str, matches: Sequence[Sequence[Match]]) -> str:
    said = [
        f"component {index + 1} is most like {own[0].reference} ({own[0].score:.2f})"
        if own
        else f"component {index + 1} is like no reference"
        for index, own in enumerate(matches)
    ]
    return f"{len(matches)} components by {method}: {'; '.join(said)}"


def _beam(metadata: Mapping[str, object]) -> Beam:
    numbers = []
    for name in ("beam_energy", "convergence_angle", "collection_angle"):
        entry = metadata.get(name)
        if not isinstance(entry, Mapping):
            return TYPICAL
        numbers.append(float(str(entry["value"])))
    return Beam(*numbers)
