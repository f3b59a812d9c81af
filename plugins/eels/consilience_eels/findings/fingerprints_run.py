"""The analysis ``eels.fingerprints``: which species are where, absent, or not to be seen."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft, Subject
from consilience.model.measurement import Measurement, Notice
from consilience_eels.findings.drafts_fingerprints import (
    METHOD,
    element_draft,
    phase_draft,
    region_of,
)
from consilience_eels.findings.fingerprints_arrays import group_bins, map_set, region_set
from consilience_eels.findings.fingerprints_input import Place, places_of, region_spectra
from consilience_eels.findings.probed import placed
from consilience_eels.fingerprint.design import ModelError
from consilience_eels.fingerprint.references import Reference, read_reference
from consilience_eels.fingerprint.region import Asked, RegionResult, describe_region
from consilience_eels.fingerprint.regions import alike, inner
from consilience_eels.fingerprint.rivals import exchanges, told_apart
from consilience_eels.fingerprint.species import MATRIX, PHASES, Library, make_library
from consilience_eels.physics.beam import Beam

__all__ = ["FingerprintParams", "run_fingerprints"]

Share = Annotated[float, Field(gt=0.0, lt=1.0)]
Positive = Annotated[float, Field(gt=0.0, le=1e6)]


class FingerprintParams(BaseModel):
    """Parameters of `run_fingerprints`.

    Parameters
    ----------
    phases : tuple of str
        Formulas that are asked for.
    matrix : tuple of str
        What else may be there: it is fitted, and answered for by element only.
    elements : tuple of str
        Answered for; by default lithium and the elements of the phases.
    references : dict of str to str
        Formula to the name of a registered reference file (``.csv``, ``.msa``, ``.hspy``), in
        place of the model.
    regions : dict
        Name to x0, x1, y0, y1 in nm; by default pixels with like spectra form the regions.
    asked_fraction : float
        Share of the volume at which a phase is asked for.
    asked_fractions : dict
        The same for single phases.
    asked_atoms : float
        Share of the atoms at which an element is asked for.
    asked_alloys : dict
        Element to the compound at whose stoichiometry it is asked for in a region of the
        compound's other elements.
    ranges : tuple
        eV, of what is fitted; by default 45 to 200 and 250 to 850, as far as the spectra go.
    counts_per_electron : float, optional
        By default estimated from the scatter of neighbouring channels, which is then said.
    beam_energy, convergence, collection : float, optional
        keV and mrad (half-angles), where the file does not state them.
    maps : bool
        Fit each pixel too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    phases: tuple[str, ...] = PHASES
    matrix: tuple[str, ...] = MATRIX
    elements: tuple[str, ...] | None = None
    references: dict[str, str] = {}
    regions: dict[str, tuple[float, float, float, float]] = {}
    asked_fraction: Share = 0.1
    asked_fractions: dict[str, Share] = {}
    asked_atoms: Share = 0.05
    asked_alloys: dict[str, str] = {"Li": "LiPt"}
    ranges: tuple[tuple[float, float], ...] = ()
    counts_per_electron: Positive | None = None
    beam_energy: Positive | None = None
    convergence: Annotated[float, Field(ge=0.0, le=500.0)] | None = None
    collection: Positive | None = None
    maps: bool = True


def run_fingerprints(
    measurements: Sequence[Measurement], params: FingerprintParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return for each region which phases and elements are present, absent or not observable.

    Returns
    -------
    AnalysisOutput
        Findings of kind ``phase`` (share of the volume) and ``element`` (share of the atoms);
        arrays with the maps, the fitted spectra and the joint covariance of each region.

    Raises
    ------
    BadInputError
        References that are not registered; a region without a pixel; ranges outside the spectra.
    """
    usable = [m for m in measurements if "energy_loss" in m.data.coords]
    if not usable:
        return AnalysisOutput([], notices=[_notice("no-spectrum", "no energy-loss spectrum")])
    findings: list[FindingDraft] = []
    arrays: dict[str, xr.Dataset] = {}
    notices: list[Notice] = []
    for number, place in enumerate(places_of(usable)):
        beam, lacking = _beam(place, params)
        if beam is None:
            findings += _unknown_beam(place, params, lacking)
            continue
        library = make_library(
            beam,
            params.phases,
            params.matrix,
            _given(params, context),
            params.asked_alloys,
            high=max(c.axis.high for c in place.cubes) + 50.0,
        )
        part = _one_place(place, library, params, number, context)
        findings += part.findings
        arrays |= part.arrays
        notices += part.notices
    return AnalysisOutput(findings, arrays, notices)


def _one_place(
    place: Place,
    library: Library,
    params: FingerprintParams,
    number: int,
    context: AnalysisContext,
) -> AnalysisOutput:
    findings: list[FindingDraft] = []
    arrays: dict[str, xr.Dataset] = {}
    notices: list[Notice] = []
    asked = Asked(
        params.asked_fraction, params.asked_fractions, params.asked_atoms, params.asked_alloys
    )
    elements = params.elements or tuple(
        sorted({e for p in params.phases for e in library.references[p].atoms} & set(library.bare))
    )
    regions, grouped = _regions(place, params)
    done: list[tuple[str, NDArray[np.bool_], RegionResult]] = []
    names = ", ".join(c.measurement.record.name for c in place.cubes)
    mapped = params.maps and len(place.pixels) == 2 and min(place.pixels) > 1
    for step, (name, mask, box) in enumerate(regions):
        context.progress(step, len(regions), f"fingerprints of {name}")
        spectra, gain, estimated = region_spectra(
            place, mask, params.counts_per_electron, params.ranges
        )
        result = describe_region(spectra, library, asked, ModelError(), elements)
        key = f"place{number}_region{step}"
        arrays[key] = region_set(result)
        done.append((name, mask, result))
        common = {
            # a box that holds every pixel is all that was measured, as a technique without one has
            "region": region_of(
                name, None if mask.all() else box, place.cubes[0].measurement.record.name
            ),
            "covariance": key,
            "map": f"place{number}_map" if mapped else None,
            "gain_unknown": False,
            "measurements": [c.measurement.id for c in place.cubes],
            "assumptions": _assumptions(result, gain, estimated, grouped, library),
            "evidence": {
                "region_label": name,
                "pixels": int(mask.sum()),
                "t_over_lambda": result.t_over_lambda,
                "counts_per_electron": gain,
                "gain_estimated": estimated,
                "ranges_eV": [[float(s.energy[0]), float(s.energy[-1])] for s in spectra.stretches],
            },
        }
        for said in result.phases:
            index = result.fit.design.species.index(said.question.name)
            swaps = exchanges(said.question.name, result.fit, result.broad, library)
            said = told_apart(said, swaps)  # noqa: PLW2901  the same question
            findings.append(phase_draft(said, result, library, swaps, common, index))
        findings += [element_draft(said, result, library, common) for said in result.elements]
        if estimated:
            notices.append(
                _notice(
                    "gain-estimated",
                    f"{names}: {gain:.3g} counts for one electron, estimated from the scatter of "
                    f"neighbouring channels in {name}",
                )
            )
    if mapped:
        arrays[f"place{number}_map"] = map_set(place, done, library)
    first = place.cubes[0].measurement
    array = first.data["counts" if "counts" in first.data else "intensity"]
    return AnalysisOutput(placed(findings, first, array), arrays, notices)


def _beam(place: Place, params: FingerprintParams) -> tuple[Beam | None, list[str]]:
    """The beam of the first spectrum; parameters come before what the file says."""
    metadata = place.cubes[0].measurement.metadata
    numbers: list[float | None] = []
    lacking: list[str] = []
    for given, name in (
        (params.beam_energy, "beam_energy"),
        (params.convergence, "convergence_angle"),
        (params.collection, "collection_angle"),
    ):
        entry = metadata.get(name)
        value = given
        if value is None and isinstance(entry, Mapping):
            value = float(str(entry["value"]))
        if value is None:
            lacking.append(name.replace("_", " "))
        numbers.append(value)
    energy, convergence, collection = numbers
    if energy is None or convergence is None or collection is None:
        return None, lacking
    return Beam(energy, convergence, collection), []


def _unknown_beam(
    place: Place, params: FingerprintParams, lacking: Sequence[str]
) -> list[FindingDraft]:
    return [
        FindingDraft(
            kind="phase",
            subject=Subject(formula=phase),
            status="not_observable",
            reason=f"{' and '.join(lacking)} not recorded, so there are no cross sections; they "
            "can be given with the parameters 'beam_energy', 'convergence' and 'collection'",
            evidence={"lacking": list(lacking)},
            method=METHOD,
            measurements=[c.measurement.id for c in place.cubes],
        )
        for phase in params.phases
    ]


def _given(params: FingerprintParams, context: AnalysisContext) -> dict[str, Reference]:
    by_name = {r.name: r for r in context.references}
    found = {}
    for formula, name in params.references.items():
        if name not in by_name:
            known = ", ".join(sorted(by_name)) or "none"
            raise BadInputError(
                f"no reference file is called {name!r} (registered: {known})",
                fix="register it with 'consilience add-reference', or mend the name",
            )
        found[formula] = read_reference(by_name[name].path, formula, suffix_of=name)
    return found


def _regions(
    place: Place, params: FingerprintParams
) -> tuple[
    list[tuple[str, NDArray[np.bool_], tuple[float, float, float, float] | None]],
    bool,
]:
    """Masks by name, and whether the pixels were grouped by their spectra."""
    whole = np.ones(place.pixels, dtype=np.bool_)
    if params.regions:
        return [(n, _box(place, n, box), box) for n, box in params.regions.items()], False
    if len(place.pixels) != 2 or whole.size < 16:
        return [("whole", whole, None)], False
    labels = alike(group_bins(place)).reshape(place.pixels)
    good = inner(labels)
    coordinates = place.coordinates()
    made: list[tuple[str, NDArray[np.bool_], tuple[float, float, float, float] | None]] = []
    for group in np.unique(labels):
        mask = (labels == group) & good
        across = coordinates["x"].values if "x" in coordinates else np.arange(mask.shape[1])
        down = coordinates["y"].values if "y" in coordinates else np.arange(mask.shape[0])
        rows, columns = np.nonzero(mask)
        box = (
            float(across[columns].min()),
            float(across[columns].max()),
            float(down[rows].min()),
            float(down[rows].max()),
        )
        made.append((f"region {int(group) + 1}", mask, box))
    return made, len(made) > 1


def _box(place: Place, name: str, box: tuple[float, float, float, float]) -> NDArray[np.bool_]:
    coordinates = place.coordinates()
    if len(place.pixels) != 2 or not {"x", "y"} <= set(coordinates):
        raise BadInputError(
            f"region {name!r} is given in nm, but these spectra are no map",
            fix="leave 'regions' out",
        )
    x0, x1, y0, y1 = box
    across, down = coordinates["x"].values, coordinates["y"].values
    mask = ((down >= y0) & (down <= y1))[:, None] & ((across >= x0) & (across <= x1))[None, :]
    if not mask.any():
        raise BadInputError(
            f"region {name!r} holds no pixel: the map goes from {across[0]:g} to {across[-1]:g} nm "
            f"in x and from {down[0]:g} to {down[-1]:g} nm in y",
            fix="give x0, x1, y0, y1 in nm, the lower first",
        )
    return np.asarray(mask)


def _assumptions(
    result: RegionResult, gain: float, estimated: bool, grouped: bool, library: Library
) -> list[str]:
    models = [n for n, r in library.references.items() if r.origin == "model"]
    said = [
        "the species that were fitted are all that is there",
        f"references of {', '.join(models)} are models: free-atom edges, near edges as published",
        "shares of volume are by the densities of the solids",
        f"{gain:.3g} counts for one electron, "
        + ("estimated from the scatter of neighbouring channels" if estimated else "as given"),
    ]
    if result.t_over_lambda is None:
        said.append("no usable low loss: plural scattering was not taken into account")
    if grouped:
        said.append("the regions were formed of these same spectra: pixels that look alike")
    return said


def _notice(code: str, message: str) -> Notice:
    return Notice(code=code, message=message, severity="info")
