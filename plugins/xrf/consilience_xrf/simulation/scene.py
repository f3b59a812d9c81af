"""A platinum film on a chip, state by state: edges, voids, matter moved to the rim, a liquid above.

The scene is a function of place, evaluated finer than the scan's step at any shift, so that maps
of shifted states hold no interpolation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import erf

from consilience.errors import BadInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "Film",
    "FilmState",
    "Grid",
    "Spot",
    "film_truth",
    "mass_map",
    "spot_map",
    "void_places",
]

FINE = 5
"""Points to a step along each direction over which a scan point averages."""


class Grid(BaseModel):
    """A raster: rows and columns at `step` um, its middle at the film's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: int = Field(default=28, ge=1, le=10_000)
    columns: int = Field(default=38, ge=1, le=10_000)
    step: float = Field(default=0.2, gt=0, description="between points [um]")

    def axes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return y and x of the points [um]."""
        return tuple(  # type: ignore[return-value]
            (np.arange(n) - (n - 1) / 2) * self.step for n in (self.rows, self.columns)
        )


class Film(BaseModel):
    """The film as made.  Lengths in um, areal density in ug/cm^2 (214.5: 100 nm of platinum)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    element: str = "Pt"
    shape: Literal["strip", "disc"] = "strip"
    width: float = Field(default=6.0, gt=0, description="along x, or the disc's diameter [um]")
    height: float = Field(default=4.0, gt=0, description="along y [um]")
    areal_density: float = Field(default=214.5, ge=0, description="[ug/cm^2]")
    rim: float = Field(
        default=0.5, gt=0, description="breadth of the rim that takes up matter [um]"
    )
    blur: float = Field(default=0.08, gt=0, description="sigma of the edges, the beam in it [um]")


class FilmState(BaseModel):
    """What cycling made of the film.

    `loss` of its matter is gone; of what is left `migration` sits in the rim in addition; `voids`
    holes of `void_radius` um are open, and what was in them went to the rim too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str = "as made"
    cycle: float = 0.0
    bias: str = ""
    loss: float = Field(default=0.0, ge=0, lt=1)
    migration: float = Field(default=0.0, ge=0, lt=1)
    voids: int = Field(default=0, ge=0, le=200)
    void_radius: float = Field(default=0.3, gt=0, description="[um]")
    electrolyte: float = Field(default=0.0, ge=0, description="thickness of the liquid above [um]")
    monitor: float = Field(default=1.0, gt=0, description="beam against that of the first state")
    shift: tuple[float, float] = Field(
        default=(0.0, 0.0), description="of the film along y, x [um]"
    )
    defocus: float = Field(default=0.0, ge=0, description="further blur, sigma [um]")


class Spot(BaseModel):
    """Another element: a Gaussian spot on a flat level, both in ug/cm^2."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    element: str
    level: float = Field(default=0.0, ge=0)
    height: float = Field(default=0.0, ge=0)
    at: tuple[float, float] = Field(default=(0.0, 0.0), description="y, x [um]")
    sigma: float = Field(default=0.5, gt=0, description="[um]")


def _box(at: NDArray[np.float64], half: float, blur: float) -> NDArray[np.float64]:
    width = blur * np.sqrt(2)
    return np.asarray(0.5 * (erf((at + half) / width) - erf((at - half) / width)))


def _inside(
    film: Film, y: NDArray[np.float64], x: NDArray[np.float64], less: float, blur: float
) -> NDArray[np.float64]:
    """How far a place lies in the film made smaller by `less` on each side, 0 to 1."""
    if film.shape == "disc":
        radius = max(film.width / 2 - less, 0.0)
        far = np.hypot(y, x) - radius
        return np.asarray(0.5 * (1 - erf(far / (blur * np.sqrt(2)))))
    half_y, half_x = (max(side / 2 - less, 0.0) for side in (film.height, film.width))
    return _box(y, half_y, blur) * _box(x, half_x, blur)


def void_places(film: Film, state: FilmState, seed: int) -> NDArray[np.float64]:
    """Return the middles of the voids, y and x [um], shape (voids, 2).

    The first voids of a state with more of them are those of a state with fewer: they grow in
    number, they do not wander.  They keep clear of the rim and of each other.

    Raises
    ------
    BadInputError
        There is no room for them.
    """
    chance = np.random.default_rng([seed, 77])
    made: list[tuple[float, float]] = []
    apart = 2 * state.void_radius + 4 * film.blur
    tries = 0
    while len(made) < state.voids and tries < 20_000:
        tries += 1
        v, u = chance.uniform(-0.5, 0.5, 2)
        y, x = v * film.height, u * film.width
        room = film.rim + state.void_radius + 2 * film.blur
        if film.shape == "disc":
            y = v * film.width
            fits = np.hypot(y, x) + room <= film.width / 2
        else:
            fits = abs(y) + room <= film.height / 2 and abs(x) + room <= film.width / 2
        near = any(np.hypot(y - a, x - b) < apart for a, b in made)
        if fits and not near:
            made.append((y, x))
    if len(made) < state.voids:
        raise BadInputError(
            f"only {len(made)} of {state.voids} voids of {state.void_radius:g} um fit in the film",
            fix="plant fewer or smaller voids, or a larger film",
        )
    return np.array(made).reshape(-1, 2)


def _parts(
    film: Film, state: FilmState, y: NDArray[np.float64], x: NDArray[np.float64], seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Film, what the voids leave of it, and the rim, each 0 to 1."""
    blur = float(np.hypot(film.blur, state.defocus))
    whole = _inside(film, y, x, 0.0, blur)
    rim = whole - _inside(film, y, x, film.rim, blur)
    left = np.ones_like(whole)
    for at_y, at_x in void_places(film, state, seed):
        far = np.hypot(y - at_y, x - at_x) - state.void_radius
        left = left - 0.5 * (1 - erf(far / (blur * np.sqrt(2))))
    return whole, np.clip(left, 0.0, 1.0), np.clip(rim, 0.0, None)


def _levels(film: Film, state: FilmState, seed: int) -> tuple[float, float]:
    """Areal density of the body and, in addition, of the rim [ug/cm^2]; matter is kept."""
    size = film.height if film.shape == "strip" else film.width
    reach = [size / 2 + 1.0, film.width / 2 + 1.0]
    step = min(film.blur / 3, 0.05)
    y, x = np.meshgrid(*(np.arange(-r, r, step) for r in reach), indexing="ij", sparse=True)
    whole, left, rim = _parts(film, state, y, x, seed)
    matter = film.areal_density * (1 - state.loss) * whole.sum()
    body = film.areal_density * (1 - state.loss) * (1 - state.migration)
    return body, float((matter - body * (whole * left).sum()) / rim.sum())


def mass_map(film: Film, state: FilmState, grid: Grid, seed: int = 0) -> NDArray[np.float64]:
    """Return the areal density at each point of the scan [ug/cm^2], shape (rows, columns)."""
    body, more = _levels(film, state, seed)
    y, x = _fine(grid)
    whole, left, rim = _parts(film, state, y - state.shift[0], x - state.shift[1], seed)
    return _coarse(body * whole * left + more * rim, grid)


def spot_map(spot: Spot, state: FilmState, grid: Grid) -> NDArray[np.float64]:
    """Return the areal density of another element at each point [ug/cm^2]."""
    y, x = _fine(grid)
    width = np.hypot(spot.sigma, state.defocus)
    far = (y - state.shift[0] - spot.at[0]) ** 2 + (x - state.shift[1] - spot.at[1]) ** 2
    bump = spot.height * (spot.sigma / width) ** 2 * np.exp(-far / (2 * width**2))
    return _coarse(spot.level + bump, grid)


def _fine(grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    inner = ((np.arange(FINE) + 0.5) / FINE - 0.5) * grid.step
    y, x = ((axis[:, None] + inner).ravel() for axis in grid.axes())
    return tuple(np.meshgrid(y, x, indexing="ij", sparse=True))  # type: ignore[return-value]


def _coarse(fine: NDArray[np.float64], grid: Grid) -> NDArray[np.float64]:
    return np.asarray(fine.reshape(grid.rows, FINE, grid.columns, FINE).mean(axis=(1, 3)))


def film_truth(film: Film, state: FilmState, seed: int = 0) -> dict[str, float]:
    """Return the numbers of a state as planted, from the scene without scan, shift or noise.

    `void_fraction`: area of the voids over that of the film as made.  `rim_share`: matter outside
    of the core, over all matter.  `edge_to_centre`: mean areal density of the rim over that of
    the rest of the film.  `matter`: against the film as made.  Centre y, x and spread (root mean
    square distance from it) in um.
    """
    body, more = _levels(film, state, seed)
    size = film.height if film.shape == "strip" else film.width
    step = min(film.blur / 3, 0.05)
    y, x = np.meshgrid(
        *(np.arange(-(s / 2 + 1.0), s / 2 + 1.0, step) for s in (size, film.width)),
        indexing="ij",
        sparse=True,
    )
    whole, left, rim = _parts(film, state, y, x, seed)
    mass = body * whole * left + more * rim
    sharp = _inside(film, y, x, 0.0, 1e-6) > 0.5
    core = _inside(film, y, x, film.rim, 1e-6) > 0.5
    area = film.width * film.height if film.shape == "strip" else np.pi * film.width**2 / 4
    centre = [float((mass * axis).sum() / mass.sum()) for axis in (y, x)]
    around = (y - centre[0]) ** 2 + (x - centre[1]) ** 2
    holes = len(void_places(film, state, seed)) * np.pi * state.void_radius**2
    return {
        "matter": 1 - state.loss,
        "void_fraction": float(holes / area),
        "rim_share": float(1 - mass[core].sum() / mass.sum()),
        "edge_to_centre": float(mass[sharp & ~core].mean() / mass[core].mean()),
        "centre_y": centre[0] + state.shift[0],
        "centre_x": centre[1] + state.shift[1],
        "spread": float(np.sqrt((mass * around).sum() / mass.sum())),
        "body": body,
        "rim": more,
    }
