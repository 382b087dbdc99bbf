"""The regime classifier on made-up histories."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayes_hr.data.regimes import REGIMES, check_regime_options, classify, classify_by_year
from bayes_hr.errors import InputError

NAN = float("nan")


def history(**countries: list[float]) -> pd.DataFrame:
    """Scores from 1980 on, by country c<number>."""
    rows = [
        (int(name[1:]), 1980 + i, value)
        for name, values in countries.items()
        for i, value in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=["ccode", "year", "polity2"])


def regimes(scores: pd.DataFrame, **options: object) -> dict[int, str]:
    return classify(scores, **options).set_index("ccode")["regime"].to_dict()


def test_classes_and_cut_offs() -> None:
    scores = history(
        c1=[3, -7, 3], c2=[8, 10, 9], c3=[3, 4, 3], c4=[NAN, NAN, NAN], c5=[7, 8, 9], c6=[8, NAN, 8]
    )
    assert regimes(scores, rule="whole_history") == {
        1: "stable autocracy",
        2: "stable democracy",
        3: "transition",
        4: "no score",
        5: "transition",
        6: "stable democracy",
    }
    assert regimes(scores, rule="whole_history", democracy=7)[5] == "stable democracy"
    assert regimes(scores, rule="whole_history", autocracy=4)[3] == "stable autocracy"
    assert set(regimes(scores, rule="whole_history").values()) == set(REGIMES)


def test_before_the_treaty_opened() -> None:
    scores = history(c1=[-7, -7, -7, -7, 9], c2=[NAN, NAN, NAN, NAN, 9])
    out = classify(scores, treaty_opened=1984).set_index("ccode")
    assert out["regime"].to_dict() == {1: "stable autocracy", 2: "no score"}
    assert out["n_years"].to_dict() == {1: 4, 2: 0}
    assert out.loc[1, ["min", "max", "window_start", "window_end"]].tolist() == [-7, -7, 1946, 1983]


def test_before_ratification() -> None:
    scores = history(c1=[-7, -7, 9, 9], c2=[-7, -7, 9, 9], c3=[-7, -7, 9, 9], c4=[-7, 9, 9, 9])
    found = regimes(scores, rule="before_ratification", ratification_years={1: 1982, 2: NAN, 4: 2015})
    assert found == {1: "stable autocracy", 2: "transition", 3: "transition", 4: "transition"}


def test_window_and_first_year() -> None:
    early = pd.DataFrame({"ccode": 1, "year": [1945, 1946, 1947], "polity2": [10.0, -7.0, -7.0]})
    assert regimes(early, rule="whole_history") == {1: "stable autocracy"}
    assert regimes(early, rule="window", window=(1900, 1947)) == {1: "stable autocracy"}
    scores = history(c1=[-7, 9, 9, -7])
    assert regimes(scores, rule="window", window=(1981, 1982)) == {1: "stable democracy"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rule": "before_treatee"}, "unknown regime rule.*did you mean 'before_treaty'"),
        ({"rule": "window"}, "give \\(first year, last year\\)"),
        ({"rule": "whole_history", "window": (1980, 1990)}, "with no other rule"),
        ({"rule": "window", "window": (1990, 1980)}, "is not \\(first year, last year\\)"),
        ({"rule": "window", "window": (1900, 1940)}, "ends before 1946"),
        ({"rule": "whole_history", "democracy": 3, "autocracy": 3}, "must be below"),
        ({"rule": "whole_history", "democracy": 12}, "from -10 to 10"),
    ],
)
def test_bad_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_regime_options(**options)
    with pytest.raises(InputError, match=message):
        classify(history(c1=[1]), **options)


def test_missing_facts() -> None:
    with pytest.raises(InputError, match="year in which the treaty opened"):
        classify(history(c1=[1]))
    with pytest.raises(InputError, match="ratification years"):
        classify(history(c1=[1]), rule="before_ratification")
    with pytest.raises(InputError, match="no polity2 score"):
        classify(history(c1=[NAN]), rule="whole_history")
    with pytest.raises(InputError, match="has a class in each year: use classify_by_year"):
        classify(history(c1=[1]), rule="time_varying")


def test_another_column_and_scale() -> None:
    scores = history(c1=[0, 1, 1], c2=[2, 3, 2], c3=[1, 2, 2]).rename(columns={"polity2": "row"})
    options = {"rule": "whole_history", "column": "row", "scale": (0, 3), "democracy": 2, "autocracy": 1}
    assert regimes(scores, **options) == {1: "stable autocracy", 2: "stable democracy", 3: "transition"}
    with pytest.raises(InputError, match=r"democracy \(8\), both from 0 to 3"):
        classify(scores, rule="whole_history", column="row", scale=(0, 3))
    with pytest.raises(InputError, match="no column 'raw'; did you mean 'row'"):
        classify(scores, **{**options, "column": "raw"})


def test_a_country_year_that_comes_twice() -> None:
    twice = pd.concat([history(c1=[1, 2]), history(c1=[3])])
    for function in (classify_by_year, lambda scores: classify(scores, rule="whole_history")):
        with pytest.raises(InputError, match="country 1 comes twice in 1980"):
            function(twice)


def test_classes_by_year_look_back_only() -> None:
    out = classify_by_year(history(c1=[-7, -7, 9, 9, 9], c2=[9, NAN, NAN, NAN, -7]), years=2)
    own = out.set_index(["ccode", "year"])["regime"]
    assert own.loc[1].loc[1979:].to_dict() == {
        1979: "no score",
        1980: "no score",
        1981: "stable autocracy",
        1982: "stable autocracy",
        1983: "transition",
        1984: "stable democracy",
        1985: "stable democracy",
    }
    assert own[(2, 1982)] == "stable democracy"
    assert own[(2, 1983)] == own[(2, 1984)] == "no score"
    assert own[(2, 1985)] == "stable autocracy"
    strict = classify_by_year(history(c1=[-7, -7, 9]), years=2, min_scores=2).set_index("year")["regime"]
    assert (strict[1981], strict[1982]) == ("no score", "stable autocracy")


@given(
    st.lists(st.none() | st.integers(-10, 10), min_size=1, max_size=8).filter(
        lambda s: any(v is not None for v in s)
    ),
    st.integers(1, 6),
)
@settings(max_examples=25, deadline=None)
def test_a_class_by_year_is_the_class_of_its_window(scores: list[int | None], years: int) -> None:
    frame = history(c1=[NAN if v is None else v for v in scores], c2=[0, 0])
    out = classify_by_year(frame, years=years).query("ccode == 1 and year > 1979").set_index("year")
    for year, found in out.iterrows():
        one = classify(frame, rule="window", window=(year - years, year - 1)).set_index("ccode").loc[1]
        assert found[["regime", "n_years"]].tolist() == one[["regime", "n_years"]].tolist()
        pd.testing.assert_series_equal(
            found[["min", "max"]].astype(float), one[["min", "max"]].astype(float), check_names=False
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"years": 0}, "years \\(0\\) and min_scores \\(1\\)"),
        ({"years": 2.5}, "whole numbers"),
        ({"years": 2, "min_scores": 3}, "min_scores from 1 to years"),
        ({"democracy": 3}, "must be below"),
    ],
)
def test_bad_options_by_year(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        classify_by_year(history(c1=[1]), **options)
