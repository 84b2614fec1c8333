"""Every notebook runs top to bottom on the sandbox; a key in the environment is neither used nor shown."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.kernels import by_sockets
from tests.notebooks._counter import PLANTED, files_with

if TYPE_CHECKING:
    from tests.notebooks._counter import Counter

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the notebooks; they share a workspace there, as they do for a person."""
    target = tmp_path_factory.mktemp("notebooks")
    for path in NOTEBOOKS:
        shutil.copy(path, target)
    return target


def test_the_notebooks_are_numbered_without_a_gap() -> None:
    *numbered, last = sorted(path.stem for path in NOTEBOOKS)
    assert last == "studio"
    assert [int(name[:2]) for name in numbered] == list(range(1, len(numbered) + 1))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_committed_without_outputs(path: Path) -> None:
    import nbformat  # takes 2 s, in every worker that collects the tests

    book = json.loads(path.read_text("utf-8"))
    nbformat.validate(book)
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert code
    assert [cell["id"] for cell in code if cell["outputs"] or cell["execution_count"] is not None] == []
    assert "widgets" not in book["metadata"]
    assert book["metadata"]["kernelspec"]["name"] == "python3"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_pins_the_sandbox(path: Path) -> None:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    code = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert code.count("mw.Workspace(") == code.count('endpoint="sandbox"') == 1


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_top_to_bottom_without_the_key(
    path: Path, folder: Path, planted: Counter, tmp_path: Path
) -> None:
    import nbformat
    from nbclient import NotebookClient
    from traitlets.config import Config

    book = nbformat.read(folder / path.name, as_version=4)
    client = NotebookClient(
        book, timeout=150, kernel_name="python3", resources={"metadata": {"path": str(folder)}},
        config=Config({"KernelManager": by_sockets(tmp_path)}),
    )  # fmt: skip
    client.execute()
    outputs = [out for cell in book.cells if cell.cell_type == "code" for out in cell.outputs]
    assert [out for out in outputs if out.output_type == "error" or out.get("name") == "stderr"] == []
    views = [out for out in outputs if "application/vnd.jupyter.widget-view+json" in out.get("data", {})]
    state = book.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    assert views
    assert all(view.data["application/vnd.jupyter.widget-view+json"].model_id in state for view in views)
    assert PLANTED not in json.dumps(book)
    assert planted.asked == []
    assert files_with(folder, PLANTED) == []


def test_the_counter_counts(counter: Counter) -> None:
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{counter.url}/v1/balance", timeout=5)
    assert counter.asked == ["GET /v1/balance"]
