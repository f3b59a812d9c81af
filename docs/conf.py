"""Sphinx configuration: MyST and the PyData theme."""

from __future__ import annotations

from consilience import __version__

project = "Consilience"
author = "the Consilience developers"
copyright = "2026, the Consilience developers"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
# blocks such as "json finding" carry a second word for the tests
suppress_warnings = ["misc.highlighting_failure"]

autodoc_typehints = "description"
autodoc_member_order = "bysource"
napoleon_google_docstring = False

html_theme = "pydata_sphinx_theme"
html_title = "Consilience"
html_theme_options = {"show_prev_next": True, "navigation_depth": 2}
html_static_path: list[str] = []
