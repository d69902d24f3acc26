"""How the documentation is built: `python -m sphinx -W docs results/docs`. It needs no network, nor do the pages."""

from __future__ import annotations

import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))  # so that `docs.mathml` is found wherever the build starts

project = "Qyzyljar"
author = "The Qyzyljar project"
project_copyright = "2026, the Qyzyljar project; MIT licence"
html_title = "Qyzyljar"
language = "en"

extensions = ["myst_parser", "docs.mathml"]
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["generated", "results", "_build"]
# Tables of commands in results pages are left as text; Sphinx has no lexer for TOML's dialects of other tools
suppress_warnings = ["misc.highlighting_failure", "myst.header"]

html_theme = "furo"
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
html_static_path = ["static"]
html_css_files = ["wide.css"]
