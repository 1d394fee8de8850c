# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The style of the figures, and files of them; only this subpackage imports matplotlib."""

from .layout import save_figure, style

__all__ = ["save_figure", "style"]
