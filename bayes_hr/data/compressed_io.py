"""Compressed rows in a Parquet file: one row for each cell, arrays as columns of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bayes_hr.data.panel_io import read_panel, write_panel
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from bayes_hr.data.compressed import Compressed

_ARRAYS: Final = ("means", "scatter", "low", "high")


def write(data: Compressed, path: Path) -> Path:
    """Write statistics, whole or not at all.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    import pandas as pd

    parts = [data.cells]
    for name in _ARRAYS:
        flat = getattr(data, name).reshape(len(data.cells), -1)
        parts.append(pd.DataFrame(flat, columns=[f"_{name}_{k}" for k in range(flat.shape[1])]))
    about = {"outcome": data.outcome, "covariates": list(data.covariates), "dropped": data.dropped}
    return write_panel(pd.concat(parts, axis=1), {"compressed": about}, path)


def read(path: Path) -> dict[str, Any]:
    """The fields of what :func:`write` wrote.

    Raises
    ------
    InputError
        If the file is missing, damaged or something else.
    """
    frame, found = read_panel(path)
    if "compressed" not in found:
        raise InputError(f"{path}: holds a panel, not compressed rows; use Panel.load")
    about = found["compressed"]
    m, arrays = len(about["covariates"]) + 1, {}
    for name in _ARRAYS:
        columns = [c for c in frame.columns if c.startswith(f"_{name}_")]
        shape = (len(frame), m, m) if name == "scatter" else (len(frame), m)
        arrays[name] = frame[columns].to_numpy(float).reshape(shape)
    own = frame[[c for c in frame.columns if not c.startswith(tuple(f"_{name}_" for name in _ARRAYS))]]
    return {**about, "covariates": tuple(about["covariates"]), "cells": own, **arrays}
