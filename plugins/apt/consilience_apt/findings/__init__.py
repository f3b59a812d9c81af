"""From analyses to findings: what the core calls, and how results become statements."""
