"""The whole input of the report, as plain objects of the model.

Nothing else reaches the page: no clock, no environment, no open file.  Equal content gives
equal bytes, whatever the order in which its parts were collected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from consilience.custody.traces import Trace
from consilience.declarations import Kind, Modality, PluginInfo
from consilience.model.base import Origin
from consilience.model.finding import Finding
from consilience.model.measurement import MeasurementRecord, Notice
from consilience.model.sample import Sample, SensorSeries, Step
from consilience.model.verdict import Caveat, Verdict
from consilience.registry import FailedPlugin
from consilience.report.chain_columns import Threshold
from consilience.rules.measured import Checked
from consilience.view import Block

__all__ = ["FailedView", "JournalHead", "ReportContent", "Section"]


@dataclass(frozen=True)
class JournalHead:
    """Number and SHA-256 of the last record of the journal."""

    seq: int
    hash: str


@dataclass(frozen=True)
class Section:
    """What one view of a plugin adds to the report.

    Parameters
    ----------
    title : str
    blocks : sequence of Figure, Table or Text
    plugin, view : str
        Who made it: name of the plugin and key of the view.
    measurement : str, optional
        ID of the measurement beside whose card it stands.
    sample : str, optional
        ID of the sample beside whose findings it stands; without `measurement` and
        `sample` the section speaks of the whole study.
    """

    title: str
    blocks: Sequence[Block]
    plugin: str
    view: str = ""
    measurement: str | None = None
    sample: str | None = None


@dataclass(frozen=True)
class FailedView:
    """A view that raised: which, for what, why, and what to do."""

    plugin: str
    view: str
    reason: str
    fix: str
    measurement: str | None = None
    sample: str | None = None


@dataclass(frozen=True)
class ReportContent:
    """Everything that a report says.

    Parameters
    ----------
    study : str
        Name of the study, the title of the page.
    description : str
        A paragraph under the title, plain text.
    samples, steps, series, measurements, findings, verdicts, caveats
        Objects of the model; `steps` in the order in which they were entered.
    traces : sequence of Trace
        The sensor series, thinned for the picture of the chain.
    thresholds : sequence of Threshold
        What rules call an excursion of a sensor.
    contradictions : int
        How many pairs of records cannot be true together.
    unfounded : sequence of Checked
        What speaks against measurements that no finding rests on.
    dose_known : mapping, optional
        Measurement ID to whether its dose is known, of those whose technique asks for it; None:
        all are asked, and their exposures alone can tell.
    custody : sequence of Section
        Contradictions, doses, protocols, completeness and methods, after the steps.
    agreement : sequence of Section
        What is said of what and who can speak of what, after the verdicts.
    sections : sequence of Section
        What the views of the plugins add, in order; see `consilience.report.views`.
    failed_views : sequence of FailedView
    failed_plugins : sequence of FailedPlugin
    plugins : sequence of PluginInfo
        The plugins that loaded.
    kinds, modalities : sequence of declarations
        Give titles and units, and say what a technique cannot see.
    versions : mapping
        Package name to version: what the numbers were computed with.
    journal : JournalHead or None
        None: the study has no journal (content made by hand); the report says so.
    notices : sequence of Notice
        Problems of the study as a whole.
    generated_by : str
        Program and version.
    generated_at : str or None
        Printed as given; None leaves the time out, and equal studies give equal bytes.
    """

    study: str
    description: str = ""
    samples: Sequence[Sample] = ()
    steps: Sequence[Step] = ()
    series: Sequence[SensorSeries] = ()
    traces: Sequence[Trace] = ()
    thresholds: Sequence[Threshold] = ()
    measurements: Sequence[MeasurementRecord] = ()
    findings: Sequence[Finding] = ()
    verdicts: Sequence[Verdict] = ()
    caveats: Sequence[Caveat] = ()
    contradictions: int = 0
    unfounded: Sequence[Checked] = ()
    dose_known: Mapping[str, bool] | None = None
    custody: Sequence[Section] = ()
    agreement: Sequence[Section] = ()
    sections: Sequence[Section] = ()
    failed_views: Sequence[FailedView] = ()
    failed_plugins: Sequence[FailedPlugin] = ()
    plugins: Sequence[PluginInfo] = ()
    kinds: Sequence[Kind] = ()
    modalities: Sequence[Modality] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    journal: JournalHead | None = None
    notices: Sequence[Notice] = ()
    generated_by: str = "consilience"
    generated_at: str | None = None

    @property
    def origins(self) -> dict[Origin, int]:
        """How many measurements (or findings, where there are none) have each origin."""
        counts: dict[Origin, int] = {"measured": 0, "simulated": 0, "entered": 0}
        for item in self.measurements or self.findings:
            counts[item.origin] += 1
        return counts

    def caveats_of(self, finding: str) -> list[Caveat]:
        """Return all caveats of a finding, those that came with a verdict included, each once."""
        return self._by_finding.get(finding, [])

    @cached_property
    def _by_finding(self) -> dict[str, list[Caveat]]:
        # once for all findings: a study has thousands, and as many verdicts
        found: dict[str, dict[str, Caveat]] = {}
        for caveat in [*self.caveats, *(c for v in self.verdicts for c in v.caveats)]:
            found.setdefault(caveat.finding, {}).setdefault(repr(caveat), caveat)
        order = {"veto": 0, "doubt": 1, "note": 2}
        return {
            key: sorted(each.values(), key=lambda c: (order[c.effect], c.rule, c.message))
            for key, each in found.items()
        }
