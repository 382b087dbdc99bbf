"""The committed notebooks run from top to bottom, and are committed executed, without source rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
IDS = [path.stem for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=IDS)
def test_is_committed_executed(path: Path) -> None:
    cells = [c for c in json.loads(path.read_text())["cells"] if c["cell_type"] == "code"]
    assert all(c["execution_count"] for c in cells), "run the notebook before committing it"
    outputs = [o for c in cells for o in c["outputs"]]
    assert not any(o["output_type"] == "error" for o in outputs)
    assert outputs


@pytest.mark.notebook
@pytest.mark.real_data
@pytest.mark.parametrize("path", NOTEBOOKS, ids=IDS)
def test_runs(path: Path, tmp_path: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=1200, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    assert all(c.execution_count for c in notebook.cells if c.cell_type == "code")
