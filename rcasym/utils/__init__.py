# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Helpers of all subpackages: validation, files, axes, threads and progress."""
