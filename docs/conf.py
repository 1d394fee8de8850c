# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Configuration of the documentation.

``python -m sphinx -W --keep-going -b html docs docs/_build/html`` builds it, without a network.
If READTHEDOCS or RCASYM_DOCS_ONLINE is set, names of other packages become links too.
"""

import ast
import os
import re
import warnings
from contextlib import ExitStack
from importlib.metadata import version as get_version
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util.docutils import SphinxDirective
from sphinx_astropy.conf.v3 import *  # noqa: F403
from sphinx_astropy.conf.v3 import exclude_patterns, extensions, intersphinx_mapping
from sphinx_gallery.sorting import ExplicitOrder

from rcasym.plotting import style

os.environ["MPLBACKEND"] = "agg"


def format_warning(message, category, *args, **kwargs):
    """Format a warning without the path of the file, which depends on the machine."""
    return f"{category.__name__}: {message}\n"


warnings.formatwarning = format_warning
plot_html_show_formats = plot_html_show_source_link = False
plot_formats = [("png", 150)]

project = "rcasym"
author = "The rcasym developers"
copyright = "2026, The rcasym developers"
# Without the commit, which a development version ends with.
release = get_version(project).partition("+")[0]
version = ".".join(release.split(".")[:2])

extensions = [*extensions, "sphinx_design", "sphinx_gallery.gen_gallery"]
exclude_patterns = [*exclude_patterns, "generated/gallery/*.ipynb", "generated/gallery/*.py"]

# -- Pages ----------------------------------------------------------------------------------------

html_title = f"{project} {release}"
# The defaults of the theme are the logo, links and page counter of another project.
html_logo = "_static/icon.svg"
html_static_path = ["_static"]
html_css_files = ["rcasym.css"]
html_favicon = "_static/icon.svg"
html_context = {"default_mode": "auto"}
# The header has the logo and the name already.
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
# astropy documents the hundred methods that tables inherit from QTable.
automodsumm_inherited_members = False
# Types become links only in backticks: "int" and "optional" are plain words.
numpydoc_xref_param_type = False
# An incomplete docstring fails the build, except for an extended summary and a "See Also" section.
numpydoc_validation_checks = {"all", "ES01", "SA01"}
numpydoc_validation_overrides = {
    # A docstring without sections belongs to a property; the example of its class shows it.
    "EX01": [r"\A(?!(?s:.*)\n---)"],
    # These classes are not made by calling them.
    "PR01": [r"Made by (?!(?s:.*)\nParameters\n)"],
    # The functions in the registry take the arguments, not the properties ``read`` and ``write``.
    "PR02": [r"unified I/O registry"],
}

# -- Code map -------------------------------------------------------------------------------------


class CodeMap(SphinxDirective):
    """List of the subpackages named in its content and their modules, with their docstrings."""

    has_content = True

    def run(self):
        lines = []
        for name in " ".join(self.content).split():
            path = Path(__file__).parents[1] / "rcasym" / name
            modules = sorted(path.glob("[!_]*.py"))
            path = path / "__init__.py" if modules else path.with_suffix(".py")
            lines += [f"``{name}``", f"    {self.summarize(path)}", ""]
            lines += [f"    * ``{module.stem}``: {self.summarize(module)}" for module in modules]
            lines += [""]
        return self.parse_text_to_nodes("\n".join(lines))

    def summarize(self, path):
        """Return the first line of a module's docstring, with names as plain code."""
        self.env.note_dependency(str(path))
        line = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).split("\n")[0]
        return re.sub(r"(?<!`)`~?([^`]+)`(?!`)", r"``\1``", line)


# -- Links to other packages, and broken ones ------------------------------------------------------

nitpicky = True
nitpick_ignore_regex = []
if os.environ.get("READTHEDOCS") or os.environ.get("RCASYM_DOCS_ONLINE"):
    intersphinx_mapping = {name: intersphinx_mapping[name]
                           for name in ("python", "numpy", "scipy", "matplotlib", "astropy")}
else:
    # Without inventories, names of other packages cannot be resolved, so they are ignored. A broken
    # name of rcasym itself still fails the build.
    intersphinx_mapping = {}
    nitpick_ignore_regex += [(r"py:.*", r"(astropy|numpy|scipy|matplotlib)\..*")]

# -- Gallery --------------------------------------------------------------------------------------

gallery_style = ExitStack()
# A function among the settings of the gallery cannot be cached.
suppress_warnings = ["config.cache"]


def set_gallery_style(gallery_conf, example):
    """Draw the figures of each example in the journal style."""
    gallery_style.close()
    gallery_style.enter_context(style("aastex"))


sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "generated/gallery",
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("rcasym",),
    "within_subsection_order": ExplicitOrder([
        "plot_own_catalog.py", "plot_paper.py", *(f"plot_figure_{n}.py" for n in range(1, 9)),
        "plot_age_scale.py", "plot_age_trend.py", "plot_age_errors.py", "plot_claim.py",
        "plot_known_truth.py", "plot_hundred_million.py", "plot_coordinates.py"]),
    # Sharp on screens with two dots per pixel.
    "image_srcset": ["2x"],
    "reset_modules": ("matplotlib", set_gallery_style),
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
    "remove_config_comments": True,
}

# -- Pages that load nothing from other hosts ------------------------------------------------------

html_math_renderer = "mathml"


def write_inline_math(self, node):
    self.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def write_display_math(self, node):
    self.body.append(f'<div class="math">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def remove_web_font(app, exception):
    """Remove the font that the theme's style sheet loads from another host."""
    sheet = Path(app.outdir, "_static", "sunpy_style.css")
    if exception is None and sheet.is_file():
        sheet.write_text(re.sub(r"@import url\(.*?\);", "", sheet.read_text()))


def hide_private_bases(app, name, obj, options, bases):
    """Replace base classes that are not public by ``object``."""
    bases[:] = [object if base.__module__.startswith("rcasym.utils") else base for base in bases]


def setup(app):
    app.connect("autodoc-process-bases", hide_private_bases)
    app.add_directive("code-map", CodeMap)
    app.add_html_math_renderer("mathml", (write_inline_math, None), (write_display_math, None))
    app.connect("build-finished", remove_web_font)
