"""What the report says of reporting: few columns, so that nothing is cut off."""

from __future__ import annotations

from consilience.custody.account.completeness import Completeness, FieldState
from consilience.study.custody_sections import _completeness
from consilience.view import Table


def test_fields_stand_in_three_columns_however_many_there_are() -> None:
    fields = (
        FieldState("energy", "given", "300 keV"),
        FieldState("dose_rate", "given", "50 e/Å²/s"),
        FieldState("storage", "derived", "Ar for 90 min"),
        FieldState("transfer", "missing", "no transfer is recorded"),
        FieldState("atmosphere", "missing", ""),
    )
    (table,) = _completeness(
        [
            Completeness("m-1", "lamella", "eels", "Li_K.msa", fields),
            Completeness("m-2", "lamella", "xrd", "a.xy", ()),
        ]
    )
    assert isinstance(table, Table)
    assert len(table.headings) == 6
    assert [tuple(row) for row in table.rows] == [
        (
            "Li_K.msa",
            "lamella, eels",
            "60 %, 3 of 5",
            "energy 300 keV; dose rate 50 e/Å²/s",
            "storage Ar for 90 min",
            "transfer (no transfer is recorded); atmosphere",
        )
    ]
    assert _completeness([Completeness("m-2", "lamella", "xrd", "a.xy", ())]) == []
