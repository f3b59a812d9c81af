"""Do the stated errors hold?  Run with ``python -m apt_coverage``."""

__all__: list[str] = []
