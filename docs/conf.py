"""Sphinx: ``make docs`` builds the site into build/docs."""

from framescope.version import __version__

project = "framescope"
author = "The framescope developers"
release = version = __version__
extensions = ["myst_parser"]
html_theme = "furo"
html_title = f"framescope {version}"
myst_heading_anchors = 3
# Links out of docs/ lead to files of the repository, which are not pages of the site.
suppress_warnings = ["myst.xref_missing"]
exclude_patterns = ["tutorial"]
