# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The settings of the documentation.

``python -m sphinx -W --keep-going -b html docs docs/_build/html`` builds it, without a network.
Where READTHEDOCS or RCASYM_DOCS_ONLINE is set, names of other packages become links as well.
"""

import os
from importlib.metadata import version as version_of

from sphinx_astropy.conf.v3 import *  # noqa: F403
from sphinx_astropy.conf.v3 import exclude_patterns, extensions, intersphinx_mapping

# No window is opened for a figure.
os.environ["MPLBACKEND"] = "agg"

project = "rcasym"
author = "The rcasym developers"
copyright = "2026, The rcasym developers"
release = version_of(project)
version = ".".join(release.split(".")[:2])

extensions = [*extensions, "sphinx_gallery.gen_gallery"]
exclude_patterns = [*exclude_patterns, "generated/gallery/*.ipynb", "generated/gallery/*.py"]

# -- Pages ----------------------------------------------------------------------------------------

html_title = f"{project} {release}"
# The theme's own logo, links and page counter are those of another project.
html_logo = "_static/icon.svg"
html_favicon = "_static/icon.svg"
html_theme_options = {
    "sst_project_name": project,
    "navbar_start": "components/navbar-logo.html",
    "navbar_links": [],
    "footer_links": [],
    "goatcounter_analytics_url": "",
    "icon_links": [],
    "navigation_depth": 2,
    "show_nav_level": 2,
    "use_edit_page_button": False,
}

# -- Reference ------------------------------------------------------------------------------------

autodoc_typehints = "none"
automodapi_inheritance_diagram = False
# The hundred methods of QTable are astropy's to describe.
automodsumm_inherited_members = False
# Types are linked where a docstring marks them; "int" and "optional" are plain words.
numpydoc_xref_param_type = False

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
    # From the first steps to the tests; file names would sort otherwise.
    "within_subsection_order": "ExampleTitleSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
    "remove_config_comments": True,
}
