# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``python -m rcasym`` is the command ``rcasym``."""

import sys

from .command import main

if __name__ == "__main__":
    sys.exit(main())
