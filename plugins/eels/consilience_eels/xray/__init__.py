"""X-ray lines to compositions, and what they cannot see."""

# SPDX-License-Identifier: GPL-3.0-or-later
