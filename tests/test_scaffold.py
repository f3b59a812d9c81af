"""A new plugin installs with plain pip, is discovered, and passes its contract at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from consilience.errors import BadInputError, PermissionDeniedError, StudyExistsError
from consilience.scaffold import LICENCES, new_plugin

ROOT = Path(__file__).parents[1]


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", ["raman", "x_ray_topography"])
def test_new_plugin_installs_is_discovered_and_keeps_the_contract(
    tmp_path: Path, name: str
) -> None:
    plugin = new_plugin(name, tmp_path)
    site = tmp_path / "site"
    run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--no-build-isolation", "--no-index", "--target", site, plugin),
        cwd=tmp_path,
    )
    path = os.pathsep.join([str(site), str(ROOT / "core")])
    listed = run(
        sys.executable,
        "-c",
        "import json\n"
        "from consilience.registry import Registry\n"
        "r = Registry.discover()\n"
        "print(json.dumps([sorted(r.plugins), [f.name for f in r.failed]]))",
        cwd=tmp_path,
        PYTHONPATH=path,
    )
    plugins, failed = json.loads(listed.splitlines()[-1])
    assert name in plugins
    assert name not in failed
    said = run(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "tests"),
        cwd=plugin,
        PYTHONPATH=path,
        CONSILIENCE_MUTANTS="30",
    )
    assert "passed" in said
    assert "skipped" not in said


@pytest.mark.slow
def test_new_plugin_is_clean_for_the_linter_and_the_type_checker(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    plugin = new_plugin("raman", tmp_path)
    config = ROOT / "pyproject.toml"
    code = plugin / "consilience_raman"
    run(sys.executable, "-m", "ruff", "check", "--config", config, code, cwd=ROOT)
    run(sys.executable, "-m", "ruff", "format", "--check", "--config", config, plugin, cwd=ROOT)
    run(
        *(sys.executable, "-m", "mypy", "--strict", "--explicit-package-bases"),
        *("--cache-dir", tmp_path / "mypy", "--config-file", os.devnull, "-p", "consilience_raman"),
        cwd=plugin,
        MYPYPATH=os.pathsep.join([str(plugin), str(ROOT / "core")]),
    )


def test_every_licence_is_written_where_it_is_read(tmp_path: Path) -> None:
    for licence in LICENCES:
        folder = tmp_path / licence
        folder.mkdir()
        plugin = new_plugin("raman", folder, licence)
        assert f'license = "{licence}"' in (plugin / "pyproject.toml").read_text()
        code = (plugin / "consilience_raman" / "plugin.py").read_text()
        assert f'licence="{licence}"' in code
    with pytest.raises(BadInputError, match="none of the licences"):
        new_plugin("raman", tmp_path, "mine")


@pytest.mark.parametrize(
    "name",
    ["", "Raman", "2d", "a-b", "a b", "é", "class", "match", "json", "core", "_a", "a__b", "../x"],
)
def test_names_that_cannot_be_a_plugin(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInputError) as caught:
        new_plugin(name, tmp_path)
    assert repr(name) in caught.value.what
    assert list(tmp_path.iterdir()) == []


def test_a_name_longer_than_forty_letters(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="longer than 40"):
        new_plugin("a" * 41, tmp_path)


def test_a_name_that_is_taken(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="'xrf' is already installed"):
        new_plugin("xrf", tmp_path)


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    there = tmp_path / "consilience-raman"
    there.mkdir()
    (there / "mine.txt").write_text("mine")
    with pytest.raises(StudyExistsError, match="is already there; nothing was written"):
        new_plugin("raman", tmp_path)
    assert [p.name for p in there.iterdir()] == ["mine.txt"]


def test_a_folder_that_does_not_exist_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(PermissionDeniedError, match="cannot be written into"):
        new_plugin("raman", tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []
