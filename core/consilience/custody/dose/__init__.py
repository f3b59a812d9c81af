"""Dose: formulas, the ledger by region, and how much more a published limit leaves.

`formulas` derives fluence and gray, `entries` collects every irradiation once, `ledger` adds what
may be added, `plan` holds it against the limits that rules cite.
"""

from consilience.custody.dose.entries import DoseEntry
from consilience.custody.dose.ledger import LIKE_ENERGY, DoseLedger, DoseSum, Share, like

__all__ = ["LIKE_ENERGY", "DoseEntry", "DoseLedger", "DoseSum", "Share", "like"]
