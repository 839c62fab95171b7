"""The notebook of examples: stripped in the tree, and run from its first cell to its last."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).resolve().parent.parent / "examples" / "from_micrograd.ipynb"
NEEDED = ("nbclient", "ipykernel", "matplotlib")


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def is_picture(cell: dict[str, Any]) -> bool:
    return "picture" in cell["metadata"].get("tags", ())


def test_the_notebook_holds_no_outputs():
    text = NOTEBOOK.read_text(encoding="utf-8")
    notebook = json.loads(text)
    assert text == json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "as Jupyter writes it"
    for cell in code_cells(notebook):
        assert (cell["outputs"], cell["execution_count"]) == ([], None), cell["id"]
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    assert sum(map(is_picture, code_cells(notebook))) >= 8


@pytest.mark.slow
@pytest.mark.skipif(not all(map(find_spec, NEEDED)), reason="needs Jupyter: pip install 'glassgrad[notebook,plots]'")
@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_every_cell_runs_and_every_picture_shows(tmp_path: Path):
    import nbclient
    import nbformat

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    drawn = []
    for cell in code_cells(notebook):
        kinds = {kind: data for output in cell["outputs"] for kind, data in output.get("data", {}).items()}
        assert not [output for output in cell["outputs"] if output.get("name") == "stderr"], cell["source"]
        assert is_picture(cell) == bool(kinds.keys() & {"image/svg+xml", "image/png"}), cell["source"]
        drawn += [kinds["image/svg+xml"]] if "image/svg+xml" in kinds else []
    assert len(drawn) >= 6
    prefixes = [set(re.findall(r'id="(\w+)-', svg)) for svg in drawn]
    assert all(len(prefix) == 1 for prefix in prefixes)
    assert len(set().union(*prefixes)) == len(drawn), "the ids of two pictures on one page are not the same"
    assert [cell["outputs"][0]["data"]["text/plain"] for cell in code_cells(notebook)[-1:]] == ["True"]
    assert not list(tmp_path.iterdir()), "it leaves no file"
