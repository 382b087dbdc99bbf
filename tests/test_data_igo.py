"""COW IGO v3: the readers (wide to long), the organisations, and facts about the files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import rdata

from bayes_hr.data import igo
from bayes_hr.data.fetch import fetch
from bayes_hr.data.parsed import read_source
from bayes_hr.data.raw_files import read_rda
from bayes_hr.data.readers_igo import read_cow_igo_igo_year, read_cow_igo_state_year
from bayes_hr.data.sources import SOURCES
from bayes_hr.errors import InputError


def wide() -> pd.DataFrame:
    """Two states and three years of the state-year file."""
    years = {"ccode": [20.0, 2.0, 2.0], "year": [1950.0, 1951.0, 1950.0], "state": ["canada", "usa", "usa"]}
    return pd.DataFrame({**years, "nato": [1.0, 1.0, 0.0], "andean": [-1.0, -9.0, -1.0]})


def organisations() -> pd.DataFrame:
    """One IGO that is replaced, one without a type, in the IGO-year file's columns."""
    frame = pd.DataFrame({"ioname": ["OldO", "OldO", "Odd"], "year": [1960.0, 1961.0, 1961.0]})
    frame["orgname"], frame["longorgname"] = (
        ["O", "O", "Odd one"],
        ["P\x99le \x8ecole", "P\x99le \x8ecole", "Odd"],
    )
    frame["political"], frame["social"] = [1.0, 1.0, float("nan")], [0.0, 0.0, float("nan")]
    frame["economic"], frame["sdate"] = [0.0, 0.0, float("nan")], [1960.0, 1960.0, 1961.0]
    frame["deaddate"] = [1961.0, 1961.0, float("nan")]
    frame["dead"], frame["integrated"], frame["replaced"] = [0.0, 1.0, 0.0], [0.0] * 3, [0.0, 1.0, 0.0]
    return frame.assign(imputed=[0.0, 1.0, float("nan")])


def serve(monkeypatch: pytest.MonkeyPatch, frame: pd.DataFrame) -> Path:
    monkeypatch.setattr(rdata, "read_rda", lambda _path: {"table": frame})
    return Path("table.rda")


def test_memberships_become_long(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = read_cow_igo_state_year(serve(monkeypatch, wide()))
    assert frame.astype({"igo": "str"}).to_numpy().tolist() == [
        [2, "ANDEAN", 1951, -9],
        [2, "NATO", 1950, 0],
        [2, "NATO", 1951, 1],
        [20, "NATO", 1950, 1],
    ]
    assert frame.memory_usage(index=False).sum() < 10 * len(frame) + 200


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.assign(nato=7.0), r"membership code\(s\) 7.0 are not known"),
        (lambda frame: frame.assign(year=1950.0), r"1 country-year\(s\) are there twice"),
        (lambda frame: frame.drop(columns="ccode"), "missing column.s. ccode"),
        (lambda frame: frame.assign(year=1950.5), "not whole"),
    ],
)
def test_a_broken_file_is_refused(monkeypatch: pytest.MonkeyPatch, change: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_cow_igo_state_year(serve(monkeypatch, change(wide())))  # type: ignore[operator]


def test_a_file_that_is_no_r_data(tmp_path: Path) -> None:
    (tmp_path / "a.rda").write_bytes(b"RDX3\nX\n\x00\x00")
    with pytest.raises(InputError, match="cannot be read as an R data file"):
        read_cow_igo_state_year(tmp_path / "a.rda")


def test_organisations_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = read_cow_igo_igo_year(serve(monkeypatch, organisations())).set_index(["igo", "year"])
    old, odd = frame.loc[("OLDO", 1960)], frame.loc[("ODD", 1961)]
    assert (old["igo_name"], old["igo_type"], old["ended"], old["ending"]) == (
        "Pôle école",
        "political",
        1961.0,
        "replaced",
    )
    assert (odd["igo_name"], odd["igo_type"]) == ("Odd one", "unclassified")
    assert pd.isna(odd["ended"])
    assert pd.isna(odd["ending"])
    twice = organisations().assign(social=1.0)
    with pytest.raises(InputError, match="more than one type for OLDO"):
        read_cow_igo_igo_year(serve(monkeypatch, twice))


def test_sources_say_where_and_whom_to_cite() -> None:
    for source in (SOURCES[igo.MEMBERSHIP_SOURCE], SOURCES[igo.ORGANISATION_SOURCE]):
        assert "Correlates of War" in source.licence
        assert "10.1177/0022343319881175" in source.citation
        assert "pevehouse2020igo" in source.bibtex
        assert len(source.sha256) == 64


@pytest.mark.real_data
def test_rows_codes_and_coverage() -> None:
    frame = read_source(igo.MEMBERSHIP_SOURCE)
    assert len(frame) == 2_848_152
    assert frame["code"].value_counts().to_dict() == {
        0: 2_170_313,
        1: 535_772,
        -9: 138_874,
        3: 2_332,
        2: 861,
    }
    assert (frame["year"].min(), frame["year"].max(), frame["igo"].nunique()) == (1816, 2014, 534)
    assert len(frame[["ccode", "year"]].drop_duplicates()) == 15_557
    assert not frame.duplicated(["ccode", "igo", "year"]).any()


@pytest.mark.real_data
def test_facts_about_memberships() -> None:
    frame = read_source(igo.MEMBERSHIP_SOURCE)
    unesco = frame[(frame["igo"] == "UNESCO") & (frame["ccode"] == 200)].set_index("year")["code"]
    assert unesco.loc[1945:1985].eq(1).all()
    assert unesco.loc[1986:1996].eq(0).all()
    assert unesco.loc[1997:].eq(1).all()
    america = frame[(frame["igo"] == "UNESCO") & (frame["ccode"] == 2)].set_index("year")["code"]
    assert america.loc[1985:].eq(0).all()  # upstream error: back in 2003
    greece = frame[(frame["igo"] == "COE") & (frame["ccode"] == 350)].set_index("year")["code"]
    assert greece.loc[1949:].eq(1).all()  # upstream error: out in 1969-74
    czechoslovakia = frame[frame["ccode"] == 315]
    assert czechoslovakia.loc[czechoslovakia["year"] >= 1946, "year"].nunique() == 47
    assert frame.loc[frame["ccode"] == 316, "year"].min() == 1993


@pytest.mark.real_data
def test_memberships_that_are_known_to_be_wrong() -> None:
    frame = read_source(igo.MEMBERSHIP_SOURCE)
    full = frame[frame["code"] == 1].groupby(["ccode", "igo"], observed=True)["year"].agg(["min", "max"])
    facts = {(315, "CMEA"): (1949, 1964), (452, "WPACT"): (1960, 1964), (2, "COMSEC"): (1965, 1968)}
    facts |= {(ccode, "LAFTA"): (1962, 1964) for ccode in (70, 100, 130, 150)}
    assert {key: tuple(full.loc[key]) for key in facts} == facts


@pytest.mark.real_data
def test_organisations_of_the_file() -> None:
    table = igo.organisations().set_index("igo")
    assert len(table) == 534
    assert table["igo_type"].value_counts().to_dict() == {"economic": 268, "social": 178, "political": 88}
    assert table["ending"].value_counts().to_dict() == {"dead": 138, "replaced": 35, "integrated": 25}
    assert table.loc["CEMAC", "igo_name"] == "Communauté économique et monétaire d'Afrique centrale (CEMAC)"
    assert table["igo_name"].is_unique
    assert table.loc[["COE", "EEC", "WPACT"], ["birth", "death"]].to_numpy().tolist() == [
        [1949, 2014],
        [1958, 1992],
        [1955, 1991],
    ]
    assert table.loc[["COE", "UNESCO", "EU"], "igo_type"].tolist() == ["political", "social", "economic"]
    assert igo.births()["NATO"] == 1949


@pytest.mark.real_data
def test_what_cow_filled_in_is_said() -> None:
    years = read_source(igo.ORGANISATION_SOURCE)
    filled = years[(years["imputed"] == 1) & (years["year"] >= 1946)]
    assert len(filled) == 597
    assert (filled["year"] % 5 != 0).all()
    assert filled["year"].max() == 1964
    rows = pd.DataFrame({"ccode": [2, 350, 20], "igo": ["UNESCO", "COE", "NATO"], "year": [1946, 1970, 1970]})
    notes = igo.record_notes(rows)
    assert len(notes) == 3
    assert "five-yearly up to 1965" in notes[0]
    assert "UNESCO" in notes[1]
    assert "Greece" in notes[2]
    assert igo.record_notes(rows[1:].assign(ccode=20)) == []  # other states' rows of these IGOs are not wrong


@pytest.mark.real_data
def test_accuracy_that_the_file_states() -> None:
    path = fetch(SOURCES[igo.ORGANISATION_SOURCE])
    accuracy = "accuracyofpre1965membershipdates"
    wide = read_rda(path, ["ioname", "year", "imputed", accuracy])
    filled = wide["imputed"] == 1
    assert filled.sum() == 1388
    assert wide["imputed"].isna().sum() == 1
    assert wide.loc[filled, "year"].agg(["min", "max"]).tolist() == [1816, 1964]
    within = wide[accuracy] == "Within 5 years"
    assert set(wide.loc[filled, accuracy]) == {"Within 5 years"}
    assert (within & ~filled & (wide["year"] < 1965)).sum() == 338
    table = read_source(igo.MEMBERSHIP_SOURCE)
    imputed = igo.filled_in(table)
    assert imputed.sum() == filled_cells(table, wide[filled])
    pairs = table.assign(
        imputed=imputed, before=table.groupby(["ccode", "igo"], observed=True)["code"].shift()
    )
    follows = table.groupby(["ccode", "igo"], observed=True)["year"].diff() == 1
    pairs = pairs[imputed & follows.to_numpy() & (table["year"] >= 1946).to_numpy()]
    assert (pairs["code"] == pairs["before"]).mean() == pytest.approx(0.993, abs=5e-4)


def filled_cells(table: pd.DataFrame, wide: pd.DataFrame) -> int:
    """Records of the IGO-years, by a merge."""
    keys = pd.DataFrame(
        {"igo": wide["ioname"].str.upper().astype("str"), "year": wide["year"].astype("int64")}
    )
    early = table[table["year"] < 1965].astype({"igo": "str", "year": "int64"})
    return len(early.merge(keys, on=["igo", "year"]))


@pytest.mark.real_data
def test_missing_share_and_both_czechoslovakias() -> None:
    table = read_source(igo.MEMBERSHIP_SOURCE)
    table = table[table["year"] >= 1946]
    pair = table["ccode"].astype("int64") * 1000 + table["igo"].cat.codes
    ever = pair.isin(pair[table["code"] == 1])
    assert (table.loc[ever, "code"] == -9).mean() == pytest.approx(0.031, abs=5e-4)
    raw = pd.read_csv(fetch(SOURCES["hrps_v402"]), usecols=["COW", "YEAR"])
    old = raw[(raw["COW"] == 316) & (raw["YEAR"] < 1993)]
    assert len(old) == 47
    assert 315 not in set(raw["COW"])
