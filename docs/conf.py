"""How the documentation is built: `make docs`."""

import importlib.metadata
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "grokscope"
author = "The grokscope authors"
copyright = "2026, The grokscope authors"
version = release = importlib.metadata.version("grokscope")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "numpydoc",
    # ours, in _ext
    "catalogue",
    "command_line",
    "events_list",
    "mathml",
    "presets_list",
    "public_api",
]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"
numpydoc_show_class_members = False
default_role = "code"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"
python_use_unqualified_type_names = True
maximum_signature_line_length = 88

html_theme = "furo"
html_title = f"grokscope {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"  # no script, no network
html_show_sourcelink = False
html_copy_source = False
