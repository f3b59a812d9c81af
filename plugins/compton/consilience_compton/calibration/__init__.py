"""The energy scale of each pixel, pixels that cannot be used, and shifts between states."""

from __future__ import annotations
