"""EELS and EDX for Consilience; the declarations are in `plugin`."""

__all__ = ["__version__"]

__version__ = "0.1.0"
