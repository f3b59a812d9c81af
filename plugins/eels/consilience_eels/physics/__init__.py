"""Cross sections, optical strengths, mean free paths and materials; numpy alone, no study."""

# SPDX-License-Identifier: GPL-3.0-or-later
