"""Write the table of shipped rules into docs/rules.md: ``python -m benchmarks.rules_table``."""

from __future__ import annotations

from pathlib import Path

from consilience.registry import Registry
from consilience.rules import load_rules
from consilience.rules.explain import table_of_rules

BEGIN = "<!-- made by python -m benchmarks.rules_table -->"
END = "<!-- end of the table -->"
PAGE = Path(__file__).parents[1] / "docs" / "rules.md"


def with_table(text: str) -> str:
    """Return the page with its table made anew."""
    shipped = ("core", "custody", "storage", "eels", "apt", "xrd", "xrf", "compton")
    rules = [r for r in load_rules(Registry.discover()) if r.id.split(".")[0] in shipped]
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    table = "\n".join(table_of_rules(rules))
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
