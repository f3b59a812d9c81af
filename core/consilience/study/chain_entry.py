"""Entering samples and what happened to them: lineage and chain of a study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from consilience.errors import BadInputError
from consilience.lineage import check_lineage
from consilience.model.finding import Region
from consilience.model.sample import Sample, Step
from consilience.study.added import Added
from consilience.study.stating import Stating

if TYPE_CHECKING:
    from consilience.store import Index

__all__ = ["ChainEntry"]


class ChainEntry(Stating):
    """Samples and steps; what was acknowledged is in the journal."""

    def add_sample(self, sample: Sample | str, *, revise: bool = False, **fields: Any) -> Added:
        """Register a sample.

        Parameters
        ----------
        sample : Sample or str
            A sample, or its ID with the other fields as keyword arguments.
        revise : bool
            Replace what was said of a sample with this ID; the journal keeps both.

        Raises
        ------
        BadInputError
            The ID is taken with other content, a parent or control is unknown, or
            the lineage would be cyclic.
        """
        from consilience.study.entering import validated
        from consilience.study.materials import notices_of_sample

        if isinstance(sample, Sample):
            new = sample
        else:
            new = validated(Sample, {"id": sample, **fields}, f"sample {sample!r}")

        def settled(index: Index) -> bool:
            # under the journal's lock, so that two programs cannot tie a knot together
            samples = {
                str(e.body["id"]): Sample.model_validate(e.body) for e in index.latest("sample")
            }
            known = samples.get(new.id)
            if known == new:
                return True
            if known is not None and not revise:
                differs = [k for k, v in new.to_json().items() if known.to_json()[k] != v]
                raise BadInputError(
                    f"sample {new.id!r} is already registered with another {', '.join(differs)}",
                    fix="choose another ID, or revise it (--revise); the journal keeps both",
                )
            check_lineage(samples, new)
            return False

        appended = self.store.append_unless(settled, [("sample", new.to_json())])
        return Added("sample", new.id, bool(appended), new.title, notices_of_sample(self, new))

    def add_step(self, step: Step | Mapping[str, Any]) -> list[Added]:
        """Register a step of a sample, and what a preparation says of it.

        Parameters
        ----------
        step : Step or mapping
            Conditions may be written as text with units (``"90 K"``); times need a
            time zone.
        """
        from consilience.study.deriving import check_derivation, identified
        from consilience.study.entering import findings_of_step
        from consilience.study.steps import notices_of_step, step_from

        checked = identified(step if isinstance(step, Step) else step_from(step))
        self.sample(checked.sample)
        findings = findings_of_step(checked)

        def known(_: Index) -> bool:
            if self.holds("step", checked.id):
                return True
            if checked.derives is not None:
                check_derivation(checked, self.samples(), self.steps())
            return False

        appended = self.store.append_unless(
            known, [("step", checked.to_json()), *(("finding", f.to_json()) for f in findings)]
        )
        notices = notices_of_step(checked)
        if not appended:
            return [Added("step", checked.id, False, checked.type, notices)]
        return [
            Added("step", checked.id, True, checked.type, notices),
            *(Added("finding", f.id, True, f.kind) for f in findings),
        ]

    def derive(
        self,
        child: str,
        parent: str,
        by: str | Mapping[str, Any],
        *,
        cut: Region | Mapping[str, Any] | None = None,
        remains: str = "",
        step: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> list[Added]:
        """Make a child sample from a parent by a step: both in one append to the journal.

        Parameters
        ----------
        child, parent : str
            IDs; the parent is registered.
        by : str or mapping
            Type of the step (``"lift_out"``), or the whole step.
        cut : Region or mapping, optional
            Where in the parent it was cut; None if unknown.
        remains : str
            What is left of the parent; ``"nothing"`` if it was used up.
        step : mapping, optional
            The step's other fields: conditions, start, end, time_zone, sequence, citation, …
        **fields
            The child's other fields: title, elements, materials, note, …

        Raises
        ------
        BadInputError
            The child exists with other content, another step made it, or a field is wrong;
            nothing is registered then.
        """
        from consilience.study.deriving import derive_sample

        return derive_sample(self, child, parent, by, cut=cut, remains=remains, step=step, **fields)
