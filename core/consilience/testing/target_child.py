"""Runs in a fresh process: what does a plugin import?  Light, without pytest."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from consilience import hookspecs
from consilience.declarations import FileProbe

__all__ = ["loaded"]


def loaded(name: str, module: str, probes: bool) -> list[str]:
    """Import the plugin (and ask its probes about an empty head); return what is loaded."""
    import pluggy

    plugin = importlib.import_module(module)
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin, name=name)
    for hook in hookspecs.HOOKS:
        getattr(manager.hook, hook)()
    if probes:
        for readers in manager.hook.register_readers():
            for reader in readers:
                reader.probe.load()(FileProbe(Path("nowhere"), b"", (), is_dir=False))
    return sorted({m.partition(".")[0] for m in sys.modules})
