# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Catalogues of stars: columns, quality cuts, frames, surveys, files and the mock sample."""

from .core import RedClumpCatalog
from .cuts import QualityCuts
from .frames import galactocentric_frame, paper_frame
from .mock import make_mock_catalog
from .zero_point import ZeroPoint

__all__ = ["RedClumpCatalog", "QualityCuts", "ZeroPoint", "galactocentric_frame",
           "make_mock_catalog", "paper_frame"]
