"""The house keeps its plan: who imports whom, small files, a fast import, a map that is true."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "bayes_hr"
SOURCE_FILES = sorted(PACKAGE.rglob("*.py"))
MAX_LINES = 420
IMPORT_SECONDS = 0.5  # "well under a second"; about 0.05 s of it is Python itself
HEAVY = {
    "arviz", "arviz_base", "arviz_plots", "arviz_stats", "h5netcdf", "matplotlib", "numba", "numpy", "nutpie",
    "pandas", "pyarrow", "pymc", "pytensor", "rdata", "requests", "scipy", "xarray",
}  # fmt: skip


def test_imports_follow_the_arrows() -> None:
    """The contracts of ``[tool.importlinter]``; a process of its own, since import-linter resets logging."""
    code = "import sys; from importlinter.cli import lint_imports; "
    code += "sys.exit(lint_imports(no_cache=True, no_logo=True))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_contract_on_pymc_covers_every_engine_but_nuts() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    contract = next(c for c in tools["importlinter"]["contracts"] if c["id"] == "only-nuts-needs-pymc")
    engines = {path.stem for path in (PACKAGE / "engines").glob("[a-z]*")} - {"nuts"}
    assert set(contract["source_modules"]) == {f"bayes_hr.engines.{name}" for name in engines}


@pytest.mark.parametrize("path", SOURCE_FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_holds_one_thing(path: Path) -> None:
    lines = len(path.read_text("utf-8").splitlines())
    assert lines < MAX_LINES, f"{lines} lines: find what it holds besides its one thing"


def _import(code: str) -> str:
    """Run code in a fresh Python, away from the checkout; returns what it prints."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent
    ).stdout


def test_import_brings_nothing_heavy() -> None:
    loaded = json.loads(_import("import bayes_hr, json, sys; print(json.dumps(sorted(sys.modules)))"))
    assert HEAVY.isdisjoint(loaded), f"imported too early: {sorted(HEAVY & set(loaded))}"


def test_import_is_fast() -> None:
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        _import("import bayes_hr")
        seconds.append(time.perf_counter() - start)
    assert median(seconds) < IMPORT_SECONDS, f"import bayes_hr took {seconds} s"


def test_every_public_name_is_found() -> None:
    import bayes_hr

    found = {name: getattr(bayes_hr, name) for name in bayes_hr.__all__}
    assert set(bayes_hr.__all__) | {"__version__"} == set(dir(bayes_hr))
    assert found["convergence_from_frames"].__module__ == "bayes_hr.data.convergence_panel"


def _rooms() -> set[str]:
    """Modules (``cards.py``) and packages (``data/``) at the top of the package."""
    modules = {path.name for path in PACKAGE.glob("*.py")}
    packages = {f"{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")}
    return (modules | packages) - {"__init__.py"}


def test_the_map_names_every_room_and_no_other() -> None:
    """First column of ARCHITECTURE.md's table of rooms against the folder."""
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    named = [
        name
        for cell in re.findall(r"^\| ((?:`[a-z_]+(?:\.py|/)`(?:, )?)+) \|", text, re.M)
        for name in re.findall(r"`([^`]+)`", cell)
    ]
    assert len(named) == len(set(named)), "a room is named twice"
    assert not _rooms() - set(named), "rooms that ARCHITECTURE.md does not name"
    assert not set(named) - _rooms(), "names in ARCHITECTURE.md that are no room"


def test_the_map_names_no_path_that_is_not_there() -> None:
    """Every path in backticks anywhere in ARCHITECTURE.md and CONTRIBUTING.md."""
    missing = []
    for page in ("ARCHITECTURE.md", "CONTRIBUTING.md"):
        text = re.sub(r"```.*?```", "", (ROOT / page).read_text("utf-8"), flags=re.S)
        for name in re.findall(r"`([\w./-]+(?:\.(?:py|toml|md|txt|cff)|/))`", text):
            if not (PACKAGE / name).exists() and not (ROOT / name).exists():
                missing.append(f"{page}: {name}")
    assert not missing
