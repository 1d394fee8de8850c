# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What every other subpackage builds on: validation, files, axes, threads, progress."""
