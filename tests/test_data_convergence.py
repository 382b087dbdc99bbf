"""Dyad-years against brute force, property by property; the real panel's figures; users' own tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayes_hr.data.convergence_panel import convergence_from_frames
from bayes_hr.data.igo_dyads import COLUMNS, ConvergenceOptions, dyad_years
from bayes_hr.data.igo_notes import mechanical_jump
from bayes_hr.data.load import load_panel
from bayes_hr.data.panel import Panel
from bayes_hr.data.parsed import read_source
from bayes_hr.errors import InputError

KEYS = ["ccode", "igo", "year"]
NAN = float("nan")
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


@settings(max_examples=100, deadline=None)
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


@settings(max_examples=40, deadline=None)
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


@settings(max_examples=40, deadline=None)
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


@settings(max_examples=25, deadline=None)
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


@settings(max_examples=40, deadline=None)
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


def lives(*codes: tuple[int, str, str], start: int = 2000) -> pd.DataFrame:
    """Memberships as text, a letter a year: . none, F full, A associate, O observer, ? missing, x no IGO."""
    letters = {".": 0, "F": 1, "A": 2, "O": 3, "?": -9, "x": -1}
    rows = [(c, j, start + t, letters[x]) for c, j, text in codes for t, x in enumerate(text) if x != " "]
    return pd.DataFrame(rows, columns=[*KEYS, "code"])


def flat_scores(memberships: pd.DataFrame) -> pd.DataFrame:
    keys = memberships[["ccode", "year"]].drop_duplicates()
    return keys.assign(score=keys["ccode"] * (1 + keys["year"] % 7 / 10), score_sd=0.1).reset_index(drop=True)


def life(memberships: pd.DataFrame, ccode: int, igo: str = "A", **options: Any) -> pd.DataFrame:
    chosen = ConvergenceOptions(**{"min_others": 1, **options})
    frame, _ = dyad_years(memberships, flat_scores(memberships), chosen)
    return frame[(frame["ccode"] == ccode) & (frame["igo"] == igo)].set_index("year")


def letters_of(frame: pd.DataFrame) -> str:
    return "".join(frame["phase"].str[0])


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mean": "leave-one-out"}, "mean: unknown value 'leave-one-out'; did you mean 'leave_one_out'"),
        ({"entry": "last"}, "did you mean 'latest'"),
        ({"distance": "abs"}, "distance: unknown value 'abs'"),
        ({"standardise": "years"}, "did you mean 'year'"),
        ({"types": ("politics",)}, "did you mean 'political'"),
        ({"membership": (1, 4)}, "membership: 4 cannot count as membership; valid: 1 full"),
        ({"membership": ()}, "membership must be one or more of"),
        ({"min_others": 0}, "min_others must be a whole number of 1 or more; got 0"),
        ({"min_others": True}, "min_others must be a whole number"),
        ({"window": 5}, r"window must be two numbers of years \(before, after\); got 5"),
        ({"window": (5, -1)}, "whole number of 0 or more; got -1"),
        ({"start": 2001, "end": 2000}, r"start \(2001\) is after end \(2000\)"),
        ({"start": 1990.0}, "start must be a whole number; got 1990.0"),
        ({"before": "no"}, "before must be True or False"),
        ({"igos": 3}, "igos must be a list of texts; got 3"),
        ({"igos": ("NATOO",)}, "unknown IGO code 'NATOO'; did you mean 'NATO'"),
        ({"types": ("social",)}, "no IGO is left"),
        ({"start": 2030}, "no year is left from 2030 to 2002: records and scores cover 2000-2002"),
        ({"men": "frozen"}, "unknown option 'men'; did you mean 'mean'"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    table = lives((2, "NATO", ".FF"), (20, "NATO", "FFF"))
    with pytest.raises(InputError, match=message):
        convergence_from_frames(table, flat_scores(table), **options)


def test_own_memberships_and_scores_make_a_panel(tmp_path: Path) -> None:
    table = lives((2, "A", "..FF.."), (20, "A", "FFFFFF"), (40, "A", "FFFFFF"))
    table = table.assign(igo_name="Alliance", igo_type="political")
    scores = flat_scores(table).rename(columns={"score": "theta", "score_sd": "theta_sd"})
    scores["country"] = scores["ccode"].map({2: "USA", 20: "Canada", 40: "Cuba"})
    panel = convergence_from_frames(table, scores, score="theta", min_others=1, distance="signed")
    assert (panel.name, panel.outcome, panel.sources, panel.covariates) == (
        "convergence",
        "gap_signed",
        (),
        (),
    )
    assert panel.options["score"] == "theta"
    assert list(panel.frame.columns) == list(COLUMNS)
    assert panel.frame["igo_name"].eq("Alliance").all()
    assert panel.frame["country"].unique().tolist() == ["USA", "Canada", "Cuba"]
    assert panel.frame["score_sd"].eq(0.1).all()
    saved = Panel.load(panel.save(tmp_path / "panel.parquet"))
    assert saved.digest() == panel.digest()
    assert (saved.merge, saved.options) == (panel.merge, panel.options)
    with pytest.raises(InputError, match="scores: missing column 'score'; did you mean"):
        convergence_from_frames(table, scores.rename(columns={"theta": "scores"}))
    bare = convergence_from_frames(table, scores.drop(columns="theta_sd"), score="theta", min_others=1)
    assert any("score_sd: missing in 18 of 18 rows" in note for note in bare.merge.notes)


def ready() -> pd.DataFrame:
    """Twelve dyad-years with all columns of the contract."""
    table = lives((2, "A", "..F.FF.."), (2, "B", "FFFFFF.."), (20, "A", "FFFFFFFF"), (20, "B", "FFFFFFFF"))
    return dyad_years(table, flat_scores(table), ConvergenceOptions(min_others=1))[0]


def test_a_ready_table_becomes_the_same_panel() -> None:
    frame = ready()
    panel = Panel.from_frame(frame.sample(frac=1, random_state=3), name="convergence", outcome="distance")
    pd.testing.assert_frame_equal(panel.frame, frame)
    assert (panel.name, panel.outcome, panel.covariates) == ("convergence", "distance", ())
    same = frame.astype({"ccode": "float64", "igo": "category", "phase": "object", "year": "int32"})
    assert Panel.from_frame(same, name="convergence", outcome="distance").digest() == panel.digest()
    other = Panel.from_frame(frame.assign(igo="C" + frame["igo"]), name="convergence", outcome="distance")
    assert other.digest() != panel.digest()
    needed = frame[["ccode", "igo", "year", "phase", "entry", "last", "distance"]].assign(gdp=1.5, word="x")
    least = Panel.from_frame(needed, name="convergence", outcome="distance")
    pd.testing.assert_series_equal(least.frame["k"], frame["k"])
    assert least.covariates == ("gdp",)
    assert least.frame["exits"].tolist() == frame["exits"].tolist()
    assert {"score", "igo_mean"}.isdisjoint(least.frame.columns)
    assert [note.split(":")[0] for note in least.merge.notes] == [
        "igo_type",
        "founder",
        "left_censored",
        "columns that are not used (text, or not asked for)",
    ]
    follows = frame.drop(columns=["distance", "gap_signed"])
    computed = Panel.from_frame(follows, name="convergence", outcome="gap_signed").frame
    np.testing.assert_allclose(computed["distance"], frame["distance"])
    names = {"igo": "org", "score": "theta"}
    theirs = follows.rename(columns=names)
    renamed = Panel.from_frame(theirs, name="convergence", outcome="distance", columns=names)
    assert renamed.digest() == Panel.from_frame(follows, name="convergence", outcome="distance").digest()


def test_own_outcome_with_missing_values_is_kept_and_counted() -> None:
    frame = ready().assign(gulf=np.arange(len(ready()), dtype=float))
    frame.loc[:2, "gulf"] = NAN
    panel = Panel.from_frame(frame, name="convergence", outcome="gulf")
    assert (panel.outcome, len(panel.frame)) == ("gulf", len(frame) - 3)
    assert [(step.reason, step.rows) for step in panel.merge.steps] == [("gulf missing", 3)]


def put(column: str, value: object, row: int = 0) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        out = frame.astype({column: "object"})
        out.loc[row, column] = value
        return out

    return change


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda f: f.drop(columns="phase"), {}, "missing column 'phase'"),
        (lambda f: f.drop(columns="distance"), {"outcome": "distanc"}, "missing column 'distanc'"),
        (put("phase", "befor"), {}, "column 'phase': 'befor' in row 0 is not valid; did you mean 'before'"),
        (
            put("phase", "during"),
            {},
            "phase 'during' needs entry <= year <= last; not so for ccode 2, IGO A, 2000",
        ),
        (put("k", 4.0), {}, "column 'k' must be .year - entry. / 10"),
        (put("distance", 9.0), {}, r"column 'distance' must be \|gap_signed\|; found 9.0"),
        (put("gap_signed", 9.0), {}, "column 'gap_signed' must be score - igo_mean"),
        (put("igo", None), {}, "column 'igo' is missing in row 0"),
        (put("igo", ""), {}, "column 'igo': '' in row 0 is not valid"),
        (put("igo_type", "social"), {}, "igo_type must be the same in all rows of an IGO"),
        (put("founder", True), {}, "column 'founder' must be the same in all rows of a dyad"),
        (put("founder", 2), {}, "column 'founder' must be true or false; found 2.0"),
        (lambda f: f.assign(exits=False), {}, "exits is false, but there are rows after exit"),
        (lambda f: pd.concat([f, f.iloc[:1]]), {}, r"duplicate row.s. .ccode-igo-year.: 2-A-2000"),
        (lambda f: f.assign(gulf=1.0), {"outcome": "gulf"}, "'gulf' has the same value in every row"),
        (lambda f: f, {"outcome": "score"}, "column 'score' has a fixed meaning"),
        (lambda f: f, {"treaty": "CAT"}, "a convergence panel has none"),
        (lambda f: f, {"covariates": ["k"]}, "covariate 'k' has a fixed meaning"),
        (lambda f: f, {"name": "convergense"}, "unknown panel 'convergense'; did you mean 'convergence'"),
        (lambda f: f[f["phase"] != "during"], {}, "no row is during membership"),
        (put("entry", 1999.5), {}, "column 'entry' must hold whole numbers"),
        (put("ccode", "USA"), {}, "ccode must be whole numbers"),
    ],
)
def test_bad_ready_tables(change: Callable[..., Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Panel.from_frame(change(ready()), **{"name": "convergence", "outcome": "distance", **options})


@pytest.fixture(scope="module")
def panel() -> Panel:
    return load_panel("convergence")


@pytest.mark.real_data
def test_real_panel_counts(panel: Panel) -> None:
    frame = panel.frame
    assert frame["phase"].value_counts().to_dict() == {
        "during": 476_333,
        "before": 98_211,
        "after": 15_280,
        "gap": 6_137,
    }
    dyads = frame[["ccode", "igo"]].drop_duplicates()
    assert (len(frame), len(dyads), frame["ccode"].nunique(), frame["igo"].nunique()) == (
        595_961,
        16_156,
        202,
        417,
    )
    assert (frame["year"].min(), frame["year"].max()) == (1946, 2014)
    by_dyad = frame["phase"].eq("before").groupby([frame["ccode"], frame["igo"]]).any()
    assert by_dyad.mean() == pytest.approx(0.452, abs=5e-4)
    assert frame.loc[frame["phase"] == "after", ["ccode", "igo"]].drop_duplicates().shape[0] == 862
    assert list(frame.columns) == list(COLUMNS)
    assert frame[KEYS].equals(frame[KEYS].sort_values(KEYS, ignore_index=True))
    assert not frame.isna().any().any()
    assert (frame["n_others"] >= 5).all()


@pytest.mark.real_data
def test_real_panel_with_any_other_member_is_the_one_that_was_measured() -> None:
    """16,475 dyads, 202 states, 490 IGOs were measured with trial code: one scored other was enough."""
    frame = load_panel("convergence", min_others=1).frame
    dyads = frame[["ccode", "igo"]].drop_duplicates()
    assert (len(dyads), frame["ccode"].nunique(), frame["igo"].nunique()) == (16_475, 202, 490)
    assert len(frame) == 608_376
    assert (frame["phase"] != "gap").sum() == 602_161
    assert frame.loc[frame["phase"] == "after", ["ccode", "igo"]].drop_duplicates().shape[0] == 871


@pytest.mark.real_data
def test_real_report(panel: Panel) -> None:
    report = panel.merge
    assert report.rows_in == 2_848_152
    assert {step.reason.split(",")[0]: step.rows for step in report.steps} == {
        "outside 1946-2014": 144_766,
        "the state is never a member of the IGO": 2_075_963,
        "the state was a member only outside 1946-2014": 897,
        "membership missing (-9)": 18_015,
        "fewer than 5 scored others in the IGO": 12_550,
    }
    text = report.to_text()
    for said in (
        "19,544 of the 626,526 records of ever-members (3.1%): 1,529 lie between",
        "4,267 founders",
        "2,993 left-censored",
        "1960: 380 (beside it 94), 1965: 288 (beside it 100)",
        "thin exits: 862 dyads (5.3%)",
        "economic 599, social 155, political 108",
        "spikes of last years: 1964: 117 (beside it 3)",
        "loses 2.7% of its distance (0.028) at entry",
        "2,100 dyads were members to the end",
        "UNESCO (2003) is missing",
        "(1969-74) is missing",
        "five-yearly up to 1965",
    ):
        assert said in text, said


@pytest.mark.real_data
def test_united_kingdom_in_unesco(panel: Panel) -> None:
    frame = panel.frame[(panel.frame["ccode"] == 200) & (panel.frame["igo"] == "UNESCO")].set_index("year")
    assert frame.loc[:1985, "phase"].eq("during").all()
    assert frame.loc[1986:1996, "phase"].eq("gap").all()
    assert frame.loc[1997:, "phase"].eq("during").all()
    assert frame.loc[[1985, 1990, 1997, 2014], "entry"].tolist() == [1946, 1946, 1997, 1997]
    assert frame.loc[[1985, 1990, 1997], "last"].tolist() == [2014, 1985, 2014]
    assert frame.loc[[1990, 1997], "k"].tolist() == [4.4, 0.0]
    assert frame["founder"].all()
    assert not frame["exits"].any()


@pytest.mark.real_data
def test_czechoslovakia_and_the_means_of_one_year(panel: Panel) -> None:
    frame = panel.frame
    assert frame.loc[frame["ccode"] == 315, "year"].agg(["min", "max", "nunique"]).tolist() == [
        1946,
        1992,
        47,
    ]
    scores = read_source("hrps_v402").set_index(["ccode", "year"])["hrps_v402"]
    table = read_source("cow_igo_state_year")
    members = table[(table["igo"] == "COE") & (table["year"] == 2000) & (table["code"] == 1)]["ccode"]
    rows = frame[(frame["igo"] == "COE") & (frame["year"] == 2000)].set_index("ccode")
    for ccode in (225, 365, 369):  # Switzerland, Russia and Ukraine, by hand
        others = [scores[other, 2000] for other in members if other != ccode]
        assert rows.loc[ccode, "igo_mean"] == pytest.approx(np.mean(others), abs=1e-12)
        assert rows.loc[ccode, "n_others"] == len(others)


@pytest.mark.real_data
def test_spread_of_the_score_grew(panel: Panel) -> None:
    """1.06 in 1950 is the SD of all 82 scores; 7 of them are of countries outside the state system then."""
    scores = read_source("hrps_v402").groupby("year")["hrps_v402"].std()
    assert scores[1950] == pytest.approx(1.06, abs=0.005)
    spread = panel.frame.drop_duplicates(["ccode", "year"]).groupby("year")["score"].std()
    assert spread[1950] == pytest.approx(1.086, abs=5e-4)
    assert spread[2010] == scores[2010] == pytest.approx(1.62, abs=0.005)


@pytest.mark.real_data
def test_real_options(panel: Panel) -> None:
    inclusive = load_panel("convergence", mean="inclusive")
    during = panel.frame["phase"] == "during"
    n = panel.frame["n_others"]
    np.testing.assert_allclose(
        inclusive.frame["distance"],
        panel.frame["distance"] * (n / (n + 1)).where(during, 1.0),
        atol=1e-12,
    )
    assert any(note.startswith("MECHANICAL JUMP") for note in inclusive.merge.notes)
    europe = load_panel("convergence", igos=["coe", "Mercosur"], standardise="year", end=2000)
    assert set(europe.frame["igo"]) == {"COE", "MERCOSUR"}
    assert europe.frame["year"].max() == 2000
    assert europe.options["igos"] == ["COE", "MERCOSUR"]
    assert europe.sources[:2] == ("hrps_v402", "cow_igo_state_year")
    with pytest.raises(InputError, match="unknown IGO code 'UNESC'; did you mean 'UNESCO'"):
        load_panel("convergence", igos=["UNESC"])
    with pytest.raises(InputError, match="unknown option 'score_name'"):
        load_panel("convergence", score_name="x")
    with pytest.raises(InputError, match="score: unknown value 'hrps'; did you mean 'hrps_v402'"):
        load_panel("convergence", score="hrps")
