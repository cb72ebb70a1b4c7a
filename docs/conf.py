"""How the documentation is built: `make docs`."""

import importlib.metadata
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "grokscope"
author = "The grokscope authors"
copyright = "2026, The grokscope authors"
version = release = importlib.metadata.version("grokscope")

extensions = ["myst_nb", "sphinx.ext.autodoc", "numpydoc", "catalogue"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"
numpydoc_show_class_members = False

html_theme = "furo"
html_title = f"grokscope {release}"
