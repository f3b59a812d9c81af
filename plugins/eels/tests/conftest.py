"""Lets the tests of this folder import `eels_models`, the forward models of the tests of errors."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
