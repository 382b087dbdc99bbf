"""Rows of an analysis over draws of a score: the same in every refit, also without a score of their own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from measured_worlds import Measured, card_of

import bayes_hr
from bayes_hr.errors import InputError
from bayes_hr.estimands.pooling import pool, variance_parts
from bayes_hr.estimands.summary import EstimandDraws, effects_table
from bayes_hr.measurement_error.preparing import panel_of_file, prepared
from bayes_hr.measurement_error.result import POOLED, PooledFit

SMALL = Measured(countries=12, years=8)


def test_a_filter_on_the_score_is_refused_and_one_on_a_copy_is_not() -> None:
    with pytest.raises(InputError, match="row filter on the score itself"):
        bayes_hr.fit_draws(card_of(where="year > 1900 and score > -1"), SMALL.draws(3), SMALL.panel())
    panel = SMALL.panel()
    copied = replace(panel, frame=panel.frame.assign(before=panel.frame["score"]))
    _, items, _ = prepared(card_of(where="before > -1"), copied, SMALL.draws(3), None)
    assert len(items) == 3


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_file_without_the_score_gets_the_mean_of_its_draws(tmp_path: Path, suffix: str) -> None:
    draws, path = SMALL.draws(4), tmp_path / f"rows{suffix}"
    bare = SMALL.rows.drop(columns="score").sample(frac=1, random_state=1)
    bare.to_csv(path, index=False) if suffix == ".csv" else bare.to_parquet(path)
    panel = panel_of_file(path, card_of(), draws)
    np.testing.assert_allclose(panel.frame["score"], draws.values.mean(axis=1))
    assert "the mean of the draws supplied stands for it" in panel.merge.notes[-1]
    _, _, facts = prepared(card_of(), panel, draws, None)
    assert facts["correlation"] == pytest.approx(1.0)


def test_a_file_with_the_score_keeps_it(tmp_path: Path) -> None:
    SMALL.panel().save(tmp_path / "panel.parquet")
    panel = panel_of_file(tmp_path / "panel.parquet", card_of(), SMALL.draws(4))
    np.testing.assert_array_equal(panel.frame["score"], SMALL.panel().frame["score"])


def test_the_summary_is_strict_json(tmp_path: Path) -> None:
    values = np.random.default_rng(1).standard_normal((2, 2, 50, 1))
    pooled = pool([[EstimandDraws("tau", "regime", ("all",), ("",), ("",), v)] for v in values])
    table = effects_table(pooled, scale="", rope=(-0.1, 0.1)).assign(choice=POOLED, verdict="PASS")
    variance = variance_parts(pooled).assign(pooled_sd=1.0, plug_in_sd=1.0, wider=1.0)
    _, _, facts = prepared(card_of(), SMALL.panel(), SMALL.draws(2), None)
    fits = table[["choice", "verdict"]].assign(pooled=True, rows=1, countries=1, r_hat=1.0, ess_bulk=9.0)
    found = PooledFit(card_of(), table, variance, fits, pooled, facts | {"autocorrelation": float("nan")})
    object.__setattr__(found, "report", lambda path: path)
    text = (found.save(tmp_path / "out") / "measurement.json").read_text("utf-8")
    told = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert told["draws"]["autocorrelation"] is None
