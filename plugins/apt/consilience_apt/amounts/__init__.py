"""How much of what: counts to compositions, overlaps, limits, and systematic effects."""
