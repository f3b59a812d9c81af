"""The root's lists are the union of the folders' own pyproject files."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PLUGINS = sorted(p.parent for p in (ROOT / "plugins").glob("*/pyproject.toml"))
FOLDERS = [ROOT / "core", *PLUGINS]
COPYLEFT = {"hyperspy", "exspy", "rsciio", "galvani", "yadg"}


def toml(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def project(folder: Path) -> dict[str, Any]:
    return toml(folder)["project"]  # type: ignore[no-any-return]


def place(folder: Path) -> str:
    return folder.relative_to(ROOT).as_posix()


def test_all_five_techniques_have_their_folder() -> None:
    assert [p.name for p in PLUGINS] == ["apt", "compton", "eels", "xrd", "xrf"]


def test_entry_points_are_the_union() -> None:
    root = project(ROOT)["entry-points"]["consilience.plugins"]
    union: dict[str, str] = {}
    for folder in PLUGINS:
        own = project(folder)["entry-points"]["consilience.plugins"]
        assert list(own) == [folder.name], "one plugin a folder, of the folder's name"
        union |= own
    assert root == union
    for module in union.values():
        package, _, name = module.partition(".")
        folder = ROOT / "plugins" / package.removeprefix("consilience_")
        assert (folder / package / f"{name}.py").is_file(), module


def test_scripts_are_those_of_the_core() -> None:
    assert project(ROOT)["scripts"] == project(ROOT / "core")["scripts"]


def test_wheel_packages_are_the_union() -> None:
    union = [
        f"{place(folder)}/{package}"
        for folder in FOLDERS
        for package in toml(folder)["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    ]
    packages = toml(ROOT)["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert packages == union
    assert all((ROOT / package / "py.typed").is_file() for package in packages)


def test_dev_mode_dirs_are_all_folders() -> None:
    dirs = toml(ROOT)["tool"]["hatch"]["build"]["dev-mode-dirs"]
    assert dirs == [place(folder) for folder in FOLDERS]


def test_dependencies_are_the_union() -> None:
    union = {d for folder in FOLDERS for d in project(folder)["dependencies"]} - {"consilience"}
    listed = project(ROOT)["dependencies"]
    assert set(listed) == union
    assert len(listed) == len(set(listed))
    names = [re.split(r"[<>=!~\[; ]", d)[0].lower() for d in listed]
    assert len(names) == len(set(names)), "one bound for each library"


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda p: p.name)
def test_a_plugin_needs_the_host(folder: Path) -> None:
    assert "consilience" in project(folder)["dependencies"]
    assert project(folder)["name"] == f"consilience-{folder.name}"
    assert project(folder)["requires-python"] == project(ROOT)["requires-python"]


def test_mypy_looks_at_every_package() -> None:
    mypy = toml(ROOT)["tool"]["mypy"]
    packages = toml(ROOT)["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert set(mypy["packages"]) == {Path(p).name for p in packages}
    assert mypy["mypy_path"].split(":") == [place(folder) for folder in FOLDERS]
    assert mypy["strict"] is True


def imports(folder: Path) -> dict[str, str]:
    """Return top-level module to the file that imports it, anywhere in a folder's packages."""
    found: dict[str, str] = {}
    for file in sorted(folder.rglob("*.py")):
        if "tests" in file.relative_to(folder).parts:
            continue
        for node in ast.walk(ast.parse(file.read_bytes())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in names:
                found.setdefault(name.partition(".")[0], place(file))
    return found


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: p.name)
def test_licence_by_folder(folder: Path) -> None:
    copyleft = COPYLEFT & set(imports(folder))
    expected = "GPL-3.0-or-later" if copyleft else "BSD-3-Clause"
    assert project(folder)["license"] == expected, copyleft


def test_licence_of_the_whole_names_all_and_their_texts_are_there() -> None:
    licences = {project(folder)["license"] for folder in FOLDERS}
    assert set(project(ROOT)["license"].split(" AND ")) == licences
    assert {p.stem for p in (ROOT / "LICENSES").glob("*.txt")} == licences


def test_the_core_imports_no_technique() -> None:
    found = imports(ROOT / "core" / "consilience")
    own = {f"consilience_{p.name}" for p in PLUGINS}
    techniques = {"pymatgen", "pyFAI", "fabio", "pybaselines"}
    assert not {n: f for n, f in found.items() if n in own | techniques | COPYLEFT}


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda p: p.name)
def test_plugins_do_not_import_each_other(folder: Path) -> None:
    others = {f"consilience_{p.name}" for p in PLUGINS if p != folder}
    assert not others & set(imports(folder))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: p.name)
def test_every_folder_has_a_readme_that_its_package_shows(folder: Path) -> None:
    assert project(folder)["readme"] == "README.md"
    assert len((folder / "README.md").read_text(encoding="utf-8")) > 100


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda p: p.name)
def test_readme_lists_the_licence_and_what_is_declared(folder: Path) -> None:
    from consilience.declarations import Kind
    from consilience.registry import Registry

    text = (folder / "README.md").read_text(encoding="utf-8")
    assert project(folder)["license"] in text
    plugin = Registry.discover().plugins[folder.name]
    keys = {d.name if isinstance(d, Kind) else d.key for d in plugin.declarations}
    assert not {key for key in keys if f"`{key}`" not in text}


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda p: p.name)
def test_every_plugin_inherits_the_contract(folder: Path) -> None:
    texts = [f.read_text(encoding="utf-8") for f in (folder / "tests").glob("test_*.py")]
    assert any("(PluginContract)" in t and f'plugin = "{folder.name}"' in t for t in texts)


def test_test_files_have_names_of_their_own() -> None:
    names = [
        f.name
        for folder in (ROOT / "tests", *(f / "tests" for f in FOLDERS))
        for f in folder.rglob("test_*.py")
    ]
    assert sorted(names) == sorted(set(names))


def test_every_simulated_file_is_claimed_by_exactly_one_reader(tmp_path: Path) -> None:
    from consilience.declarations import Simulator
    from consilience.errors import AmbiguousReaderError
    from consilience.probing import choose_reader
    from consilience.registry import Registry

    registry = Registry.discover()
    assert len(registry.all(Simulator)) >= 4
    for simulator in registry.all(Simulator):
        folder = tmp_path / simulator.key
        folder.mkdir()
        read = 0
        for path in simulator.run.load()(simulator.params.load()(), 1, folder):
            try:
                reader = choose_reader(registry, path)
            except AmbiguousReaderError as error:
                said = error.what
            else:
                assert registry.owner(reader) is registry.owner(simulator), path.name
                read += 1
                continue
            assert said.startswith("no reader knows"), said  # the truth beside the data
        assert read, simulator.key
