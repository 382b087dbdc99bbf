"""The permuted reference of several treaties: years of all go together, and find nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import treaties as world

import bayes_hr
from bayes_hr.api import Fit
from bayes_hr.checks import reference
from bayes_hr.checks.reference import SD, permuted_reference
from bayes_hr.data.user_treaties import PREFIX
from bayes_hr.design import Design
from bayes_hr.engines.gibbs import GibbsEngine
from bayes_hr.estimands.treaties import AMONG
from bayes_hr.progress import silent
from bayes_hr.treaties_design import build, with_treaty_years

TREATIES = [f"{PREFIX}{name}" for name in world.NAMES]


@pytest.fixture(scope="module")
def fitted() -> Fit:
    return bayes_hr.fit(world.card(fit={"chains": 2, "draws": 300, "tune": 400, "seed": 4}), world.panel())


@pytest.fixture(scope="module")
def compared(fitted: Fit) -> Fit:
    from dataclasses import replace

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reference, "SHORT_OF_TREATIES", reference.SHORT)  # this world's SDs are not so slow
        return replace(fitted, reference=permuted_reference(fitted.result, n=9, engine=GibbsEngine()))


def years_of(rows: dict[str, Any]) -> pd.DataFrame:
    """Years of each treaty and class, a line for each country."""
    columns = {name: rows[name] for name in ("ccode", "regime_class", *TREATIES)}
    return pd.DataFrame(columns).drop_duplicates("ccode").set_index("ccode")


@pytest.mark.parametrize("terms", [["intercept", "treaties"], ["intercept", "common", "treaties"]])
def test_a_design_with_other_years_is_that_of_rows_with_other_years(terms: list[str]) -> None:
    card = world.card(groups=[{"name": "country", "terms": terms, "correlated": False}])
    frame = world.frame()
    by_country = frame.drop_duplicates("ccode").set_index("ccode")[TREATIES]
    dealt = by_country.iloc[np.random.default_rng(5).permutation(len(by_country))].to_numpy()
    other = frame.copy()
    other[TREATIES] = dealt[frame["ccode"].to_numpy() - 1]
    found = with_treaty_years(build(card, world.panel()), dealt, card.treatment.lag)
    wanted = build(card, world.panel(other))
    assert (found.groups[0].Z == wanted.groups[0].Z).all()
    for own, same in zip(found.population, wanted.population, strict=True):
        np.testing.assert_array_equal(own.matrix(), same.matrix(), err_msg=own.name)
    assert set(found.rows) == set(wanted.rows)
    for name in found.rows:
        np.testing.assert_array_equal(found.rows[name], wanted.rows[name], err_msg=name)


def test_years_of_all_treaties_go_together_within_a_class(fitted: Fit) -> None:
    seen: list[Design] = []

    class Engine(GibbsEngine):
        def sample(self, design: Design, *_: Any, **__: Any) -> Any:
            seen.append(design)
            return fitted.result.tree

    permuted_reference(fitted.result, n=2, engine=Engine(), progress=silent)
    real = years_of(fitted.result.tree["constant_data"].dataset)
    for design in seen:
        dealt = years_of(design.rows)
        assert (dealt["regime_class"] == real["regime_class"]).all()
        assert not dealt[TREATIES].equals(real[TREATIES])
        for regime in world.CLASSES:
            own, given = (table[table["regime_class"] == regime][TREATIES] for table in (real, dealt))
            assert sorted(map(tuple, own.fillna(0.0).values)) == sorted(map(tuple, given.fillna(0.0).values))


def test_a_late_entrant_gets_no_year_before_its_entry() -> None:
    late, entry = range(1, 11), 2003
    frame = world.frame()
    of_late = frame["ccode"].isin(late)
    frame.loc[of_late, TREATIES] = frame.loc[of_late, TREATIES].clip(lower=entry)
    frame = frame[~of_late | (frame["year"] >= entry)]
    card = world.card(fit={"chains": 2, "draws": 10, "tune": 10, "seed": 4})
    found = bayes_hr.fit(card, world.panel(frame))
    first: list[float] = []

    class Engine(GibbsEngine):
        def sample(self, design: Design, *_: Any, **__: Any) -> Any:
            first.extend(years_of(design.rows).loc[list(late), TREATIES].min(axis=1).dropna())
            return found.result.tree

    permuted_reference(found.result, n=10, engine=Engine(), progress=silent)
    assert len(first) > 50
    assert min(first) >= entry


def test_real_effects_stand_out_from_those_of_permuted_years(compared: Fit) -> None:
    assert compared.reference is not None
    table = compared.reference.table.set_index(["estimand", "level"])
    effects = compared.effects("treaty").set_index("level")["mean"]
    assert table.loc["treaty", "mean"].to_dict() == pytest.approx(effects.to_dict())
    assert table.loc[("treaty", "A"), "p_value"].item() == pytest.approx(0.1), "the least that 9 refits give"
    assert abs(table.loc[("treaty", "A"), "permuted_mean"].item()) < 0.2
    assert abs(table.loc[("mean", AMONG), "permuted_mean"].item()) < 0.15
    assert list(table.loc[f"{SD}country effects"].index) == list(world.NAMES)
    spread = table.index.get_level_values(0).str.startswith(SD)
    assert table["excludes_0"].isna().tolist() == spread.tolist()
    assert f"{AMONG}: transition" in table.loc["contrast"].index
    assert ("treaty_regime", "A: transition") in table.index


def test_the_report_has_it(compared: Fit, fitted: Fit, tmp_path: Path) -> None:
    saved = bayes_hr.load_fit(compared.save(tmp_path / "fit"))
    assert compared.reference is not None
    assert saved.reference is not None
    pd.testing.assert_frame_equal(saved.reference.table, compared.reference.table)
    text = (tmp_path / "fit" / "report.html").read_text()
    assert "9 times each country was given the ratification years of another country of its class" in text
    assert "a first look, not a test" in text
    assert f"{SD}country effects: A" in text
    assert (saved.export(tmp_path / "paper") / "fig-reference.pdf").is_file()
    assert "bayes-hr fit many --reference 100" in fitted.report(tmp_path / "without.html").read_text()
