"""What a comparison may ask for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING

from consilience.declarations import Kind
from consilience.lineage import Relation, relation
from consilience.model.association import AssociationRequest
from consilience.model.finding import Finding
from consilience.model.sample import Sample, Step
from consilience.model.stoichiometry import Homogeneity
from consilience.model.verdict import Margin

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["ComparisonContext"]


@dataclass(frozen=True)
class ComparisonContext:
    """Samples, kinds, margins and level that hold for the whole study.

    Parameters
    ----------
    samples, kinds : mapping
        By ID and by name.
    modalities : mapping
        Finding ID to the modality of its measurements, or "entered".
    margins : mapping
        Kind name to the study's own margin; the kind's default otherwise.
    level : float
        Significance level of each one-sided test; 0.05.
    listed : mapping
        Sample ID to the findings of a *complete* list of what was weighed in.
    steps : sequence of Step
        What happened to the samples.
    starts : mapping
        Measurement ID to when it started; None or missing if unknown.
    sequences : mapping
        Measurement ID to its place in the chain of its sample, where that is known.
    groups : mapping
        Finding ID to all findings that its run made of one kind, sample, region and state.
    homogeneity : mapping
        Formula to the range of compositions that the study states for a phase.
    open_array : callable, optional
        Opens an array that a finding names, such as a joint covariance.
    associations : sequence of AssociationRequest
        Pairs of quantities that the study asks to be held against each other over states.
    maps : mapping
        Sample ID to its findings that name a map or profile by ``evidence["variable"]``.
    unsound : collection of str
        Findings that a rule doubts or leaves out.
    elements : mapping
        Sample ID to what findings say of elements: their presence and their atomic fractions.
    """

    samples: Mapping[str, Sample]
    kinds: Mapping[str, Kind]
    modalities: Mapping[str, str]
    margins: Mapping[str, Margin] = field(default_factory=dict)
    level: float = 0.05
    listed: Mapping[str, Sequence[Finding]] = field(default_factory=dict)
    steps: Sequence[Step] = ()
    starts: Mapping[str, str | None] = field(default_factory=dict)
    sequences: Mapping[str, int | None] = field(default_factory=dict)
    groups: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    homogeneity: Mapping[str, Homogeneity] = field(default_factory=dict)
    open_array: Callable[[str], xr.Dataset] | None = None
    associations: Sequence[AssociationRequest] = ()
    maps: Mapping[str, Sequence[Finding]] = field(default_factory=dict)
    unsound: Collection[str] = ()
    elements: Mapping[str, Sequence[Finding]] = field(default_factory=dict)

    @property
    def z(self) -> float:
        """The normal quantile of one-sided tests at the level: 1.645."""
        return NormalDist().inv_cdf(1.0 - self.level)

    def relation(self, first: Finding, second: Finding) -> Relation:
        """Return what the second finding's sample is to the first one's."""
        return relation(self.samples, first.sample, second.sample)

    def repeat(self, first: Finding, second: Finding) -> bool:
        """Return True if both come from one technique."""
        return self.modalities.get(first.id) == self.modalities.get(second.id)

    def group(self, finding: Finding) -> tuple[Finding, ...]:
        """Return the findings that say one thing together with this one, itself included."""
        return self.groups.get(finding.id, (finding,))

    def margin(self, kind: str) -> Margin | None:
        """Return the margin for a kind: the study's own, else the default, else None."""
        if kind in self.margins:
            return self.margins[kind]
        declared = self.kinds[kind]
        if declared.margin is None or declared.unit is None:
            return None
        return Margin(
            value=declared.margin,
            unit="1" if declared.margin_relative else declared.unit,
            relative=declared.margin_relative,
            reason=declared.margin_reason,
        )

    def name(self, finding: Finding) -> str:
        """Return a finding's short name for reasons: modality and sample."""
        return f"{self.modalities.get(finding.id, '?')} on {finding.sample}"
