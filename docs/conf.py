# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The settings of the documentation.

``python -m sphinx -W --keep-going -b html docs docs/_build/html`` builds it, without a network.
Where READTHEDOCS or RCASYM_DOCS_ONLINE is set, names of other packages become links as well.
"""

import os
import re
import warnings
from importlib.metadata import version as version_of
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx_astropy.conf.v3 import *  # noqa: F403
from sphinx_astropy.conf.v3 import exclude_patterns, extensions, intersphinx_mapping
from sphinx_gallery.sorting import ExplicitOrder

# No window is opened for a figure.
os.environ["MPLBACKEND"] = "agg"


def plain_warning(message, category, *args, **kwargs):
    return f"{category.__name__}: {message}\n"


# Examples show warnings without the folder in which the pages were built.
warnings.formatwarning = plain_warning
plot_html_show_formats = plot_html_show_source_link = False
plot_formats = [("png", 150)]

project = "rcasym"
author = "The rcasym developers"
copyright = "2026, The rcasym developers"
release = version_of(project)
version = ".".join(release.split(".")[:2])

extensions = [*extensions, "sphinx_design", "sphinx_gallery.gen_gallery"]
exclude_patterns = [*exclude_patterns, "generated/gallery/*.ipynb", "generated/gallery/*.py"]

# -- Pages ----------------------------------------------------------------------------------------

html_title = f"{project} {release}"
# The theme's own logo, links and page counter are those of another project.
html_logo = "_static/icon.svg"
html_static_path = ["_static"]
html_css_files = ["rcasym.css"]
html_favicon = "_static/icon.svg"
html_context = {"default_mode": "auto"}
# The logo and the name are in the header already.
html_sidebars = {"**": ["components/sst-sidebar-nav.html"]}
html_theme_options = {
    "logo": {"text": project},
    "rtd_search": False,
    "sst_project_name": project,
    "navbar_start": "components/navbar-logo.html",
    "navbar_center": "components/navbar-nav.html",
    "navbar_align": "left",
    "navbar_links": [],
    "footer_links": [],
    "goatcounter_analytics_url": "",
    "icon_links": [],
    "navigation_depth": 3,
    "show_nav_level": 1,
    "use_edit_page_button": False,
}

# -- Reference ------------------------------------------------------------------------------------

autodoc_typehints = "none"
autodoc_default_options = {"no-value": True}
automodapi_inheritance_diagram = False
# The hundred methods of QTable are astropy's to describe.
automodsumm_inherited_members = False
# Types are linked where a docstring marks them; "int" and "optional" are plain words.
numpydoc_xref_param_type = False
# An incomplete docstring fails the build; only an extended summary and a "See Also" may be missing.
numpydoc_validation_checks = {"all", "ES01", "SA01"}
# For a constant, numpydoc would check the docstring of its type.
numpydoc_validation_exclude = {r"\.[A-Z]{2}[A-Z_]*$"}
numpydoc_validation_overrides = {
    # Without a section: a property, which the example of its class shows.
    "EX01": [r"\A(?!(?s:.*)\n---)"],
    # Not made by calling the class.
    "PR01": [r"Made by (?!(?s:.*)\nParameters\n)"],
    # What stands behind ``read`` and ``write`` takes the arguments, not these properties.
    "PR02": [r"unified I/O registry"],
}

# -- Links to other packages, and broken ones ------------------------------------------------------

nitpicky = True
nitpick_ignore_regex = []
if os.environ.get("READTHEDOCS") or os.environ.get("RCASYM_DOCS_ONLINE"):
    intersphinx_mapping = {name: intersphinx_mapping[name]
                           for name in ("python", "numpy", "scipy", "matplotlib", "astropy")}
else:
    # Without inventories, names of other packages cannot be resolved. Only those are let pass:
    # a broken name of rcasym itself still fails the build.
    intersphinx_mapping = {}
    nitpick_ignore_regex += [(r"py:.*", r"(astropy|numpy|scipy|matplotlib)\..*")]

# -- Gallery --------------------------------------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "generated/gallery",
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("rcasym",),
    "within_subsection_order": ExplicitOrder([
        "plot_own_catalog.py", "plot_paper.py", *(f"plot_figure_{n}.py" for n in range(1, 9)),
        "plot_age_scale.py", "plot_age_trend.py", "plot_age_errors.py", "plot_claim.py",
        "plot_known_truth.py", "plot_hundred_million.py", "plot_coordinates.py"]),
    # Sharp on screens with two dots a pixel.
    "image_srcset": ["2x"],
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
    "remove_config_comments": True,
}

# -- Pages that ask no other host for anything -----------------------------------------------------

html_math_renderer = "mathml"


def inline_math(self, node):
    self.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def display_math(self, node):
    self.body.append(f'<div class="math">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def without_web_font(app, exception):
    """The theme's style sheet would load a font from another host."""
    style = Path(app.outdir, "_static", "sunpy_style.css")
    if exception is None and style.is_file():
        style.write_text(re.sub(r"@import url\(.*?\);", "", style.read_text()))


def setup(app):
    app.add_html_math_renderer("mathml", (inline_math, None), (display_math, None))
    app.connect("build-finished", without_web_font)
