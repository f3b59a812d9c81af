"""Fabricated content for the tests of the report: everything says *simulated* or *entered*."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from consilience.declarations import Modality, PluginInfo
from consilience.kinds import CORE_KINDS
from consilience.model import (
    Caveat,
    Constituent,
    DataSummary,
    Exposure,
    Finding,
    Margin,
    MeasurementRecord,
    Notice,
    Quantity,
    Region,
    RegisteredFile,
    Sample,
    SensorSeries,
    Step,
    Subject,
    VariableSummary,
    Verdict,
    content_id,
)
from consilience.registry import FailedPlugin
from consilience.report import FailedView, JournalHead, ReportContent, Section
from consilience.view import Figure, Table, Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

PAYLOADS: tuple[str, ...] = (
    '<script>document.title="PWNED"</script>',
    "<img src=x onerror=\"document.title='PWNED'\">",
    "\"><svg onload=document.title='PWNED'><g/>",
    "' onmouseover='document.title=1' x='",
    '" onfocus="document.title=1" autofocus tabindex="1',
    "javascript:document.title='PWNED'",
    "{{ 7*7 }}{% raw %}{# x #}{{ self.__init__ }}",
    "]]></style></title></textarea><iframe src=//example.invalid></iframe>",
    "</style><style>main{display:none}@import url(//example.invalid/x.css);",
    "<!-- <base href=//example.invalid/> <meta http-equiv=refresh content=0>",
    "&lt;b&gt;&#x3c;i&#x3e; <b>bold</b> <a href=//example.invalid>x</a>",
    "$\\frac{1}{ \\unknowncommand $",
    "[/oops] [bold red]x[/]",
    "\x00\x07\x1b[31m\x7f\x9b",
    "\u202egnp.exe\u2066\u200b\ufeff",
    "\ud800 lone surrogate",
    "line\nbreak\r\ttab\u2028separator",
    "W" * 1500,
    "日本語 עברית عربى 🧪",
)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def draw_pattern(figure: MatplotlibFigure, seed: int = 1, points: int = 2000) -> None:
    import numpy as np

    rng = np.random.default_rng(seed)
    q = np.linspace(1.0, 4.8, points)
    y = 200 * np.exp(-((q - 1.3) ** 2) / 0.1) + 40
    for centre, height in ((1.487, 900), (2.703, 500), (2.774, 1200), (3.121, 700), (3.2, 600)):
        y = y + height * np.exp(-((q - centre) ** 2) / 2 / 0.012**2)
    axes = figure.subplots()
    axes.plot(q, rng.poisson(y), lw=0.7)
    axes.set_xlabel("q (Å⁻¹)")
    axes.set_ylabel("counts, simulated")


def draw_map(figure: MatplotlibFigure, seed: int = 2) -> None:
    import numpy as np

    rng = np.random.default_rng(seed)
    axes = figure.subplots()
    image = axes.imshow(rng.poisson(50, (24, 54)) * np.linspace(0.5, 1.5, 54), aspect="equal")
    axes.set_xlabel("x (µm)")
    axes.set_ylabel("y (µm)")
    figure.colorbar(image, ax=axes, label="counts, simulated")


def pattern(seed: int = 1, rows: int = 2000, size: tuple[float, float] = (8.0, 3.2)) -> Figure:
    return Figure(
        title="Pattern with assigned lines",
        caption="Simulated counts against momentum transfer.",
        alt="A curve with five peaks, the strongest at 2.77 inverse angstrom.",
        draw=lambda figure: draw_pattern(figure, seed),
        table=Table(
            ("q (Å⁻¹)", "counts"),
            [(1.0 + 3.8 * i / rows, 40 + (i * 7919 + seed) % 97) for i in range(rows)],
        ),
        size=size,
    )


def summary(*names: str) -> DataSummary:
    return DataSummary(
        variables={
            n: VariableSummary(dims=["q"], shape=[2000], unit="counts", dtype="float64")
            for n in names
        },
        coordinates={
            "q": VariableSummary(dims=["q"], shape=[2000], unit="1/angstrom", dtype="float64")
        },
    )


def record(name: str, modality: str, sample: str, **more: Any) -> MeasurementRecord:
    body = {
        "name": name,
        "modality": modality,
        "sample": sample,
        "state": {},
        "origin": "simulated",
        "stored": {"data": RegisteredFile(name=name, sha256=sha(name), size=48211)},
        "reader": f"{modality}.text",
        "plugin": modality,
        "version": "0.1.0",
        "array": sha(name + "array"),
        "lazy": None,
        "summary": summary("counts"),
        **more,
    }
    return MeasurementRecord(id=f"m-{sha(name + sample)[:16]}", **body)


def finding(
    kind: str, subject: Subject | None, sample: str, records: list[MeasurementRecord], **more: Any
) -> Finding:
    plugin = records[0].plugin if records else "study"
    body: dict[str, Any] = {
        "kind": kind,
        "subject": subject,
        "sample": sample,
        "region": None,
        "state": dict(records[0].state) if records else {},
        "value": None,
        "unit": None,
        "std_stat": None,
        "std_sys": None,
        "interval": None,
        "covariance": None,
        "array": None,
        "probe": None,
        "status": None,
        "limit": None,
        "reason": None,
        "rivals": [],
        "unassigned": None,
        "evidence": {},
        "assumptions": [],
        "method": "line matching within 3 standard deviations, fitted zero shift",
        "origin": "simulated",
        "measurements": [r.id for r in records],
        "source": {
            "files": [f for r in records for f in r.files],
            "plugin": plugin,
            "version": "0.1.0",
            "analysis": f"{plugin}.phases",
            "parameters": {"k": 3.0, "tolerance": {"value": 0.01, "unit": "1/angstrom"}},
            "citation": None,
        },
        **more,
    }
    plain = {
        key: value.to_json() if isinstance(value, BaseModel) else value
        for key, value in body.items()
    }
    plain["source"] = {**body["source"], "files": [f.to_json() for f in body["source"]["files"]]}
    return Finding.identified(plain)


def verdict(
    kind: str, subject: Subject | None, two: list[Finding], answer: str, reason: str, **more: Any
) -> Verdict:
    ids = [f.id for f in two]
    return Verdict(
        id=content_id("v", {"of": ids, "kind": kind, "answer": answer}),
        kind=kind,
        subject=subject,
        samples=sorted({f.sample for f in two}),
        findings=ids,
        verdict=answer,  # type: ignore[arg-type]
        reason=reason,
        comparison="core.scalar",
        **more,
    )


LIPT = Subject(formula="LiPt", space_group=187)
LI2CO3 = Subject(formula="Li2CO3", space_group=15)
LIF = Subject(formula="LiF", space_group=225)
LI = Subject(element="Li")
PT = Subject(element="Pt")

MODALITIES = (
    Modality(
        "xrd",
        "X-ray diffraction",
        {},
        {},
        blind="X-ray diffraction does not see amorphous phases, nor a percent of a crystalline one",
    ),
    Modality(
        "eels",
        "Electron energy loss",
        {},
        {},
        blind="Where platinum is present its O edge hides the K edge of lithium",
    ),
    Modality(
        "apt",
        "Atom probe",
        {},
        {},
        blind="Atom probe sees one needle of some hundred nanometres, and no crystal structure",
    ),
    Modality("xrf", "X-ray fluorescence", {}, {}, blind="X-ray fluorescence does not see lithium"),
)
PLUGINS = tuple(
    PluginInfo(m.key, "0.1.0", 1, f"{m.title} (fabricated for a test)", "BSD-3-Clause")
    for m in MODALITIES
)


def samples() -> list[Sample]:
    return [
        Sample(
            id="chip-3", title="Platinum anode on a SiN chip", elements=["Li", "Pt", "F", "C", "O"]
        ),
        Sample(
            id="lamella-3a",
            title="Cryo lamella across the interphase",
            parent="chip-3",
            cut=Region(
                shape="box", coordinates=[[4.0, 1.0], [12.0, 3.0]], unit="um", frame="stage"
            ),
        ),
        Sample(
            id="needle-3a1",
            title="Needle from region 2",
            parent="lamella-3a",
            note="tip radius not recorded",
        ),
        Sample(id="needle-3a2", title="Needle from region 1", parent="lamella-3a"),
        Sample(id="dry-cell", title="Same chip design without electrolyte", control_of="chip-3"),
        Sample(id="raw-electrolyte", title="LiPF6 in EC:DEC 1:1, frozen", control_of="chip-3"),
    ]


def steps() -> list[Step]:
    kelvin = Quantity(value=90.0, unit="K")
    return [
        Step(
            id="s1",
            sample="chip-3",
            type="prepare",
            start="2025-03-03T09:00+01:00",
            end="2025-03-03T11:30+01:00",
            title="assemble the cell",
            constituents=[Constituent(subject=PT, mass_fraction=1.0)],
            citation="lab book 12, page 3",
        ),
        Step(
            id="s2",
            sample="chip-3",
            type="cycle",
            start="2025-03-03T13:00+01:00",
            end="2025-03-05T08:00+01:00",
            title="50 cycles, 2 to −3 V",
            conditions={"rate": Quantity(value=0.01, unit="mV/s")},
        ),
        Step(id="s3", sample="chip-3", type="disassemble", start="2025-03-05T09:00+01:00"),
        Step(
            id="s4",
            sample="chip-3",
            type="transfer",
            start="2025-03-05T09:20+01:00",
            end="2025-03-05T11:00+01:00",
            title="bag, then suitcase",
            conditions={"pressure": Quantity(value=1e-9, unit="mbar"), "carrier": "suitcase"},
        ),
        Step(
            id="s5",
            sample="chip-3",
            type="freeze",
            start="2025-03-05T11:05:00",
            title="LN2 poured",
            note="zone not written down",
        ),
        Step(
            id="s6",
            sample="lamella-3a",
            type="lift_out",
            start="2025-03-06T10:00+01:00",
            end="2025-03-06T15:00+01:00",
            conditions={"temperature": kelvin},
        ),
        Step(
            id="s7",
            sample="needle-3a1",
            type="mill",
            conditions={
                "ion": "Xe",
                "voltage": Quantity(value=30.0, unit="kV"),
                "current": Quantity(value=0.1, unit="nA"),
            },
        ),
        Step(
            id="s8",
            sample="needle-3a1",
            type="transfer",
            title="N2 glovebox to LEAP",
            conditions={"O2": Quantity(value=5.0, unit="ppm")},
        ),
        Step(
            id="s9",
            sample="dry-cell",
            type="store",
            start="2025-03-01",
            end="2025-03-05",
            title="Ar glovebox",
        ),
    ]


def rich() -> ReportContent:
    """A small study with everything in it once."""
    cold = {"temperature": Quantity(value=90.0, unit="K")}
    lithiated = {"bias": "lithiated", "cycle": 50}
    m1 = record(
        "map_lithiated.nxs",
        "xrd",
        "chip-3",
        state=lithiated,
        start="2025-03-04T02:10:00+01:00",
        metadata={
            "energy": {"value": 18.0, "unit": "keV"},
            "focus": {"value": 50.0, "unit": "nm"},
            "operator": "not said",
            "detector distance": None,
        },
        options={"flip": True},
        exposures=[
            Exposure(
                particle="photon",
                energy=Quantity(value=18.0, unit="keV"),
                duration=Quantity(value=0.1, unit="s"),
                source="file",
            )
        ],
    )
    m2 = record(
        "line_Li.msa",
        "eels",
        "lamella-3a",
        state=cold,
        start="2025-03-07T14:00:00Z",
        metadata={
            "beam energy": {"value": 300.0, "unit": "keV"},
            "convergence": {"value": 40.5, "unit": "mrad"},
        },
        exposures=[
            Exposure(
                particle="electron",
                energy=Quantity(value=300.0, unit="keV"),
                fluence=Quantity(value=2.1e4, unit="e/angstrom**2"),
                fluence_rate=Quantity(value=1.1e3, unit="e/angstrom**2/s"),
                source="derived",
                formula="current × dwell × frames / step²",
            )
        ],
        notices=[
            Notice(
                code="zlp-clipped",
                message="The zero-loss peak is cut off at channel 0 (counts 65535).",
                where="channel 0",
                severity="warning",
            )
        ],
    )
    m3 = record("needle_R2.pos", "apt", "needle-3a1", state=cold)
    m4 = record(
        "pt_map.h5",
        "xrf",
        "chip-3",
        state=lithiated,
        notices=[
            Notice(
                code="energy-scale-doubled",
                message="The axis puts the elastic line at 34 keV; the monochromator says 17.0.",
                where="entry1/fluo_entry/energy",
                fix="read it with --option energy_scale=0.5",
                severity="fault",
            )
        ],
    )
    m5 = record(
        "peaks_fig6.json",
        "xrd",
        "chip-3",
        origin="entered",
        citation="Mulcahy 2025, Fig. 6",
        state={"cycle": 50, "bias": "delithiated"},
    )
    f_phase = finding(
        "phase",
        LIPT,
        "chip-3",
        [m1],
        status="present",
        rivals=[
            {
                "subject": LI2CO3.to_json(),
                "explains": ["peak at 1.510 Å⁻¹"],
                "missing": ["002 at 2.2335 Å⁻¹", "20-2 at 2.1531 Å⁻¹"],
                "decided_by": ["line 002 of Li2CO3", "O K edge in EELS"],
                "note": "110 at 1.5095 Å⁻¹ is nearer than LiPt 0001 at 1.4868",
            }
        ],
        unassigned={
            "value": 0.08,
            "unit": "1",
            "note": "share of the peak area between 3.25 and 4 Å⁻¹",
        },
        evidence={
            "lines found": 2,
            "chi square": 1.31,
            "lines": [
                {"hkl": "0001", "q calc": 1.4868, "q obs": 1.4901, "std": 0.0004},
                {"hkl": "10-11", "q calc": 3.0469, "q obs": None, "std": None},
            ],
        },
        assumptions=["cell of LiPt from one source only", "no displacement beyond the fitted one"],
    )
    f_carb = finding(
        "phase",
        LI2CO3,
        "chip-3",
        [m1],
        status="absent_below_limit",
        limit=0.02,
        unit="1",
        assumptions=["no displacement beyond the fitted one"],
    )
    f_lif = finding(
        "phase",
        LIF,
        "lamella-3a",
        [m2],
        status="present",
        method="double peak between 60 and 75 eV",
    )
    f_lif_x = finding(
        "phase",
        LIF,
        "chip-3",
        [m1],
        status="present",
        assumptions=["no displacement beyond the fitted one"],
    )
    f_li = finding(
        "element",
        LI,
        "lamella-3a",
        [m2],
        status="not_observable",
        reason="Pt O₂,₃ at 52 eV lies 3 eV from Li K at 55 eV",
        method="edge overlap",
    )
    c1 = finding(
        "lattice_parameter",
        LIPT,
        "chip-3",
        [m1],
        value=4.2171,
        unit="angstrom",
        std_stat=0.0012,
        std_sys=0.0041,
        probe={
            "depth": None,
            "lateral": {"value": 50.0, "unit": "nm", "std_stat": None, "std_sys": None},
            "volume": None,
        },
        method="least squares on 0001 and 0002",
    )
    c2 = finding(
        "lattice_parameter",
        LIPT,
        "chip-3",
        [m5],
        value=4.161,
        unit="angstrom",
        std_stat=0.003,
        std_sys=0.004,
        origin="entered",
        method="printed value",
        source={
            "files": [],
            "plugin": "xrd",
            "version": "0.1.0",
            "analysis": "entered",
            "parameters": {},
            "citation": "Mulcahy 2025, Fig. 6",
        },
    )
    a1 = finding(
        "element_amount",
        LI,
        "needle-3a1",
        [m3],
        value=0.4903,
        unit="1",
        std_stat=0.0029,
        std_sys=0.025,
        method="ranged counts, Li 14 412 and Pt 14 984",
        interval={"low": 0.441, "high": 0.539, "level": 0.95},
    )
    a2 = finding(
        "element_amount",
        LI,
        "lamella-3a",
        [m2],
        value=0.47,
        unit="1",
        std_stat=0.03,
        method="K edge after subtraction of Pt O",
    )
    t1 = finding(
        "thickness",
        None,
        "lamella-3a",
        [m2],
        value=82.0,
        unit="nm",
        std_stat=1.0,
        std_sys=16.0,
        method="log-ratio",
    )
    t2 = finding("thickness", None, "lamella-3a", [m1], value=95.0, unit="nm", method="absorption")
    findings = [f_phase, f_carb, f_lif, f_lif_x, f_li, c1, c2, a1, a2, t1, t2]
    doubt = Caveat(
        finding=f_lif.id,
        rule="core.dose-lif-cold",
        effect="doubt",
        message="LiF was given 21 000 e⁻/Å²; above 10 000 e⁻/Å² (below −170 °C) it is damaged.",
        citation="LiGuide, published dose limits at 200 kV",
        numbers={
            "dose": {"value": 2.1e4, "unit": "e/angstrom**2"},
            "limit": {"value": 1e4, "unit": "e/angstrom**2"},
        },
        clear="a second spectrum of the same place at a tenth of the dose",
    )
    note = Caveat(
        finding=a1.id,
        rule="core.storage",
        effect="note",
        message="Waiting time between milling and the atom probe is unknown.",
        citation="LiGuide, storage",
    )
    margin = Margin(
        value=0.002,
        unit="1",
        relative=True,
        reason="0.2 %: spread of published cells and of thermal expansion over 100 K",
    )
    verdicts = [
        verdict(
            "lattice_parameter",
            LIPT,
            [c1, c2],
            "disagree",
            "The two values differ by more than the margin and by 9 standard deviations.",
            difference=0.0561,
            std=0.0066,
            unit="angstrom",
            test="z",
            statistic=8.5,
            p_value=1.9e-17,
            margin=margin,
            smallest_detectable=0.022,
            settle="a measurement of both states with one calibration",
        ),
        verdict(
            "phase", LIF, [f_lif_x, f_lif], "agree", "Both techniques find LiF.", caveats=[doubt]
        ),
        verdict(
            "element_amount",
            LI,
            [a1, a2],
            "undecided",
            "The systematic standard deviation of one value is unknown.",
            difference=0.02,
            unit="1",
            margin=Margin(
                value=0.05, unit="1", reason="5 at.% where lithium is measured by atom probe"
            ),
            settle="a ζ-factor with measured current",
        ),
        verdict(
            "element",
            LI,
            [f_li, a1],
            "not_comparable",
            "Lithium is not observable by EELS where platinum is present.",
        ),
        verdict(
            "phase",
            LIPT,
            [f_phase, a1],
            "consistent",
            "50:50 could have contradicted LiPt and does not; it cannot prove order.",
            difference=-0.0097,
            std=0.0252,
            unit="1",
            smallest_detectable=0.083,
            margin=Margin(
                value=0.05, unit="1", reason="5 at.% where lithium is measured by atom probe"
            ),
        ),
        verdict(
            "thickness",
            None,
            [t1, t2],
            "undecided",
            "The standard deviation of one value is unknown.",
            difference=-13.0,
            unit="nm",
            margin=Margin(
                value=0.2,
                unit="1",
                relative=True,
                reason="20 %: uncertainty of the inelastic mean free path",
            ),
            settle="a convergent-beam thickness",
        ),
    ]
    series = [
        SensorSeries(
            id="x1",
            step="s4",
            sample="chip-3",
            file="suitcase.csv",
            sha256=sha("suitcase"),
            array=None,
            columns={"temperature": "K", "pressure": "mbar"},
            rows=48210,
            start="2025-03-05T09:20:00+01:00",
            problems=["gap of 340 s at 10:12"],
        )
    ]
    map_figure = Figure(
        "Platinum map",
        "Simulated Pt Lα counts; one colour scale.",
        "A map that brightens to the right.",
        draw_map,
        Table(("x (µm)", "mean counts"), [(i * 0.2, 25.0 + i) for i in range(54)]),
        (7.0, 3.4),
        raster=True,
    )

    def broken(figure: MatplotlibFigure) -> None:
        raise RuntimeError("cannot reshape array of size 7 into shape (2,3)")

    sections = [
        Section(
            "Pattern",
            [pattern(), Text("Two lines are explained by more than one phase.", "doubt")],
            "xrd",
            "xrd.pattern",
            measurement=m1.id,
        ),
        Section(
            "Spectrum",
            [
                Figure(
                    "Spectrum",
                    "Simulated counts.",
                    "A decaying curve.",
                    broken,
                    Table(("energy (eV)", "counts"), [(50, 1200), (55, 1100), (60, None)]),
                )
            ],
            "eels",
            "eels.spectrum",
            measurement=m2.id,
        ),
        Section("Map", [map_figure], "xrf", "xrf.map", measurement=m4.id),
        Section(
            "Lines found",
            [
                Table(
                    ("phase", "lines found", "strong lines missing"),
                    [("LiPt", 2, 1), ("LiF", 3, 0), ("Li2CO3", 0, None)],
                    "Assigned lines",
                    "limits from the background",
                )
            ],
            "xrd",
            "xrd.lines",
            sample="chip-3",
        ),
        Section(
            "Energy calibration",
            [Text("One calibration was used for all maps.")],
            "xrf",
            "xrf.calibration",
        ),
    ]
    return ReportContent(
        study="Platinum anode, fabricated for a test",
        description="Five measurements, all simulated or entered: everything occurs here once.",
        samples=samples(),
        steps=steps(),
        series=series,
        measurements=[m1, m2, m3, m4, m5],
        findings=findings,
        verdicts=verdicts,
        caveats=[doubt, note],
        sections=sections,
        failed_views=[
            FailedView(
                "apt",
                "apt.cloud",
                "ValueError: no ions in range 3",
                "report it to the author of plugin 'apt'",
                measurement=m3.id,
            )
        ],
        failed_plugins=[
            FailedPlugin(
                "ptycho",
                "consilience-ptycho",
                "written for API version 0, this host has 1",
                "install a newer release of the plugin",
            )
        ],
        plugins=PLUGINS,
        kinds=CORE_KINDS,
        modalities=MODALITIES,
        versions={"consilience": "0.1.0", "numpy": "2.4.6", "matplotlib": "3.11.2"},
        journal=JournalHead(57, sha("journal")),
        notices=[
            Notice(
                code="clock",
                message="The beamline's clock and the cell's clock differ by an unknown offset.",
                severity="warning",
            )
        ],
        generated_by="consilience 0.1.0",
    )


def many(measurements: int = 500, per: int = 4) -> ReportContent:
    """A study of any size: patterns, each with a figure, and findings with rivals."""
    rng = random.Random(5)
    count = max(1, min(60, measurements // 8))
    chips = [Sample(id=f"chip-{i + 1}", title=f"Chip {i + 1} of the series") for i in range(count)]
    chips = [
        s.model_copy(update={"parent": f"chip-{i // 3 + 1}"}) if i % 3 else s
        for i, s in enumerate(chips)
    ]
    records = [
        record(
            f"scan_{i:04d}.xy",
            "xrd",
            chips[i % count].id,
            state={"cycle": i},
            start=f"2025-03-{1 + i % 28:02d}T{i % 24:02d}:00:00Z",
            metadata={
                "energy": {"value": 18.0, "unit": "keV"},
                "exposure": {"value": 0.1, "unit": "s"},
                "monitor": None,
            },
        )
        for i in range(measurements)
    ]
    found = []
    for i, r in enumerate(records):
        for k in range(per):
            if k % 2:
                found.append(
                    finding(
                        "phase",
                        (LIF, LI2CO3)[k // 2 % 2],
                        r.sample,
                        [r],
                        status="present",
                        evidence={
                            "lines": [
                                {"hkl": str(j), "q": 1.5 + j, "std": 0.0004} for j in range(4)
                            ]
                        },
                        rivals=[
                            {
                                "subject": LIPT.to_json(),
                                "explains": ["peak at 1.510 Å⁻¹"],
                                "missing": ["0002"],
                                "decided_by": ["O K edge in EELS"],
                                "note": "",
                            }
                        ],
                    )
                )
            else:
                found.append(
                    finding(
                        "lattice_parameter",
                        (LIPT, LIF)[k // 2 % 2],
                        r.sample,
                        [r],
                        value=4.2 + rng.gauss(0, 0.003),
                        unit="angstrom",
                        std_stat=0.002 + i * 1e-7,
                        std_sys=0.004,
                    )
                )
    cells = [f for f in found if f.kind == "lattice_parameter"]
    answers = ("agree", "undecided", "disagree", "not_comparable", "consistent")
    pairs = [
        verdict(
            "lattice_parameter",
            a.subject,
            [a, b],
            answers[i % 7 % 5],
            "A reason in words that takes a line or so.",
            difference=(a.value or 0) - (b.value or 0),
            std=0.0063,
            unit="angstrom",
            margin=Margin(value=0.002, unit="1", relative=True, reason="0.2 %"),
            smallest_detectable=0.021,
        )
        for i, (a, b) in enumerate(zip(cells[::10], cells[2::10], strict=False))
    ]
    return ReportContent(
        study=f"{measurements} patterns, fabricated for a test",
        samples=chips,
        steps=[
            Step(sample=s.id, type="prepare", start=f"2025-02-{1 + i % 28:02d}T08:00:00Z")
            for i, s in enumerate(chips)
        ],
        measurements=records,
        findings=found,
        verdicts=pairs,
        sections=[
            Section("Pattern", [pattern(i)], "xrd", "xrd.pattern", measurement=r.id)
            for i, r in enumerate(records)
        ],
        plugins=PLUGINS,
        kinds=CORE_KINDS,
        modalities=MODALITIES,
        journal=JournalHead(9001, sha("many")),
    )


def poisoned(content: ReportContent, payload: str) -> ReportContent:
    """Return the same content with `payload` behind every free text; what refers still refers."""
    from dataclasses import fields, is_dataclass, replace

    def is_literal(annotation: Any) -> bool:
        return (
            "Literal" in str(annotation)
            and str not in get_args(annotation)
            and annotation is not str
        )

    def bad(value: Any) -> Any:
        if isinstance(value, str):
            return value + payload
        if isinstance(value, BaseModel):
            update = {
                name: bad(getattr(value, name))
                for name, info in type(value).model_fields.items()
                if not is_literal(info.annotation)
            }
            return value.model_copy(update=update)
        if isinstance(value, dict):
            return {bad(k): bad(v) for k, v in value.items()}
        if isinstance(value, tuple):
            return tuple(bad(v) for v in value)
        if isinstance(value, list):
            return [bad(v) for v in value]
        if isinstance(value, Figure):
            title = bad(value.title)

            def drawer(figure: MatplotlibFigure) -> None:
                value.draw(figure)
                figure.suptitle(title)
                figure.axes[0].set_xlabel(title)

            return Figure(
                title,
                bad(value.caption),
                bad(value.alt),
                drawer,
                bad(value.table),
                value.size,
                value.raster,
            )
        if isinstance(value, Text):
            return Text(bad(value.text), value.tone)
        if is_dataclass(value) and not isinstance(value, type):
            kept = ("about", "api")
            return replace(
                value,
                **{
                    f.name: bad(getattr(value, f.name))
                    for f in fields(value)
                    if f.init and f.name not in kept
                },
            )
        return value

    return replace(content, **{f.name: bad(getattr(content, f.name)) for f in fields(content)})
