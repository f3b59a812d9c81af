"""The ledger of dose: what each region received, from whom it was inherited, and what is unknown.

Fluences are added only for one particle (and one species of ion) and like energies; what is
unlike is listed beside the sum.  What is unknown makes a sum unknown; the part that is certain
stays as a lower bound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from consilience.custody.chain import Moment, Order, cut_of
from consilience.custody.dose.alike import LIKE_ENERGY, alike, kev, like, same_kind
from consilience.custody.dose.entries import DoseEntry, collect
from consilience.custody.dose.frames import tied
from consilience.custody.dose.geometry import Place, highest_sum, place
from consilience.custody.dose.order import between, to_cut
from consilience.custody.dose.radiation import radiation_of
from consilience.custody.dose.units import FLUENCE_UNITS, Particle, shown
from consilience.lineage import ancestors
from consilience.model.finding import Region
from consilience.model.measurement import MeasurementRecord

if TYPE_CHECKING:
    from consilience.custody.custody import Custody

__all__ = ["LIKE_ENERGY", "DoseLedger", "DoseSum", "Share", "like"]

Kept = Literal["own", "kept", "part", "outside", "after", "unplaced"]


@dataclass(frozen=True)
class Share:
    """What of an irradiation counts for a region.

    Parameters
    ----------
    entry : DoseEntry
    kept : {"own", "kept", "part", "outside", "after", "unplaced"}
        *own*: this measurement itself.  *kept*: the whole region received it.  *part*: some of
        it did.  *outside*, *after*: none did.  *unplaced*: not known, so it is not inherited.
    why : str
    inherited_from : str or None
        The ancestor that was irradiated.
    """

    entry: DoseEntry
    kept: Kept
    why: str
    inherited_from: str | None = None

    @property
    def counts(self) -> bool:
        """True if some of the region received it for certain."""
        return self.kept in ("own", "kept", "part")

    @property
    def left_out(self) -> str:
        """What happened to it where it is unplaced: only from an ancestor could it be inherited."""
        return "not added" if self.inherited_from is None else "not inherited"


@dataclass(frozen=True)
class DoseSum:
    """A sum at the most irradiated point of a region; None is unknown.

    `at_least` is the certain part, `beside` what was not added because particle or energy is
    unlike, `beside_at_least` the highest sum of one energy that is certain among it, `shares`
    everything of that particle that was looked at.
    """

    particle: Particle
    species: str
    energy: float | None
    value: float | None
    at_least: float | None
    why: str
    shares: tuple[Share, ...] = ()
    beside: tuple[Share, ...] = ()
    beside_at_least: float | None = None

    @property
    def unit(self) -> str:
        """Unit of the sum."""
        return FLUENCE_UNITS[self.particle]

    @property
    def text(self) -> str:
        """The sum as it is read."""
        if self.value is not None:
            return shown(self.value, self.unit)
        if self.at_least:
            return f"unknown, at least {shown(self.at_least, self.unit)}"
        return "unknown"

    @property
    def evidence(self) -> tuple[str, ...]:
        """IDs of the measurements and steps behind it."""
        return tuple(dict.fromkeys(s.entry.id for s in self.shares if s.kept != "after"))


@dataclass
class DoseLedger:
    """Every irradiation of a study, and what follows for each measured region.

    Parameters
    ----------
    custody : Custody
    """

    custody: Custody
    entries: list[DoseEntry] = field(init=False)
    _told: dict[tuple[str, bool], list[Share]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.entries = collect(self.custody)

    def own(self, record: MeasurementRecord) -> list[DoseEntry]:
        """Return the irradiations that this measurement was."""
        return [e for e in self.entries if record.id in e.measurements]

    def shares(
        self, record: MeasurementRecord, *, own: bool = True, later: bool = False
    ) -> list[Share]:
        """Return how each irradiation of the sample and its ancestors lies to a measurement.

        Parameters
        ----------
        record : MeasurementRecord
        own : bool
            Count the measurement itself.
        later : bool
            Count what the sample received after it, too.
        """
        key = (record.id, later)
        if key not in self._told:
            self._told[key] = self._shares(record, later)
        return [share for share in self._told[key] if own or share.kept != "own"]

    def _shares(self, record: MeasurementRecord, later: bool) -> list[Share]:
        line = [record.sample, *ancestors(self.custody.samples, record.sample)]
        at, wanted = self.custody.place(record), self._wanted(record, line)
        found = []
        for entry in self.entries:
            if record.id in entry.measurements:
                found.append(Share(entry, "own", "this measurement"))
                continue
            # what was only simulated put nothing into a thing that was measured
            if entry.sample in line and (record.origin == "simulated" or not entry.simulated):
                found.append(self._share(entry, line, at, wanted, later))
        return found

    def _share(
        self,
        entry: DoseEntry,
        line: list[str],
        at: Moment,
        wanted: list[Region | None],
        later: bool,
    ) -> Share:
        depth = line.index(entry.sample)
        origin = entry.sample if depth else None
        order, when = self._order(at, entry, line, depth)
        if later and not depth:
            order = "before"
        if order == "after":
            return Share(entry, "after", when, origin)
        comparable, untied = tied(entry.region, depth, wanted, line, self.custody.samples)
        where: Place = place(entry.region, comparable)
        if where == "apart":
            return Share(entry, "outside", "it lies beside this region", origin)
        if order == "unknown":
            return Share(entry, "unplaced", when, origin)
        if where == "unknown":
            why = untied or self._unplaced(entry, wanted, depth)
            return Share(entry, "unplaced", why, origin)
        if where == "covers":
            return Share(entry, "kept", "it covered all of this region", origin)
        return Share(entry, "part", "it covered a part of this region", origin)

    def _wanted(self, record: MeasurementRecord, line: list[str]) -> list[Region | None]:
        """Return what encloses the place asked for: region, cut from the parent, cut of that …."""
        own = [e.region for e in self.own(record) if e.region is not None]
        region = record.region or (own[0] if own else None)
        samples = self.custody.samples
        cuts: list[Region | None] = []
        for name in line[:-1]:
            cut = samples[name].cut if name in samples else None
            # a cut without coordinates encloses, but says nothing of where
            cuts.append(None if cut is not None and cut.shape == "whole" else cut)
        return [region, *cuts]

    def _unplaced(self, entry: DoseEntry, wanted: Sequence[Region | None], depth: int) -> str:
        if entry.region is None:
            return "which region it irradiated is not recorded"
        if all(region is None for region in wanted):
            return (
                "where the sample was cut out is not recorded"
                if depth
                else "the region of this measurement is not recorded"
            )
        return f"no region of this line is known in the frame {entry.region.frame!r}"

    def _order(
        self, at: Moment, entry: DoseEntry, line: list[str], depth: int
    ) -> tuple[Order, str]:
        if not depth:
            order = between(entry.moment, at)
            return order, {
                "after": "it came after this measurement",
                "unknown": "whether it came before this measurement is not known",
            }.get(order, "")
        steps = [s for s in self.custody.steps if s.sample == entry.sample]
        cut = cut_of(line[depth - 1], steps)
        order = "unknown" if cut is None else to_cut(entry.moment, cut)
        if order == "unknown":
            # sequences of two samples are not compared, times are
            times = Moment(at.sample, entry.moment.time), Moment(at.sample, at.time)
            if between(*times) == "after":
                return "after", "it came after this measurement"
        if cut is None:
            return "unknown", f"when {line[depth - 1]!r} was cut out is not recorded"
        return order, {
            "after": f"it came after {line[depth - 1]!r} was cut out",
            "unknown": f"whether it came before {line[depth - 1]!r} was cut out is not known",
        }.get(order, "")

    def sum(
        self,
        record: MeasurementRecord,
        particle: Particle,
        *,
        own: bool = True,
        later: bool = False,
        warmer_than: float | None = None,
    ) -> DoseSum:
        """Return the fluence of one particle at the most irradiated point of a region.

        Parameters
        ----------
        record : MeasurementRecord
            Whose region, and until when.
        particle : {"electron", "photon", "ion"}
        own : bool
            Count the measurement itself.
        later : bool
            Count what came after it on the same sample, too: all that the region has had.
        warmer_than : float, optional
            Count only what came while the sample was warmer than this (K).
        """
        told = self.shares(record, own=own, later=later)
        shares = [s for s in told if s.entry.particle == particle]
        relevant = [s for s in shares if s.kept not in ("outside", "after")]
        mine = [e for e in self.own(record) if e.particle == particle]
        unknown: list[str] = []
        if own and not self.own(record) and particle in self._radiation(record):
            unknown.append("the dose of this measurement is not recorded")
        added, beside, energy, species, doubts = alike(relevant, mine)
        if warmer_than is not None:
            beside = [s for s in beside if _warm(s.entry, warmer_than) is not False]
        unknown += doubts
        certain: list[Share] = []
        for share in added:
            warm = True if warmer_than is None else _warm(share.entry, warmer_than)
            name = share.entry.title or share.entry.id
            if warm is False:
                continue
            if share.kept == "unplaced":
                if share.entry.fluence != 0.0:
                    unknown.append(f"{name}: {share.left_out}, because {share.why}")
            elif share.entry.fluence is None:
                unknown.append(f"{name}: its fluence is not recorded")
            elif share.entry.energy is None and share.kept != "own" and len(added) > 1:
                unknown.append(f"{name}: its energy is not recorded, so it may not be added")
            elif warm is None:
                unknown.append(f"{name}: the temperature meanwhile {_not_known(share.entry)}")
            else:
                certain.append(share)
        total, doubt = self.highest(record, [(s, s.entry.fluence or 0.0) for s in certain])
        unknown = list(dict.fromkeys([*unknown, doubt] if doubt else unknown))
        why = "; ".join(unknown) if unknown else _sum_text(certain, total, FLUENCE_UNITS[particle])
        if beside:
            listed = ", ".join(
                f"{shown(s.entry.fluence, s.entry.unit)} at {kev(s.entry.energy)}" for s in beside
            )
            why = f"{why}; beside it, not added because the energy is unlike: {listed}"
        return DoseSum(
            particle,
            species,
            energy,
            None if unknown else total,
            total if certain else None,
            why,
            tuple(shares),
            tuple(beside),
            self._highest_beside(record, beside, warmer_than),
        )

    def _highest_beside(
        self, record: MeasurementRecord, beside: Sequence[Share], warmer_than: float | None
    ) -> float | None:
        """Return the highest certain sum of one energy and species among what was not added."""
        certain = [
            (s, s.entry.fluence)
            for s in beside
            if s.counts
            and s.entry.fluence is not None
            and (warmer_than is None or _warm(s.entry, warmer_than))
        ]
        sums = [
            self.highest(record, [(s, f) for s, f in certain if same_kind(s.entry, one.entry)])[0]
            for one, _ in certain
        ]
        return max(sums, default=None)

    def _radiation(self, record: MeasurementRecord) -> tuple[Particle, ...]:
        """Return with what a measurement can have irradiated, by its technique."""
        known = radiation_of(self.custody, record.modality)
        return ("electron", "photon", "ion") if known is None else known

    def highest(
        self, record: MeasurementRecord, amounts: Sequence[tuple[Share, float]]
    ) -> tuple[float, str]:
        """Return the highest sum of amounts at any point of a region, and why it is not known.

        Where parts are known in different frames only the largest is certain.
        """
        everywhere = math.fsum(amount for share, amount in amounts if share.kept != "part")
        partly = [(s.entry.region, amount) for s, amount in amounts if s.kept == "part"]
        own = [e.region for e in self.own(record) if e.region is not None]
        within = record.region or (own[0] if own else None)
        frames: dict[str, list[tuple[Region, float]]] = {}
        for region, amount in partly:
            assert region is not None
            frames.setdefault(region.frame, []).append((region, amount))
        if not frames or within is None:
            return everywhere, ""
        best = max(
            highest_sum([r for r, _ in group], [a for _, a in group], within)
            for group in frames.values()
        )
        if len(frames) == 1:
            return everywhere + best, ""
        return everywhere + best, (
            f"parts of it are known in different frames ({', '.join(sorted(frames))}), so "
            "whether they lie on each other is not known"
        )


def _warm(entry: DoseEntry, than: float) -> bool | None:
    low, high = entry.temperature
    if low is not None and low > than:
        return True
    if high is not None and high <= than:
        return False
    return None


def _not_known(entry: DoseEntry) -> str:
    low, high = entry.temperature
    if low is None or high is None:
        return "is not recorded" if low is high else "is only known by a bound"
    return f"was {low:.5g} K or {high:.5g} K, by whom one asks"


def _sum_text(shares: Sequence[Share], total: float, unit: str) -> str:
    if not shares:
        return "none was recorded on this region"
    if len(shares) == 1:
        entry = shares[0].entry
        return "; ".join(entry.formulas) or shown(total, unit)
    parts = " + ".join(f"{s.entry.fluence or 0.0:.4g}" for s in shares[:6])
    more = f" + {len(shares) - 6} more" if len(shares) > 6 else ""
    return f"{parts}{more} = {shown(total, unit)}"
