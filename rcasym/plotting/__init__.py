# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Figures: the journal style and saving are public. Only this subpackage imports matplotlib."""

from .layout import save_figure, style

__all__ = ["save_figure", "style"]
