# Licensed under a 3-clause BSD style license - see LICENSE.rst
import numpy as np
import pytest
from astropy import units as u
from numpy.testing import assert_array_equal

from rcasym import QualityCuts, RedClumpCatalog
from rcasym.exceptions import CatalogError
from tests.conftest import catalog_at


def stars(survey="LAMOST", **columns):
    n = len(next(iter(columns.values()))) if columns else 5
    columns.setdefault("Z", np.zeros(n))
    Z = columns.pop("Z")
    R = np.full(n, 8.0 if survey == "LAMOST" else 10.0)
    return catalog_at(R, np.arange(n), Z, np.zeros(n), survey=survey, **columns)


def flow_of(cat, cuts=None):
    flow = (cuts or QualityCuts()).cut_flow(cat)
    return {row["cut"]: tuple(row[name] for name in ("before", "removed", "left",
                                                     "not_applicable")) for row in flow}


def test_defaults_are_those_of_the_paper():
    flow = QualityCuts().cut_flow(stars())
    assert list(flow["limit"]) == ["<= 14 Gyr", "<= 5 kpc", "<= 0.15 dex", "<= 0.15 dex",
                                   ">= 30 (LAMOST)"]
    assert flow.colnames == ["cut", "limit", "before", "removed", "left", "not_applicable"]


def test_limits_themselves_pass_and_heights_are_cut_on_both_sides():
    cat = stars(age=[14.0, 14.001] * u.Gyr, m_h_error=[0.15, 0.1] * u.dex, snr=[30.0, 99])
    assert_array_equal(QualityCuts().mask(cat), [True, False])
    assert_array_equal(QualityCuts().mask(stars(Z=[4.9, -4.9, 5.1, -5.1])), [1, 1, 0, 0])


def test_snr_cuts_lamost_alone():
    assert len(stars(snr=[10.0, 40]).select()) == 1
    apogee = stars("APOGEE", snr=[10.0, 40])
    assert len(apogee.select()) == 2
    assert flow_of(apogee)["snr"] == (2, 0, 2, 2)
    assert len(apogee.select(QualityCuts(snr_surveys=("APOGEE",)))) == 1
    assert flow_of(stars(survey=None, snr=[1.0, 2.0]))["snr"] == (2, 0, 2, 2)


def test_what_a_survey_does_not_have_is_not_cut_on():
    lamost = stars(age=[1.0, 20, 3] * u.Gyr)
    apogee = stars("APOGEE", alpha_m_error=[0.1, 0.3, np.nan, 0.1] * u.dex)
    flow = flow_of(lamost)
    assert flow["age"] == (3, 1, 2, 0)
    assert flow["alpha_m_error"] == (2, 0, 2, 2)
    both = RedClumpCatalog.concatenate([lamost, apogee])
    flow = flow_of(both)
    assert flow["age"] == (7, 1, 6, 4)
    assert flow["alpha_m_error"] == (6, 2, 4, 2)
    assert len(both.select()) == len(lamost.select()) + len(apogee.select())


def test_a_star_without_a_value_fails_unless_asked():
    cat = stars(age=[1.0, np.nan, 3, 4] * u.Gyr, Z=[0, 0, np.nan, 0])
    assert_array_equal(QualityCuts().mask(cat), [True, False, False, True])
    assert_array_equal(QualityCuts(keep_missing=True).mask(cat), [True] * 4)
    assert flow_of(cat)["age"] == (4, 1, 3, 0)


def test_a_cut_that_is_off():
    cat = stars(age=[1.0, 20] * u.Gyr)
    cuts = QualityCuts(max_age=None)
    assert len(cat.select(cuts)) == 2
    assert "age" not in flow_of(cat, cuts)
    none = QualityCuts(None, None, None, None, None)
    assert len(none.cut_flow(cat)) == 0


def test_every_star_is_accounted_for(mock):
    flow = QualityCuts().cut_flow(mock)
    assert flow["before"][0] == len(mock)
    assert_array_equal(flow["before"][1:], flow["left"][:-1])
    assert_array_equal(flow["before"] - flow["removed"], flow["left"])
    assert flow["left"][-1] == len(mock.select())
    assert flow["removed"].sum() > 0


def test_limits_convert_and_are_checked():
    assert QualityCuts(max_age=14e9 * u.yr) == QualityCuts()
    assert QualityCuts(max_abs_Z=2).max_abs_Z == 2 * u.kpc
    with pytest.raises(CatalogError, match="max_age must have a unit that converts to Gyr"):
        QualityCuts(max_age=5 * u.kpc)
