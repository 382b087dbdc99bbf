"""Merge reports, digests, saved panels."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayes_hr.data.merge import DropStep, MergeReport, drop_rows, missingness
from bayes_hr.data.panel import Panel
from bayes_hr.data.panel_io import content_digest
from bayes_hr.errors import InputError


def rows() -> pd.DataFrame:
    frame = pd.DataFrame({"ccode": [2, 2, 20, 20, 40], "year": [1999, 2000, 1999, 2000, 2000]})
    frame["country"] = ["United States", "United States", "Canada", "Canada", "Côte"]
    frame["score"] = [0.1, -0.2, float("nan"), 0.4, 0.0]
    frame["ratified"] = [0, 1, 0, 0, 1]
    return frame


def panel() -> Panel:
    merge = MergeReport.of(7, rows(), [DropStep("for a reason", 2, 1, "Cuba: 2")], ["a note"])
    options = {"outcome": "score", "regime_window": [1946, 2006], "start": None}
    return Panel("ratification", rows(), merge, ("hrps_v402", "polity5"), options)


def test_drop_rows_and_extend() -> None:
    frame, step = drop_rows(rows(), rows()["score"].isna() | (rows()["ccode"] == 40), "no score")
    assert len(frame) == 3
    assert frame.index.tolist() == [0, 1, 2]
    assert step == DropStep("no score", 2, 1, step.detail)
    assert {"Canada: 1", "Côte: 1"} == set(step.detail.split(", "))
    report = panel().merge.extend(frame, step, notes=["another"])
    assert (report.rows_in, report.rows_used, report.countries) == (7, 3, 2)
    assert report.notes == ("a note", "another")
    assert report.with_notes("third").notes[-1] == "third"
    with pytest.raises(ValueError, match=r"1 row.s. unaccounted for"):
        panel().merge.extend(frame.iloc[:2], step)


def test_report_text_and_dict() -> None:
    report = panel().merge
    assert "dropped            2  for a reason (Cuba: 2); 1 countries lost entirely" in report.to_text()
    assert "rows used          5  3 countries, 1999-2000" in report.to_text()
    assert MergeReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report


def test_missingness() -> None:
    table = missingness(rows(), ["score", "ratified"])
    assert table.loc["score"].tolist() == [0.5, 0.0]
    assert table.columns.tolist() == [1990, 2000]


@settings(deadline=None)
@given(order=st.permutations(range(5)), columns=st.permutations(list(rows().columns)))
def test_digest_does_not_depend_on_order(order: list[int], columns: list[str]) -> None:
    shuffled = rows().iloc[order][columns]
    assert content_digest(shuffled, "ratification") == panel().digest()


@pytest.mark.parametrize("text", ["object", "string", "category", "string[pyarrow]", "str"])
@pytest.mark.parametrize("number", ["int8", "int64", "float64", "Int64", "bool", "int64[pyarrow]"])
def test_digest_does_not_depend_on_storage(text: str, number: str) -> None:
    stored = rows().astype({"country": text, "ratified": number})
    assert content_digest(stored, "ratification") == panel().digest()


@pytest.mark.parametrize(
    ("column", "value"),
    [("score", 0.1000001), ("year", 1998), ("country", "United States "), ("country", None)],
)
def test_digest_depends_on_content(column: str, value: object) -> None:
    changed = rows().astype({column: "object"})
    changed.loc[0, column] = value
    changed = changed.infer_objects()
    assert content_digest(changed, "ratification") != panel().digest()
    assert content_digest(rows(), "convergence") != panel().digest()
    assert content_digest(rows().rename(columns={"score": "scorf"}), "ratification") != panel().digest()


def digest_by_definition(frame: pd.DataFrame, name: str) -> str:
    """The digest value by value: saved fits hold it, so that it must never change."""
    ordered = frame.sort_values(["ccode", "year"], kind="stable")
    total = hashlib.sha256(name.encode())
    for column in sorted(ordered.columns):
        values = ordered[column]
        if pd.api.types.is_numeric_dtype(values.dtype):
            content = b"n" + b"".join(struct.pack("<d", np.nan if pd.isna(v) else v) for v in values)
        else:
            texts = [b"-" if pd.isna(v) else b"+" + str(v).encode() for v in values]
            content = b"t" + b"".join(len(text).to_bytes(8, "little") + text for text in texts)
        for part in (column.encode(), content):
            total.update(len(part).to_bytes(8, "little") + part)
    return total.hexdigest()


@pytest.mark.parametrize("text", ["object", "string", "category", "string[pyarrow]", "str"])
def test_digest_is_the_one_that_saved_fits_hold(text: str) -> None:
    frame = rows()
    frame["phase"] = ["before", None, "before", "", "-"]
    frame = frame.astype({"country": text, "phase": text})
    frame["mixed"] = pd.Series([1, 1.0, True, "1", None], dtype="object")
    frame["day"] = pd.to_datetime(["1999-01-02", None, "1999-01-02", "2000-05-06", None])
    assert content_digest(frame, "convergence") == digest_by_definition(frame, "convergence")
    assert panel().digest() == "4b57104fb27732814352fea982b96e4456ec9f513e5207f402ed7de1607d4556"


def test_save_and_load(tmp_path: Path) -> None:
    saved = replace(panel(), frame=rows().fillna({"score": 0.3}))
    path = saved.save(tmp_path / "new" / "p.parquet")
    back = Panel.load(path)
    pd.testing.assert_frame_equal(back.frame, saved.frame)
    assert (back.name, back.merge, back.sources) == (saved.name, saved.merge, saved.sources)
    assert back.options == saved.options
    assert back.digest() == saved.digest()
    assert Panel.from_file(path).digest() == back.digest()
    assert [p.name for p in path.parent.iterdir()] == ["p.parquet"]


def test_save_over_a_folder_or_below_a_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        panel().save(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot be written"):
        panel().save(tmp_path / "file" / "p.parquet")


def test_load_something_else(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        Panel.load(tmp_path / "none.parquet")
    rows().to_parquet(tmp_path / "plain.parquet")
    with pytest.raises(InputError, match="is not a saved panel"):
        Panel.load(tmp_path / "plain.parquet")
    path = panel().save(tmp_path / "p.parquet")
    good = path.read_bytes()
    path.write_bytes(good[: len(good) // 2])
    with pytest.raises(InputError, match="damaged or cut off"):
        Panel.load(path)
    path.write_bytes(good[:60] + bytes(np.bitwise_xor(np.frombuffer(good[60:80], np.uint8), 255)) + good[80:])
    with pytest.raises(InputError, match="damaged"):
        Panel.load(path)
