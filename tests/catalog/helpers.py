# Licensed under a 3-clause BSD style license - see LICENSE.rst
import numpy as np
from astropy.table import Table


def plain_table(n=4, **changes):
    """Return a table of ra, dec, distance and m_h; a column changed to None is left out."""
    columns = {"ra": np.linspace(10, 100, n), "dec": np.linspace(-5, 60, n),
               "distance": np.linspace(1, 4, n), "m_h": np.linspace(-0.5, 0.1, n)}
    return Table({name: values for name, values in (columns | changes).items()
                  if values is not None})
