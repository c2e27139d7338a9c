"""Notebooks that a real kernel executes."""

from __future__ import annotations

import os
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from jupyter_core.utils import ensure_async
from nbclient import NotebookClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

pytestmark = pytest.mark.extras("sandbox", "tqdm")

PATIENCE = 60  # seconds that a cell may take


@dataclass(frozen=True)
class Shown:
    """What a cell has shown.

    Attributes:
        printed: What it wrote to standard output.
        errors: What it wrote to standard error.
        html: The HTML of its last line; empty if there is none.
        plain: The text of its last line.
    """

    printed: str = ""
    errors: str = ""
    html: str = ""
    plain: str = ""


@dataclass
class Kernel:
    """A notebook whose cells are executed one after another.

    Attributes:
        client: What executes it.
        count: How many cells were executed.
    """

    client: NotebookClient
    count: int = field(default=0)

    async def run(self, source: str, *, raises: bool = False) -> Shown:
        """Execute a cell in the kernel; an error in it is raised here unless it is expected."""
        cell = nbformat.v4.new_code_cell(source)
        if raises:
            cell.metadata["tags"] = ["raises-exception"]
        self.client.nb.cells.append(cell)
        done = await self.client.async_execute_cell(cell, self.count)
        self.count += 1
        return shown(done.outputs)

    async def interrupt(self) -> None:
        """Interrupt the cell that is executed, as the button does."""
        manager: Any = self.client.km
        await ensure_async(manager.interrupt_kernel())


def shown(outputs: list[Any]) -> Shown:
    """Return what a cell's outputs are."""
    streams = {"stdout": "", "stderr": ""}
    html = plain = ""
    for output in outputs:
        if output.output_type == "stream":
            streams[output.name] += output.text
        elif output.output_type == "error":
            plain = f"{output.ename}: {output.evalue}"
        else:
            html, plain = output.data.get("text/html", ""), output.data.get("text/plain", "")
    return Shown(streams["stdout"], streams["stderr"], html, plain)


def cells_of(html: str) -> list[str]:
    """Return the texts of a table's cells."""
    return re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", html)


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], AbstractAsyncContextManager[Kernel]]:
    """Start a kernel of this Python, in a folder of its own and without credentials."""
    for name in [name for name in os.environ if name.startswith("SUPRSEND_")]:
        monkeypatch.delenv(name)
    for name in ("IPYTHONDIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))

    @asynccontextmanager
    async def start() -> AsyncIterator[Kernel]:
        notebook = nbformat.v4.new_notebook()
        client = NotebookClient(
            notebook, timeout=PATIENCE, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
        )
        async with client.async_setup_kernel():
            yield Kernel(client)

    return start
