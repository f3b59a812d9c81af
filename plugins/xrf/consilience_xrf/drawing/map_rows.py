"""What is drawn of compared maps: rows of panels from the arrays that `xrf.maps` stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience.model.finding import Finding
from consilience_xrf.drawing.grid import COLUMNS, Panel, PanelRow

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

__all__ = ["Scan", "Sheet", "lines_of", "pooled", "row_of", "scans_of", "sheets_of"]

Opener = Callable[[str], "xr.Dataset"]
SHARES = "share of the greatest point"


@dataclass(frozen=True)
class Scan:
    """One scan's array, its title, and the findings that name it by line."""

    title: str
    data: xr.Dataset
    findings: dict[str, Finding]

    @property
    def plane(self) -> tuple[str, str]:
        """Names of the directions, down and across."""
        first = self.data[next(iter(self.findings))]
        return str(first.dims[0]), str(first.dims[1])

    def panel(self, line: str, divisor: float, title: str = "") -> Panel:
        """A map over `divisor`."""
        y, x = self.plane
        return Panel(
            title or self.title,
            np.asarray(self.data[line].values, dtype=np.float64) / divisor,
            np.asarray(self.data[x].values, dtype=np.float64),
            np.asarray(self.data[y].values, dtype=np.float64),
            str(self.data[x].attrs.get("units", "1")),
        )

    def number(self, name: str) -> float | None:
        """A number that the array holds."""
        return float(self.data[name].values) if name in self.data else None


@dataclass(frozen=True)
class Sheet:
    """One figure: its rows, the lines and scans in it."""

    title: str
    rows: tuple[PanelRow, ...]
    lines: tuple[str, ...]
    scans: tuple[Scan, ...]
    said: str


def scans_of(findings: Sequence[Finding], open_array: Opener, kind: str) -> list[Scan]:
    """Return the scans that findings of a kind name the arrays of, in their order."""
    named: dict[str, dict[str, Finding]] = {}
    for finding in findings:
        if finding.kind == kind and finding.array is not None and finding.subject is not None:
            named.setdefault(finding.array, {})[finding.subject.label] = finding
    found = []
    for name, by_line in named.items():
        data = open_array(name)
        have = {n: f for n, f in by_line.items() if n in data and data[n].ndim == 2}
        if have:
            found.append(Scan(str(data.attrs.get("title", "")), data, have))
    return found


def sheets_of(scans: Sequence[Scan]) -> list[Sheet]:
    """Return the figures of compared maps: one for each line over several scans, else one for all.

    Each map is shown as share of the greatest point of all scans, as share of the percentile, and
    on a scale of its own.
    """
    lines = lines_of(scans)
    if len(scans) == 1:
        (scan,) = scans
        return [
            _sheet(", ".join(some), [(scan, line, line) for line in some], ())
            for some in _chunks(lines)
        ]
    made = []
    for line in lines:
        have = [scan for scan in scans if line in scan.findings]
        if len(have) <= COLUMNS:
            made.append(_sheet(line, [(s, line, s.title) for s in have], ()))
            continue
        panels = [(s, line, s.title) for s in have]
        made += [_sheet(line, panels, (kind,)) for kind in ("greatest", "percentile", "own")]
    return made


def lines_of(scans: Sequence[Scan]) -> list[str]:
    """Return the lines of all scans, those first whose counts stand out most."""
    found: dict[str, float] = {}
    for scan in scans:
        for line, finding in scan.findings.items():
            std = finding.evidence.get("mean_std_own") or finding.evidence.get("ug_cm2_std_stat")
            mean = finding.evidence.get("mean") or finding.evidence.get("ug_cm2")
            sure = 0.0
            if isinstance(std, float) and isinstance(mean, float) and std > 0:
                sure = mean / std
            found[line] = max(found.get(line, 0.0), sure)
    return sorted(found, key=lambda line: -found[line])


def _chunks(lines: Sequence[str]) -> list[list[str]]:
    return [list(lines[i : i + COLUMNS]) for i in range(0, len(lines), COLUMNS)]


def _sheet(title: str, panels: Sequence[tuple[Scan, str, str]], only: tuple[str, ...]) -> Sheet:
    kinds = only or ("greatest", "percentile", "own")
    starts = range(0, len(panels), COLUMNS)
    rows = [row_of(kind, panels[first : first + COLUMNS]) for kind in kinds for first in starts]
    lines = tuple(dict.fromkeys(line for _, line, _ in panels))
    scans = tuple(dict.fromkeys(id(s) for s, _, _ in panels))
    own = tuple(next(s for s, _, _ in panels if id(s) == i) for i in scans)
    words = {
        "greatest": "share of the greatest point of all maps of the line, one scale",
        "percentile": f"share of {_percentile(panels[0])}, one scale",
        "own": "each on a scale of its own",
    }
    said = "; ".join(words[k] for k in kinds)
    return Sheet(title, tuple(rows), lines, own, said)


def _percentile(panel: tuple[Scan, str, str]) -> str:
    scan, line, _ = panel
    name = f"percentile_of_{line}"
    title = str(scan.data[name].attrs.get("title", "")) if name in scan.data else ""
    return "the " + (title.partition(" of ")[0] or "percentile") + " of all their points"


def row_of(kind: str, panels: Sequence[tuple[Scan, str, str]]) -> PanelRow:
    """Return maps side by side: as share of the ``greatest`` or ``percentile``, or as they are."""
    made = []
    unit = ""
    for scan, line, title in panels:
        divisor = scan.number(f"{kind}_of_{line}") or 1.0
        made.append(scan.panel(line, divisor, title))
        unit = str(scan.data[line].attrs.get("units", "1"))
    if kind == "own":
        return PanelRow(f"{unit}, own scale", tuple(made), None)
    label = SHARES if kind == "greatest" else "share of the percentile"
    return PanelRow(f"{label}\n(same scale)", tuple(made), (0.0, 1.0))


def pooled(values: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """Return 0 and the greatest finite value of several maps, for one scale."""
    top = max((float(np.nanmax(v, initial=0.0)) for v in values), default=0.0)
    return 0.0, top if top > 0.0 else 1.0
