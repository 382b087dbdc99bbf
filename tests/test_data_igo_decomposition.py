"""The yearly change of a distance in terms that add up, against sets of members written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lives import flat_scores, lives

import bayes_hr
from bayes_hr.data.convergence_panel import convergence_from_frames
from bayes_hr.data.igo_decomposition import TERMS, decompose, distance_weight
from bayes_hr.data.load import load_panel
from bayes_hr.errors import InputError

EXACT = 1e-12  # sums of a few numbers of size 1


@st.composite
def tables(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame]:
    letter = st.sampled_from("FFF.?")
    texts = [(c, j, "".join(draw(letter) for _ in range(5))) for c in (2, 20, 40, 70) for j in "AB"]
    table = lives((90, "A", "FFFFF"), (90, "B", "FFFFF"), *texts)
    scores = flat_scores(table)
    size = len(scores)
    values = draw(st.lists(st.one_of(st.none(), st.floats(-2, 2)), min_size=size, max_size=size))
    scores["score"] = np.array(values, dtype=float)
    scores.loc[scores["ccode"] == 90, "score"] = np.linspace(-1, 1, 5)
    return table, scores


@settings(max_examples=40, deadline=None)
@given(tables(), st.sampled_from(["none", "year"]))
def test_terms_equal_brute_force_and_add_up(
    both: tuple[pd.DataFrame, pd.DataFrame], standardise: str
) -> None:
    table, scores = both
    if standardise == "year" and scores.groupby("year")["score"].std().fillna(0).min() < 0.1:
        standardise = "none"
    try:
        panel = convergence_from_frames(table, scores, min_others=1, standardise=standardise)
        found = decompose(panel, memberships=table, scores=scores)
    except InputError as error:
        if not any(text in str(error) for text in ("no dyad", "left")):
            raise
        return
    frame = panel.frame
    for kind in ("", "distance_"):
        total = sum(found.table[kind + term] for term in TERMS)
        np.testing.assert_allclose(total, found.table[kind + "change"], atol=EXACT)
    # Lonely members have no row of their own, so members are read off a grid of texts, gaps filled as COW's.
    inside = members_of(table)
    score = {(r.ccode, r.year): r.score for r in frame.itertuples()}
    raw = scores.dropna(subset=["score"]).set_index(["ccode", "year"])["score"]
    if standardise == "year":
        groups = raw.groupby("year")
        raw = (raw - groups.transform("mean")) / groups.transform("std", ddof=0)
    rows = frame.set_index(["ccode", "igo", "year"])
    for r in found.table.itertuples():
        then, now = (
            {c for c in inside[r.igo, y] if (c, y) in raw.index} - {r.ccode} for y in (r.year - 1, r.year)
        )
        stay = then & now
        assert (r.n_continuing, r.n_entrants, r.n_leavers) == (
            len(stay),
            len(now - stay),
            len(then - stay),
        )
        assert r.own == pytest.approx(score[r.ccode, r.year] - score[r.ccode, r.year - 1], abs=EXACT)
        moved = np.mean([raw[c, r.year] - raw[c, r.year - 1] for c in stay]) if stay else 0.0
        assert r.co_members == pytest.approx(-moved, abs=EXACT)
        before, after = (rows.loc[(r.ccode, r.igo, y), "gap_signed"] for y in (r.year - 1, r.year))
        assert r.change == pytest.approx(after - before, abs=EXACT)
        if stay:
            here, there = np.mean([raw[c, r.year] for c in now]), np.mean([raw[c, r.year] for c in stay])
            assert r.entrants == pytest.approx(there - here, abs=EXACT)
            assert r.composition == pytest.approx(r.entrants + r.leavers, abs=EXACT)


def members_of(table: pd.DataFrame) -> dict[tuple[str, int], set[int]]:
    out: dict[tuple[str, int], set[int]] = {(j, y): set() for j in "AB" for y in range(2000, 2005)}
    for (c, j), codes in table.groupby(["ccode", "igo"])["code"]:
        text = codes.tolist()
        for t, code in enumerate(text):
            sides = [[x for x in part if x != -9] for part in (text[:t][::-1], text[t + 1 :])]
            if code == 1 or (code == -9 and all(side and side[0] == 1 for side in sides)):
                out[j, 2000 + t].add(c)
    return out


@settings(max_examples=100, deadline=None)
@given(st.floats(-3, 3), st.floats(-3, 3))
def test_weight_of_the_distance(before: float, now: float) -> None:
    weight, crossed = (x[0] for x in distance_weight(np.array([before]), np.array([now])))
    assert crossed == (before * now < 0 or (before < 0 < now) or (now < 0 < before))
    assert abs(weight) <= 1
    assert weight * (now - before) == pytest.approx(abs(now) - abs(before), abs=1e-12)


def written() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Only composition moves 1's gap in 2001, only co-members in 2002, only itself in 2003."""
    table = lives((1, "A", "FFFF"), (2, "A", "FFFF"), (3, "A", ".FFF"), (4, "A", "FFFF"))
    score = {1: [1, 1, 1, -3], 2: [0, 0, 1, 1], 3: [6, 6, 7, 7], 4: [0, 0, 1, 1]}
    scores = flat_scores(table)
    scores["score"] = [
        float(score[c][y - 2000]) for c, y in zip(scores["ccode"], scores["year"], strict=True)
    ]
    return table, scores


def test_each_term_alone() -> None:
    table, scores = written()
    panel = convergence_from_frames(table, scores, min_others=1)
    found = bayes_hr.decompose(panel, memberships=table, scores=scores)
    one = found.table[found.table["ccode"] == 1].set_index("year")
    assert one[[*TERMS]].to_numpy().round(12).tolist() == [[0, 0, -2], [0, -1, 0], [-4, 0, 0]]
    assert one["entrants"].tolist() == pytest.approx([-2, 0, 0])
    assert one["crossed"].tolist() == [True, False, False]
    assert one["distance_composition"].iloc[0] == pytest.approx(0)  # from 1 to -1
    assert one["distance_own"].tolist() == pytest.approx([0, 0, 4])
    assert one["distance_co_members"].iloc[1] == pytest.approx(1)
    entry = found.table[(found.table["ccode"] == 3) & (found.table["year"] == 2001)].iloc[0]
    assert (entry["phase_before"], entry["phase"], entry["composition"]) == ("before", "during", 0)
    assert found.unpaired == 4
    summary = found.summary().set_index("phase")
    assert summary.loc["during", ["rows", "crossed", "no_continuing"]].tolist() == [12, 1, 0]
    assert summary.loc["during", "own"] == pytest.approx(found.table["own"].mean())
    with pytest.raises(InputError, match="by: unknown value 'phases'; did you mean 'phase'"):
        found.summary(["phases"])


@pytest.mark.parametrize(
    ("options", "tables_given", "message"),
    [
        ({"mean": "inclusive"}, True, "only leave_one_out keeps the state's own movement out"),
        ({}, False, "memberships, scores missing; the rows of a panel do not hold all members"),
        ({"start": 2003}, True, "no dyad of the panel has two years in a row"),
    ],
)
def test_what_cannot_be_decomposed(options: dict[str, Any], tables_given: bool, message: str) -> None:
    table, scores = written()
    panel = convergence_from_frames(table, scores, min_others=1, **options)
    given_tables = {"memberships": table, "scores": scores} if tables_given else {}
    with pytest.raises(InputError, match=message):
        decompose(panel, **given_tables)


def test_other_tables_are_refused() -> None:
    table, scores = written()
    panel = convergence_from_frames(table, scores, min_others=1)
    with pytest.raises(InputError, match="do not give the panel's mean for ccode 1, IGO A, 2000"):
        decompose(panel, memberships=table, scores=scores.assign(score=scores["score"] + 1))
    with pytest.raises(InputError, match="do not give the panel's mean"):
        decompose(panel, memberships=table[table["ccode"] != 4], scores=scores)


@pytest.mark.real_data
def test_the_real_panel_adds_up() -> None:
    panel = load_panel("convergence")
    found = decompose(panel)
    assert (len(found.table), found.unpaired) == (579_245, 16_716)
    for kind in ("", "distance_"):
        total = sum(found.table[kind + term] for term in TERMS)
        np.testing.assert_allclose(total, found.table[kind + "change"], atol=EXACT)
    assert not found.table.isna().any().any()
    during = found.summary(["phase"]).set_index("phase").loc["during"]
    assert (during["rows"], during["crossed"]) == (467_306, 14_847)
    assert during["own"] == pytest.approx(0.0181, abs=5e-5)
    assert during["co_members"] == pytest.approx(-0.0181, abs=5e-5)
    # A distance grew by 0.006 a year, most of it by the states' own movement.
    assert during["distance_change"] == pytest.approx(0.0059, abs=5e-5)
    assert during["distance_own"] == pytest.approx(0.0048, abs=5e-5)
    subset = decompose(load_panel("convergence", igos=["COE"], window=(5, 5), standardise="year"))
    assert set(subset.table["igo"]) == {"COE"}
