"""The exporters that the plugin declares; imports none of them."""

from __future__ import annotations

from consilience.declarations import Exporter

__all__ = ["EXPORTERS"]

EXPORTERS: tuple[Exporter, ...] = ()
