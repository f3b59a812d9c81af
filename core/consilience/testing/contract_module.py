"""The contract, part one: the plugin as a module and its declarations."""

from __future__ import annotations

import tomllib
from typing import Any

from consilience.declarations import Modality
from consilience.testing import judging, target
from consilience.testing.base import ContractBase, require

__all__ = ["ModuleContract"]


class ModuleContract(ContractBase):
    """What can be said of a plugin before it reads anything."""

    def test_listing_imports_nothing_heavy(self) -> None:
        """A fresh process that imports the plugin and calls its hooks loads no numpy."""
        found = target.modules_after(self.targets()[-1], probes=False) & set(target.HEAVY)
        require(
            f"importing the plugin loads {name}; import it in the function that needs it"
            for name in sorted(found)
        )

    def test_registry_loads_it(self) -> None:
        """The registry takes all declarations, with keys that start with the name."""
        assert self.loaded().info.name == self.plugin

    def test_references_load(self) -> None:
        """Every Ref can be imported and called, every TOML resource read."""
        items = self.loaded().declarations
        require(f for item in items for f in judging.reference_faults(item))
        require(f for item in items for f in judging.rules_faults(item))

    def test_callables_take_the_documented_parameters(self) -> None:
        """By name, explicit, without ``*args`` and ``**kwargs``."""
        require(f for item in self.loaded().declarations for f in judging.signature_faults(item))

    def test_params_have_defaults_and_survive_json(self) -> None:
        """Models of parameters have defaults, forbid extras, and are the same after JSON."""
        require(f for item in self.loaded().declarations for f in judging.params_faults(item))

    def test_licence_follows_imports(self) -> None:
        """What imports a GPL library is GPL, in `plugin_info` and in pyproject.toml."""
        one = self.targets()[-1]
        copyleft = target.copyleft_imports(one)
        said = {"plugin_info()": self.loaded().info.licence}
        file = target.source_pyproject(one)
        if file is not None:
            project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
            said[file.name] = str(project.get("license", ""))
        require(f"{place} names no licence" for place, licence in said.items() if not licence)
        if copyleft:
            name, where = next(iter(copyleft.items()))
            require(
                f"{place} says {licence!r}, but {where} imports {name}: GPL-3.0-or-later"
                for place, licence in said.items()
                if "GPL-3.0" not in licence
            )

    def test_modalities_are_declared_with_units(self) -> None:
        """Each variable and coordinate has at least one unit ('1' for a plain number)."""
        faults = []
        for modality in self.declared(Modality):
            for name, allowed in {**modality.coordinates, **modality.variables}.items():
                units: Any = allowed  # plugins need not be type-checked
                if not isinstance(units, tuple) or not units or not all(units):
                    faults.append(f"modality {modality.key!r}: {name!r} has no unit, but {units!r}")
        require(faults)
