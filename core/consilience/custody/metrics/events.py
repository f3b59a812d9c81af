"""Metrics from what was done to a sample: mills, freezes, coats, cold transfers, temperature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from consilience.custody.chain import Link, instant
from consilience.custody.conditions import bounds
from consilience.custody.metric import METRICS, Metric
from consilience.custody.metrics.answers import (
    freezes_in_force,
    ids_of,
    interval,
    known,
    name_of,
    names_of,
    nothing,
    past_of,
    range_words,
    unknown,
)
from consilience.custody.past.spans import Range
from consilience.model.base import Quantity
from consilience.model.sample import Step

if TYPE_CHECKING:
    from consilience.custody.custody import Custody
    from consilience.model.measurement import MeasurementRecord

__all__ = [
    "COLD",
    "HIGH_VACUUM",
    "REACTIVE_IONS",
    "coated",
    "cryo_uhv_transfer",
    "frozen_liquid",
    "slow_freezes",
    "temperature",
    "warm_reactive_mills",
]

REACTIVE_IONS = ("Ga",)
"""Ions that alloy with lithium (LiGuide); Xe and Ar do not."""
COLD = 200.0
"""K; a transfer at or below is cold: between a cryo-stage (90 K) and a room."""
HIGH_VACUUM = 0.1
"""Pa (1e-3 mbar); at or below is vacuum for a transfer."""


def warm_reactive_mills(
    custody: Custody, record: MeasurementRecord, parameter: float | None = None
) -> Metric:
    """Return how many mills with a reactive ion were warmer than the given temperature (K)."""
    name = "warm_reactive_mills"
    assert parameter is not None
    past = past_of(custody, record)
    if not past.recorded:
        return nothing(name, record)
    mills = _milling(past.certain)
    unsure = _milling(past.uncertain)

    def hit(step: Step) -> bool | None:
        ion = step.conditions.get("ion")
        if ion is not None and ion not in REACTIVE_IONS:
            return False
        low, high = bounds(step.conditions.get("temperature"), "K")
        if high is not None and high <= parameter:
            return False
        return True if ion is not None and low is not None and low > parameter else None

    metric = _count(
        name, mills, unsure, hit, f"with {'/'.join(REACTIVE_IONS)}, warmer than {parameter:g} K"
    )
    sample = custody.samples.get(record.sample)
    cut_unknown = [p for p, cut in past.cuts.items() if cut is None]
    lifted = [k for k in past.certain if k.step.type == "lift_out"]
    if not mills and not unsure and (cut_unknown or lifted) and sample is not None:
        why = "it was cut, but no mill and no ion is recorded"
        return Metric(name, None, METRICS[name].unit, None, why, ids_of(lifted))
    return metric


def frozen_liquid(custody: Custody, record: MeasurementRecord, _: float | None = None) -> Metric:
    """Return 1 where liquid was frozen and neither thawed for work nor dried off, 0 where none."""
    name = "frozen_liquid"
    past = past_of(custody, record)
    if not past.recorded:
        return nothing(name, record)
    if any(k.step.type == "freeze" for k in past.uncertain):
        return unknown(
            name,
            "not known whether it was frozen before or after",
            *ids_of([k for k in past.uncertain if k.step.type == "freeze"]),
        )
    freezes = freezes_in_force(past)
    if freezes is None:
        several = [k for k in past.certain if k.step.type == "freeze"]
        return unknown(name, f"not known which came last: {names_of(several)}", *ids_of(several))
    if not freezes:
        cold = [k for k in past.certain if _cold(k.step)]
        if cold:
            return unknown(
                name, f"it was cold in {names_of(cold)}, but no freeze is recorded", *ids_of(cold)
            )
        return known(name, 0.0, "no freeze is recorded")
    liquids = [(k, k.step.conditions.get("liquid")) for k in freezes]
    wet = [(k, word) for k, word in liquids if isinstance(word, str) and word != "none"]
    silent = [k for k, word in liquids if not isinstance(word, str)]
    if not wet and silent:
        return unknown(name, f"{names_of(silent)} does not say what liquid", *ids_of(silent))
    if not wet:
        return known(name, 0.0, f"{names_of(freezes)}: no liquid", *ids_of(freezes))
    last, liquid = wet[-1]
    dried = [k for k in [*past.certain, *past.uncertain] if k.step.type == "dry"]
    after = [(k, past.earlier(last, k) if k.order != "unknown" else None) for k in dried]
    if any(later for _, later in after):
        return known(name, 0.0, f"{liquid} was frozen, then dried off", *ids_of(dried))
    if any(later is None for _, later in after):
        return unknown(
            name,
            f"{liquid} was frozen; not known whether it was dried after that",
            last.step.id,
            *ids_of(dried),
        )
    return known(name, 1.0, f"{name_of(last.step)}: {liquid}", last.step.id)


def slow_freezes(custody: Custody, record: MeasurementRecord, _: float | None = None) -> Metric:
    """Return how many freezes were slow: LN2 poured, or on a cold stage."""
    past = past_of(custody, record)
    if not past.recorded:
        return nothing("slow_freezes", record)

    def slow(step: Step) -> bool | None:
        method = step.conditions.get("method")
        return None if method is None else method in ("poured", "stage")

    freezes = _merged(past.certain, "freeze")
    return _count("slow_freezes", freezes, _merged(past.uncertain, "freeze"), slow, "slow")


def coated(custody: Custody, record: MeasurementRecord, _: float | None = None) -> Metric:
    """Return 1 where a coat was put on and not milled or cut since, 0 where none was."""
    name = "coated"
    past = past_of(custody, record)
    if not past.recorded:
        return nothing(name, record)
    coats = [k for k in past.certain if k.step.type == "coat"]
    unsure = [k for k in past.uncertain if k.step.type == "coat"]
    if not coats:
        if unsure:
            return unknown(
                name, f"not known whether before or after: {names_of(unsure)}", *ids_of(unsure)
            )
        return known(name, 0.0, "no coat is recorded")
    removing = [k for k in [*past.certain, *past.uncertain] if k.step.type in ("mill", "lift_out")]
    for coat in coats:
        if all(k.order != "unknown" and past.earlier(k, coat) for k in removing):
            if coat.inherited_from is not None and past.cuts.get(coat.inherited_from) is None:
                continue
            material = coat.step.conditions.get("material", "what is not recorded")
            return known(name, 1.0, f"coated with {material}", coat.step.id)
    return unknown(
        name,
        f"coated, but milled or cut since, or in unknown order: {names_of(removing)}",
        *ids_of([*coats, *removing]),
    )


def cryo_uhv_transfer(
    custody: Custody, record: MeasurementRecord, _: float | None = None
) -> Metric:
    """Return 1 where it was carried cold and in vacuum since it was last milled, 0 where not."""
    name = "cryo_uhv_transfer"
    past = past_of(custody, record)
    if not past.recorded:
        return nothing(name, record)
    mills = [k for k in past.certain if k.step.type in ("mill", "lift_out")]
    transfers = [
        (k, not any(past.earlier(k, m) for m in mills))
        for k in [*past.certain, *past.uncertain]
        if k.step.type == "transfer"
    ]
    late = [k for k, counts in transfers if counts]
    if not late:
        return unknown(
            name,
            "no transfer since it was last milled is recorded"
            if mills
            else "no transfer is recorded",
        )
    answers = [_cold_and_vacuum(k.step) for k in late]
    for link, answer in zip(late, answers, strict=True):
        surely_after = link.order != "unknown" and all(past.earlier(m, link) for m in mills)
        if answer and surely_after:
            return known(name, 1.0, f"{name_of(link.step)}: cold and in vacuum", link.step.id)
    if all(answer is False for answer in answers):
        return known(name, 0.0, f"not cold, or not in vacuum: {names_of(late)}", *ids_of(late))
    return unknown(
        name, f"temperature, pressure or order not recorded: {names_of(late)}", *ids_of(late)
    )


def temperature(custody: Custody, record: MeasurementRecord, _: float | None = None) -> Metric:
    """Return the temperature of the sample in the measurement, where all who say it agree."""
    said: list[tuple[str, str | None, tuple[float | None, float | None]]] = []
    for exposure in record.exposures:
        if exposure.temperature is not None:
            word = "the file" if exposure.source == "file" else f"the {exposure.source}"
            said.append((word, None, bounds(exposure.temperature, "K")))
    for where, values in (("the file", record.metadata), ("the state", record.state)):
        value = values.get("temperature")
        if (
            isinstance(value, dict)
            and set(value) >= {"value", "unit"}
            and value["value"] is not None
        ):
            value = Quantity(value=value["value"], unit=value["unit"])
        if isinstance(value, Quantity | str):
            said.append((where, None, bounds(value, "K")))
    said += [
        (name_of(s), s.id, bounds(s.conditions["temperature"], "K"))
        for s in custody.measure_steps(record)
        if "temperature" in s.conditions
    ]
    said = [item for item in said if item[2] != (None, None)]
    if not said:
        return unknown("temperature", "neither the file nor a measure step says it")
    silent = [s for s in custody.measure_steps(record) if "temperature" not in s.conditions]
    lows = [low for _, _, (low, _) in said if low is not None]
    highs = [high for _, _, (_, high) in said if high is not None]
    why = "; ".join(f"{who}: {range_words(low, high)}" for who, _, (low, high) in said)
    evidence = tuple(i for _, i, _ in said if i is not None)
    exact = [low for _, _, (low, high) in said if low is not None and low == high]
    spread = max([*lows, *highs]) - min([*lows, *highs])
    only_steps = len(evidence) == len(said) and len(silent) > 0
    if exact and spread <= 1.0 and not only_steps:
        return Metric("temperature", exact[0], "K", None, why, evidence)
    if only_steps:
        return Metric(
            "temperature", None, "K", None, f"{why}; {name_of(silent[0])} does not", evidence
        )
    return Metric(
        "temperature",
        None,
        "K",
        min(lows) if len(lows) == len(said) else None,
        why if not exact else f"{why}: these differ",
        evidence,
        max(highs) if len(highs) == len(said) else None,
    )


def _merged(links: Sequence[Link], *types: str) -> list[Link]:
    """Return links of these types; two that join without a gap and are alike count once."""
    kept: list[Link] = []
    for link in links:
        if link.step.type not in types:
            continue
        before = kept[-1].step if kept else None
        joined = (
            before is not None
            and before.sample == link.step.sample
            and before.type == link.step.type
            and _undurated(before) == _undurated(link.step)
            and instant(before.end) is not None
            and instant(before.end) == instant(link.step.start)
        )
        if joined:
            kept[-1] = link
        else:
            kept.append(link)
    return kept


def _undurated(step: Step) -> dict[str, object]:
    return {k: v for k, v in step.conditions.items() if k != "duration"}


def _milling(links: Sequence[Link]) -> list[Link]:
    return [
        k
        for k in _merged(links, "mill", "lift_out", "coat")
        if k.step.type == "mill" or "ion" in k.step.conditions
    ]


def _count(
    name: str,
    links: Sequence[Link],
    unsure: Sequence[Link],
    hit: Callable[[Step], bool | None],
    words: str,
) -> Metric:
    answers = [(k, hit(k.step)) for k in links]
    yes = [k for k, answer in answers if answer]
    maybe = [k for k, answer in answers if answer is None]
    maybe += [k for k in unsure if hit(k.step) is not False]
    why = [f"{words}: {names_of(yes)}" if yes else f"{words}: none recorded"]
    if maybe:
        why.append(f"not known of {names_of(maybe)}")
    found: Range = (float(len(yes)), float(len(yes) + len(maybe)))
    return interval(name, found, 1.0, why, [*yes, *maybe])


def _cold(step: Step) -> bool | None:
    low, high = bounds(step.conditions.get("temperature"), "K")
    if high is not None and high <= COLD:
        return True
    return False if low is not None and low > COLD else None


def _cold_and_vacuum(step: Step) -> bool | None:
    cold = _cold(step)
    low, high = bounds(step.conditions.get("pressure"), "Pa")
    gas = str(step.conditions.get("atmosphere", step.conditions.get("cover_gas", "")))
    vacuum: bool | None = None
    if high is not None and high <= HIGH_VACUUM:
        vacuum = True
    elif low is not None and low > HIGH_VACUUM:
        vacuum = False
    elif gas in ("vacuum", "UHV") or "vacuum" in str(step.conditions.get("carrier", "")):
        vacuum = True
    elif gas:
        vacuum = False
    if cold is False or vacuum is False:
        return False
    return True if cold and vacuum else None
