"""The regime classifier on made-up histories."""

from __future__ import annotations

import pandas as pd
import pytest

from bayes_hr.data.regimes import REGIMES, check_regime_options, classify
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
        ({"rule": "time_varying"}, "not offered yet.*'before_treaty'.*'whole_history'"),
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
