"""Needles after published ones.

References
----------
.. [1] PtAnode: operando X-ray and cryogenic atom probe study of a platinum alloying anode
   (Mulcahy et al., 2025): a chromium cap, region 1 with platinum from nearly 100 to under
   20 at.%, region 2 near 50:50; 14 412 Li and 14 984 Pt in the analysed volume.
"""

from __future__ import annotations

from typing import Literal

from consilience_apt.simulation.params import Layer, NeedleParams

__all__ = ["PT_ANODE_LI", "PT_ANODE_PT", "pt_anode"]

PT_ANODE_LI = 14412
PT_ANODE_PT = 14984
"""Counts that the needle has the size of."""
REGION_1 = 0.2
"""Share of the analysed volume: with the compositions below it gives the published ratio."""
PT_TOP, PT_BOTTOM = 0.98, 0.18
CAP = 0.08
"""Share of the ions that are chromium."""
HYDROGEN = 0.01
"""Share of the ions that are hydrogen from the chamber."""


def pt_anode(
    model: Literal["first", "second"] = "first",
    background: float = 0.03,
    scale: float = 1.0,
) -> NeedleParams:
    """Return a needle like that of PtAnode, written as .epos and .rrng with its truth beside it.

    Parameters
    ----------
    model : {"first", "second"}
        Forward model, see `NeedleParams`.
    background : float
        Share of the ions.
    scale : float
        More (or fewer) ions than the published needle had.
    """
    whole = PT_ANODE_PT / (PT_ANODE_LI + PT_ANODE_PT)
    # region 2 makes up what region 1's gradient leaves of the volume's composition
    region_2 = (whole - REGION_1 * 0.5 * (PT_TOP + PT_BOTTOM)) / (1.0 - REGION_1)
    wanted = (PT_ANODE_LI + PT_ANODE_PT) * scale / (1.0 - CAP - HYDROGEN * (1.0 - CAP))
    length = 60.0
    return NeedleParams(
        ions=round(wanted / (1.0 - background)),
        radius=15.0,
        layers=(
            Layer(name="cap", thickness=length * CAP / (1.0 - CAP), top={"Cr+": 0.3, "Cr++": 0.7}),
            Layer(
                name="region 1",
                thickness=length * REGION_1,
                top=_alloy(PT_TOP),
                bottom=_alloy(PT_BOTTOM),
            ),
            Layer(name="region 2", thickness=length * (1.0 - REGION_1), top=_alloy(region_2)),
        ),
        resolution=500.0,
        background=background,
        longest_mass=250.0,
        model=model,
        files=("epos", "rrng"),
        truth=True,
    )


def _alloy(platinum: float) -> dict[str, float]:
    return {
        "Li+": (1.0 - HYDROGEN) * (1.0 - platinum),
        "Pt++": (1.0 - HYDROGEN) * platinum * 0.9,
        "Pt+": (1.0 - HYDROGEN) * platinum * 0.1,
        "H+": HYDROGEN,
    }
