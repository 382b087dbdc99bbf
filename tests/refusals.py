"""What every refusal of bad input has in common."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bayes_hr.cli import main
from bayes_hr.engines.gibbs import GibbsEngine
from bayes_hr.engines.nuts import NutsEngine
from bayes_hr.errors import InputError


def closed(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """An empty current folder below ``folder``, no public data, and an engine that must not be reached."""

    def reached(*_: object, **__: object) -> None:
        raise AssertionError("sampling began")

    for engine in (GibbsEngine, NutsEngine):
        patch.setattr(engine, "sample", reached)
    (folder / "mirror").mkdir()
    patch.setenv("BAYES_HR_MIRROR", str(folder / "mirror"))
    patch.setenv("BAYES_HR_CACHE", str(folder / "cache"))
    (folder / "here").mkdir()
    patch.chdir(folder / "here")
    return folder / "here"


def contents(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


def refused(message: str, capsys: pytest.CaptureFixture[str], *argv: str | Path) -> None:
    """The command exits with 2 and one line that says what is wrong; the folder is as it was."""
    before = contents(Path.cwd())
    code = main([str(a) for a in argv])
    out, err = capsys.readouterr()
    assert (code, out) == (2, ""), err
    assert len(re.findall(r"^Error: ", err, re.M)) == 1, err
    assert err.splitlines()[-1].startswith("Error: "), err
    assert re.search(message, err), err
    assert "Traceback" not in err
    assert contents(Path.cwd()) == before


def raises(message: str, call: Callable[[], Any]) -> None:
    """The call raises InputError with that message; the folder is as it was."""
    before = contents(Path.cwd())
    with pytest.raises(InputError, match=message):
        call()
    assert contents(Path.cwd()) == before


def changed(**columns: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda frame: frame.assign(**columns)


def at(row: int, column: str, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame[column] = frame[column].astype(object)
        frame.loc[row, column] = value
        return frame

    return change
