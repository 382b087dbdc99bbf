"""Dyad-years against brute force, property by property, and lives written by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lives import KEYS, flat_scores, letters_of, life, lives

from bayes_hr.data.igo_dyads import COLUMNS, ConvergenceOptions, dyad_years
from bayes_hr.data.igo_notes import mechanical_jump
from bayes_hr.errors import InputError

STATES, IGOS, YEARS = (2, 20, 200, 365), ("B", "A"), tuple(range(2000, 2008))
EXACT = 1e-12  # sums of at most four numbers of size 1

Tables = tuple[pd.DataFrame, pd.DataFrame]


@st.composite
def tables(draw: st.DrawFn) -> Tables:
    """Four states, two IGOs, eight years; every code, missing rows and missing scores among them."""
    code = st.sampled_from([0, 0, 1, 1, 1, 1, 2, 3, -9, -1, None])
    cells = [(c, j, t, draw(code)) for c in STATES for j in IGOS for t in YEARS]
    memberships = pd.DataFrame([cell for cell in cells if cell[3] is not None], columns=[*KEYS, "code"])
    value = st.one_of(st.none(), st.floats(-3, 3), st.floats(-3, 3))
    scores = pd.DataFrame(
        [(c, t, draw(value)) for c in STATES for t in YEARS[:-1]], columns=["ccode", "year", "score"]
    )
    return memberships.astype({"code": "int64"}), scores.astype({"score": "float64"}).assign(score_sd=0.2)


def brute_force(memberships: pd.DataFrame, scores: pd.DataFrame, options: ConvergenceOptions) -> pd.DataFrame:
    """The definition, row by row."""
    table = {(c, j, t): code for c, j, t, code in memberships[[*KEYS, "code"]].itertuples(index=False)}
    score = {(c, t): s for c, t, s in scores[["ccode", "year", "score"]].itertuples(index=False) if s == s}
    if not score or not [1 for code in table.values() if code != -1]:
        return pd.DataFrame(columns=list(COLUMNS))
    record_years = [t for (_, _, t), code in table.items() if code != -1]
    first = max(min(record_years), min(t for _, t in score))
    last = min(max(record_years), max(t for _, t in score))
    member: dict[tuple[int, str], list[int]] = {}
    status: dict[tuple[int, str, int], bool] = {}
    for c in STATES:
        for j in IGOS:
            known = {
                t: table[c, j, t] in options.membership
                for t in range(first, last + 1)
                if table.get((c, j, t), -1) not in {-1, -9}
            }
            for t in range(first, last + 1):
                code = table.get((c, j, t), -1)
                earlier, later = [y for y in known if y < t], [y for y in known if y > t]
                between = bool(earlier and later and known[max(earlier)] and known[min(later)])
                if t in known:
                    status[c, j, t] = known[t]
                elif code == -9 and between:
                    status[c, j, t] = True
                if status.get((c, j, t), False) or (code == -1 and between):
                    member.setdefault((c, j), []).append(t)
            if not any(status.get((c, j, t), False) for t in range(first, last + 1)):
                member.pop((c, j), None)
    rows = []
    for (c, j), years in member.items():
        for t in range(first, last + 1):
            if (c, j, t) not in status or (c, t) not in score:
                continue
            spells = [y for y in years if y - 1 not in years]
            start = max([y for y in spells if y <= t], default=years[0])
            start = years[0] if options.entry == "first" else start
            stop = years[-1]
            if t < years[0]:
                phase, k = "before", (t - years[0]) / 10
                start = years[0]
            elif status[c, j, t]:
                phase, k = "during", (t - start) / 10
            elif t > years[-1]:
                phase, k = "after", (t - years[-1]) / 10
            else:
                phase, k, stop = "gap", (t - start) / 10, max(y for y in years if y < t)
            when = start if options.mean == "frozen" else t
            others = [
                score[o, t] for o in STATES if o != c and status.get((o, j, when), False) and (o, t) in score
            ]
            if len(others) < options.min_others:
                continue
            own = [score[c, t]] if options.mean == "inclusive" and phase == "during" else []
            mean = sum(others + own) / len(others + own)
            exits = any(not status.get((c, j, y), True) for y in range(years[-1] + 1, last + 1))
            rows.append((c, j, t, phase, k, start, stop, score[c, t], mean, len(others), exits))
    names = [*KEYS, "phase", "k", "entry", "last", "score", "igo_mean", "n_others", "exits"]
    return pd.DataFrame(rows, columns=names).sort_values(KEYS, ignore_index=True)


def built(memberships: pd.DataFrame, scores: pd.DataFrame, options: ConvergenceOptions) -> pd.DataFrame:
    """Dyad-years, or an empty frame where the builder rightly refuses."""
    try:
        return dyad_years(memberships, scores, options)[0]
    except InputError as error:
        if not any(text in str(error) for text in ("left", "no state is a member", "in common", "no row")):
            raise
        return pd.DataFrame(columns=list(COLUMNS))


@settings(max_examples=50, deadline=None)
@given(
    both=tables(),
    mean=st.sampled_from(["leave_one_out", "inclusive", "frozen"]),
    entry=st.sampled_from(["latest", "first"]),
    membership=st.sampled_from([(1,), (1, 2), (1, 2, 3)]),
    min_others=st.integers(1, 2),
)
def test_rows_equal_brute_force(
    both: Tables, mean: str, entry: str, membership: tuple[int, ...], min_others: int
) -> None:
    options = ConvergenceOptions(mean=mean, entry=entry, membership=membership, min_others=min_others)
    expected, found = brute_force(*both, options), built(*both, options)
    assert len(found) == len(expected)
    for column in expected.columns:
        if expected[column].dtype == "float64":
            np.testing.assert_allclose(found[column], expected[column], atol=EXACT)
        else:
            assert found[column].tolist() == expected[column].tolist(), column
    np.testing.assert_allclose(
        found["gap_signed"].astype(float),
        (expected["score"] - expected["igo_mean"]).astype(float),
        atol=EXACT,
    )
    assert found["distance"].tolist() == found["gap_signed"].abs().tolist()


@settings(max_examples=20, deadline=None)
@given(both=tables())
def test_phases_partition_the_years_of_each_dyad(both: Tables) -> None:
    frame = built(*both, ConvergenceOptions(min_others=1))
    assert not frame.duplicated(KEYS).any()
    assert set(frame["phase"]) <= {"before", "during", "gap", "after"}
    for _, dyad in frame.groupby(["ccode", "igo"]):
        year, phase, entry, last = (dyad[column] for column in ("year", "phase", "entry", "last"))
        assert (year < entry)[phase == "before"].all()
        assert year.between(entry, last)[phase == "during"].all()
        assert ((entry <= last) & (last < year))[phase.isin(["gap", "after"])].all()
        others = year[phase != "before"].min()
        assert not (year[phase == "before"] > others).any()
        assert not (year[phase == "after"] < year[phase != "after"].max()).any()
        assert (dyad.loc[phase == "before", "k"] < 0).all()
        assert (dyad.loc[phase.isin(["during", "gap"]), "k"] >= 0).all()
        assert (dyad.loc[phase == "after", "k"] > 0).all()
        assert dyad[["founder", "left_censored", "exits"]].drop_duplicates().shape[0] == 1
        assert bool(dyad["exits"].iloc[0]) or not (phase == "after").any()


@settings(max_examples=20, deadline=None)
@given(both=tables())
def test_inclusive_distance_is_n_over_n_plus_1_of_leave_one_out(both: Tables) -> None:
    alone = built(*both, ConvergenceOptions(min_others=1))
    inclusive = built(*both, ConvergenceOptions(min_others=1, mean="inclusive"))
    assert alone[KEYS].values.tolist() == inclusive[KEYS].values.tolist()
    n = alone["n_others"].astype(float)
    share = (n / (n + 1)).where(alone["phase"] == "during", 1.0)
    np.testing.assert_allclose(
        inclusive["distance"].astype(float), share * alone["distance"].astype(float), atol=EXACT
    )


@settings(max_examples=15, deadline=None)
@given(both=tables(), data=st.data())
def test_row_order_and_dtypes_do_not_matter(both: Tables, data: st.DataObject) -> None:
    memberships, scores = both
    expected = built(memberships, scores, ConvergenceOptions(min_others=1))
    order = data.draw(st.permutations(range(len(memberships))))
    ccode, year, igo = (
        data.draw(st.sampled_from(["int16", "int32", "float64", "str", "Int64", "int64[pyarrow]"])),
        data.draw(st.sampled_from(["int16", "float64", "str", "UInt16"])),
        data.draw(st.sampled_from(["category", "object", "str", "string[pyarrow]"])),
    )
    shuffled = memberships.iloc[order].astype({"ccode": ccode, "year": year, "igo": igo, "code": "float64"})
    turned = scores.iloc[::-1].astype({"ccode": ccode, "score": "object"})
    found = built(shuffled, turned, ConvergenceOptions(min_others=1))
    pd.testing.assert_frame_equal(found, expected)


@settings(max_examples=20, deadline=None)
@given(both=tables(), window=st.sampled_from([None, (0, 0), (2, 1)]), before=st.booleans())
def test_no_row_is_lost_without_a_reason(both: Tables, window: tuple[int, int] | None, before: bool) -> None:
    memberships, scores = both
    options = ConvergenceOptions(
        min_others=2, window=window, before=before, igos=("A",), start=2002, end=2006
    )
    try:
        frame, report = dyad_years(memberships, scores, options)
    except InputError:
        return
    assert report.rows_in == int((memberships["code"] != -1).sum())
    assert report.rows_in == report.rows_used + sum(step.rows for step in report.steps)
    assert report.rows_used == len(frame)
    assert (report.countries, report.years) == (
        frame["ccode"].nunique(),
        (frame["year"].min(), frame["year"].max()),
    )
    assert all(step.rows > 0 and step.reason and step.detail for step in report.steps)


def test_phases_of_written_lives() -> None:
    table = lives((2, "A", "..FF..FF.."), (20, "A", "FFFFFFFFFF"), (40, "A", ".F?F??.?F?"))
    frame = life(table, 2)
    assert letters_of(frame) == "bbddggddaa"
    assert frame["entry"].tolist() == [2002] * 6 + [2006] * 4
    assert frame["last"].tolist() == [2007] * 4 + [2003] * 2 + [2007] * 4
    assert frame["k"].tolist() == [-0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.0, 0.1, 0.1, 0.2]
    assert frame["exits"].all()
    assert life(table, 2, entry="first")["entry"].eq(2002).all()
    # 40: the missing year between two memberships counts; the others are dropped.
    missing = life(table, 40)
    assert missing.index.tolist() == [2000, 2001, 2002, 2003, 2006, 2008]
    assert letters_of(missing) == "bdddgd"
    assert not missing["exits"].any()
    assert life(table, 20)["left_censored"].all()
    assert not life(table, 20)["founder"].any()  # the IGO's birth is out of sight


def test_the_death_of_an_igo_is_no_exit() -> None:
    table = lives((2, "A", "xx.FFFxx"), (20, "A", "xxFFF.xx"), (40, "A", "xxFFFFxx"))
    assert letters_of(life(table, 2)) == "bddd"
    assert not life(table, 2)["exits"].any()
    assert letters_of(life(table, 20)) == "ddda"
    assert life(table, 40)["founder"].all()
    assert not life(table, 40)["left_censored"].any()
    _, report = dyad_years(table, flat_scores(table), ConvergenceOptions(min_others=1))
    assert any("1 IGOs end before 2005" in note or "IGOs end before" in note for note in report.notes)


def test_a_state_that_leaves_the_system_does_not_exit() -> None:
    table = lives((2, "A", ".FFF    "), (20, "A", "FF  FFFF"), (40, "A", "  FFFF.."))
    assert letters_of(life(table, 2)) == "bddd"
    assert not life(table, 2)["exits"].any()
    back = life(table, 20)  # out of the system for two years, a member on both sides: one spell
    assert back["entry"].eq(2000).all()
    assert not life(table, 40)["left_censored"].any()


def test_founders_births_and_censoring() -> None:
    table = lives((2, "A", "FFFF"), (20, "A", ".FFF"), (40, "A", "?FFF"))
    frame, report = dyad_years(
        table, flat_scores(table), ConvergenceOptions(min_others=1), births={"A": 2000}
    )
    flags = frame.groupby("ccode")[["founder", "left_censored"]].first()
    assert flags.to_numpy().tolist() == [[True, False], [False, False], [False, True]]
    assert any("1 founders" in note and "1 left-censored" in note for note in report.notes)
    late, report = dyad_years(table, flat_scores(table), ConvergenceOptions(min_others=1), births={"A": 2002})
    assert late["year"].min() == 2002
    assert any(step.reason == "before the IGO's birth" and step.rows == 6 for step in report.steps)


def test_frozen_mean_keeps_the_members_of_the_entry_year() -> None:
    table = lives((2, "A", "..F."), (20, "A", "FFF."), (40, "A", "...F"), (70, "A", ".FFF"))
    scores = flat_scores(table)
    frame = life(table, 2, mean="frozen")
    value = scores.set_index(["ccode", "year"])["score"]
    for year, row in frame.iterrows():  # 20 and 70 were members in 2002, in every row
        assert row["igo_mean"] == pytest.approx((value[20, year] + value[70, year]) / 2)
    assert frame["n_others"].eq(2).all()


def test_window_keeps_years_around_dated_events() -> None:
    table = lives((2, "A", "....FFFFFF...."), (20, "A", "FFFFFFFF......"), (40, "A", "FFFFFFFFFFFFFF"))
    assert life(table, 2, window=(1, 2)).index.tolist() == [2003, 2004, 2005, 2006, 2008, 2009, 2010, 2011]
    assert life(table, 20, window=(1, 2)).index.tolist() == [2006, 2007, 2008, 2009]
    assert life(table, 40, window=(1, 2)).empty
    assert letters_of(life(table, 2, before=False, end=2011)) == "ddddddaa"


def test_standardised_scores_have_mean_0_and_sd_1_in_each_year() -> None:
    table = lives((2, "A", "FFFF"), (20, "A", "FFFF"), (40, "A", "FFFF"))
    scores = flat_scores(table)
    extra = scores[scores["ccode"] == 2].assign(ccode=999, score=-50.0)  # scored, in no IGO: it still counts
    scores = pd.concat([scores, extra], ignore_index=True)
    frame, _ = dyad_years(table, scores, ConvergenceOptions(min_others=1, standardise="year"))
    sd = scores.groupby("year")["score"].std(ddof=0)
    mean = scores.groupby("year")["score"].mean()
    raw = scores.set_index(["ccode", "year"])["score"]
    expected = [(raw[c, t] - mean[t]) / sd[t] for c, t in zip(frame["ccode"], frame["year"], strict=True)]
    np.testing.assert_allclose(frame["score"], expected)
    np.testing.assert_allclose(frame["score_sd"], [0.1 / sd[t] for t in frame["year"]])
    with pytest.raises(InputError, match="2000 has fewer than two different scores"):
        dyad_years(table, scores.assign(score=1.0), ConvergenceOptions(min_others=1, standardise="year"))


def test_mechanical_jump_is_what_a_state_at_rest_would_lose() -> None:
    table = lives((2, "A", ".FF"), (20, "A", "FFF"), (40, "A", "FFF"), (70, "A", "FFF"))
    scores = pd.DataFrame({"ccode": np.repeat([2, 20, 40, 70], 3), "year": [2000, 2001, 2002] * 4})
    scores = scores.assign(score=np.repeat([3.0, 0.0, 0.0, 0.0], 3), score_sd=0.1)
    for mean in ("inclusive", "leave_one_out"):
        frame, report = dyad_years(table, scores, ConvergenceOptions(min_others=1, mean=mean))
        assert mechanical_jump(frame, mean) == (pytest.approx(1 / 4), pytest.approx(3 / 4), 1)
        assert any(
            ("MECHANICAL JUMP" in note) == (mean == "inclusive")
            for note in report.notes
            if "jump" in note.lower()
        )
    at_rest, _ = dyad_years(table, scores, ConvergenceOptions(min_others=1, mean="inclusive"))
    fall = at_rest[at_rest["ccode"] == 2].set_index("year")["distance"]
    assert fall[2000] - fall[2001] == pytest.approx(3 / 4)


BAD_TABLES: dict[str, tuple[Callable[[pd.DataFrame], Any], Callable[[pd.DataFrame], Any], str]] = {
    "no frame": (lambda m: m.to_dict(), lambda s: s, "memberships: a pandas DataFrame is needed; got dict"),
    "no column": (
        lambda m: m.rename(columns={"igo": "igos"}),
        lambda s: s,
        "missing column 'igo'; did you mean 'igos'",
    ),
    "no score": (lambda m: m, lambda s: s.drop(columns="score"), "scores: missing column 'score'"),
    "code": (lambda m: m.assign(code=7), lambda s: s, "code 7 in row 0 is not valid"),
    "twice": (
        lambda m: pd.concat([m, m.iloc[:2]]),
        lambda s: s,
        r"2 duplicate state-IGO-year.s., the first 2-A-2000",
    ),
    "score twice": (lambda m: m, lambda s: pd.concat([s, s.iloc[:1]]), "duplicate country-year 2-2000"),
    "missing igo": (lambda m: m.assign(igo=None), lambda s: s, "column 'igo' is missing in row 0"),
    "half a year": (lambda m: m.assign(year=m["year"] + 0.5), lambda s: s, "must hold whole numbers"),
    "text": (lambda m: m, lambda s: s.assign(score="high"), "must hold numbers; found text such as 'high'"),
    "type": (lambda m: m.assign(igo_type="politcal"), lambda s: s, "did you mean 'political'"),
    "two names": (lambda m: m.assign(igo_name=m["year"].astype(str)), lambda s: s, "must be one per IGO"),
    "no overlap": (lambda m: m, lambda s: s.assign(year=s["year"] + 50), "no year in common"),
    "no member": (lambda m: m.assign(code=0), lambda s: s, "no state is a member"),
    "no igo": (lambda m: m.assign(code=-1), lambda s: s, "no row with an IGO that exists"),
    "few": (lambda m: m, lambda s: s[s["ccode"] == 2], "no dyad-year is left .*fewer than 1 scored others"),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_bad_tables(name: str) -> None:
    table = lives((2, "A", ".FF"), (20, "A", "FFF"))
    members, scored, message = BAD_TABLES[name]
    with pytest.raises(InputError, match=message):
        dyad_years(members(table), scored(flat_scores(table)), ConvergenceOptions(min_others=1))
