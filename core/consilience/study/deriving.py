"""Making a child sample from its parent: both and the step between them in one journal append."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from consilience.errors import BadInputError
from consilience.lineage import check_lineage
from consilience.model.canonical import content_id
from consilience.model.finding import Region
from consilience.model.sample import Sample, Step
from consilience.study.added import Added
from consilience.study.entering import validated
from consilience.study.materials import notices_of_sample
from consilience.study.steps import notices_of_step, step_from

if TYPE_CHECKING:
    from consilience.study.chain_entry import ChainEntry

__all__ = ["DERIVING", "check_derivation", "derive_sample", "identified"]

DERIVING = ("lift_out", "mill", "disassemble", "prepare")
"""Types of step that can make a child sample."""


def identified(step: Step) -> Step:
    """Return a step with the ID of its content."""
    content = step.to_json()
    del content["id"]
    return step.model_copy(update={"id": content_id("st", content)})


def check_derivation(step: Step, samples: Mapping[str, Sample], steps: Sequence[Step]) -> None:
    """Refuse a step that derives what it cannot.

    Raises
    ------
    BadInputError
        Its type makes no sample, the child is not registered as a child of its sample, or another
        step made the child already.
    """
    if step.derives is None:
        return
    if step.type not in DERIVING:
        raise BadInputError(
            f"step {step.type!r} of {step.sample!r} cannot make sample {step.derives!r}",
            fix=f"a sample is made by one of: {', '.join(DERIVING)}",
        )
    child = samples.get(step.derives)
    if child is None or child.parent != step.sample:
        said = "is not a sample of this study" if child is None else f"has parent {child.parent!r}"
        raise BadInputError(
            f"step {step.type!r} of {step.sample!r} makes sample {step.derives!r}, which {said}",
            fix=f"use 'sample derive {step.derives} --from {step.sample} --by {step.type}', or "
            f"register it with parent {step.sample!r} first",
        )
    made = next((s for s in steps if s.derives == step.derives and s.id != step.id), None)
    if made is not None:
        raise BadInputError(
            f"sample {step.derives!r} was already made by step {made.id} ({made.type} of "
            f"{made.sample!r})",
            fix=f"retract {made.id} with the reason, if it is wrong",
        )


def derive_sample(
    study: ChainEntry,
    child: str,
    parent: str,
    by: str | Mapping[str, Any],
    *,
    cut: Region | Mapping[str, Any] | None = None,
    remains: str = "",
    step: Mapping[str, Any] | None = None,
    **fields: Any,
) -> list[Added]:
    """Register a child sample and the step that made it; see `Study.derive`."""
    known = study.sample(parent)
    stated = dict(by) if isinstance(by, Mapping) else {"type": by, **dict(step or {})}
    for name, value in (("sample", parent), ("derives", child)):
        if stated.get(name, value) != value:
            raise BadInputError(
                f"deriving {child!r} from {parent!r}: the step says {name} = {stated[name]!r}",
                fix=f"leave {name!r} out of the step",
            )
        stated[name] = value
    if remains:
        stated["remains"] = remains
    making = identified(step_from(stated))
    region = cut.to_json() if isinstance(cut, Region) else cut
    said: dict[str, Any] = {"cut": region, **fields}
    fresh = validated(Sample, {"id": child, "parent": known.id, **said}, f"sample {child!r}")
    appended: list[str] = []
    # the sample may be there already, with or without its step: append what is missing, under one
    # lock and in one write
    for records in (
        [("sample", fresh.to_json()), ("step", making.to_json())],
        [("step", making.to_json())],
    ):

        def settled(_: Any, kinds: tuple[str, ...] = tuple(k for k, _ in records)) -> bool:
            samples = study.samples()
            there = samples.get(child)
            if there is not None and _differs(there, fresh, said):
                differs = ", ".join(_differs(there, fresh, said))
                raise BadInputError(
                    f"sample {child!r} is already registered with another {differs}",
                    fix="choose another ID, or revise it with 'sample add --revise'",
                )
            check_lineage(samples, fresh)
            check_derivation(making, {**samples, child: there or fresh}, study.steps())
            if study.holds("step", making.id):
                return True
            return (there is not None) == ("sample" in kinds)

        if study.store.append_unless(settled, records):
            appended = [kind for kind, _ in records]
            break
    return [
        Added("sample", child, "sample" in appended, fresh.title, notices_of_sample(study, fresh)),
        Added("step", making.id, "step" in appended, making.type, notices_of_step(making)),
    ]


def _differs(there: Sample, fresh: Sample, said: Mapping[str, Any]) -> list[str]:
    old, new = there.to_json(), fresh.to_json()
    named = {"parent", *(k for k, v in said.items() if v)}
    return [k for k in new if k in named and old[k] != new[k]]
