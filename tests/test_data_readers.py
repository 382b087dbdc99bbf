"""Readers against facts about the files, and the parsed copies."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd
import pytest

from bayes_hr.data import parsed
from bayes_hr.data.catalogue.treaties import TREATY_KEYS
from bayes_hr.data.crosswalk import country_names, gw_to_cow, names_to_cow, state_years
from bayes_hr.data.parsed import parsed_path, read_source
from bayes_hr.data.raw_files import r_dates, read_rda, whole
from bayes_hr.data.readers import READERS
from bayes_hr.data.readers_treaties import read_hr_status, read_untreaties
from bayes_hr.data.sources import SOURCES
from bayes_hr.errors import InputError

ROWS = {
    "hrps_v402": 11_665,
    "hrps_v301": 11_717,
    "cirights": 7_529,
    "pts": 9_596,
    "hathaway": 2_460,
    **{f"hr_status_{key}": 193 for key in TREATY_KEYS},
    "untreaties_cat": 166,
    "untreaties_opcat": 95,
    "untreaties_iccpr": 175,
    "untreaties_iccpr_op1": 121,
    "untreaties_icescr": 169,
    "untreaties_cerd": 182,
    "untreaties_cedaw": 190,
    "untreaties_cedaw_op": 119,
    "untreaties_crc": 196,
    "untreaties_cmw": 66,
    "untreaties_crpd": 182,
    "untreaties_cped": 99,
    "polity5": 17_491,
    "vdem_subset": 26_622,
    "cow_nmc": 17_121,
    "ucdp_acd": 2_913,
    "isa_gdp": 10_809,
    "lji": 9_815,
    "cowstates": 243,
    "codelist": 292,
    "codelist_panel": 29_574,
    "ert": 19_678,
    "vdem_simple": 27_913,
    "bmr": 19_699,
    "cow_igo_state_year": 2_848_152,
    "cow_igo_igo_year": 19_335,
}
MANY_A_YEAR = {"codelist_panel", "cow_igo_state_year"}  # more than one row per country-year


def test_every_source_has_a_reader() -> None:
    assert set(READERS) == set(SOURCES) == set(ROWS)


@pytest.mark.real_data
@pytest.mark.parametrize("source_id", SOURCES)
def test_rows_and_keys(source_id: str) -> None:
    frame = read_source(source_id)
    assert len(frame) == ROWS[source_id]
    if {"ccode", "year"} <= set(frame.columns) and source_id not in MANY_A_YEAR:
        assert not frame.duplicated(["ccode", "year"]).any()
        assert frame["ccode"].dtype == frame["year"].dtype == "int64"


@pytest.mark.real_data
def test_latent_scores_in_2000() -> None:
    scores = read_source("hrps_v402").query("year == 2000").set_index("ccode")["hrps_v402"]
    facts = {380: 2.66, 2: 1.42, 200: 1.28, 652: -0.63, 731: -1.63}
    for ccode, score in facts.items():
        assert scores[ccode] == pytest.approx(score, abs=0.005)
    assert 565 in scores.index


@pytest.mark.real_data
def test_latent_scores_of_states_that_changed() -> None:
    scores = read_source("hrps_v402")
    years = scores.groupby("ccode")["year"].agg(["min", "max"])
    assert years.loc[345].tolist() == [1946, 2018]  # no Yugoslavia/Serbia in 2019-21
    assert years.loc[315].tolist() == [1946, 1992]
    assert years.loc[316].tolist() == [1993, 2021]
    assert (scores["hrps_v402_sd"] > 0).all()


@pytest.mark.real_data
def test_polity_has_no_special_codes_and_keeps_the_state_that_goes_on() -> None:
    scores = read_source("polity5").set_index(["ccode", "year"])
    assert scores["polity2"].min() == -10
    assert scores["polity"].min() == -10
    assert scores.loc[(345, 2006), "polity2"] == 8  # Serbia, not Serbia and Montenegro (6)
    assert scores.loc[(530, 1993), "polity2"] == 1
    assert scores.loc[(625, 2011), "polity2"] == -4
    assert scores.loc[(365, 1980), "polity2"] < 0


@pytest.mark.real_data
def test_namibia_is_not_missing() -> None:
    status = read_source("hr_status_cat").set_index("name")
    assert status.loc["Namibia", "iso2"] == "NA"
    assert status.loc["Namibia", "ratification_year"] == 1994


@pytest.mark.real_data
def test_units_of_controls() -> None:
    gdp = read_source("vdem_subset").set_index(["ccode", "year"])["e_gdppc"]
    assert 40 < gdp[(2, 2010)] < 70  # thousand international dollars
    population = read_source("cow_nmc").set_index(["ccode", "year"])["tpop"]
    assert 300_000 < population[(2, 2010)] < 320_000  # thousands


@pytest.mark.real_data
def test_state_system() -> None:
    states = state_years(1946, 2021)
    assert len(states) == 11_493
    years = states.groupby("ccode")["year"].agg(["min", "max"])
    assert years.loc[255].tolist() == [1990, 2021]
    assert years.loc[260].tolist() == [1955, 1990]
    assert years.loc[626].tolist() == [2011, 2021]
    assert not ((states["ccode"] == 652) & states["year"].isin([1959, 1960])).any()


@pytest.mark.real_data
def test_names() -> None:
    names = country_names()
    assert names.is_unique
    assert names[565] == "Namibia"
    found = names_to_cow(["Czechoslovakia", "Serbia", "Russian Federation", "Holy See"], source="x")
    assert found == {"Czechoslovakia": 315, "Serbia": 345, "Russian Federation": 365, "Holy See": None}
    with pytest.raises(InputError, match=r"x: no single COW number.*'Ruritania' \(nearest: Mauritania"):
        names_to_cow(["Sweden", "Ruritania"], source="x")


def test_gleditsch_ward_to_cow() -> None:
    rows = pd.DataFrame(
        {"gwno": [260, 260, 678, 678, 340, 345, 2], "year": [1970, 1995, 1980, 1994, 2010, 1999, 1999]}
    )
    assert gw_to_cow(rows).tolist() == [260, 255, 678, 679, 345, 345, 2]


@pytest.mark.real_data
def test_parsed_once_and_healed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    source = SOURCES["hr_status_cat"]
    calls: list[Path] = []

    def counted(path: Path) -> pd.DataFrame:
        calls.append(path)
        return read_hr_status(path)

    monkeypatch.setitem(parsed.READERS, source.id, counted)
    first = read_source(source.id, cache=tmp_path)
    pd.testing.assert_frame_equal(first, read_source(source.id, cache=tmp_path))
    assert len(calls) == 1
    copy = parsed_path(source, tmp_path)
    good = copy.read_bytes()
    for damage in (good[: len(good) // 2], b"", good[:200] + b"\xff\xfe\xfd" + good[203:]):
        caplog.clear()
        copy.write_bytes(damage)
        with caplog.at_level(logging.WARNING, logger="bayes_hr"):
            pd.testing.assert_frame_equal(first, read_source(source.id, cache=tmp_path))
        assert "is broken; parsing the raw file again" in caplog.text
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


def test_unknown_source() -> None:
    with pytest.raises(InputError, match="unknown source 'polity6'; did you mean 'polity5'"):
        read_source("polity6")


def test_treaty_dates(tmp_path: Path) -> None:
    path = tmp_path / "4-9.csv"
    head = 'Participant,Signature,"Accession(a), Succession(d), Ratification"\n'
    path.write_text(head + "A,4 Feb 1985,1 Apr 1987\nB,,1 Sep 1993 d\nC,,11 May 1994 a\nD,5 Oct 1998,\n")
    frame = read_untreaties(path)
    assert frame["mode"].fillna("").tolist() == ["ratification", "succession", "accession", ""]
    assert frame["ratification_date"].dt.year.fillna(0).tolist() == [1987, 1993, 1994, 0]
    assert frame["signature_date"].notna().tolist() == [True, False, False, True]
    path.write_text(head + "A,4 Feb 1985,1 Apr 1987 z\n")
    with pytest.raises(InputError, match=r"4-9.csv: cannot read the deposit\(s\) 1 Apr 1987 z"):
        read_untreaties(path)
    path.write_text(head + "A,4 Feb 1985 a,1 Apr 1987\n")
    with pytest.raises(InputError, match=r"4-9.csv: cannot read the signature\(s\) 4 Feb 1985 a"):
        read_untreaties(path)
    head = 'Participant,"Signature, Succession to signature(d)","Ratification, Acceptance(A), Accession(a)"\n'
    path.write_text(head + "A,12 Mar 2001 d,6 Sep 2001 A\nB,,6 Sep 2001 c\nC,,6 Sep 2001 a\n")
    frame = read_untreaties(path)
    assert frame["mode"].tolist() == ["acceptance", "formal confirmation", "accession"]
    assert frame["signature_date"].dt.year.fillna(0).tolist() == [2001, 0, 0]
    path.write_text("Participant,Signature\nA,1 Feb 1985\n")
    with pytest.raises(InputError, match="missing column"):
        read_untreaties(path)


def test_status_by_year_whose_marks_disagree(tmp_path: Path) -> None:
    path = tmp_path / "status.csv"
    head = "iso2,member,state party,year ratification or accession,status\n"
    path.write_text(head + "A,a,1,1990,state party\nB,b,0,2009,state party\nC,c,0,,state party\nD,d,0,,no\n")
    frame = read_hr_status(path)
    assert frame["ratification_year"].fillna(0).tolist() == [1990, 2009, 0, 0]
    assert frame["marks_disagree"].tolist() == [False, True, True, False]
    for row in ("E,e,1,,state party\n", "E,e,0,1990,signatory state\n"):
        path.write_text(head + row)
        with pytest.raises(InputError, match="party without a year, or the reverse: e"):
            read_hr_status(path)


def test_damaged_r_file(tmp_path: Path) -> None:
    path = tmp_path / "x.rda"
    path.write_bytes(b"RDX3\nnot R data")
    with pytest.raises(InputError, match="cannot be read as an R data file"):
        read_rda(path, ["a"])


def test_whole_and_dates() -> None:
    with pytest.raises(InputError, match="column year: 1 value"):
        whole(pd.DataFrame({"year": [1990.5]}), "year")
    dates = r_dates(pd.Series([0.0, 2_932_896.0]))
    assert dates.dt.year.tolist() == [1970, 9999]
