"""What every plugin's tests inherit: the contract, as a pytest class.

::

    from consilience.testing import PluginContract

    class TestContract(PluginContract):
        plugin = "xrf"

Needs pytest.  The kit itself is tested against plugins made bad on purpose.
"""

from __future__ import annotations

from consilience.testing.contract import PluginContract
from consilience.testing.samples import FOREIGN, SampleFile, mutants
from consilience.testing.target import HEAVY, Target

__all__ = ["FOREIGN", "HEAVY", "PluginContract", "SampleFile", "Target", "mutants"]
