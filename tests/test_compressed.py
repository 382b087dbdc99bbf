"""Compressed rows: the posterior of all rows, from any chunks of them; what they cannot answer is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from rows import COVARIATES, card, events, panel_of_rows

import bayes_hr
from bayes_hr import fitting, ratification_design
from bayes_hr.calibration.small_designs import small_design
from bayes_hr.data.chunks import chunks_of_duckdb, chunks_of_parquet
from bayes_hr.data.compressed import Compressed, compress, compress_chunks, merge
from bayes_hr.data.panel import Panel
from bayes_hr.design import Design, rank_deficient
from bayes_hr.design_io import from_dataset, to_dataset
from bayes_hr.engines.country_year import CountryYear
from bayes_hr.engines.gibbs import GibbsEngine
from bayes_hr.engines.partitioned import Partitioned
from bayes_hr.errors import InputError
from bayes_hr.kernels import row_order
from bayes_hr.pymc_models.build import build_model
from bayes_hr.repeats import Repeats
from bayes_hr.simulation import simulate_errors

COLUMNS = {"outcome": "score", "covariates": COVARIATES}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return events()


@pytest.fixture(scope="module")
def compressed(frame: pd.DataFrame) -> Compressed:
    return compress(frame, **COLUMNS)


@pytest.fixture(scope="module")
def cells(compressed: Compressed) -> Design:
    return ratification_design.build(card(), Panel.from_compressed(compressed))


def of_all_rows(frame: pd.DataFrame, **changes: object) -> Design:
    """The design of all rows, which only a test can make: a user's country-year stands once in a panel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ratification_design, "row_order", lambda unit, _: row_order(unit, np.arange(unit.size)))
        patch.setattr(ratification_design, "lagged", lambda f, name, _: f[name].to_numpy(float))
        return ratification_design.build(card(**changes), panel_of_rows(frame))


@pytest.fixture(scope="module")
def rows(frame: pd.DataFrame) -> Design:
    return of_all_rows(frame)


def same(a: Compressed, b: Compressed, tolerance: float = 1e-10) -> None:
    """Equal to ``tolerance`` of each column's size; scatter to the size of the column's total scatter."""
    pd.testing.assert_frame_equal(a.cells, b.cells)
    assert a.dropped == b.dropped
    np.testing.assert_allclose(a.means, b.means, rtol=tolerance)
    size = np.sqrt(np.einsum("cii->i", a.scatter))
    scale = np.outer(size, size) + (size == 0)[:, None] + (size == 0)
    np.testing.assert_allclose(a.scatter / scale, b.scatter / scale, rtol=0, atol=tolerance)
    np.testing.assert_array_equal(a.low, b.low)
    np.testing.assert_array_equal(a.high, b.high)


# The posterior is that of all rows


def test_statistics_are_those_of_numpy(frame: pd.DataFrame, compressed: Compressed) -> None:
    names = [*COVARIATES, "score"]
    for k, (_, own) in enumerate(frame.groupby(["ccode", "year"])):
        values = own[names].to_numpy()
        around = values - values.mean(0)
        assert compressed.cells["rows"].iloc[k] == len(own)
        np.testing.assert_allclose(compressed.means[k], values.mean(0), rtol=1e-12)
        np.testing.assert_allclose(compressed.scatter[k], around.T @ around, atol=1e-9 * len(own))


def test_log_density_is_that_of_all_rows(cells: Design, rows: Design) -> None:
    assert cells.n < rows.n / 10
    assert cells.repeats is not None
    assert cells.repeats.total == rows.n
    few, all_of_them = CountryYear.of(cells), CountryYear.of(rows)
    rng = np.random.default_rng(3)
    for _ in range(6):
        x = few.layout.start(rng, 0.5)
        # Not only up to a constant: n and D'D are those of the rows.
        assert few.log_density(x) == pytest.approx(all_of_them.log_density(x), rel=1e-9)


def test_country_trends_are_from_the_mean_year_of_all_rows(frame: pd.DataFrame) -> None:
    late = frame[(frame["year"] > 1997) | (frame.index % 5 == 0)]  # most rows in the last years
    trends = {"groups": [{"name": "country", "terms": ["intercept", "ratified", "trend"]}]}
    panel = Panel.from_compressed(compress(late, **COLUMNS))
    few = CountryYear.of(ratification_design.build(card(**trends), panel))
    x = few.layout.start(np.random.default_rng(5), 0.5)
    assert few.log_density(x) == pytest.approx(
        CountryYear.of(of_all_rows(late, **trends)).log_density(x), rel=1e-9
    )


def test_controls_and_prior_scales_are_those_of_all_rows(cells: Design, rows: Design) -> None:
    assert (cells.unit, cells.centre) == pytest.approx((rows.unit, rows.centre), rel=1e-12)
    for name, (mean, sd) in rows.standardised.items():
        assert cells.standardised[name] == pytest.approx((mean, sd), rel=1e-11)


def test_draws_are_those_of_all_rows(cells: Design, rows: Design) -> None:
    settings = replace(fitting.settings_of(card()), cores=1)
    # Every row a cell of its own, so that chains begin alike: around the mode, as those of compressed rows.
    alone = replace(rows, repeats=Repeats(np.ones(rows.n), np.zeros((4, 4))))
    few, all_of_them = (GibbsEngine().sample(d, settings)["posterior"].dataset for d in (cells, alone))
    for name in all_of_them.data_vars:
        # Outcomes near 1,000 round at 1e-13; the proposal's finite differences make 1e-5 of that.
        np.testing.assert_allclose(few[name].values, all_of_them[name].values, rtol=0, atol=1e-4)


def test_filter_drops_whole_cells_with_their_scatter(frame: pd.DataFrame, compressed: Compressed) -> None:
    asked = card(where="year >= 1994 and ccode != 110")
    some = frame[(frame["year"] >= 1994) & (frame["ccode"] != 110)]
    filtered = ratification_design.build(asked, Panel.from_compressed(compressed))
    before = ratification_design.build(card(), Panel.from_compressed(compress(some, **COLUMNS)))
    assert filtered.merge.rows_used == len(some) == before.merge.rows_used
    assert filtered.repeats is not None
    assert before.repeats is not None
    np.testing.assert_allclose(filtered.repeats.scatter, before.repeats.scatter, rtol=1e-10, atol=1e-9)
    np.testing.assert_allclose(filtered.term("gamma").columns, before.term("gamma").columns, atol=1e-12)


def test_a_control_that_is_constant_in_cells_is_lagged(compressed: Compressed) -> None:
    assert set(compressed.varying) == {"age", "income", "score"}
    asked = card(population=[{"name": "openness", "lag": 1}, {"name": "age", "lag": 0}])
    design = ratification_design.build(asked, Panel.from_compressed(compressed))
    assert design.repeats is not None
    assert (design.repeats.scatter[0] == 0).all()
    table = compressed.frame().set_index(["ccode", "year"])["openness"]
    mean, sd = next(iter(design.standardised.values()))
    past = [table[c, y - 1] for c, y in zip(design.rows["ccode"], design.rows["year"], strict=True)]
    np.testing.assert_allclose(design.term("gamma").columns[:, 0] * sd + mean, past, atol=1e-12)
    lost = sum(step.rows for step in design.merge.steps)
    assert lost == compressed.cells.loc[compressed.cells["year"] == 1990, "rows"].sum()


def test_permuted_years_need_cells_only(cells: Design, rows: Design) -> None:
    years = np.random.default_rng(0).choice([1992.0, 1996.0, np.nan], len(cells.groups[0].levels))
    one, other = (ratification_design.with_ratification_years(d, years, 1) for d in (cells, rows))
    x = CountryYear.of(one).layout.start(np.random.default_rng(1), 0.5)
    assert CountryYear.of(one).log_density(x) == pytest.approx(CountryYear.of(other).log_density(x), rel=1e-9)


def test_columns_told_apart_within_cells_only(frame: pd.DataFrame, rows: Design, cells: Design) -> None:
    assert rank_deficient(cells) == rank_deficient(rows) == ()
    # Its means are those of age in every cell, so only the scatter within tells them apart.
    noise = np.random.default_rng(5).standard_normal(len(frame))
    keys = [frame["ccode"], frame["year"]]
    twin = frame.assign(income=frame["age"] + noise - pd.Series(noise).groupby(keys).transform("mean"))
    design = ratification_design.build(card(), Panel.from_compressed(compress(twin, **COLUMNS)))
    assert rank_deficient(design) == ()
    assert design.repeats is not None
    without = replace(design, repeats=replace(design.repeats, scatter=0 * design.repeats.scatter))
    assert any("income" in label for label in rank_deficient(without))


def test_replicated_means_have_the_error_of_means(cells: Design) -> None:
    from bayes_hr.simulation import prior_draws

    assert cells.repeats is not None
    draw = replace(next(prior_draws(cells, np.random.default_rng(0), 1)), sigma=2.0)
    rng = np.random.default_rng(1)
    e = np.array([simulate_errors(rng, cells, draw) for _ in range(4_000)])
    np.testing.assert_allclose(e.std(0), 2.0 / np.sqrt(cells.repeats.rows), rtol=0.08)  # 7 standard errors


# From any chunks, any source


def test_order_and_size_of_chunks_do_not_matter(frame: pd.DataFrame, compressed: Compressed) -> None:
    shuffled = frame.sample(frac=1.0, random_state=1)
    for size in (1, 700, 2_999):
        few = shuffled if size > 1 else shuffled.head(60)
        whole = compressed if size > 1 else compress(few, **COLUMNS)
        chunks = [few.iloc[i : i + size] for i in range(0, len(few), size)]
        same(compress_chunks(chunks, **COLUMNS), whole)
        same(compress_chunks(chunks[::-1], **COLUMNS), whole)


def test_large_means_lose_no_digits(frame: pd.DataFrame) -> None:
    far = frame.assign(score=frame["score"] + 1e8)
    whole = compress(far, **COLUMNS)
    parts = compress_chunks((far.iloc[i : i + 100] for i in range(0, len(far), 100)), **COLUMNS)
    np.testing.assert_allclose(parts.scatter[:, -1, -1], whole.scatter[:, -1, -1], rtol=1e-5)


def test_parquet_duckdb_and_memory_agree(tmp_path: Path, frame: pd.DataFrame, compressed: Compressed) -> None:
    for k in range(3):
        frame.iloc[k::3].to_parquet(tmp_path / f"part-{k}.parquet", row_group_size=256)
    columns = [*frame.columns]
    for place in (tmp_path, tmp_path / "part-*.parquet"):
        same(
            compress_chunks(chunks_of_parquet(place, batch_rows=500, columns=columns), **COLUMNS), compressed
        )
    query = f"select * from '{tmp_path}/*.parquet'"
    same(compress_chunks(chunks_of_duckdb(query, batch_rows=500), **COLUMNS), compressed)
    with duckdb.connect() as connection:
        connection.register("rows", frame)
        chunks = chunks_of_duckdb("select * from rows", connection)
        same(compress_chunks(chunks, **COLUMNS), compressed)


def test_statistics_are_saved_without_loss(tmp_path: Path, compressed: Compressed) -> None:
    found = bayes_hr.Compressed.load(compressed.save(tmp_path / "rows.parquet"))
    same(found, compressed, 0.0)
    assert Panel.from_compressed(found).digest() == Panel.from_compressed(compressed).digest()
    with pytest.raises(InputError, match=r"panel\.compressed\.save"):
        Panel.from_compressed(compressed).save(tmp_path / "panel.parquet")


def test_digest_sees_what_means_do_not(compressed: Compressed) -> None:
    panel = Panel.from_compressed(compressed)
    wider = replace(compressed, scatter=2.0 * compressed.scatter)
    assert Panel.from_compressed(wider).digest() != panel.digest()


# Rows that are left out, and rows that are wrong


def test_missing_values_are_counted_once(frame: pd.DataFrame) -> None:
    holes = frame.copy()
    holes.loc[:9, "score"] = np.nan
    holes.loc[5:19, "age"] = np.nan
    found = compress_chunks([holes.iloc[:1_000], holes.iloc[1_000:]], **COLUMNS)
    assert found.dropped == {"score missing": 10, "age missing": 10}
    merge_report = Panel.from_compressed(found).merge
    assert (merge_report.rows_in, merge_report.rows_used) == (len(frame), len(frame) - 20)
    assert f"{len(frame) - 20:,} rows stand in" in merge_report.to_text()
    same(found, replace(compress(holes.iloc[20:], **COLUMNS), dropped=found.dropped))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"score": "high"}, "chunk 1 .*row 0 is row 1000 .*'score' must hold numbers.*row 3"),
        ({"age": np.inf}, "'age' has an infinite value in row 3"),
        ({"ccode": np.nan}, "'ccode' is missing in row 3"),
        ({"ccode": "ANG"}, "'ccode' must hold whole numbers.*to_cow"),
        ({"year": 1990.5}, "'year' must hold whole numbers; found 1990.5 in row 3"),
        ({"regime": "other"}, "'regime' differs between rows of ccode|regime must be the same"),
        ({"ratification_year": 1901.0}, "'ratification_year' differs between rows of ccode"),
    ],
)
def test_wrong_rows_are_named(frame: pd.DataFrame, changes: dict[str, object], message: str) -> None:
    wrong = frame.iloc[1_000:].reset_index(drop=True).astype(dict.fromkeys(changes, "object"))
    for name, value in changes.items():
        wrong.loc[3, name] = value
    with pytest.raises(InputError, match=message):
        compress_chunks([frame.iloc[:1_000], wrong], **COLUMNS)


def test_chunks_that_disagree_on_a_country(frame: pd.DataFrame) -> None:
    later = frame.assign(ratification_year=frame["ratification_year"].where(frame["ccode"] != 105, 1901.0))
    half = frame["year"] < 1996
    with pytest.raises(InputError, match=r"ratification_year must be the same .* differs for ccode 105"):
        compress_chunks([frame[half], later[~half]], **COLUMNS)
    other = compress(frame, outcome="score", covariates=("age",))
    with pytest.raises(InputError, match="different columns"):
        merge(other, compress(frame, **COLUMNS))


def test_sources_that_are_not_there(tmp_path: Path, frame: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="no such file"):
        list(chunks_of_parquet(tmp_path / "no.parquet"))
    frame.to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(InputError, match="no column 'scores'"):
        list(chunks_of_parquet(tmp_path, columns=["scores"]))
    (tmp_path / "rows.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match="may be damaged"):
        list(chunks_of_parquet(tmp_path))
    with pytest.raises(InputError, match="DuckDB refuses the query"):
        list(chunks_of_duckdb("select * from nowhere"))
    with pytest.raises(InputError, match="no complete rows"):
        compress_chunks([], **COLUMNS)


# What compressed rows cannot answer


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"error": {"kind": "ar1"}}, 'error.kind = "ar1" needs rows that follow each other; take "iid"'),
        ({"outcome": {"likelihood": "student_t"}}, '"student_t" reads every row; take "gaussian"'),
        ({"error": {"kind": "iid", "measurement_sd": "score_sd"}}, "measurement_sd is an SD of each row"),
        ({"fit": {"engine": "nuts"}}, 'engine = "nuts" evaluates every row; take "gibbs"'),
        ({"population": [{"name": "age", "lag": 1}]}, "'age' is to be lagged by 1.*lag it before"),
        ({"where": "age > 40"}, "`where` asks for age.*filter before compressing"),
        ({"where": "score > 1"}, "`where` asks for score"),
    ],
)
def test_cards_that_read_rows_are_refused(
    compressed: Compressed, changes: dict[str, object], message: str
) -> None:
    asked, panel = card(**changes), Panel.from_compressed(compressed)
    with pytest.raises(InputError, match=f"the panel holds compressed rows, and .*{message}"):
        bayes_hr.fit(asked, panel)


def test_what_reads_rows_refuses_their_cells(cells: Design, compressed: Compressed) -> None:
    with pytest.raises(InputError, match="no model of rows"):
        build_model(cells)
    with pytest.raises(InputError, match="panel holds compressed rows"):
        fitting.with_engine(card(fit={"engine": "nuts"}), cells)
    settings, persistent = fitting.settings_of(card()), replace(cells.error, kind="ar1")
    with pytest.raises(InputError, match="for independent Gaussian errors only"):
        GibbsEngine().sample(replace(cells, error=persistent), settings)
    with pytest.raises(InputError, match=r"calibration: .*compressed"):
        small_design(card(), Panel.from_compressed(compressed), units=5, rows=5, seed=0)


# The whole way


def test_fit_check_and_report_say_that_rows_are_compressed(tmp_path: Path, compressed: Compressed) -> None:
    fit = bayes_hr.fit(card(), Panel.from_compressed(compressed), out=tmp_path / "fit", reference=2)
    assert fit.reference is not None
    loaded = bayes_hr.load_fit(tmp_path / "fit")
    assert fitting.design_of(loaded.result).repeats is not None
    verdict = {check.name: check for check in loaded.check().checks}
    assert verdict["residual autocorrelation"].status == "PASS"
    assert verdict["tails"].status == "PASS"
    assert verdict["country mean"].status == "PASS"
    assert "country SD" not in verdict
    effects = loaded.effects("regime").set_index("level")
    assert (effects["lb"] < 0.4).all()
    assert (effects["ub"] > 0.4).all()
    page = (tmp_path / "fit" / "report.html").read_text(encoding="utf-8")
    assert f"{compressed.n:,} rows stand in {len(compressed.cells)} cells" in page
    assert "rows, compressed" in page
    assert loaded.prior_predictive().index.str.endswith("(means of cells)")[0]


def test_design_of_cells_travels(cells: Design) -> None:
    back = from_dataset(to_dataset(cells), cells.y, cells.merge)
    assert back.repeats is not None
    assert cells.repeats is not None
    np.testing.assert_array_equal(back.repeats.rows, cells.repeats.rows)
    np.testing.assert_array_equal(back.repeats.scatter, cells.repeats.scatter)


def test_a_step_costs_the_same_however_many_rows(cells: Design, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations of the density in a chain, with the rows there are and with 10,000 times as many."""
    assert cells.repeats is not None
    more = replace(cells.repeats, rows=1e4 * cells.repeats.rows, scatter=1e4 * cells.repeats.scatter)
    evaluations = []
    for repeats in (cells.repeats, more):
        model = CountryYear.of(replace(cells, repeats=repeats))
        calls: list[float] = []

        def counted(self, point, calls=calls, eliminate=Partitioned.eliminate):
            calls.append(point.sigma)
            return eliminate(self, point)

        with monkeypatch.context() as patch:
            patch.setattr(Partitioned, "eliminate", counted)
            rng = np.random.default_rng(1)
            state = model.start(rng)
            for step in range(150):
                state = model.step(rng, state, (step, 120) if step < 120 else None)
        evaluations.append(len(calls))
    few, many = evaluations
    assert many < 1.5 * few  # 3 evaluations a step; from starts in outcome units it was 3 times as many


def test_what_moves_all_rows_of_a_country_year_is_found(frame: pd.DataFrame) -> None:
    """Rows taken as independent, and country-years that have shocks of their own: many rows, too sure."""
    shock = np.random.default_rng(9).normal(0.0, 1.0, (1_000, 100))
    moved = frame.assign(score=frame["score"] + shock[frame["ccode"], frame["year"] - 1990])
    for data, expected in ((frame, "PASS"), (moved, "REVIEW")):
        fit = bayes_hr.fit(card(), Panel.from_compressed(compress(data, **COLUMNS)), reference=0)
        tails = next(check for check in fit.check().checks if check.name == "tails")
        assert tails.status == expected, tails
    assert "means of country-years" in tails.advice
    assert "student_t" not in tails.advice, "compressed rows refuse it"
