# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""North against South as a function of the height above the mid-plane."""

import warnings
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.io.registry import UnifiedReadWriteMethod
from astropy.table import MaskedColumn, QTable, connect

from ..exceptions import RcasymError
from ..statistics import bootstrap, difference, estimate, linear, ratio
from ..statistics.estimates import (
    ROUNDING_ERROR,
    STATISTICS,
    check_confidence,
    combine,
    with_interval,
)
from ..utils.validation import check_choice
from .hemispheres import find_R_bins, number_sides, pair_voxels
from .permutation_test import AsymmetryTest
from .tables import bin_edges, set_formats

__all__ = ["AsymmetryProfile", "ProfileRequest", "bootstrap_profile", "compute_profile",
           "find_signals", "DIFFERENCES", "ESTIMATES"]

DEFINITIONS = ("modulus", "equation1", "linear")
DIFFERENCES = ("difference", "offset_difference", "matched_difference")
ESTIMATES = ("north", "south", "difference", "offset_north", "offset_south", "offset_difference",
             "matched_difference", "asymmetry")
"""Estimates with columns of their own, and further ones ending in _error, _low and _high."""


# A slice has a signal below this corrected p-value, or without a test beyond so many errors.
SIGNAL_P, SIGNAL_ERRORS = 0.05, 3


@dataclass(frozen=True)
class ProfileRequest:
    """The checked parameters of a profile; see `rcasym.AsymmetryMap.profile`."""

    R_bins: slice
    statistic: str = "median"
    definition: str = "modulus"
    confidence: float = 0.683

    @classmethod
    def check(cls, binning, R_min, R_max, statistic="median", definition="modulus",
              confidence=0.683):
        """Return the request, or raise if a parameter is not valid."""
        check_choice("statistic", statistic, STATISTICS)
        check_choice("definition", definition, DEFINITIONS)
        check_confidence(confidence)
        return cls(find_R_bins(binning, R_min, R_max), statistic, definition, confidence)


class ProfileWrite(connect.TableWrite):
    """Write the profile to a file, through the unified I/O registry of astropy.

    All digits are written, not only those that are shown.

    Parameters
    ----------
    *args
        The path of the file.
    **kwargs
        Arguments of the writer, such as ``format`` and ``overwrite``.

    Examples
    --------
    >>> import tempfile
    >>> from rcasym import AsymmetryMap, AsymmetryProfile, make_mock_catalog
    >>> profile = AsymmetryMap.from_catalog(make_mock_catalog(5000)).profile()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     profile.write(f"{folder}/profile.ecsv")
    ...     again = AsymmetryProfile.read(f"{folder}/profile.ecsv")
    >>> print(again["n_north"].sum() == profile["n_north"].sum(), again.meta["R_min"])
    True 11 kpc
    """

    def __call__(self, *args, **kwargs):
        plain = self._instance.copy(copy_data=False)
        for column in plain.columns.values():
            column.info.format = None
        with warnings.catch_warnings():
            # FITS has no dex, but astropy keeps the unit beside the column and restores it.
            warnings.filterwarnings("ignore", "The unit 'dex' could not be saved")
            warnings.filterwarnings("ignore", "Keyword name .* a HIERARCH card will be created")
            connect.TableWrite(plain, type(plain))(*args, **kwargs)


class AsymmetryProfile(QTable):
    """North against South in bins of azimuth, age and abs(Z), one row per bin.

    Made by `AsymmetryMap.profile <rcasym.AsymmetryMap.profile>`; an astropy table like any other.

    =======================================  =====  ================================================
    column                                   unit   meaning
    =======================================  =====  ================================================
    ``phi_min``, ``phi_max``                 deg    azimuth, if the map has an axis for it
    ``age_min``, ``age_max``                 Gyr    age, if the map has an axis for it
    ``abs_Z_min``, ``abs_Z_max``             kpc    distance from the mid-plane
    ``n_north``, ``n_south``                        stars on either side
    ``north``, ``south``                     dex    median [M/H] of the stars of all R bins together
    ``difference``                           dex    north minus south
    ``offset_north``, ``offset_south``       dex    median of [M/H] minus the radial mean
    ``offset_difference``                    dex    difference of these two
    ``matched_difference``                   dex    mean of North minus South within voxels
    ``n_pairs``                                     effective number of pairs of that
    ``asymmetry``                                   ratio A, masked where undefined
    ``asymmetry_reason``                            why it is masked
    =======================================  =====  ================================================

    Each estimate ``X`` has its standard error ``X_error`` and the ends ``X_low`` and ``X_high`` of
    its confidence interval. Errors are bootstrap errors, except that of ``matched_difference``,
    which comes from the scatter within voxels. ``meta`` holds the parameters of the profile.

    Notes
    -----
    Intervals hold for 5 stars and more; errors of offsets take the radial mean as known.

    ``difference`` compares all stars of a bin: where the surveys see North and South at different
    R, the radial gradient looks like an asymmetry. ``offset_difference`` subtracts the radial mean
    first, so that its gradient cancels. ``matched_difference`` compares the means of stars in the
    same R bin only, so that no difference between R bins matters, such as a vertical gradient in a
    disk that flares; it is what `AsymmetryMap.test <rcasym.AsymmetryMap.test>` tests.

    Examples
    --------
    >>> from astropy import units as u
    >>> from rcasym import AsymmetryMap, make_mock_catalog
    >>> profile = AsymmetryMap.from_catalog(make_mock_catalog(20_000)).profile()
    >>> profile["phi_min", "abs_Z_min", "n_north", "difference"][21:24].pprint()
    phi_min abs_Z_min n_north difference
      deg      kpc               dex
    ------- --------- ------- ----------
          0         0     222      0.093
          0       0.3     158      0.069
          0       0.6     112      0.096
    """

    write = UnifiedReadWriteMethod(ProfileWrite)

    def slices(self):
        """Combine the bins of each azimuth and age: one row per slice.

        Returns
        -------
        `~astropy.table.QTable`
            Edges, ``n_north``, ``n_south``, the three differences and their ``_error``. A slice is
            the mean of its bins, weighted with n_N n_S / (n_N + n_S) (and with ``n_pairs`` for
            ``matched_difference``), the inverse variance for equal scatter.

        Examples
        --------
        >>> from rcasym import AsymmetryMap, make_mock_catalog
        >>> profile = AsymmetryMap.from_catalog(make_mock_catalog(20_000)).profile()
        >>> len(profile), len(profile.slices())
        (42, 6)
        """
        edges = [name for name in self.colnames if name.startswith(("phi_", "age_"))]
        keys = list(zip(*(self[name].value for name in edges), strict=True)) or [()] * len(self)
        number = {key: k for k, key in enumerate(dict.fromkeys(keys))}
        group = np.array([number[key] for key in keys], dtype=int)
        first = np.unique(group, return_index=True)[1]
        table = QTable({name: self[name][first] for name in edges})
        n, s = np.asarray(self["n_north"]), np.asarray(self["n_south"])
        for name, counts in (("n_north", n), ("n_south", s)):
            table[name] = np.bincount(group, counts, len(first)).astype(int)
        for name in DIFFERENCES:
            weight = (np.asarray(self["n_pairs"]) if name == "matched_difference"
                      else n * s / np.maximum(n + s, 1))
            value, error = combine(self[name].value, self[f"{name}_error"].value, weight,
                                   group, len(first))
            table[name], table[f"{name}_error"] = value * u.dex, error * u.dex
        return set_formats(table)

    def plot(self, quantity="asymmetry", *, test=None, axes=None, **kwargs):
        """Draw Figure 4 of Wang et al. (2025), for a map by age Figure 6.

        Left, the medians against Z, South and North of the mid-plane; then ``quantity`` against
        abs(Z), in one panel for the slices with a significant difference and in one for the others.

        Parameters
        ----------
        quantity : str, optional
            ``"asymmetry"`` (default), ``"difference"``, ``"offset_difference"`` or
            ``"matched_difference"``.
        test : `~rcasym.maps.AsymmetryTest`, optional
            Divides the slices by whether their corrected p-value is below 0.05; by default, they
            are divided by whether their ``matched_difference`` over all heights is more than 3
            errors from zero.
        axes : array of `~matplotlib.axes.Axes`, optional
            Three of them; by default those of a new figure.
        **kwargs
            Passed to `~matplotlib.axes.Axes.errorbar`.

        Returns
        -------
        ndarray of `~matplotlib.axes.Axes`
            Three: the medians, the slices with a significant difference, and the others.

        Examples
        --------
        >>> from rcasym import AsymmetryMap, make_mock_catalog
        >>> amap = AsymmetryMap.from_catalog(make_mock_catalog(5000))
        >>> axes = amap.profile().plot("matched_difference", test=amap.test(n=99, rng=1))
        """
        from ..plotting.profiles import plot_profile

        return plot_profile(self, quantity, *find_signals(self, test), axes=axes, **kwargs)


def compute_profile(binning, state, radial_mean, request):
    """Return the profile of a map; see `rcasym.AsymmetryMap.profile`."""
    R_bins, confidence = request.R_bins, request.confidence
    linear_ratio = request.definition == "linear"
    sides = number_sides(binning, R_bins)
    n_bins = sides.max() + 1
    shift = np.repeat(radial_mean.value.ravel(), binning.shape[-1])
    estimates = {}
    for prefix, subtracted in (("", None), ("offset_", shift)):
        pooled = state.pooled(sides.ravel(), n_bins, subtracted)
        enough = pooled.counts >= binning.min_count
        both = estimate(pooled, request.statistic, confidence).where(enough)
        half = n_bins // 2
        north, south = both[:half], both[half:]
        estimates |= {f"{prefix}north": north, f"{prefix}south": south,
                      f"{prefix}difference": difference(north, south, confidence)}
    matched = pair_voxels(binning, state, R_bins)
    estimates["matched_difference"] = with_interval(
        matched.difference, matched.error, matched.error**2, matched.dof, confidence)
    if linear_ratio:
        estimates["asymmetry"] = linear(estimates["difference"])
        distinguishable = np.full(half, True)
    else:
        estimates["asymmetry"], distinguishable = ratio(
            estimates["north"], estimates["south"], confidence,
            modulus=request.definition == "modulus")

    profile = AsymmetryProfile(bin_edges(binning))
    profile["n_north"], profile["n_south"] = pooled.counts[:half], pooled.counts[half:]
    reason = np.array([
        _explain_mask(n, s, binning.min_count, linear_ratio, is_distinguishable)
        for n, s, is_distinguishable in zip(profile["n_north"].tolist(),
                                            profile["n_south"].tolist(), distinguishable,
                                            strict=True)])
    for name in ESTIMATES:
        for ending, values in (("", estimates[name].value), ("_error", estimates[name].error),
                               ("_low", estimates[name].low), ("_high", estimates[name].high)):
            profile[f"{name}{ending}"] = (
                MaskedColumn(values, mask=reason != "") if name == "asymmetry" else values * u.dex)
    profile["asymmetry_reason"] = reason
    profile.add_column(matched.weight, name="n_pairs",
                       index=profile.index_column("matched_difference"))
    edges = binning["R"].edges
    profile.meta |= {"statistic": request.statistic, "definition": request.definition,
                     "confidence": confidence,
                     "R_min": f"{edges[R_bins.start]:g}", "R_max": f"{edges[R_bins.stop]:g}",
                     "min_count": binning.min_count, "n_left_out": pooled.n_outside}
    return set_formats(profile)


def _explain_mask(n_north, n_south, min_count, linear_ratio, distinguishable):
    """Return why the asymmetry is masked, empty where it is not."""
    counts = {"North": n_north, "South": n_south}
    for most, words in ((0, "no stars"), (min_count - 1, f"fewer than {min_count} stars"),
                        (0 if linear_ratio else 1, "one star without an error")):
        sides = [side for side, count in counts.items() if count <= most]
        if sides:
            return f"{words} {'on both sides' if len(sides) == 2 else f'in the {sides[0]}'}"
    return "" if distinguishable else "N + S is not distinguishable from 0"


def bootstrap_profile(binning, state, request, n, rng):
    """Return bootstrap samples of a profile; see `rcasym.AsymmetryMap.bootstrap`."""
    sides = number_sides(binning, request.R_bins)
    pooled = state.pooled(sides.ravel(), sides.max() + 1)
    samples = bootstrap(pooled, request.statistic, n, rng)
    samples[:, pooled.counts < binning.min_count] = np.nan
    return tuple(np.hsplit(samples * u.dex, 2))


def find_signals(profile, test=None):
    """Return whether the slice of each row has a signal, and the rule in words."""
    if test is None:
        table = profile.slices()
        size, error = (np.abs(table[name].value) for name in ("matched_difference",
                                                              "matched_difference_error"))
        with np.errstate(invalid="ignore"):
            is_signal = size > np.maximum(SIGNAL_ERRORS * error, ROUNDING_ERROR)
        rule = f"difference > {SIGNAL_ERRORS} errors"
    else:
        if not isinstance(test, AsymmetryTest):
            raise RcasymError(f"test must be the result of AsymmetryMap.test; got {test!r}")
        for name in ("R_min", "R_max"):
            ours, theirs = profile.meta.get(name), f"{getattr(test, name):g}"
            if ours not in (None, theirs):
                raise RcasymError("test must be of the same stars as the profile; got "
                                  f"{name} = {theirs}, and {ours} for the profile")
        table = test.slices
        is_signal = np.asarray(table["p_value_corrected"]) < SIGNAL_P
        rule = f"p < {SIGNAL_P:g} (corrected)"
    signals = dict(zip([_get_slice_key(row) for row in table], is_signal.tolist(), strict=True))
    missing = [_get_slice_key(row) for row in profile if _get_slice_key(row) not in signals]
    if missing:
        raise RcasymError("test must be of the azimuths and ages of the profile; it has none of "
                          + (", ".join(f"{value:g}" for value in missing[0]) or "all together"))
    return np.array([signals[_get_slice_key(row)] for row in profile], bool), rule


def _get_slice_key(row):
    """Return the edges of azimuth and age of a row, which identify its slice."""
    return tuple(row[name].value for name in ("phi_min", "phi_max", "age_min", "age_max")
                 if name in row.colnames)
