"""The kit is tested: plugins made bad on purpose are rejected by the check meant for them.

The good plugin is the one that the scaffold writes; each bad one differs from it in one place.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

import pytest

from consilience.scaffold import new_plugin
from consilience.testing import PluginContract

pytestmark = pytest.mark.slow

HOOK = """

from consilience.declarations import Check, Comparison, Exporter


@hookimpl
def register_checks() -> Sequence[Check]:
    return [Check("$name.c", "$name", Ref("$package.extra:check"), "a check")]


@hookimpl
def register_exporters() -> Sequence[Exporter]:
    return [Exporter("$name.e", "$name", ".csv", Ref("$package.extra:export"), "csv")]


@hookimpl
def register_comparisons() -> Sequence[Comparison]:
    kinds = (("${name}_peak_position", "${name}_peak_position"),)
    return [Comparison("$name.v", kinds, Ref("$package.extra:compare"), "a comparison")]
"""
EXTRA = """
from consilience.model.measurement import Notice


def check(signal):
    return [Notice(code="a", message="b")]


def export(measurement, path):
    path.write_text("1")


def compare(first, second, context):
    from consilience.model.verdict import Verdict

    return Verdict.between("$name.v", first, second, "undecided", "only an example")
"""
IMPORTS = "from __future__ import annotations\n"
SIGNAL = '            modality="$name",\n'


@dataclass(frozen=True)
class Bad:
    """One way of being bad: patches, the test that must fail, its message, and collateral."""

    patches: tuple[tuple[str, str, str], ...]
    meant: str
    said: str
    also: frozenset[str] = field(default_factory=frozenset)


def bad(file: str, old: str, new: str, meant: str, said: str, *also: str) -> Bad:
    return Bad(((file, old, new),), meant, said, frozenset(also))


BAD: dict[str, Bad] = {
    "heavy_import": bad(
        "plugin.py",
        IMPORTS,
        IMPORTS + "import numpy\n",
        "test_listing_imports_nothing_heavy",
        "importing the plugin loads numpy",
    ),
    "heavy_probe": bad(
        "probe.py",
        IMPORTS,
        IMPORTS + "import xarray\n",
        "test_probes_are_light_and_do_not_open_the_file",
        "asking the probes loads numpy",
    ),
    "probe_opens": bad(
        "probe.py",
        "    first = ",
        "    if probe.path.exists():\n        probe.path.read_bytes()\n    first = ",
        "test_probes_are_light_and_do_not_open_the_file",
        "probe opens the file",
    ),
    "probe_always_yes": bad(
        "probe.py",
        "return Claim.YES if first == [MAGIC.encode()] else Claim.NO",
        "return Claim.YES if first is not None else Claim.NO",
        "test_probes_refuse_what_is_not_theirs",
        "probe answers YES to 'hdf5'",
    ),
    "probe_never_yes": bad(
        "probe.py",
        "return Claim.YES if first",
        "return Claim.NO if first",
        "test_every_reader_has_a_sample_and_claims_it",
        "",
        # the default samples come from simulators, through choose_reader
        "*",
    ),
    "missing_unit": bad(
        "reading.py",
        'attrs = {"units": "count", "anc',
        'attrs = {"anc',
        "test_read_returns_valid_signals",
        "'counts': has no attrs['units']",
        "test_analyses_return_sound_findings",  # hands the same variable on
    ),
    "wrong_unit": bad(
        "reading.py",
        '{"position": ("position", position, {"units": "mm"})}',
        '{"position": ("position", position, {"units": "cm"})}',
        "test_read_returns_valid_signals",
        "'position': has unit 'cm', the modality allows mm",
    ),
    "nan_coordinate": bad(
        "reading.py",
        '{"position": ("position", position, {"units": "mm"})}',
        '{"position": ("position", position, {"units": "mm"}), '
        '"tilt": ((), float("nan"), {"units": "1"})}',
        "test_read_returns_valid_signals",
        "'tilt': 1 of 1 values are not finite",
        "test_analyses_return_sound_findings",
    ),
    "negative_std": bad(
        "reading.py",
        "std = np.sqrt(",
        "std = -np.sqrt(",
        "test_read_returns_valid_signals",
        "standard deviations are negative",
        "test_analyses_return_sound_findings",
    ),
    "unnamed_std": bad(
        "reading.py",
        '"ancillary_variables": "counts_std"',
        '"note": "none"',
        "test_read_returns_valid_signals",
        "does not name 'counts_std'",
        "test_analyses_return_sound_findings",
    ),
    "keyerror_on_truncation": bad(
        "reading.py",
        'said.get("points") != str(',
        'said["points"] != str(',
        "test_damaged_files_are_refused_or_read_soundly",
        "raised KeyError: 'points'",
    ),
    "crash_on_damage": bad(
        "reading.py",
        '    if said.get("points") != str(len(rows)):',
        '    if said.get("points") != str(len(rows)):\n        import os; os.abort()',
        "test_damaged_files_are_refused_or_read_soundly",
        "the process that read it ended with code -6",
    ),
    "eats_memory_on_damage": bad(
        "reading.py",
        '    if said.get("points") != str(len(rows)):',
        '    if said.get("points") != str(len(rows)):\n        bytearray(1 << 40)',
        "test_damaged_files_are_refused_or_read_soundly",
        "raised MemoryError",
    ),
    "writes_to_input": bad(
        "reading.py",
        "    said: dict[str, str] = {}\n",
        '    said: dict[str, str] = {}\n    path.write_bytes(path.read_bytes() + b"\\n")\n',
        "test_reading_changes_nothing_on_disk",
        "simulated.writes_to_input: changed by reading",
    ),
    "writes_beside": bad(
        "reading.py",
        "    said: dict[str, str] = {}\n",
        '    said: dict[str, str] = {}\n    path.with_suffix(".idx").write_text("x")\n',
        "test_reading_changes_nothing_on_disk",
        "simulated.idx: written or removed by reading",
    ),
    "nondeterministic_reader": bad(
        "reading.py",
        "    metadata: dict[str, object] = {}\n",
        "    import time\n\n    metadata: dict[str, object] = {'now': time.time_ns()}\n",
        "test_reading_twice_gives_the_same",
        "gives another answer each time",
    ),
    "ignores_option": Bad(
        (
            (
                "plugin.py",
                'title="scan as two columns of text",',
                'title="scan", options={"scale": "a factor"},',
            ),
            ("reading.py", "if options or companions:", "if companions:"),
            (
                "reading.py",
                "    said: dict[str, str] = {}\n",
                '    said: dict[str, str] = {}\n    float(options.get("scale", 1))\n',
            ),
        ),
        "test_senseless_options_are_refused",
        "scale='[/banana]': raised ValueError",
    ),
    "kwargs_analysis": bad(
        "analysis.py",
        "context: AnalysisContext\n)",
        "context: AnalysisContext, **more: object\n)",
        "test_callables_take_the_documented_parameters",
        "run takes (measurements, params, context, **more), documented is",
    ),
    "renamed_parameter": bad(
        "views.py",
        "findings: Sequence[Finding], context: ViewContext\n) -> list[Block]:",
        "findings: Sequence[Finding], ctx: ViewContext\n) -> list[Block]:\n    context = ctx",
        "test_callables_take_the_documented_parameters",
        "build takes (measurements, findings, ctx)",
    ),
    "kind_not_registered": bad(
        "analysis.py",
        'kind="$${name}_peak_position"',
        'kind="nonsense"',
        "test_analyses_return_sound_findings",
        "no such kind is registered",
    ),
    "unit_of_another_kind": bad(
        "analysis.py",
        'unit="mm"',
        'unit="cm"',
        "test_analyses_return_sound_findings",
        "unit 'cm', the kind has 'mm'",
    ),
    "array_that_is_not_there": bad(
        "analysis.py",
        "array=name",
        'array="other"',
        "test_analyses_return_sound_findings",
        "names array 'other', arrays holds ['used-0']",
    ),
    "nan_in_array": bad(
        "analysis.py",
        "].isel(position=near)",
        '].isel(position=near) * float("nan")',
        "test_analyses_return_sound_findings",
        "41 of 41 values are not finite",
    ),
    "finds_nothing": bad(
        "analysis.py",
        "if total <= 0:",
        "if total >= 0:",
        "test_analyses_return_sound_findings",
        "finds nothing in 1 sample(s)",
    ),
    "spoils_its_input": bad(
        "analysis.py",
        "        near = ",
        "        data['counts'].values[0] += 1\n        near = ",
        "test_analyses_repeat_and_leave_their_input_alone",
        "changes the data it was given",
    ),
    "nondeterministic_analysis": bad(
        "analysis.py",
        'evidence={"points"',
        'evidence={"now": __import__("time").time_ns(), "points"',
        "test_analyses_repeat_and_leave_their_input_alone",
        "gives another answer each time",
    ),
    "default_out_of_range": bad(
        "analysis.py",
        "Field(gt=0.0)",
        "Field(gt=0.0, lt=1.0)",
        "test_params_have_defaults_and_survive_json",
        "the defaults do not pass the model's own checks",
    ),
    "extras_allowed": bad(
        "analysis.py",
        'frozen=True, extra="forbid"',
        "frozen=True",
        "test_params_have_defaults_and_survive_json",
        "must have extra='forbid'",
    ),
    "no_default": bad(
        "simulation.py",
        "Field(ge=0.0, le=1e6)] = 4.2",
        "Field(ge=0.0, le=1e6)]",
        "test_params_have_defaults_and_survive_json",
        "no default for centre",
        "*",
    ),
    "html_view": bad(
        "views.py",
        "    del context\n",
        '    return ["<b>bold</b>"]\n',
        "test_views_return_blocks_that_draw",
        "is a str, expected Figure, Cloud, Table or Text, never HTML",
    ),
    "rows_without_heading": bad(
        "views.py",
        '["position (mm)", "counts"]',
        '["position (mm)"]',
        "test_views_return_blocks_that_draw",
        "has 2 cells under 1 headings",
    ),
    "draw_fails": bad(
        "views.py",
        'axes.set_ylabel("counts")',
        "axes.set_ylable()",
        "test_views_return_blocks_that_draw",
        "draw raised AttributeError",
    ),
    "draws_nothing": bad(
        "views.py",
        "draw=draw",
        "draw=lambda figure: None",
        "test_views_return_blocks_that_draw",
        "draw left the figure empty",
    ),
    "no_alt_text": bad(
        "views.py",
        'alt=f"Counts over position, highest at {position[int(counts.argmax())]:.4g} mm"',
        'alt=" "',
        "test_views_return_blocks_that_draw",
        "alt is empty",
    ),
    "hides_that_it_simulates": bad(
        "simulation.py",
        '        "# origin: simulated",\n',
        "",
        "test_simulators_say_so_and_repeat",
        "is read with origin 'measured'",
        "test_simulated_files_are_read_as_simulated",
    ),
    "forgets_that_it_was_simulated": bad(
        "reading.py",
        'origin="simulated" if',
        'origin="measured" if',
        "test_simulated_files_are_read_as_simulated",
        "has origin 'measured', but the file says simulated",
        "test_simulators_say_so_and_repeat",
    ),
    "unseeded": bad(
        "simulation.py",
        "default_rng(seed)",
        "default_rng()",
        "test_simulators_say_so_and_repeat",
        "the same seed gives other bytes",
    ),
    "unprefixed_key": bad(
        "plugin.py",
        '"$name.text",',
        '"other.text",',
        "test_registry_loads_it",
        "does not start with the plugin's name",
        "*",
    ),
    "dangling_reference": bad(
        "plugin.py",
        "views:scan_view",
        "views:no_such_view",
        "test_references_load",
        "has no 'no_such_view'",
        "test_views_return_blocks_that_draw",
    ),
    "modality_without_unit": bad(
        "plugin.py",
        'coordinates={"position": ("mm",)}',
        'coordinates={"position": ("mm",), "angle": ()}',
        "test_modalities_are_declared_with_units",
        "'angle' has no unit",
    ),
    "hidden_copyleft": bad(
        "views.py",
        "    del context\n",
        "    del context\n    if not measurements:\n        import hyperspy\n",
        "test_licence_follows_imports",
        "but views.py imports hyperspy: GPL-3.0-or-later",
    ),
    "check_spoils": Bad(
        (
            ("plugin.py", "\n@hookimpl\ndef plugin_info", HOOK + "\n@hookimpl\ndef plugin_info"),
            (
                "extra.py",
                "",
                EXTRA.replace("    return [N", '    signal.data["counts"][0] += 1\n    return [N'),
            ),
        ),
        "test_checks_return_notices_and_leave_data_alone",
        "changes the signal it looks at",
    ),
    "check_says_text": Bad(
        (
            ("plugin.py", "\n@hookimpl\ndef plugin_info", HOOK + "\n@hookimpl\ndef plugin_info"),
            ("extra.py", "", EXTRA.replace('Notice(code="a", message="b")', '"text"')),
        ),
        "test_checks_return_notices_and_leave_data_alone",
        "expected list of Notice",
    ),
    "exports_elsewhere": Bad(
        (
            ("plugin.py", "\n@hookimpl\ndef plugin_info", HOOK + "\n@hookimpl\ndef plugin_info"),
            ("extra.py", "", EXTRA.replace("path.write", 'path.with_suffix(".dat").write')),
        ),
        "test_exporters_write_the_file_they_are_asked_for",
        "did not write out.csv alone",
    ),
    "verdict_of_another": Bad(
        (
            ("plugin.py", "\n@hookimpl\ndef plugin_info", HOOK + "\n@hookimpl\ndef plugin_info"),
            ("extra.py", "", EXTRA.replace('"$name.v"', '"core.scalar"')),
        ),
        "test_comparisons_answer_with_a_verdict_or_none",
        "its verdict names 'core.scalar'",
    ),
}


def contract(name: str) -> type[PluginContract]:
    return type(
        "Contract", (PluginContract,), {"plugin": name, "module": f"consilience_{name}.plugin"}
    )


def failures(kit: type[PluginContract], folder: Path) -> dict[str, str]:
    """Run every test of the contract; return name to message of those that fail."""
    found = {}
    for name, test in inspect.getmembers(kit, inspect.isfunction):
        if not name.startswith("test_"):
            continue
        own = folder / name
        own.mkdir(parents=True)
        given = {"tmp_path": own} if "tmp_path" in inspect.signature(test).parameters else {}
        try:
            getattr(kit(), name)(**given)
        except pytest.skip.Exception:
            continue
        except (Exception, pytest.fail.Exception) as error:
            found[name] = str(error) or repr(error)
    return found


@pytest.fixture(autouse=True)
def few_mutants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSILIENCE_MUTANTS", "24")


def test_the_good_plugin_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = new_plugin("good_one", tmp_path)
    monkeypatch.syspath_prepend(plugin)
    assert failures(contract("good_one"), tmp_path / "runs") == {}


def test_good_checks_and_exporters_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = new_plugin("good_two", tmp_path)
    package = plugin / "consilience_good_two"
    words = {"name": "good_two", "package": package.name}
    code = (package / "plugin.py").read_text(encoding="utf-8")
    (package / "plugin.py").write_text(code + Template(HOOK).substitute(words), encoding="utf-8")
    extra = Template(EXTRA).substitute(words)
    (package / "extra.py").write_text(extra, encoding="utf-8")
    monkeypatch.syspath_prepend(plugin)
    assert failures(contract("good_two"), tmp_path / "runs") == {}


@pytest.mark.parametrize("name", sorted(BAD))
def test_each_bad_plugin_is_rejected_by_the_check_meant_for_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = BAD[name]
    plugin = new_plugin(name, tmp_path)
    words = {"name": name, "package": f"consilience_{name}"}
    for file, old, new in case.patches:
        path = plugin / words["package"] / file
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        was, now = (
            Template(t.replace("$${name}", name)).safe_substitute(words) for t in (old, new)
        )
        assert not old or text.count(was) == 1, f"the scaffold's {file} changed: mend this patch"
        path.write_text(text.replace(was, now) if old else now, encoding="utf-8")
    monkeypatch.syspath_prepend(plugin)
    found = failures(contract(name), tmp_path / "runs")
    assert case.said in found.get(case.meant, "(passed)"), found
    if "*" not in case.also:
        assert set(found) == {case.meant} | case.also, found


def test_every_check_of_the_contract_rejects_some_plugin() -> None:
    tests = {
        n for n, _ in inspect.getmembers(PluginContract, inspect.isfunction) if n[:5] == "test_"
    }
    assert tests == {case.meant for case in BAD.values()}
