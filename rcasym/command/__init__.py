# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The command ``rcasym``."""

from .main import main

__all__ = ["main"]
