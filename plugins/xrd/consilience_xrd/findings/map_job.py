"""One map on its way through the passes: survey, fits of every point, regions, phases.

The work goes block by block; finished blocks lie in the cache, so that it can be stopped and
taken up again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.analysis import AnalysisContext
from consilience.checkpoints import Checkpoints, in_blocks
from consilience.errors import BadInputError
from consilience.model.measurement import Measurement, Notice
from consilience_xrd import __version__
from consilience_xrd.files.calibrant import reference_file_pattern
from consilience_xrd.findings.map_params import MapsParams
from consilience_xrd.findings.patterns import match_settings
from consilience_xrd.identification.both import identify_pattern
from consilience_xrd.identification.matching import observed_from_fit
from consilience_xrd.lines.blank import CLEAR, LEAST, less_blank, smoothed_blank
from consilience_xrd.lines.peaks import PeakFit, components_of, fit_peaks
from consilience_xrd.maps.common import with_baselines, with_common_fractions, with_shares
from consilience_xrd.maps.fitting import FitSettings, fit_block
from consilience_xrd.maps.lines import MapLine, Window, map_lines, windows_of
from consilience_xrd.maps.phases import PhaseLines, PhaseMap, assign_lines, phase_map
from consilience_xrd.maps.regions import alike, named_regions
from consilience_xrd.maps.scan import Block, Scan
from consilience_xrd.maps.survey import Summed, Survey, mean_pattern, survey
from consilience_xrd.pattern import Pattern, Source
from consilience_xrd.references.reference import ReferencePattern

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_xrd.identification.matching import MatchSettings, Pairing
    from consilience_xrd.identification.results import PhaseResult
    from consilience_xrd.identification.wholepattern import WholePattern

__all__ = ["FORMAT", "MapJob", "MapResult", "RegionResult"]

FORMAT = 1
"""Raised when blocks of older programs may not be used any more."""


@dataclass(frozen=True)
class RegionResult:
    """One region: its pattern, the peaks in it and what they say of the phases."""

    name: str
    points: int
    pattern: Pattern
    fit: PeakFit
    pairing: Pairing
    results: Sequence[PhaseResult]
    whole: WholePattern | None = None


@dataclass(frozen=True)
class MapResult:
    """Everything that the analysis found, before it is put into words.

    `maps` are those of `fit_block`, each (lines, points); `labels` give each point's region, 0
    where nothing was measured; ``regions[0]`` is the whole map.
    """

    scan: Scan
    survey: Survey
    lines: list[MapLine]
    maps: Mapping[str, NDArray[Any]]
    labels: NDArray[np.int64]
    regions: list[RegionResult]
    phase_lines: list[PhaseLines]
    phase_maps: list[PhaseMap]
    settings: FitSettings
    decision: float


class MapJob:
    """One map on its way through the passes."""

    def __init__(
        self,
        measurement: Measurement,
        params: MapsParams,
        context: AnalysisContext,
        scan: Scan,
        references: list[ReferencePattern],
    ) -> None:
        self.measurement, self.params, self.context = measurement, params, context
        self.scan, self.references = scan, references
        self.steps = 3 * len(scan.blocks) + 2
        origin = measurement.record.origin
        self.origin = "simulated" if origin == "simulated" else "measured"
        about = measurement.metadata
        second = about.get("wavelength2")
        self.source = (
            None
            if scan.wavelength is None
            else Source(
                scan.wavelength,
                float(second["value"]) if isinstance(second, Mapping) else None,
                float(ratio) if isinstance(ratio := about.get("ka2_ratio"), int | float) else None,
            )
        )
        self.blank: Pattern | None = None
        if params.blank is not None:
            axis = Pattern("q", scan.q, scan.q, None, "arbitrary", self.source, self.origin)
            self.blank = reference_file_pattern(params.blank, context.references, axis, "blank")
        self.settings: MatchSettings = match_settings(
            params, about.get("geometry"), scan.wavelength
        )

    def run(self) -> MapResult:
        """Survey, fit, group, identify."""
        scan, params = self.scan, self.params
        blocks = len(scan.blocks)
        reading = "integrating frames" if scan.pixels else "reading patterns"
        first = survey(scan, lambda i: self.tell(i, reading))
        if not first.mean.total.max() > 0:
            raise BadInputError(
                "every intensity of the map is zero or below, so there is nothing to fit",
                fix="check the measurement; its notices say what is wrong",
            )
        self.tell(blocks, "lines of the mean and the maximum")
        counts = scan.read(0).gain is not None
        whole, fit = self.fitted(mean_pattern(first.mean, scan, counts, self.origin, self.source))
        highest = Pattern("q", scan.q, first.maximum, None, "arbitrary", self.source, self.origin)
        brightest = self.peaks(highest)
        step = float(np.median(np.diff(scan.q)))
        lines = map_lines([("mean", fit.peaks), ("maximum", brightest.peaks)], step)
        windows = windows_of(lines, scan.q)
        fitting = FitSettings(
            params.batch_baseline,
            params.lam if params.lam is not None else float(fit.baseline.parameters["lam"]),
            params.p,
            params.decision,
            params.stands_out,
            params.largest_shift,
            *self.under(lines, fit),
        )
        sample = self.sample()
        components = components_of(self.source)
        lines = with_common_fractions(sample, scan.q, lines, windows, fitting, components)
        lines = with_shares(sample, scan.q, lines, windows, fitting, components)
        lines = with_baselines(sample, scan.q, lines, windows, fitting, components)
        maps = self.fit(lines, windows, fitting)
        if params.regions:
            labels, names = named_regions(params.regions, scan.shape)
        else:
            labels, _ = alike(maps["area"], maps["null_std"], params.most_regions)
            names = [f"region {i}" for i in range(1, int(labels.max()) + 1)]
        regions = [self.identified("map", scan.points, whole, fit)]
        if len(names) > 1 or params.regions:
            regions += self.regions(labels, names, counts, 2 * blocks + 1)
        present: dict[str, Pairing] = {}
        for region in regions:
            for result in region.results:
                if result.status == "present":
                    present.setdefault(result.phase, region.pairing)
        phase_lines = [p for p in assign_lines(lines, present) if p.used]
        phase_maps = [
            phase_map(
                p,
                maps,
                params.decision,
                max(lines[i].own_noise for i in p.used),
                min(lines[i].share for i in p.used),
            )
            for p in phase_lines
        ]
        self.context.progress(self.steps, self.steps, "map done")
        return MapResult(
            scan, first, lines, maps, labels, regions, phase_lines, phase_maps, fitting,
            params.decision,
        )  # fmt: skip

    def tell(self, done: int, what: str) -> None:
        """Progress over all passes."""
        self.context.progress(done, self.steps, what)

    def peaks(self, pattern: Pattern) -> PeakFit:
        """Peaks of one pattern, found as the parameters say."""
        params = self.params
        return fit_peaks(
            pattern,
            significance=params.significance,
            method=params.baseline,
            lam=params.lam,
            p=params.p,
            shape=params.shape,
        )

    def fitted(self, pattern: Pattern) -> tuple[Pattern, PeakFit]:
        """Pattern, less the blank where one is named, and its peaks."""
        if self.blank is None:
            return pattern, self.peaks(pattern)
        return less_blank(pattern, self.blank, self.peaks, self.params.blank or "")

    def under(
        self, lines: Sequence[MapLine], fit: PeakFit
    ) -> tuple[NDArray[np.float64] | None, NDArray[np.bool_] | None]:
        """Smoothed blank on the map's axis and the points beside all lines; None without one."""
        if self.blank is None:
            return None, None
        q = self.scan.q
        inside = (q >= self.blank.x[0]) & (q <= self.blank.x[-1])
        clear = inside.copy()
        for line in lines:
            clear &= np.abs(q - line.center) > CLEAR * line.fwhm
        if np.count_nonzero(clear) < LEAST:
            raise BadInputError(
                f"only {np.count_nonzero(clear)} points of background lie within the blank; at "
                f"least {LEAST} are needed",
                fix="give a blank over the range of the map",
            )
        halo = smoothed_blank(self.blank, q, fit.fwhm_points * float(np.median(np.diff(q))))
        return np.where(inside, halo, 0.0), clear

    def sample(self, most: int = 192) -> Block:
        """Patterns of points spread over the map."""
        scan = self.scan
        wanted = np.unique(np.linspace(0, scan.points - 1, min(scan.points, most)).astype(int))
        parts = []
        for i, (first, last) in enumerate(scan.blocks):
            inside = wanted[(wanted >= first) & (wanted < last)] - first
            if len(inside):
                parts.append(scan.read(i).at(inside))
        return Block.joined(parts)

    def identified(self, name: str, points: int, pattern: Pattern, fit: PeakFit) -> RegionResult:
        """What the peaks of a pattern say of the phases."""
        params, q = self.params, self.scan.q
        pairing, results, whole = identify_pattern(
            pattern,
            fit,
            observed_from_fit(fit, pattern, params.profile_std),
            self.references,
            (float(q[0]), float(q[-1])),
            self.settings,
            params.least_share,
            params.greatest_chance,
            params.whole_pattern,
        )
        return RegionResult(name, points, pattern, fit, pairing, results, whole)

    def fit(
        self, lines: list[MapLine], windows: list[Window], settings: FitSettings
    ) -> dict[str, NDArray[Any]]:
        """All patterns, block by block, from the cache where an earlier run got that far."""
        scan = self.scan
        components = components_of(self.source)
        identity = {
            "what": "xrd.maps fits",
            "format": FORMAT,
            "version": __version__,
            "measurement": self.measurement.id,
            "parameters": self.params.model_dump(mode="json"),
            # seven digits: the last ones of doubles may differ from run to run
            "lines": [[f"{v:.7g}" for v in (i.center, i.fwhm, i.eta)] for i in lines],
            "lam": f"{settings.lam:.7g}",
            "blank": None
            if self.blank is None
            else hashlib.sha256(self.blank.intensity.tobytes()).hexdigest(),
            "blocks": [list(b) for b in scan.blocks],
        }
        parts: list[Mapping[str, NDArray[Any]]] = list(
            in_blocks(
                len(scan.blocks),
                lambda i: fit_block(scan.read(i), scan.q, lines, windows, settings, components),
                Checkpoints(self.context.cache, identity),
                progress=self.context.progress,
                what=f"fitting {len(lines)} lines in each pattern",
                first=len(scan.blocks) + 1,
                total=self.steps,
            )
        )
        return {key: np.concatenate([p[key] for p in parts], axis=-1) for key in parts[0]}

    def regions(
        self, labels: NDArray[np.int64], names: list[str], counts: bool, done: int
    ) -> list[RegionResult]:
        """Patterns of the regions, and what is in them."""
        scan = self.scan
        sums = [Summed.of(len(scan.q)) for _ in names]
        for i, (first, last) in enumerate(scan.blocks):
            self.tell(done + i, "patterns of regions")
            block = scan.read(i)
            for number, summed in enumerate(sums, 1):
                summed.add(block, labels[first:last] == number)
        out = []
        for name, summed in zip(names, sums, strict=True):
            if not summed.points or not summed.total.max() > 0:
                continue
            pattern, fit = self.fitted(mean_pattern(summed, scan, counts, self.origin, self.source))
            out.append(self.identified(name, summed.points, pattern, fit))
        return out

    def notices(self, found: MapResult) -> list[Notice]:
        """What a user should know of how the map was made."""
        scan = self.scan
        said = list(scan.notes)
        if scan.pixels:
            about = scan.pixels
            said.append(
                f"pixels left out of all frames: {about['masked_by_file']} masked by the file, "
                f"{about['dead']} dead, {about['negative']} negative in all frames looked at; in "
                f"single frames {about.get('saturated', 0)} saturated and "
                f"{about.get('negative_in_single_frames', 0)} negative"
            )
        dark = int(found.survey.dark.sum())
        if dark:
            said.append(f"{dark} of {scan.points} points hold no intensity at all; masked")
        if found.survey.negative:
            said.append(f"{found.survey.negative} intensities are below zero; kept as they are")
        merged = sum(line.merged > 1 for line in found.lines)
        if merged:
            said.append(
                f"{merged} lines of the map stand for peaks that the mean pattern does not resolve"
            )
        said += [t for t in found.regions[0].pattern.warnings if "blank" in t]
        shift = found.regions[0].pairing.shift
        return [
            *(Notice(code="map", message=text, severity="info") for text in said),
            Notice(code="line-shift", message=shift.sentence(), severity="info"),
        ]
