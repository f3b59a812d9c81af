"""What every analysis starts from: ions, ranges, their spectrum and its background."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadInputError
from consilience.model.measurement import Notice
from consilience_apt.files.range_files import read_range_file
from consilience_apt.files.stream import source_of
from consilience_apt.ions import has_isotopes
from consilience_apt.masses.background import (
    RangeBackground,
    falling_background,
    flight_background,
    local_background,
    quiet_windows,
    with_model_spread,
)
from consilience_apt.masses.identify import Candidate, identify
from consilience_apt.masses.peaks import Peak, find_peaks, resolution
from consilience_apt.masses.propose import propose_ranges
from consilience_apt.masses.spectrum import MassSpectrum, measure_spectrum
from consilience_apt.ranges import RangeTable, assign_charges
from consilience_apt.space.counting import BackgroundShare

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience.analysis import AnalysisContext
    from consilience.model.measurement import Measurement
    from consilience_apt.files.stream import IonSource
    from consilience_apt.params import RangeParams

__all__ = [
    "GASES",
    "Prepared",
    "allowed_elements",
    "identified",
    "prepare",
    "range_background",
    "share_of",
]

GASES = ("H", "C", "N", "O")
"""Elements of the residual gas, which every vacuum chamber adds."""
MOST_PEAKS = 60
"""Peaks that are identified: the strongest ones."""


@dataclass
class Prepared:
    """Ions of one measurement, ready to be analysed.

    Attributes
    ----------
    source : IonSource
    table : RangeTable or None
        None where nothing was ranged and nothing could be proposed.
    ranged_by : str
        Where the ranges come from, in words.
    proposed : bool
        Whether they were proposed here, from the spectrum.
    spectrum : MassSpectrum
    peaks : list of Peak
    power : tuple of float or None
        m/Δm at half and at a tenth of the maximum.
    background : RangeBackground or None
        Of the ranges.
    notices : list of Notice
    """

    source: IonSource
    table: RangeTable | None
    ranged_by: str
    proposed: bool
    spectrum: MassSpectrum
    peaks: list[Peak]
    power: tuple[float | None, float | None]
    background: RangeBackground | None
    notices: list[Notice] = field(default_factory=list)

    @property
    def counts(self) -> NDArray[np.float64]:
        """Ions in each range, shape (ranges,)."""
        assert self.spectrum.ranged is not None
        return self.spectrum.ranged.astype(float)

    @property
    def assumptions(self) -> list[str]:
        """What is taken for granted of the ranges."""
        said = [f"ranges: {self.ranged_by}"]
        if self.proposed:
            said.append(
                "no range file was given: ranges were proposed from the spectrum, and hold "
                "only peaks whose isotope ratios fit a single ion"
            )
        return said


def prepare(
    measurement: Measurement,
    params: RangeParams,
    context: AnalysisContext,
    *,
    with_background: bool = True,
) -> Prepared:
    """Count the ions over mass and in their ranges, block by block.

    Raises
    ------
    BadInputError
        The reference file named by the parameters is not registered, or is no range file.
    """
    source = source_of(measurement.data)
    notices: list[Notice] = []
    table, ranged_by = _given_ranges(measurement, params, context, notices)
    spectrum = measure_spectrum(source, table, width=params.bin_width, progress=context.progress)
    peaks = find_peaks(spectrum)
    power = resolution(peaks)
    proposed = table is None
    if table is None:
        table = _proposal(spectrum, peaks, power[1], params, context, notices)
        if table is not None:
            spectrum = measure_spectrum(
                source, table, width=params.bin_width, progress=context.progress
            )
    made = Prepared(source, table, ranged_by, proposed, spectrum, peaks, power, None, notices)
    if table is not None and with_background and params.background != "none":
        made.background = range_background(spectrum, table, params.background, notices)
    return made


def _given_ranges(
    measurement: Measurement,
    params: RangeParams,
    context: AnalysisContext,
    notices: list[Notice],
) -> tuple[RangeTable | None, str]:
    if params.ranges is not None:
        known = {one.name: one for one in context.references}
        known |= {one.title: one for one in context.references if one.title}
        if params.ranges not in known:
            raise BadInputError(
                f"no reference file {params.ranges!r} is registered",
                fix="add it as a [[reference]] of the study file, or name one of: "
                + (", ".join(sorted(known)) or "none there"),
            )
        table, unsettled = assign_charges(read_range_file(known[params.ranges].path)[0])
        if unsettled:
            notices.append(
                Notice(
                    code="charge-unknown",
                    message=f"{len(unsettled)} of {len(table)} ranges: {'; '.join(unsettled[:8])}",
                    severity="info",
                )
            )
        return table, f"reference file {params.ranges}"
    kept = measurement.metadata.get("ranges")
    if kept is None:
        return None, "proposed from the spectrum"
    table = RangeTable.from_json(kept)
    return table, f"{table.source}, registered beside the ions"


def allowed_elements(
    table: RangeTable | None, params: RangeParams, context: AnalysisContext
) -> list[str]:
    """Return the elements that peaks may be, none where nobody said anything."""
    if params.elements is not None:
        wrong = [symbol for symbol in params.elements if not has_isotopes(symbol)]
        if wrong:
            raise BadInputError(
                f"{wrong[0]!r} is no element with natural isotopes", fix="leave it out"
            )
        return list(dict.fromkeys(params.elements))
    named = [*(table.elements if table else ()), *context.sample.elements]
    return [symbol for symbol in dict.fromkeys([*named, "H"]) if has_isotopes(symbol)]


def identified(
    spectrum: MassSpectrum,
    peaks: list[Peak],
    power: float,
    elements: list[str],
    params: RangeParams,
    *,
    table: RangeTable | None = None,
    most: int = 5,
) -> list[list[Candidate]]:
    """Return candidates for each peak; those beyond the strongest 60 get none."""
    order = sorted(range(len(peaks)), key=lambda at: -peaks[at].significance)[:MOST_PEAKS]
    chosen = sorted(order)
    found = identify(
        spectrum,
        [peaks[at] for at in chosen],
        elements,
        power,
        most_atoms=params.most_atoms,
        charges=tuple(params.charges),
        most=most,
        table=table,
    )
    out: list[list[Candidate]] = [[] for _ in peaks]
    for at, one in zip(chosen, found, strict=True):
        out[at] = one
    return out


def _proposal(
    spectrum: MassSpectrum,
    peaks: list[Peak],
    power: float | None,
    params: RangeParams,
    context: AnalysisContext,
    notices: list[Notice],
) -> RangeTable | None:
    elements = allowed_elements(None, params, context)
    if not peaks or power is None:
        notices.append(
            Notice(
                code="no-ranges",
                message="no range file, and no peak of the spectrum from which ranges could be "
                "proposed",
                fix="register the ions again with --with ranges=FILE",
            )
        )
        return None
    if elements == ["H"]:
        notices.append(
            Notice(
                code="no-ranges",
                message="no range file, and nobody said which elements can be in the sample: "
                "ranges are not proposed, because with enough elements any peak is some ion",
                fix="register the ions with --with ranges=FILE, or name the sample's elements",
            )
        )
        return None
    try:
        found = identified(spectrum, peaks, power, elements, params)
        table = propose_ranges(peaks, found)
    except BadInputError as error:
        notices.append(Notice(code="no-ranges", message=error.what, fix=error.fix))
        return None
    named = [one.text for one in table.ranges if one.ion is not None]
    notices.append(
        Notice(
            code="proposed-ranges",
            message=f"no range file: {len(named)} of {len(table)} peaks got a proposed range "
            + (f"({'; '.join(named[:8])})" if named else "with an ion"),
            fix="check them, and register a range file with --with ranges=FILE",
        )
    )
    return table if named else None


def range_background(
    spectrum: MassSpectrum, table: RangeTable, model: str, notices: list[Notice]
) -> RangeBackground | None:
    """Return the background of the ranges, with the other model's difference as systematic."""
    flight = local = constant = None
    try:
        quiet = quiet_windows(spectrum, table)
        flight = falling_background(spectrum, table.edges, quiet)
        constant = flight_background(spectrum, table.edges, quiet)
    except BadInputError as error:
        notices.append(_no_background(error))
    try:
        local = local_background(spectrum, table.edges)
    except BadInputError as error:
        if model == "local" or flight is None:
            notices.append(_no_background(error))
    first, second = (flight, local) if model == "flight" else (local, flight)
    if first is None:
        return None
    others = [one for one in (constant, second) if one is not None and one is not first]
    return with_model_spread(first, *others) if others else first


def _no_background(error: BadInputError) -> Notice:
    return Notice(code="no-background", message=error.what, fix=error.fix)


def share_of(prepared: Prepared) -> BackgroundShare | None:
    """Return the background as shares of all recorded ions, for bins and regions."""
    if prepared.background is None:
        return None
    total = max(prepared.source.ions, 1)
    spread = np.diag(prepared.background.covariance)
    if prepared.background.systematic is not None:
        spread = spread + np.diag(prepared.background.systematic)
    return BackgroundShare(
        np.concatenate([[0.0], prepared.background.expected / total]),
        np.concatenate([[0.0], np.sqrt(np.maximum(spread, 0.0)) / total]),
    )
