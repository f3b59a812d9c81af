"""`consilience --help` and `consilience plugins` start without anything heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "numpy",
    "xarray",
    "scipy",
    "pymatgen",
    "hyperspy",
    "exspy",
    "rsciio",
    "matplotlib",
    "h5py",
    "zarr",
    "pandas",
    "pybaselines",
    "pyFAI",
    "fabio",
    "pint",
    "jinja2",
    "rich",
}
CODE = """
import sys
sys.argv = ["consilience", *{args!r}]
from consilience.cli.app import main
try:
    main()
except SystemExit as end:
    assert end.code in (0, None), end.code
print("LOADED", *sorted({{name.split(".")[0] for name in sys.modules}}))
"""


@pytest.mark.parametrize(
    "args",
    [["--help"], ["plugins"], ["plugins", "--json"], ["plugins", "--kinds"], ["--version"]],
    ids=" ".join,
)
def test_nothing_heavy_is_loaded(args: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(args=args)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    loaded = set(done.stdout.rpartition("LOADED")[2].split())
    assert "typer" in loaded
    assert not loaded & HEAVY


def test_the_five_plugins_are_listed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(args=["plugins"])],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    listed = {line.split()[0] for line in done.stdout.splitlines() if line.strip()}
    assert {"apt", "compton", "core", "eels", "xrd", "xrf"} <= listed
    assert "failed:" not in done.stdout
