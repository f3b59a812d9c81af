"""Commands that look, and change nothing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from consilience.cli.output import Settings, fail_well, print_json, progress_events, say, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consilience.model import Finding
    from consilience.model.verdict import Caveat

__all__ = ["attach"]

Json = Annotated[bool, typer.Option("--json", help="JSON for scripts.")]
MOST_SAID, MOST_RIVALS = 70, 50
"""Characters of a cell of the list of findings."""
ForSample = Annotated[str | None, typer.Option("--sample", help="Only of this sample.")]


def attach(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("samples")(samples)
    app.command("measurements")(measurements)
    app.command("show")(show)
    app.command("findings")(findings)
    app.command("steps")(steps)
    app.command("compare")(compare)
    app.command("reach")(reach)
    app.command("verify")(verify)


@fail_well
def samples(context: typer.Context, as_json: Json = False) -> None:
    """List the samples."""
    from consilience.study import Study

    with Study.open(context.obj.study) as study:
        if as_json:
            print_json([s.to_json() for s in study.samples().values()])
            return
        rows = study.store.index.samples()
        table(
            ["sample", "title", "parent", "control of"],
            [[r.id, r.title or "", r.parent or "", r.control_of or ""] for r in rows],
            "no samples yet; add one with 'consilience sample add ID'",
        )


@fail_well
def measurements(context: typer.Context, sample: ForSample = None, as_json: Json = False) -> None:
    """List the measurements; *cuts*: made before or after a child was cut from the sample."""
    from consilience.custody.relations import cut_marks, cut_words
    from consilience.study import Study

    with Study.open(context.obj.study) as study:
        if sample is not None:
            study.sample(sample)
        records = [r for r in study.measurement_records() if sample is None or r.sample == sample]
        custody = study.custody()
        marks = {r.id: cut_marks(custody, r) for r in records}
        if as_json:
            print_json(
                [{**r.to_json(), "cuts": [m.to_json() for m in marks[r.id]]} for r in records]
            )
            return
        table(
            ["measurement", "sample", "modality", "file", "signal", "origin", "cuts", "notices"],
            [
                [
                    r.id,
                    r.sample,
                    r.modality,
                    r.file_name,
                    r.name,
                    r.origin,
                    cut_words(marks[r.id]),
                    len(r.notices) or "",
                ]
                for r in records
            ],
            "no measurements yet; add one with 'consilience add FILE --sample ID'",
        )


@fail_well
def steps(context: typer.Context, sample: ForSample = None, as_json: Json = False) -> None:
    """List the steps of each sample in their order, their sensors, and what contradicts itself."""
    from consilience.custody.chain import in_order
    from consilience.study import Study

    with Study.open(context.obj.study) as study:
        if sample is not None:
            study.sample(sample)
        found = in_order(study.steps(sample))
        series = study.series()
        if as_json:
            print_json([s.to_json() for s in found])
            return
        table(
            ["step", "sample", "no.", "type", "title", "start", "end", "makes", "series"],
            [
                [
                    s.id,
                    s.sample,
                    s.sequence or "",
                    s.type,
                    s.title,
                    s.start,
                    s.end,
                    s.derives or "",
                    ", ".join(x.id for x in series if x.step == s.id),
                ]
                for s in found
            ],
            "no steps yet; add one with 'consilience step add TYPE --sample ID'",
        )
        for item in study.custody().contradictions:
            if sample is None or sample in item.samples:
                say(f"contradiction: {item.words}")
                say(f"  fix: {item.fix}")


@fail_well
def show(
    context: typer.Context,
    record: Annotated[str, typer.Argument(metavar="ID", help="Any ID, or its beginning.")],
) -> None:
    """Show one record (sample, step, measurement, finding, run, verdict) as JSON."""
    from consilience.study import Study

    with Study.open(context.obj.study) as study:
        print_json(study.show(record))


@fail_well
def findings(
    context: typer.Context,
    kind: Annotated[str | None, typer.Option("--kind", help="Only of this kind.")] = None,
    sample: ForSample = None,
    as_json: Json = False,
) -> None:
    """List the findings; *caveat*: the gravest rule that speaks against one.

    What is long ends in … here; 'consilience show ID' says all of one, --json all of all.
    """
    from consilience.declarations import Kind
    from consilience.study import Study

    with Study.open(context.obj.study) as study:
        if sample is not None:
            study.sample(sample)
        if kind is not None:
            study.registry.get(Kind, kind)
        found = study.findings(kind, sample)
        if as_json:
            print_json([f.to_json() for f in found])
            return
        from consilience.rules import worst_caveat

        records = {r.id: r for r in study.measurement_records()}
        files = Counter(r.file_name for r in records.values())
        names = {
            r.id: r.file_name if files[r.file_name] == 1 else r.title for r in records.values()
        }
        caveats: dict[str, list[Caveat]] = {}
        for caveat in study.caveats(found):
            caveats.setdefault(caveat.finding, []).append(caveat)
        head = ["finding", "sample", "from", "kind", "subject", "state", "says", "caveat"]
        rows = [_finding_row(f, worst_caveat(caveats.get(f.id, ())), names) for f in found]
        if not any(f.state for f in found):  # a column of nothing takes room from the others
            at = head.index("state")
            head.pop(at)
            rows = [row[:at] + row[at + 1 :] for row in rows]
        table([*head, "live rivals", "origin"], rows, "no findings yet; run 'consilience analyse'")


def _finding_row(finding: Finding, worst: Caveat | None, names: Mapping[str, str]) -> list[Any]:
    from consilience.notation import measured, quantity, state
    from consilience.text import shortened

    says = finding.status.replace("_", " ") if finding.status else ""
    if finding.status == "absent_below_limit" and finding.limit is not None:
        says = f"absent below {quantity(float(f'{finding.limit:.3g}'), finding.unit)}"
    if finding.status is None and finding.value is None and finding.subject is not None:
        says = finding.sentence or ""
        if finding.reason or not (says or finding.array):
            says = f"cannot tell: {finding.reason or 'no reason is given'}"
        says = says or "a map or profile, drawn in the report"
    if finding.value is not None:
        number = measured(finding.value, finding.unit, finding.std_stat, finding.std_sys)
        says = f"{says}, {number}" if says else number
    return [
        finding.id,
        finding.sample,
        _origin(finding, names),
        finding.kind,
        finding.subject.label if finding.subject else "",
        state(finding.state),
        shortened(says, MOST_SAID) or "see 'consilience show'",
        "" if worst is None else f"{worst.effect}: {worst.rule}",
        shortened(", ".join(r.subject.label for r in finding.rivals if r.live), MOST_RIVALS),
        finding.origin,
    ]


def _origin(finding: Finding, names: Mapping[str, str]) -> str:
    """Return the signal that a finding rests on, and how many more; or who entered it."""
    known = [names[m] for m in finding.measurements if m in names]
    more = f" and {len(known) - 1} more" if len(known) > 1 else ""
    return f"{known[0]}{more}" if known else finding.entered_by


@fail_well
def compare(context: typer.Context, as_json: Json = False) -> None:
    """Compare all findings that can meet, and say what cannot be compared.

    'consilience why VERDICT' then walks from one of them back to the raw files.
    """
    from consilience.study import Study

    with Study.open(context.obj.study) as study:
        verdicts = study.compare()
        if as_json:
            print_json([v.to_json() for v in verdicts])
            return
        worst = ("disagree", "undecided", "not_comparable", "consistent", "agree")
        verdicts.sort(key=lambda v: (worst.index(v.verdict), v.samples, v.kind, v.id))
        counts = [(sum(v.verdict == w for v in verdicts), w.replace("_", " ")) for w in worst]
        if verdicts:
            say(", ".join(f"{n} {word}" for n, word in counts if n))
        table(
            ["verdict", "says", "kind", "subject", "samples", "why"],
            [
                [
                    v.id,
                    v.verdict.replace("_", " "),
                    v.kind,
                    v.subject.label if v.subject else "",
                    ", ".join(v.samples),
                    v.reason,
                ]
                for v in verdicts
            ],
            "nothing to compare yet: it takes two findings about one thing, for example what was "
            "weighed in ('step add prepare --constituent …') and what was measured",
        )


@fail_well
def reach(context: typer.Context, as_json: Json = False) -> None:
    """Say which technique speaks of what, with a reason in every empty cell."""
    from dataclasses import asdict

    from consilience.study import Study

    with Study.open(context.obj.study) as study:
        rows = study.reach()
    if as_json:
        print_json([asdict(cell) for row in rows for cell in row])
        return
    table(
        ["kind", "technique", "findings", "why none"],
        [
            [c.kind, c.technique, c.said or str(c.findings or "–"), c.reason]
            for row in rows
            for c in row
        ],
        "nothing was found yet: register files with 'add', then run 'analyse'",
    )


@fail_well
def verify(
    context: typer.Context,
    head: Annotated[
        str | None, typer.Option("--head", help="Hash printed in a report or bundle.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check every stored byte against its hash and the journal against its chain."""
    from consilience.study import Study

    settings: Settings = context.obj
    with Study.open(settings.study) as study, progress_events(settings) as progress:
        report = study.verify(head, progress)
    if as_json:
        print_json(report.to_dict())
    else:
        for problem in report.problems:
            say(f"{problem.severity}: {problem.what} [{problem.where}]")
            say(f"  fix: {problem.fix}")
        counted = (
            f"{report.records} records, {report.objects} objects, {report.arrays} arrays, "
            f"{report.links} links, {report.bytes / 1e6:.1f} MB"
        )
        say(f"{'intact' if report.ok else 'NOT INTACT'}: {counted}")
        say(f"journal head: {report.head[1]} (record {report.head[0]})")
    if not report.ok:
        raise typer.Exit(6)
