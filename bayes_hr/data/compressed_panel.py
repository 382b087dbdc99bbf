"""Compressed rows as the rows of a ratification panel, one for each cell."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from bayes_hr.data import user_frames
from bayes_hr.data.merge import ROWS, DropStep, MergeReport
from bayes_hr.data.messages import listed
from bayes_hr.data.treatment import with_treatment

if TYPE_CHECKING:
    import pandas as pd

    from bayes_hr.data.compressed import Compressed


def rows(data: Compressed, treaty: str | None) -> tuple[pd.DataFrame, MergeReport, dict[str, Any]]:
    """The frame, merge report (of rows, not cells) and options of a panel.

    Raises
    ------
    InputError
        As :meth:`bayes_hr.data.panel.Panel.from_frame`.
    """
    checked = user_frames.check(data.frame(), outcome=data.outcome, covariates=data.covariates)
    frame = with_treatment(checked.frame)[checked.order].sort_values(["ccode", "year"]).reset_index(drop=True)
    user_frames.check_identified(frame, data.outcome)
    # A row counts under its first reason; which countries it was of is not kept.
    steps = [DropStep(reason, count, 0) for reason, count in data.dropped.items()]
    counted = frame.assign(**{ROWS: data.cells["rows"].to_numpy()})
    varying = listed(data.varying, 20) or "nothing"
    note = (
        f"compressed: {data.n:,} rows stand in {len(frame):,} cells (country-years) with their number, means "
        f"and scatter; within cells vary: {varying}"
    )
    rows_in = data.n + sum(data.dropped.values())
    merge = MergeReport.of(rows_in, counted, steps, (*checked.notes, note))
    options = {"outcome": data.outcome, "treaty": treaty, "origin": "user's own data, compressed"}
    return frame, merge, options


def digest(own: str, data: Compressed) -> str:
    """SHA-256 of a panel's digest with the counts and scatter behind its rows."""
    total = hashlib.sha256(own.encode())
    total.update(repr(data.names).encode())
    for values in (data.cells["rows"].to_numpy("<i8"), data.means, data.scatter):
        total.update(values.astype(values.dtype.newbyteorder("<")).tobytes())
    return total.hexdigest()
