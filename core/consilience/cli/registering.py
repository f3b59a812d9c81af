"""Commands that enter things into a study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from consilience.cli import words
from consilience.cli.output import Settings, fail_well, notice_lines, progress_events, say

if TYPE_CHECKING:
    from consilience.study import Added, Study
    from consilience.study.building import BuildSummary

__all__ = ["attach"]

sample_app = typer.Typer(help="Samples.", no_args_is_help=True, rich_markup_mode=None)
step_app = typer.Typer(help="Steps: what happened.", no_args_is_help=True, rich_markup_mode=None)
series_app = typer.Typer(help="Sensor series.", no_args_is_help=True, rich_markup_mode=None)

Words = list[str]
StateWords = Annotated[
    Words | None, typer.Option("--state", help="State of the sample, name=value; repeatable.")
]

MaterialWords = Annotated[
    Words | None,
    typer.Option("--material", help='What it is made of: "Li metal", NMC811; repeatable.'),
]
ConditionWords = Annotated[
    Words | None, typer.Option("--condition", help="name=value with unit; repeatable.")
]
Start = Annotated[str | None, typer.Option(help="ISO 8601 with time zone.")]
Zone = Annotated[str | None, typer.Option(help="For times without offset, such as Europe/London.")]
PlaceInChain = Annotated[
    int | None, typer.Option(min=1, help="Place in the sample's chain, where there are no times.")
]
Remains = Annotated[
    str, typer.Option(help='With a child: what is left of the parent, or "nothing".')
]
Citation = Annotated[str | None, typer.Option(help="Where it stands: page of the lab book, paper.")]


def attach(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(init)
    app.add_typer(sample_app, name="sample")
    app.command("add")(add)
    app.command("reference")(reference)
    app.add_typer(step_app, name="step")
    app.add_typer(series_app, name="series")
    app.command("retract")(retract)
    app.command("build")(build)


def _report(items: list[Added]) -> None:
    for item in items:
        say(str(item))
        for line in notice_lines(item.notices):
            say(line)


def _contradicted(study: Study, items: list[Added]) -> None:
    """Say what contradicts what was just registered; it stays registered."""
    new = {item.id for item in items}
    for item in study.custody().contradictions:
        if new & set(item.evidence):
            say(f"  contradiction: {item.words}")
            say(f"    fix: {item.fix}")


@fail_well
def init(
    context: typer.Context,
    folder: Annotated[Path | None, typer.Argument(help="New folder; else --study.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the study.")] = None,
) -> None:
    """Make a new study."""
    from consilience.study import Study

    settings: Settings = context.obj
    with Study.create(folder or settings.study, name) as study:
        say(f"study {study.name!r} made in {study.path}")
        here = f"consilience -C {study.path.name}" if folder else "consilience"
        say(f"next: {here} sample add ID, then {here} add FILE --sample ID")


@sample_app.command("add")
@fail_well
def sample_add(
    context: typer.Context,
    sample: Annotated[str, typer.Argument(metavar="ID", help="What everybody calls it.")],
    title: Annotated[str | None, typer.Option(help="What a reader sees beside the ID.")] = None,
    parent: Annotated[str | None, typer.Option(help="Sample it was cut from.")] = None,
    control_of: Annotated[
        str | None, typer.Option(help="Sample that it is a blank or control of.")
    ] = None,
    elements: Annotated[
        str | None, typer.Option(help="Elements that can be in it, comma-separated: Li,F,C,O.")
    ] = None,
    material: MaterialWords = None,
    note: Annotated[str | None, typer.Option(help="Anything else.")] = None,
    revise: Annotated[
        bool, typer.Option("--revise", help="Replace what is named here; the journal keeps both.")
    ] = False,
) -> None:
    """Register a sample; with --revise, what is not named stays as it was."""
    from consilience.study import Study

    said: dict[str, Any] = {
        "title": title,
        "parent": parent,
        "control_of": control_of,
        "elements": None if elements is None else words.listed(elements),
        "materials": material,
        "note": note,
    }
    fields = {name: value for name, value in said.items() if value is not None}
    with Study.open(context.obj.study) as study:
        if revise and sample in (known := study.samples()):
            fields = {**known[sample].model_dump(mode="json", exclude={"id"}), **fields}
        _report([study.add_sample(sample, revise=revise, **fields)])


@sample_app.command("derive")
@fail_well
def sample_derive(
    context: typer.Context,
    child: Annotated[str, typer.Argument(metavar="CHILD", help="ID of the new sample.")],
    parent: Annotated[str, typer.Option("--from", help="Sample that it was cut from.")],
    by: Annotated[str, typer.Option("--by", help="Step: lift_out, mill, disassemble or prepare.")],
    cut: Annotated[
        str | None,
        typer.Option("--cut", help='Where in the parent: "box 10,4 22,9 um"; needs --frame.'),
    ] = None,
    frame: Annotated[
        str | None, typer.Option(help="Map or image of the parent that --cut stands in.")
    ] = None,
    remains: Remains = "",
    title: Annotated[str, typer.Option(help="What a reader sees beside the ID.")] = "",
    elements: Annotated[
        str, typer.Option(help="Elements that can be in it, comma-separated.")
    ] = "",
    material: MaterialWords = None,
    start: Start = None,
    end: Start = None,
    time_zone: Zone = None,
    sequence: PlaceInChain = None,
    condition: ConditionWords = None,
    citation: Citation = None,
    note: Annotated[str, typer.Option(help="Anything else about the step.")] = "",
) -> None:
    """Make a child sample from a parent by a step: both, or neither, are registered."""
    from consilience.study import Study

    step: dict[str, Any] = {
        "start": start,
        "end": end,
        "time_zone": time_zone,
        "sequence": sequence,
        "conditions": words.pairs(condition, "--condition"),
        "citation": citation,
        "note": note,
    }
    with Study.open(context.obj.study) as study:
        added = study.derive(
            child,
            parent,
            by,
            cut=words.region(cut, frame),
            remains=remains,
            step=step,
            title=title,
            elements=words.listed(elements),
            materials=material or [],
        )
        _report(added)
        _contradicted(study, added)


@fail_well
def add(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files to register.")],
    sample: Annotated[str, typer.Option("--sample", help="ID of the sample.")],
    reader: Annotated[str | None, typer.Option(help="Key of the reader.")] = None,
    option: Annotated[
        Words | None, typer.Option("--option", help="Option of the reader, name=value; repeatable.")
    ] = None,
    companion: Annotated[
        Words | None, typer.Option("--with", help="Companion file, role=FILE; repeatable.")
    ] = None,
    state: StateWords = None,
    start: Annotated[
        str | None, typer.Option(help="When it started, where the file does not say; ISO 8601.")
    ] = None,
    link: Annotated[
        bool, typer.Option("--link", help="Leave the file in place; it is hashed all the same.")
    ] = False,
    limit: Annotated[
        Words | None,
        typer.Option("--limit", help="Limit of the reader, time=300 or memory=8GB; repeatable."),
    ] = None,
) -> None:
    """Register measurement files of one sample in one state."""
    from consilience.errors import ConsilienceError
    from consilience.study import Study

    settings: Settings = context.obj
    failed: ConsilienceError | None = None
    done: list[Added] = []
    with Study.open(settings.study) as study, progress_events(settings) as progress:
        study.limit_readers(*(limit or ()))
        for file in files:
            try:
                added = study.add(
                    file,
                    sample,
                    reader=reader,
                    options=words.options(option),
                    companions=words.companions(companion),
                    state=words.values(state, "--state"),
                    start=start,
                    link=link,
                    progress=progress,
                )
            except ConsilienceError as error:
                if len(files) == 1:
                    raise
                # one bad file must not keep the others out
                failed = error
                say(f"not registered: {error.what}", err=True)
                say(f"  fix: {error.fix}", err=True)
                continue
            _report(added)
            done += added
        _contradicted(study, done)
    if failed is not None:
        raise typer.Exit(failed.exit_code)


@fail_well
def reference(
    context: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Reference files, such as CIFs.")
    ],
    title: Annotated[str, typer.Option(help="What a reader sees; for one file.")] = "",
) -> None:
    """Register reference files (CIFs of cells) for all analyses of the study."""
    from consilience.study import Study

    with Study.open(context.obj.study) as study:
        _report([study.add_reference(file, title if len(files) == 1 else "") for file in files])


@step_app.command("add")
@fail_well
def step_add(
    context: typer.Context,
    kind: Annotated[
        str, typer.Argument(metavar="TYPE", help="prepare, store, transfer, freeze, mill, …")
    ],
    sample: Annotated[str, typer.Option("--sample", help="ID of the sample.")],
    start: Start = None,
    end: Start = None,
    time_zone: Zone = None,
    sequence: PlaceInChain = None,
    title: Annotated[str, typer.Option(help="What a reader sees.")] = "",
    condition: ConditionWords = None,
    derives: Annotated[
        str | None,
        typer.Option(help="Registered child that this step made; or use 'sample derive'."),
    ] = None,
    remains: Remains = "",
    constituent: Annotated[
        Words | None,
        typer.Option("--constituent", help="Weighed in: LiF:225=0.25; repeatable."),
    ] = None,
    complete: Annotated[
        bool, typer.Option("--complete", help="Nothing else was weighed in.")
    ] = False,
    citation: Citation = None,
    note: Annotated[str, typer.Option(help="Anything else.")] = "",
) -> None:
    """Register a step of a sample."""
    from consilience.study import Study

    with Study.open(context.obj.study) as study:
        content: dict[str, Any] = {
            "sample": sample,
            "type": kind,
            "start": start,
            "end": end,
            "time_zone": time_zone,
            "sequence": sequence,
            "title": title,
            "derives": derives,
            "remains": remains,
            "conditions": words.pairs(condition, "--condition"),
            "constituents": words.constituents(constituent),
            "complete": complete,
            "citation": citation,
            "note": note,
        }
        added = study.add_step(content)
        _report(added)
        _contradicted(study, added)


@series_app.command("import")
@fail_well
def series_import(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV or HDF5 file of the log.")],
    step: Annotated[str, typer.Option("--step", help="ID of the step that it belongs to.")],
    mapping: Annotated[Path, typer.Option("--mapping", help="TOML file: which column is what.")],
    link: Annotated[bool, typer.Option("--link", help="Leave the file in place.")] = False,
) -> None:
    """Import sensor data (temperature, pressure, O2, H2O, humidity) onto a step."""
    from consilience.study import Study
    from consilience.study.study_file import read_toml

    with Study.open(context.obj.study) as study:
        added = study.add_series(file, step, read_toml(mapping), link=link)
        _report([added])
        for series in study.series():
            if series.id == added.id:
                for problem in series.problems:
                    say(f"  warning: {problem}")
        _contradicted(study, [added])


@fail_well
def retract(
    context: typer.Context,
    record: Annotated[
        str, typer.Argument(metavar="ID", help="Step, series, measurement, reference or finding.")
    ],
    reason: Annotated[str, typer.Option("--reason", help="What was wrong; printed in the report.")],
) -> None:
    """Take back what was entered wrongly; the journal keeps it, with the reason."""
    from consilience.study import Study

    with Study.open(context.obj.study) as study:
        say(study.retract(record, reason).title)


@fail_well
def build(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="study.toml", help="The study as a file.")],
    data: Annotated[
        Path | None, typer.Option(help="Folder that paths start from; else that of the file.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder of the study; else --study, else NAME-study."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Where the report goes; else in the study.")
    ] = None,
) -> None:
    """Register everything a study file names, analyse it and write the report."""
    from consilience.study.building import build_study

    settings: Settings = context.obj
    with progress_events(settings) as progress:
        summary, folder, page = build_study(file, data, out or settings.named, report, progress)
    _build_summary(summary)
    if summary.trust:
        say(f"trust:  {summary.trust}: see the report, or 'consilience custody check'")
    say(f"study:  {folder}")
    say(f"report: {page}")
    if summary.unexpected or any(a.failures for a in summary.analyses):
        raise typer.Exit(4)


def _build_summary(summary: BuildSummary) -> None:
    say(f"{summary.new} new, {len(summary.added) - summary.new} already registered")
    for item in summary.added:
        # what a step leaves unsaid stands in the completeness of its measurements
        if item.new and any(item.what != "step" or n.severity != "info" for n in item.notices):
            say(str(item))
            for line in notice_lines(item.notices):
                say(line)
    for refusal in summary.refused:
        expected = f" (as expected: {refusal.expected})" if refusal.expected else ""
        say(f"refused: {refusal.file}: {refusal.what}{expected}")
        say(f"  fix: {refusal.fix}")
    for analysis in summary.analyses:
        for failure in analysis.failures:
            say(f"not analysed: {failure.analysis} on {failure.on}")
            say(f"  {failure.what}")
            say(f"  fix: {failure.fix}")
            if failure.place is not None:
                say(f"  at:  {failure.place}")
