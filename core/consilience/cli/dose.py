"""``consilience dose``: the ledger, the plan, and a formula for a scanned probe."""

from __future__ import annotations

from typing import Annotated

import typer

from consilience.cli import words
from consilience.cli.output import Settings, fail_well, print_json, say, table

__all__ = ["attach"]

dose_app = typer.Typer(
    help="Dose: what regions received, and what a limit leaves.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="JSON for scripts.")]
ForSample = Annotated[str | None, typer.Option("--sample", help="Only of this sample.")]


def attach(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(dose_app, name="dose")


@dose_app.command("ledger")
@fail_well
def ledger(context: typer.Context, sample: ForSample = None, as_json: Json = False) -> None:
    """List every irradiation, and what each measured region received."""
    from consilience.custody.dose.listing import entries_of, listing_json, sum_rows, table_rows
    from consilience.study import Study

    with Study.open(context.obj.study) as study:
        if sample is not None:
            study.sample(sample)
        known = study.dose_ledger()
        entries = entries_of(known, sample)
        if as_json:
            print_json(listing_json(known, sample))
            return
        table(
            "sample,what,particle,energy,fluence,rate,temperature,source,formula".split(","),
            table_rows(entries),
            "no dose is recorded; give 'exposures' with a measurement, or conditions of dose with "
            "a 'measure' step",
        )
        sums = sum_rows(known, sample)
        if sums:
            say()
            headings = "measurement,sample,region,particle,received,inherited from,why"
            table(headings.split(","), sums, "")


@dose_app.command("plan")
@fail_well
def plan(
    context: typer.Context,
    phase: Annotated[str, typer.Option("--phase", help="LiF, Li2CO3, Li metal, …")],
    rate: Annotated[str, typer.Option("--rate", help="Fluence rate in e/Å²/s: 100.")],
    temperature: Annotated[
        str | None, typer.Option(help='Of the sample: "-170 degC"; else every published one.')
    ] = None,
    energy: Annotated[str | None, typer.Option(help='Of the electrons: "300 kV".')] = None,
    sample: Annotated[
        str | None, typer.Option("--sample", help="Hold it against the regions of this sample.")
    ] = None,
    measurement: Annotated[
        str | None, typer.Option("--measurement", help="Hold it against the region of this one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say how many seconds a published limit leaves, and what has been used."""
    from consilience.custody.dose.plan import DosePlan, plan_dose, rate_of
    from consilience.custody.dose.units import energy_in_kev
    from consilience.quantities import parse_quantity
    from consilience.study import Study

    with words.reading("--rate", "100, in e/Å²/s"):
        rate_of(rate)
    if temperature is not None:
        with words.reading("--temperature", '"-170 degC"'):
            parse_quantity(temperature, "K")
    if energy is not None:
        with words.reading("--energy", '"300 keV"'):
            energy_in_kev(energy, "electron")
    settings: Settings = context.obj
    answer: DosePlan
    if sample or measurement or (settings.study / "consilience.json").exists():
        with Study.open(settings.study) as study:
            answer = study.dose_plan(
                phase,
                rate,
                temperature=temperature,
                energy=energy,
                sample=sample,
                measurement=measurement,
            )
    else:
        from consilience.registry import Registry
        from consilience.rules import load_rules

        rules = load_rules(Registry.discover())
        answer = plan_dose(rules, phase, rate, temperature=temperature, energy=energy)
    if as_json:
        print_json(answer.to_json())
        return
    say(answer.text())


@dose_app.command("stem")
@fail_well
def stem(
    current: Annotated[str, typer.Option("--current", help='Of the probe: "17 pA".')],
    dwell: Annotated[str, typer.Option("--dwell", help='On each pixel, each frame: "0.05 s".')],
    frames: Annotated[int, typer.Option("--frames", help="How many frames.")] = 1,
    step: Annotated[str | None, typer.Option("--step", help='Between pixels: "4 nm".')] = None,
    probe: Annotated[
        str | None, typer.Option("--probe", help='Diameter of the probe: "0.1 nm".')
    ] = None,
    as_json: Json = False,
) -> None:
    """Print electrons, step-limited and probe-limited fluence of a scan, with the formulas."""
    from consilience.custody.dose.formulas import stem_fluence
    from consilience.custody.dose.units import quantity_in

    for option, text, unit, example in (
        ("--current", current, "A", '"17 pA"'),
        ("--dwell", dwell, "s", '"0.05 s"'),
        ("--step", step, "nm", '"4 nm"'),
        ("--probe", probe, "nm", '"0.1 nm"'),
    ):
        if text is not None:
            with words.reading(option, example):
                quantity_in(text, unit)
    found = stem_fluence(current, dwell, frames, step, probe)
    derived = {
        "electrons per pixel": found.per_pixel,
        "step-limited fluence": found.step_limited,
        "probe-limited fluence": found.probe_limited,
        "fluence rate": found.rate,
        "highest fluence": found.highest,
    }
    if as_json:
        print_json(
            {
                name: None
                if made is None
                else {"value": made.value, "unit": made.quantity.unit, "formula": made.formula}
                for name, made in derived.items()
            }
        )
        return
    for name, made in derived.items():
        missing = "unknown: give --step" if "step" in name else "unknown: give --probe"
        if name == "highest fluence":
            missing = "unknown: it takes --step and --probe"
        formula = missing if made is None else made.formula
        say(f"{name}: {formula.removeprefix(name.removesuffix('fluence').rstrip() + ': ')}")
