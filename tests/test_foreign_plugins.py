"""Plugins from outside the tree: a good one is used to the report, bad ones are explained."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from consilience.scaffold import new_plugin

BAD = {
    "broken": "raise RuntimeError('no such instrument')",
    "old": """
from consilience.declarations import PluginInfo
from consilience.hookspecs import hookimpl
@hookimpl
def plugin_info():
    return PluginInfo("old", "0.1", 0, "written long ago", "BSD-3-Clause")
""",
    "thief": """
from consilience.declarations import PluginInfo, Reader, Ref
from consilience.hookspecs import API_VERSION, hookimpl
@hookimpl
def plugin_info():
    return PluginInfo("thief", "0.1", API_VERSION, "takes another's key", "BSD-3-Clause")
@hookimpl
def register_readers():
    probe, read = Ref("thief:probe"), Ref("thief:read")
    return [Reader("xrd.text", ("xrd",), ("*.xy",), probe, read)]
""",
}


def distribution(site: Path, name: str, module: str) -> None:
    info = site / f"{name}_plugin-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-plugin\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text(f"[consilience.plugins]\n{name} = {module}\n")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder as pip would fill it, with one good plugin and three bad ones."""
    folder = tmp_path / "site"
    folder.mkdir()
    made = new_plugin("raman", tmp_path)
    (made / "consilience_raman").rename(folder / "consilience_raman")
    distribution(folder, "raman", "consilience_raman.plugin")
    for name, source in BAD.items():
        (folder / f"{name}.py").write_text(source)
        distribution(folder, name, name)
    return folder


def consilience(site: Path, *args: str | Path) -> str:
    code = "import sys; sys.argv[0] = 'consilience'; from consilience.cli.app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, args)],
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_foreign_plugin_is_used_to_the_report_while_bad_ones_are_explained(
    site: Path, tmp_path: Path
) -> None:
    listed = consilience(site, "plugins")
    assert "\nraman " in listed
    assert "\nxrd " in listed
    assert "plugin 'broken' (broken-plugin): RuntimeError while it was loaded" in listed
    assert "plugin 'old' (old-plugin): written for API version 0, this host has 1" in listed
    assert "install a newer release of the plugin" in listed
    said = "the reader 'xrd.text' does not start with the plugin's name"
    assert f"plugin 'thief' (thief-plugin): {said}" in listed
    assert "fix: name it 'thief.text'" in listed

    simulate = (
        "import sys; from pathlib import Path\n"
        "from consilience.registry import Registry\n"
        "from consilience.declarations import Simulator\n"
        "(s,) = [s for s in Registry.discover().all(Simulator) if s.modality == 'raman']\n"
        "print(s.run.load()(s.params.load()(), 1, Path(sys.argv[1]))[0])\n"
    )
    made = subprocess.run(
        [sys.executable, "-c", simulate, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    study = tmp_path / "study"
    consilience(site, "init", study)
    consilience(site, "-C", study, "sample", "add", "chip")
    registered = consilience(site, "-C", study, "add", made.stdout.strip(), "--sample", "chip")
    assert "registered" in registered
    assert "1 run(s)" in consilience(site, "-C", study, "--progress", "none", "analyse")
    assert "raman" in consilience(site, "-C", study, "measurements")
    consilience(site, "-C", study, "--progress", "none", "report")
    text = (study / "report.html").read_text(encoding="utf-8")
    assert "Section by plugin raman" in text
    assert "does not start with the plugin" in text
