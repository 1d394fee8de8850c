# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Null test: the difference between two surveys' ages from age errors alone."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from astropy import units as u

from ..exceptions import RcasymError
from ..utils.arrays import ReadOnlyArrays, frozen

__all__ = ["AgeNullTest"]


@dataclass(frozen=True, eq=False, repr=False)
class AgeNullTest(ReadOnlyArrays):
    """Measured difference between two ages, and that of null samples without a bias.

    Made by `AgeCalibrator.null_test <rcasym.AgeCalibrator.null_test>`.

    Parameters
    ----------
    age : `~astropy.units.Quantity`, shape (k,)
        Ages on the axis of the difference.
    curves : `~astropy.units.Quantity`, shape (n, k)
        The difference in each null sample.
    measured : `~astropy.units.Quantity`, shape (k,)
        The measured difference.

    Examples
    --------
    The measured curve is steeper than those of all 99 null samples:

    >>> import numpy as np
    >>> from astropy import units as u
    >>> from rcasym.ages import AgeNullTest
    >>> age = np.linspace(0, 10, 5) * u.Gyr
    >>> null = AgeNullTest(age, np.linspace(-0.05, 0.05, 99)[:, np.newaxis] * age, 0.2 * age)
    >>> print(null.p_value, null.median)
    0.01 [0. 0. 0. 0. 0.] Gyr
    """

    age: u.Quantity
    curves: u.Quantity
    measured: u.Quantity

    def __post_init__(self):
        for name in ("age", "curves", "measured"):
            object.__setattr__(self, name, frozen(u.Quantity(getattr(self, name))))

    def __repr__(self):
        return f"<AgeNullTest: {len(self.curves)} null samples, p_value = {self.p_value:.3g}>"

    @property
    def median(self):
        """Median curve of the null samples, `~astropy.units.Quantity`."""
        return np.median(self.curves, axis=0)

    def envelope(self, level=0.95):
        """Return the range that contains a fraction of the null curves at each age.

        Parameters
        ----------
        level : float, optional
            The fraction, between 0 and 1; by default 0.95.

        Returns
        -------
        low : `~astropy.units.Quantity`
            The lower end of the range, one value per age.
        high : `~astropy.units.Quantity`
            The upper end.

        Raises
        ------
        RcasymError
            If ``level`` is not between 0 and 1.

        Examples
        --------
        >>> import numpy as np
        >>> from astropy import units as u
        >>> from rcasym.ages import AgeNullTest
        >>> null = AgeNullTest([5] * u.Gyr, np.linspace(-1, 1, 101)[:, None] * u.Gyr, [2] * u.Gyr)
        >>> print(*null.envelope(0.9))
        [-0.9] Gyr [0.9] Gyr
        """
        if not 0 < level < 1:
            raise RcasymError(f"level must be between 0 and 1; got {level!r}")
        tail = 0.5 * (1 - level)
        return tuple(np.quantile(self.curves.value, [tail, 1 - tail], axis=0) * self.curves.unit)

    def plot(self, *, ax=None, **kwargs):
        """Draw the range of the null samples, and the measured curve.

        Parameters
        ----------
        ax : `~matplotlib.axes.Axes`, optional
            Axes to which the range is added; by default those of a new figure, with the measured
            curve.
        **kwargs
            Passed to `~matplotlib.axes.Axes.fill_between`.

        Returns
        -------
        `~matplotlib.axes.Axes`
            The axes drawn on.

        Examples
        --------
        >>> import numpy as np
        >>> from astropy import units as u
        >>> from rcasym.ages import AgeNullTest
        >>> age = np.linspace(0, 10, 5) * u.Gyr
        >>> null = AgeNullTest(age, np.linspace(-0.1, 0.1, 99)[:, np.newaxis] * age, 0.2 * age)
        >>> ax = null.plot(color="0.8")
        """
        from ..plotting.ages import plot_null

        return plot_null(self, ax=ax, **kwargs)

    @cached_property
    def p_value(self):
        """The p-value of the null test, at least 1 / (n + 1).

        The statistic is the mean square deviation of a curve from the mean of all curves, the
        measured one included, in units of their scatter at each age. The p-value is the fraction of
        curves that deviate at least as much as the measured one. It is slightly conservative (0.59
        on average for 200 samples without a bias), as the true ages are estimated from the stars.
        """
        curves = np.vstack([self.measured.value, self.curves.value])
        scatter = curves.std(axis=0)
        deviation = (curves - curves.mean(axis=0)) / np.where(scatter > 0, scatter, 1)
        statistic = np.mean(deviation**2, axis=1)
        return float(np.mean(statistic >= statistic[0] * (1 - 1e-12)))
