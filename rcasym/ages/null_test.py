# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What regression dilution alone makes of two surveys' ages."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from astropy import units as u

from ..exceptions import RcasymError

__all__ = ["AgeNullTest"]


@dataclass(frozen=True, eq=False, repr=False)
class AgeNullTest:
    """Curves of pairs of ages without a bias, beside the measured one.

    Parameters
    ----------
    age : `~astropy.units.Quantity`, shape (k,)
        Ages on the axis of the difference.
    curves : `~astropy.units.Quantity`, shape (n, k)
        The difference in each sample without a bias.
    measured : `~astropy.units.Quantity`, shape (k,)
        The measured difference.

    Examples
    --------
    `AgeCalibrator.null_test <rcasym.AgeCalibrator.null_test>` makes one. Here 99 straight lines,
    and a measured one that is steeper than all of them:

    >>> import numpy as np
    >>> from astropy import units as u
    >>> from rcasym.ages.null_test import AgeNullTest
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
            values = u.Quantity(getattr(self, name), copy=True)
            values.flags.writeable = False
            object.__setattr__(self, name, values)

    def __repr__(self):
        return (f"<AgeNullTest: {len(self.curves)} samples without a bias, p_value = "
                f"{self.p_value:.3g}>")

    @property
    def median(self):
        """The middle curve without a bias, `~astropy.units.Quantity`."""
        return np.median(self.curves, axis=0)

    def envelope(self, level=0.95):
        """The range that holds ``level`` of the curves at each age.

        Parameters
        ----------
        level : float, optional
            Between 0 and 1; by default 0.95.

        Returns
        -------
        tuple of `~astropy.units.Quantity`
            The lower and the upper end, each one value an age.

        Raises
        ------
        RcasymError
            If ``level`` is not between 0 and 1.

        Examples
        --------
        >>> import numpy as np
        >>> from astropy import units as u
        >>> from rcasym.ages.null_test import AgeNullTest
        >>> age = [2, 10] * u.Gyr
        >>> null = AgeNullTest(age, np.linspace(-0.1, 0.1, 101)[:, np.newaxis] * age, 0.2 * age)
        >>> low, high = null.envelope(0.9)
        >>> print(low, high)
        [-0.18 -0.9 ] Gyr [0.18 0.9 ] Gyr
        """
        if not 0 < level < 1:
            raise RcasymError(f"level must lie between 0 and 1; got {level!r}")
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
        >>> from rcasym.ages.null_test import AgeNullTest
        >>> age = np.linspace(0, 10, 5) * u.Gyr
        >>> null = AgeNullTest(age, np.linspace(-0.1, 0.1, 99)[:, np.newaxis] * age, 0.2 * age)
        >>> ax = null.plot(color="0.8")
        """
        from ..plotting.ages import plot_null

        return plot_null(self, ax=ax, **kwargs)

    @cached_property
    def p_value(self):
        """How often a sample without a bias is as far from the others as the measured one.

        All curves, the measured one among them, are compared with their common mean in units of
        their scatter at each age; the statistic is the mean square over ages. The p-value is the
        rank of the measured one, at least 1 / (n + 1). It is slightly conservative (0.59 in the
        mean of 200 samples without a bias), since the true ages are estimated from the same stars.
        """
        curves = np.vstack([self.measured.value, self.curves.value])
        scatter = curves.std(axis=0)
        away = (curves - curves.mean(axis=0)) / np.where(scatter > 0, scatter, 1)
        statistic = np.mean(away**2, axis=1)
        return float(np.mean(statistic >= statistic[0] * (1 - 1e-12)))
