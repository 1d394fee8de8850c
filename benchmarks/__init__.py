# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The package measured beside its peers."""
