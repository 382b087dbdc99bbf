"""Ratification years against known facts and rules."""

from __future__ import annotations

from functools import partial

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from bayes_hr import terminal
from bayes_hr.cli import main
from bayes_hr.data import treaties
from bayes_hr.data.country_year import ratification_panel
from bayes_hr.data.crosswalk import names_to_cow, state_years
from bayes_hr.data.parsed import read_source
from bayes_hr.data.readers_treaties import MODES
from bayes_hr.data.treaties import (
    TREATIES,
    combine,
    get_treaty,
    source_differences,
    treaty_conflicts,
    treaty_years,
)
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
    "OPCAT": {200: 2003, 220: 2008, 345: 2006, 712: 2015, 359: 2006},
    "ICCPR-OP1": {365: 1991, 345: 2001, 255: 1993, 51: 1975, 52: 1980, 600: 2022},
    "ICESCR": {200: 1976, 365: 1973, 710: 2001, 740: 1979, 255: 1973, 260: 1973, 680: 1987, 560: 2015},
    "CERD": {2: 1994, 200: 1969, 365: 1969, 710: 1981, 255: 1969, 260: 1969, 679: 1972, 680: 1972},
    "CEDAW": {740: 1985, 710: 1980, 200: 1986, 365: 1981, 840: 1981, 260: 1985, 680: 1984, 626: 2015},
    "CEDAW-OP": {200: 2004, 140: 2002, 640: 2002, 341: 2006},
    "CRC": {200: 1991, 710: 1992, 255: 1992, 20: 1991, 520: 2015, 626: 2015, 679: 1991, 816: 1990},
    "CMW": {70: 1999, 651: 1993, 840: 1995},
    "CRPD": {740: 2014, 200: 2009, 345: 2009, 375: 2016, 205: 2018},
    "CPED": {220: 2008, 740: 2009, 345: 2011, 255: 2009},
}
NEVER = {
    "CAT": [750, 731, 630, 678, 680, 817],
    "ICCPR": [710, 670, 940, 947, 678],
    "OPCAT": [2, 20, 265, 315],
    "ICCPR-OP1": [2, 200, 710, 740, 260],
    "ICESCR": [2, 678, 947],
    "CERD": [835, 731, 775],
    "CEDAW": [2, 625, 630, 520, 955, 986],
    "CEDAW-OP": [2, 551, 552],
    "CRC": [2, 260],
    "CMW": [2, 200, 345],
    "CRPD": [2, 265, 315],
    "CPED": [2, 200],
}
THROUGHOUT = {
    "ICCPR-OP1": {110, 265, 315},
    "ICESCR": {265, 315, 345},
    "CERD": {265, 315, 345, 678, 713},
    "CEDAW": {265, 315, 345, 678},
    "CRC": {265, 315, 345},
    "CMW": {265, 315},
}
LATER = {"ICCPR-OP1": {51: 1997, 52: 2000}, "CERD": dict.fromkeys((54, 403, 540, 830, 983), 2015)}
# Parties at the end of 2014 as the depositary counted them, with those outside COW; the first protocol's
# 115 are here with Jamaica and Trinidad and Tobago, which had left it, and are still listed.
PARTIES_2014 = {
    "CAT": 156, "ICCPR": 168, "ICCPR-OP1": 117, "ICESCR": 162, "CERD": 177, "CEDAW": 188, "CEDAW-OP": 105,
    "CRC": 194, "CMW": 47, "CRPD": 151, "CPED": 44, "OPCAT": 76,
}  # fmt: skip
# UN members that were parties in the first half of 2022
MEMBERS_2022 = {"CAT": 171, "ICCPR": 172, "ICESCR": 170, "CEDAW": 187, "CRC": 192, "CRPD": 182, "CMW": 57}


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
    assert dated["ratification_mode"].isin(MODES).all()
    assert frame["ccode"].is_unique
    signed = frame["signature_date"].dropna().dt.year
    assert TREATIES[treaty].opened <= signed.min() <= TREATIES[treaty].opened + 1
    assert frame["ratification_year"].dropna().between(TREATIES[treaty].opened, 2022).all()
    late = frame[frame["source"] == TREATIES[treaty].sources[1]]["ratification_year"].dropna()
    assert (late >= 2015).all()


@pytest.mark.parametrize("treaty", TREATIES)
def test_what_is_unknown(treaty: str) -> None:
    frame = treaty_years(treaty).set_index("ccode")
    start = frame["unknown_from"].dropna()
    assert set(start.index[start == 1816]) == THROUGHOUT.get(treaty, set())
    assert start[start > 1816].to_dict() == LATER.get(treaty, {})
    assert frame.loc[start.index, "unknown_why"].notna().all()
    never_known = frame.loc[list(THROUGHOUT.get(treaty, set()))]
    assert never_known[["ratification_year", "ratification_date", "signature_date"]].isna().all(axis=None)
    assert (never_known["source"] == "none").all()


@pytest.mark.parametrize("treaty", TREATIES)
def test_parties_as_the_depositary_counts_them(treaty: str) -> None:
    listed = read_source(TREATIES[treaty].sources[0])
    assert int((listed["ratification_date"] < "2015").sum()) == PARTIES_2014[treaty]
    if treaty in MEMBERS_2022:
        frame = treaty_years(treaty).set_index("ccode")
        ended = [260, 265, 315, 680]
        serbia = frame["unknown_from"].get(345) == 1816  # a party all the same
        members = frame["ratification_year"].drop(ended, errors="ignore").notna().sum() + serbia
        assert members == MEMBERS_2022[treaty]


def test_modes_that_few_treaties_have() -> None:
    assert read_source("untreaties_crc")["mode"].eq("acceptance").sum() == 1
    union = read_source("untreaties_crpd").set_index("name").loc["European Union"]
    assert (union["mode"], union["ratification_date"].year) == ("formal confirmation", 2010)
    protocol = read_source("untreaties_iccpr_op1").set_index("name")
    assert protocol.loc["Serbia", "signature_date"] == pd.Timestamp("2001-03-12")  # a succession to it


def test_both_sources_agree_on_cat() -> None:
    exact, status = (read_source(source) for source in TREATIES["CAT"].sources)
    years = treaty_years("CAT").set_index("ccode")["ratification_year"]
    numbers = status["name"].map(names_to_cow(status["name"], source="hr_status_cat"))
    both = status.assign(kept=numbers.map(years)).dropna(subset=["ratification_year", "kept"])
    differ = both[both["ratification_year"] != both["kept"]]
    assert (len(both), len(exact)) == (171, 166)
    assert differ["name"].tolist() == ["Serbia"]  # Yugoslavia's own year


def test_conflicts() -> None:
    table = treaty_conflicts()
    assert table.groupby("treaty", sort=False).size().to_dict() == {
        "CAT": 1, "OPCAT": 2, "ICCPR": 5, "ICCPR-OP1": 7, "ICESCR": 3, "CERD": 15, "CEDAW": 5, "CEDAW-OP": 5,
        "CRC": 4, "CRPD": 2,
    }  # fmt: skip
    assert table[["treaty", "ccode", "country", "rule"]].notna().all(axis=None)
    assert not table.duplicated(["treaty", "ccode"]).any()
    cerd = table[table["treaty"] == "CERD"].set_index("ccode")
    assert cerd.loc[2, ["exact_year", "status_year", "kept_year"]].tolist() == [1994, 1966, 1994]
    assert cerd.loc[540, ["exact_year", "kept_year"]].isna().all()
    assert "unknown" in cerd.loc[540, "rule"]
    one = treaty_conflicts("ICCPR").set_index("ccode")
    assert one.loc[345, ["exact_year", "kept_year"]].tolist() == [2001, 1971]
    assert one.index.tolist() == [345, 411, 560, 940, 947]
    with pytest.raises(InputError, match="unknown treaty 'CERT'; did you mean 'CERD'"):
        treaty_conflicts("CERT")


@pytest.mark.parametrize("treaty", TREATIES)
def test_panel(treaty: str) -> None:
    panel = ratification_panel(treaty=treaty, start=1975)
    gone = THROUGHOUT.get(treaty, set())
    assert not panel.frame["ccode"].isin(list(gone)).any()
    assert panel.frame["ratified"].nunique() == 2
    steps = [step for step in panel.merge.steps if f"{treaty} ratification unknown: " in step.reason]
    assert bool(steps) == bool(gone)
    assert sum(step.countries for step in steps) == len(gone)
    assert panel.merge.rows_in - sum(step.rows for step in panel.merge.steps) == len(panel.frame)
    for ccode, start in LATER.get(treaty, {}).items():
        own = panel.frame[panel.frame["ccode"] == ccode]
        assert own["year"].max() == start - 1
        assert own["ratified"].iloc[-1] == (treaty == "ICCPR-OP1")


def test_a_name_that_no_state_has(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = read_source("untreaties_crc")
    listed.loc[0, "name"] = "Ruritania"
    monkeypatch.setattr(treaties, "read_source", lambda source: listed)
    with pytest.raises(InputError, match=r"untreaties_crc: .*'Ruritania' \(nearest: Mauritania"):
        treaty_years("CRC")


@pytest.mark.parametrize("width", [80, 120, None])
def test_conflicts_on_the_command_line(
    width: int | None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if width:
        plain = partial(Console, width=width, color_system=None, highlight=False)
        monkeypatch.setattr(terminal, "_console", plain)
    assert main(["data", "conflicts"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "CMW: no conflicts" in lines
    assert "CERD: 15 conflicts" in lines
    assert any(line.split()[:6] == ["United", "States", "2", "1994", "1966", "1994"] for line in lines)
    assert max(map(len, lines)) <= (width or 200)
    assert main(["data", "conflicts", "CEDA"]) == 2


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


@given(
    st.sampled_from(list(TREATIES)),
    st.permutations(range(5)),
    st.permutations(range(4)),
    st.lists(st.none() | st.integers(1991, 2014), min_size=5, max_size=5),
    st.lists(st.none() | st.integers(1991, 2022), min_size=4, max_size=4),
)
@settings(deadline=None, max_examples=60)
def test_the_order_of_rows_does_not_matter(
    treaty: str, one: list[int], two: list[int], exact_years: list[int | None], status_years: list[int | None]
) -> None:
    dates = pd.to_datetime([f"{year}-05-01" if year else None for year in exact_years])
    exact = pd.DataFrame({"ccode": [2, 255, 345, 540, 679], "name": list("abcde")})
    exact = exact.assign(signature_date=dates, ratification_date=dates)
    exact["mode"] = pd.Series(["ratification", "accession", "succession"] * 2, dtype="str")[:5].where(
        dates.notna()
    )
    status = pd.DataFrame({"ccode": [2, 540, 20, 345], "name": list("adfc")})
    status["ratification_year"] = pd.Series(status_years, dtype="float64")
    first = combine(exact, status, TREATIES[treaty])
    assert first["ccode"].is_monotonic_increasing
    assert first["ccode"].is_unique
    pd.testing.assert_frame_equal(first, combine(exact.iloc[one], status.iloc[two], TREATIES[treaty]))
    known = first.set_index("ccode")["ratification_year"]
    year = exact_years[0] or (status_years[0] if TREATIES[treaty].status_years else None)
    kept = year if exact_years[0] or (year or 0) >= 2015 else None
    assert known[2] == kept if kept else pd.isna(known[2])
