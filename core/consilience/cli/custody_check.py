"""``consilience custody check``: what speaks against measurements, chains against plans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from consilience.cli.output import fail_well, print_json, say

if TYPE_CHECKING:
    from consilience.custody.conflicts.contradictions import Contradiction
    from consilience.custody.protocols.holding import Held
    from consilience.rules import Checked

__all__ = ["BROKEN", "check"]

BROKEN = 9
"""Exit code where something is contradicted, doubted, vetoed or broken."""


@fail_well
def check(
    context: typer.Context,
    protocol: Annotated[
        str | None, typer.Option("--protocol", help="Name, or a .toml file; else the study's own.")
    ] = None,
    sample: Annotated[str | None, typer.Option("--sample", help="Only of this sample.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON for scripts.")] = False,
) -> None:
    """Say what speaks against each measurement; then hold chains against protocols.

    Contradictions and rules need no finding; rules that ask what a finding is about wait for one.
    The exit code is 9 if anything is contradicted, doubted, vetoed or broken.
    """
    from consilience.study import Study

    with Study.open(context.obj.study) as study:
        checked = study.judge(sample)
        found = [c for c in study.custody().contradictions if sample is None or sample in c.samples]
        # what touches the past of a measurement can be an ancestor's
        found += [c for m in checked for c in m.contradictions if c not in found]
        found = list(dict.fromkeys(found))
        own = protocol is not None or bool(study.protocols())
        held = study.check(protocol, sample) if own else []
        stepped = bool(study.custody().steps)
    if as_json:
        print_json(
            {
                "contradictions": [c.to_json() for c in found],
                "measurements": [m.to_json() for m in checked],
                "protocols": [_as_json(h) for h in held],
            }
        )
    else:
        _say_all(found, checked, stepped)
        if held:
            say()
        for item in held:
            _show(item)
        if not own:
            from consilience.custody.protocols.protocol import shipped_protocols

            say(f"no protocol is held against: --protocol with {', '.join(shipped_protocols())}")
    if found or any(m.grave for m in checked) or any(h.result == "broken" for h in held):
        raise typer.Exit(BROKEN)


def _say_all(found: Sequence[Contradiction], checked: Sequence[Checked], stepped: bool) -> None:
    if not stepped:
        say("no sample has steps yet; add one with 'consilience step add TYPE --sample ID'")
    for number, item in enumerate(found, start=1):
        say(f"contradiction {number}: {item.words}")
        say(f"  fix: {item.fix}")
    grouped: dict[tuple[str, str, tuple[str, ...]], list[Checked]] = {}
    for one in checked:
        lines = tuple(_lines(one, found))
        grouped.setdefault((one.sample, one.modality, lines), []).append(one)
    for (sample, modality, lines), members in grouped.items():
        names = ", ".join(m.name for m in members[:4])
        more = f" and {len(members) - 4} more" if len(members) > 4 else ""
        say(f"{sample}, {modality} ({names}{more}): {_counted(members[0])}")
        for line in lines:
            say(f"  {line}")
    waiting = {rule for one in checked for rule in one.waiting}
    if waiting:
        n = len(waiting)
        say(f"{n} more {'rule asks' if n == 1 else 'rules ask'} what a finding is about: see the "
            "report once there are findings")  # fmt: skip
    if not checked:
        say("no measurement yet, and no step 'measure' with a modality: rules have nothing to ask")


def _counted(one: Checked) -> str:
    counts = Counter(r.effect for r in one.rules)
    words = [f"{counts[w]} {w}{'s' if counts[w] > 1 else ''}" for w in ("doubt", "note")]
    words = [w for w, n in zip(words, (counts["doubt"], counts["note"]), strict=True) if n]
    if counts["veto"]:
        words.insert(0, "1 veto" if counts["veto"] == 1 else f"{counts['veto']} vetoes")
    if one.contradictions:
        n = len(one.contradictions)
        words.insert(0, f"{n} contradiction{'s' if n > 1 else ''}")
    return ", ".join(words) or "no contradiction, no rule fires"


def _lines(one: Checked, found: Sequence[Contradiction]) -> list[str]:
    lines = []
    if one.contradictions:
        numbers = ", ".join(str(found.index(c) + 1) for c in one.contradictions)
        lines.append(f"contradicted: see {numbers} above")
    for rule in one.rules:
        lines += [
            f"{rule.effect} {rule.rule}: {rule.message}",
            f"  to clear it: {rule.clear}",
            f"  source: {rule.citation}",
        ]
    return lines


def _show(held: Held) -> None:
    say(f"{held.sample} against {held.protocol.name} ({held.protocol.title}): {held.result}")
    for number, step in enumerate(held.steps, start=1):
        say(f"  {number}. {step.result}: {step.title}")
        for line in step.why:
            say(f"       {line}")
    if held.beside:
        names = ", ".join(s.title or s.type.replace("_", " ") for s in held.beside)
        say(f"  beside the protocol: {names}")
    say(f"  protocol: {held.protocol.cited}")


def _as_json(held: Held) -> dict[str, Any]:
    return {
        "sample": held.sample,
        "protocol": held.protocol.name,
        "citation": held.protocol.cited,
        "result": held.result,
        "steps": [
            {
                "title": step.title,
                "result": step.result,
                "steps": [s.id for s in step.steps],
                "why": list(step.why),
            }
            for step in held.steps
        ],
        "beside": [s.id for s in held.beside],
    }
