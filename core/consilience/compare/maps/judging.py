"""The verdict on two maps or profiles, in words, once it is known how they go together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from consilience.compare.context import ComparisonContext
from consilience.compare.maps.correlation import MapCorrelation
from consilience.compare.maps.orientation import BetterOrientation
from consilience.compare.subjects import phase_and_element, same_subject
from consilience.model.finding import Finding
from consilience.model.verdict import Answer, Verdict

__all__ = ["Words", "about_one_thing", "judged"]


@dataclass(frozen=True)
class Words:
    """What is said of maps, or of profiles.

    Parameters
    ----------
    key : str
        Of the comparison.
    what : str
        "map" or "profile".
    laid_wrong : str
        What a better orientation makes likely.
    settle_orientation : str
        What would tell.
    resampled : str
        How the two came to have the same points.
    """

    key: str
    what: str
    laid_wrong: str
    settle_orientation: str
    resampled: str


def about_one_thing(first: Finding, second: Finding) -> bool:
    """Return True for one subject, or a phase and an element of it."""
    if first.subject is None or second.subject is None:
        return False
    one, other = first.subject, second.subject
    return same_subject(one, other) or phase_and_element(one, other)


def judged(
    first: Finding,
    second: Finding,
    found: MapCorrelation,
    better: BetterOrientation | None,
    context: ComparisonContext,
    words: Words,
    *,
    resampled: bool = False,
    unsure: str = "",
) -> Verdict:
    """Return the verdict that a correlation makes.

    Parameters
    ----------
    better : BetterOrientation or None
        The answer is *undecided* if there is one.
    resampled : bool
        One of the two was interpolated.
    unsure : str
        Why no answer may rest on these points; empty if one may.
    """
    what = words.what
    said = f"correlation {found.value:.2f} over {found.points} points"
    if found.without_noise is not None:
        said += f" ({found.without_noise:.2f} without the noise of the points)"
    chance = f"p = {found.p_value:.2g} against {what}s as smooth as these"
    if found.beyond:
        chance += ", none of which goes so far, by the spread of theirs"
    answer, meant, settle = _answer(first, second, found, context.level, what)
    if unsure:
        answer, meant = "undecided", unsure
        settle = f"{what}s with more structure or more points"
    reason = f"{said}: {meant} ({chance})"
    if better is not None and not unsure:
        where = " on the points of the second" if better.back else ""
        reason += (
            f"; with one of them {better.name} the correlation{where} is {better.value:.2f} "
            f"instead of {better.stated:.2f} (p = {better.p_value:.2g} that any orientation gains "
            f"so much by chance), so that {words.laid_wrong}"
        )
        answer, settle = "undecided", words.settle_orientation
    if resampled:
        reason += f"; {words.resampled}"
    numbers: dict[str, Any] = {
        "correlation": found.value,
        "without_noise": found.without_noise,
        "smallest_seen": found.smallest,
        "points": found.points,
    }
    if better is not None and not unsure:
        numbers["better"] = {
            "orientation": better.name,
            "correlation": better.value,
            "p_value": better.p_value,
        }
    return Verdict.between(
        words.key,
        first,
        second,
        answer,
        reason,
        settle=settle,
        test="correlation against surrogates (Theiler 1992)",
        statistic=found.value,
        p_value=found.p_value,
        numbers=numbers,
    )


def _answer(
    first: Finding, second: Finding, found: MapCorrelation, level: float, what: str
) -> tuple[Answer, str, str]:
    """Return the answer, what it means, and what would settle it."""
    seen = found.p_value < level
    if seen and found.value > 0:
        return "consistent", f"the {what}s go together, which does not make them equal", ""
    if seen and same_subject(first.subject, second.subject):
        return "disagree", "where one shows much, the other shows little", ""
    if seen:
        meant = "the element is low where the phase is; another phase of it may be elsewhere"
        return "undecided", meant, f"{what}s of the other phases of that element"
    meant = (
        f"no more than chance gives; a correlation from {found.smallest:.2f} on would have been "
        "seen"
    )
    return "undecided", meant, f"{what}s with more structure, more points or less noise"
