"""The neutral form in which the readers of this plugin hand over one powder pattern."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from consilience.errors import BadFileError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Pattern", "Source", "check_axis"]


@dataclass(frozen=True)
class Source:
    """The X-rays: one wavelength, or a K-alpha doublet.

    Attributes
    ----------
    wavelength : float
        [angstrom]; K-alpha 1 where there is a doublet.
    wavelength2 : float or None
        K-alpha 2 [angstrom].
    ratio : float or None
        Intensity of K-alpha 2 over K-alpha 1.
    """

    wavelength: float
    wavelength2: float | None = None
    ratio: float | None = None

    @property
    def doublet(self) -> bool:
        """Whether K-alpha 2 is present in the beam."""
        return bool(self.wavelength2 and self.ratio)


@dataclass(frozen=True)
class Pattern:
    """One powder pattern as it was stored, with what is known of it and nothing more.

    Attributes
    ----------
    axis : {"two_theta", "q"}
    x : ndarray, shape (n,)
        Strictly increasing; [deg] for two_theta, [1/angstrom] for q.
    intensity : ndarray, shape (n,)
        In `intensity_unit`.
    sigma : ndarray or None
        Standard deviation of `intensity` where it is known, else None (never zero).
    source : Source or None
        None when the wavelength is not known.
    origin : {"measured", "simulated"}
    extra : dict of str to ndarray
        Further columns of the file.
    metadata : dict
        JSON-able; everything the file says, unchanged.
    """

    axis: str
    x: NDArray[np.float64]
    intensity: NDArray[np.float64]
    sigma: NDArray[np.float64] | None
    intensity_unit: str
    source: Source | None
    origin: str = "measured"
    extra: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """Unit of `x`."""
        return "deg" if self.axis == "two_theta" else "1/angstrom"

    def q(self) -> NDArray[np.float64]:
        """The axis as q [1/angstrom]."""
        from consilience_xrd.axes import check_wavelength, two_theta_to_q

        if self.axis == "q":
            return self.x
        return two_theta_to_q(
            self.x, check_wavelength(self.source.wavelength if self.source else None)
        )


def check_axis(
    x: NDArray[np.float64],
    intensity: NDArray[np.float64],
    path: str | None,
    lines: NDArray[np.int64] | None = None,
) -> None:
    """Raise `BadFileError` unless `x` increases strictly and both arrays are finite.

    Parameters
    ----------
    lines : ndarray, optional
        Line number in the file of each point, for the message.
    """
    import numpy as np

    def line(i: int) -> int | None:
        return None if lines is None else int(lines[i])

    if len(x) < 2:
        raise BadFileError(
            f"The pattern has {len(x)} point{'' if len(x) == 1 else 's'}; at least two are needed.",
            fix="Export the pattern again from the instrument's program.",
            path=path,
            line=line(0) if len(x) else None,
        )
    for name, values in (("axis", x), ("intensity", intensity)):
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise BadFileError(
                f"The {name} is not a finite number at {bad.size} point(s); the first is point "
                f"{int(bad[0]) + 1}.",
                fix="Remove or mask these points in a copy of the file, and say so in its header.",
                path=path,
                line=line(int(bad[0])),
            )
    step = np.flatnonzero(np.diff(x) <= 0)
    if step.size:
        i = int(step[0]) + 1
        raise BadFileError(
            f"The axis is not increasing: point {i + 1} is {x[i]:g} after {x[i - 1]:g}.",
            fix="Sort the file by its axis, or split scans that were written one after the other.",
            path=path,
            line=line(i),
        )
