"""The analysis apt.composition: of the whole volume, and of regions that are named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft, Region, Rival
from consilience.model.measurement import Measurement, Notice
from consilience_apt.amounts.ambiguity import Ambiguity, overlap_groups, resolve
from consilience_apt.amounts.composing import Composed, compose_volume, systematic_terms
from consilience_apt.amounts.presence import RangeUse, convincing_rivals
from consilience_apt.findings.drafts_composition import composition_drafts, covariance_array
from consilience_apt.findings.drafts_spectrum import FRAME, WHOLE, ion_subject
from consilience_apt.findings.measured import (
    GASES,
    Prepared,
    allowed_elements,
    prepare,
    range_background,
)
from consilience_apt.findings.probed import with_extent
from consilience_apt.findings.spectrum_run import audited
from consilience_apt.ions import Ion
from consilience_apt.masses.multiples import measure_hits
from consilience_apt.masses.spectrum import MassSpectrum, measure_spectrum
from consilience_apt.params import CompositionParams, RangeParams, RegionSpec
from consilience_apt.space.regions import isolate
from consilience_apt.space.roi import Box, Cylinder, Slab, Sphere

if TYPE_CHECKING:
    import xarray as xr

    from consilience_apt.masses.background import RangeBackground
    from consilience_apt.space.roi import Region as Selected

Group = tuple[tuple[Ion, ...], tuple[int, ...]]

__all__ = ["Composing", "doubted", "label_rivals", "region_of", "run_composition", "selected"]


def run_composition(
    measurements: Sequence[Measurement], params: CompositionParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return the composition of the whole volume, and apart from it of each region."""
    prepared = prepare(measurements[0], params, context)
    notices = list(prepared.notices)
    if prepared.table is None:
        return AnalysisOutput([], {}, notices)
    stated = stated_errors(params.efficiency_std, params.field_loss_std)
    composing = Composing(prepared, params, context, stated, params.overlaps, params.level, notices)
    drafts: list[FindingDraft] = []
    arrays: dict[str, xr.Dataset] = {}
    volumes: list[tuple[str, Region, Selected | None]] = [("whole", WHOLE, None)]
    volumes += [
        (f"region {spec.label}", region_of(spec), selected(spec)) for spec in params.regions
    ]
    for name, region, chosen in volumes:
        made = composing.volume(chosen, region.label)
        if made is None:
            continue
        array = f"covariance of the {name}"
        arrays[array] = covariance_array(made)
        drafts += composing.drafts(made, region, array)
    named = {region.label: chosen for _, region, chosen in volumes if chosen is not None}
    drafts = with_extent(drafts, prepared.source, named, context.progress)
    return AnalysisOutput(drafts, arrays, notices)


def stated_errors(efficiency: float | None, field_loss: float | None) -> dict[str, float]:
    """Return the stated systematic terms by the name they have among the unknown ones."""
    given = {"detection efficiency": efficiency, "field-dependent loss": field_loss}
    return {name: value for name, value in given.items() if value is not None}


def selected(spec: RegionSpec) -> Selected:
    """Return what selects the ions of a region that parameters describe."""
    centre = spec.centre or (0.0, 0.0, 0.0)
    if spec.shape == "box":
        return Box(centre, spec.size or (0.0, 0.0, 0.0), spec.direction)
    if spec.shape == "cylinder":
        return Cylinder(centre, spec.radius or 0.0, spec.length or 0.0, spec.direction)
    if spec.shape == "sphere":
        return Sphere(centre, spec.radius or 0.0)
    return Slab(spec.low or 0.0, spec.high or 0.0, spec.direction)


def region_of(spec: RegionSpec) -> Region:
    """Return the region of findings: its corners or ends in the frame of the reconstruction."""
    c = spec.centre or (0.0, 0.0, 0.0)
    if spec.shape == "slab":
        low, high = spec.low or 0.0, spec.high or 0.0
        axis = spec.direction if isinstance(spec.direction, str) else "axis"
        return Region(
            shape="box", coordinates=[[low], [high]], unit="nm", frame=f"{FRAME}, {axis}",
            label=spec.label,
        )  # fmt: skip
    if spec.shape == "box":
        s = spec.size or (0.0, 0.0, 0.0)
        corners = [[a - b / 2 for a, b in zip(c, s, strict=True)],
                   [a + b / 2 for a, b in zip(c, s, strict=True)]]  # fmt: skip
        return Region(shape="box", coordinates=corners, unit="nm", frame=FRAME, label=spec.label)
    extent = [spec.radius or 0.0] + ([spec.length or 0.0] if spec.shape == "cylinder" else [])
    return Region(
        shape=spec.shape, coordinates=[list(c), extent], unit="nm", frame=FRAME, label=spec.label
    )


class Composing:
    """Composes volumes of one measurement, each with its own spectrum and background.

    Parameters
    ----------
    prepared : Prepared
        With ranges.
    params : RangeParams
    context : AnalysisContext
    stated : dict
        See `stated_errors`.
    overlaps : bool
        Whether overlaps are shared out or bounded.
    level : float
    notices : list of Notice
        Grows.
    """

    def __init__(
        self,
        prepared: Prepared,
        params: RangeParams,
        context: AnalysisContext,
        stated: dict[str, float],
        overlaps: bool,
        level: float,
        notices: list[Notice],
    ) -> None:
        assert prepared.table is not None
        self.prepared, self.table, self.params = prepared, prepared.table, params
        self.context, self.stated, self.level = context, stated, level
        self.notices = notices
        self.uses: list[RangeUse] = audited(prepared, params, context, notices)
        self.rivals = label_rivals(self.uses)
        self.groups = self._groups() if overlaps and prepared.power[1] is not None else []

    def _groups(self) -> list[Group]:
        elements = allowed_elements(self.table, self.params, self.context)
        if not self.context.sample.elements and self.params.elements is None:
            elements = list(dict.fromkeys([*elements, *GASES]))
        also: list[Ion] = []
        for use in self.uses:
            also += [match.ion for match in convincing_rivals(use.audit)[:1]]
        power = self.prepared.power[1]
        assert power is not None
        return overlap_groups(self.table, elements, power, list(dict.fromkeys(also)))

    def volume(self, chosen: Selected | None, label: str) -> Composed | None:
        """Return the composition of a volume; None, with a notice, where nothing is ranged."""
        prepared, table = self.prepared, self.table
        source = prepared.source
        spectrum: MassSpectrum = prepared.spectrum
        background: RangeBackground | None = prepared.background
        try:
            if chosen is not None:
                source = isolate(prepared.source, chosen, self.context.progress)
                spectrum = measure_spectrum(
                    source, table, width=self.params.bin_width, progress=self.context.progress
                )
                background = None
                if self.params.background != "none":
                    background = range_background(
                        spectrum, table, self.params.background, self.notices
                    )
            single = None
            if "ions_per_pulse" in source.columns:
                single = measure_hits(source, table, progress=self.context.progress).single
            power = prepared.power[0]
            terms = systematic_terms(spectrum, table, power, single, self.stated)
            groups = [self._resolved(spectrum, *group) for group in self.groups]
            return compose_volume(spectrum, table, background, terms, groups, self.level)
        except BadInputError as error:
            self.notices.append(
                Notice(code="no-composition", message=f"{label}: {error.what}", fix=error.fix)
            )
            return None

    def _resolved(
        self, spectrum: MassSpectrum, ions: tuple[Ion, ...], places: tuple[int, ...]
    ) -> Ambiguity:
        power = self.prepared.power[1]
        assert power is not None
        return resolve(spectrum, self.table, self.prepared.peaks, ions, places, power, self.level)

    def drafts(self, made: Composed, region: Region, array: str) -> list[FindingDraft]:
        """Return the findings of a composed volume."""
        return composition_drafts(
            made,
            region,
            array,
            method=f"counts in ranges, {made.labelled.corrected or 'background included'}",
            assumptions=self.prepared.assumptions,
            rivals=self.rivals,
        )


def label_rivals(uses: Sequence[RangeUse]) -> dict[str, list[Rival]]:
    """Return rivals of the elements of contradicted labels, and of what takes their place."""
    found: dict[str, list[Rival]] = {}
    for use in uses:
        label = use.audit.range.ion
        if use.weight != "contradicted" or label is None:
            continue
        for other in use.others:
            mine, its = dict(label.elements), dict(other.ion.elements)
            for symbol in mine:
                if symbol not in its:
                    found.setdefault(symbol, []).append(
                        Rival(
                            subject=ion_subject(other.ion),
                            live=True,
                            explains=[other.where],
                            decided_by=[other.decided_by],
                            note=use.audit.message,
                        )
                    )
            for symbol in its:
                if symbol not in mine:
                    found.setdefault(symbol, []).append(
                        Rival(
                            subject=ion_subject(label),
                            live=False,
                            explains=[f"label of {use.audit.range.text}"],
                            note=use.audit.message,
                        )
                    )
    return found


def doubted(drafts: Sequence[FindingDraft], rivals: dict[str, list[Rival]]) -> list[FindingDraft]:
    """Return findings with what the isotopes say against their elements' labels."""
    made = []
    for draft in drafts:
        symbol = draft.subject.element if draft.subject is not None else None
        more = rivals.get(symbol or "", [])
        named = {one.subject.label for one in draft.rivals}
        more = [one for one in more if one.subject.label not in named]
        made.append(draft.model_copy(update={"rivals": [*more, *draft.rivals]}) if more else draft)
    return made
