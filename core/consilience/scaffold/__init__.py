"""Write a new plugin that installs, is discovered and passes its contract at once."""

from __future__ import annotations

from consilience.scaffold.create import LICENCES, new_plugin

__all__ = ["LICENCES", "new_plugin"]
