"""Ratification years against known facts and rules."""

from __future__ import annotations

import pandas as pd
import pytest

from bayes_hr.data.crosswalk import state_years
from bayes_hr.data.treaties import TREATIES, combine, get_treaty, source_differences, treaty_years
from bayes_hr.errors import InputError

pytestmark = pytest.mark.real_data

FACTS = {
    "CAT": {
        2: 1994,
        200: 1988,
        265: 1987,
        315: 1988,
        345: 1991,
        316: 1993,
        317: 1993,
        341: 2006,
        260: 1990,
        255: 1990,
        365: 1987,
        369: 1987,
        565: 1994,
        679: 1991,
        816: 2015,
        626: 2015,
        625: 2021,
        115: 2021,
        732: 1995,
    },
    "ICCPR": {
        2: 1992,
        200: 1976,
        265: 1973,
        315: 1975,
        345: 1971,
        316: 1993,
        317: 1993,
        260: 1973,
        255: 1973,
        365: 1973,
        560: 1998,
        411: 1987,
        679: 1987,
        680: 1987,
        950: 2018,
        731: 1981,
    },
}
NEVER = {"CAT": [750, 731, 630, 678, 680], "ICCPR": [710, 670, 940, 947, 678]}


@pytest.mark.parametrize("treaty", TREATIES)
def test_known_years(treaty: str) -> None:
    years = treaty_years(treaty).set_index("ccode")["ratification_year"]
    assert years.index.is_unique
    assert {ccode: years[ccode] for ccode in FACTS[treaty]} == FACTS[treaty]
    assert years.reindex(NEVER[treaty]).isna().all()


@pytest.mark.parametrize("treaty", TREATIES)
def test_shape(treaty: str) -> None:
    frame = treaty_years(treaty)
    states = set(state_years(1946, 2021)["ccode"])
    assert set(frame["ccode"]) <= states
    dated = frame[frame["ratification_date"].notna()]
    assert (dated["ratification_date"].dt.year == dated["ratification_year"]).all()
    assert (dated["signature_date"].fillna(dated["ratification_date"]) <= dated["ratification_date"]).all()
    assert dated["ratification_mode"].isin(["ratification", "accession", "succession"]).all()
    assert frame["ratification_year"].dropna().between(TREATIES[treaty].opened, 2022).all()
    late = frame[frame["source"] == TREATIES[treaty].sources[1]]["ratification_year"].dropna()
    assert (late >= 2015).all()


def test_sources_agree_up_to_known_errors() -> None:
    assert source_differences("CAT").empty
    assert source_differences("ICCPR")["name"].tolist() == [
        "Equatorial Guinea",
        "South Africa",
        "Solomon Islands",
        "Tuvalu",
    ]


def test_unknown_treaty() -> None:
    with pytest.raises(InputError, match="unknown treaty 'CATT'; did you mean 'CAT'"):
        get_treaty("CATT")


def test_late_years_only_where_no_exact_date() -> None:
    dates = pd.to_datetime(["1994-10-21", None, None, "1990-10-01"])
    exact = pd.DataFrame(
        {"ccode": [2, 20, 40, 255], "name": list("abcd"), "signature_date": dates, "ratification_date": dates}
    ).assign(mode=["ratification", None, None, "accession"])
    status = pd.DataFrame({"ccode": [2, 20, 40, 70], "name": list("abce")})
    status = status.assign(ratification_year=[2016.0, 2017.0, 1999.0, 2018.0])
    years = combine(exact, status, TREATIES["CAT"]).set_index("ccode")["ratification_year"]
    assert years.dropna().to_dict() == {
        2: 1994,
        20: 2017,
        70: 2018,
        255: 1990,
        260: 1990,
        265: 1987,
        315: 1988,
        345: 1991,
    }
    assert pd.isna(years[40])
