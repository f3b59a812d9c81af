"""The contract: a class that every plugin's tests inherit."""

from __future__ import annotations

from consilience.testing.contract_module import ModuleContract
from consilience.testing.contract_readers import ReaderContract
from consilience.testing.contract_results import ResultContract

__all__ = ["PluginContract"]


class PluginContract(ModuleContract, ReaderContract, ResultContract):
    """Every promise that the host relies on, each as its own test.

    Subclass it in the plugin's tests, name the plugin, and override what follows::

        class TestContract(PluginContract):
            plugin = "xrf"

            def sample_files(self, tmp_path):
                return [SampleFile(write_my_file(tmp_path / "a.mca"), "xrf.mca")]

    Attributes
    ----------
    plugin : str
        Name of the entry point.
    module : str
        Module of the plugin; needed only where it is not installed.
    needs : tuple of str
        Installed plugins whose modalities or kinds it builds on.
    claims : tuple of str
        Names in `FOREIGN` of formats that its readers rightly claim.

    Notes
    -----
    ``CONSILIENCE_MUTANTS`` sets the number of damaged files for each sample (60).
    """
