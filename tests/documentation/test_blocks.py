"""Every code block of the README and the site, and every example of a docstring, runs against a sandbox."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet
import pytest
import trustme
from tests.derived import derived_methods

import suprsend_async
from suprsend_async.sandbox import Sandbox

from .blocks import Reader, docstrings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.extras("all")

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
MODULES = [module for module in sorted((ROOT / "src").rglob("*.py")) if ">>> " in module.read_text("utf-8")]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch, _clean_environment: None) -> Iterator[Sandbox]:
    # The category, the messages and the template are those of the pages and the docstrings.
    with Sandbox(categories=["newsletter"]) as sandbox:
        sandbox.add_message(
            "user-2",
            message_id="01JQ7Z5C3V9M2K8R4T6W0XEYHB",
            status="delivery_failure",
            channel="email",
            tenant_id="acme",
            failure_reason="mailbox full",
        )
        sandbox.add_message("user-1", message_id="01JQ80D4M6N8P0R2S4T6V8W0XY", status="delivered", tenant_id="acme")
        sandbox.add_template("welcome", {"email": {"subject": "Hello"}})
        for variable, value in sandbox.environment().items():
            monkeypatch.setenv(variable, value)
        yield sandbox


@pytest.fixture
def reader(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Reader]]:
    """Give somebody who has a sandbox, its variables in the environment, and this project's examples at hand."""
    # Copies: what is read from them leaves checkpoints and dead letters beside them.
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    for example in ("flights.csv", "flights.toml"):
        shutil.copy(ROOT / "examples" / example, tmp_path)
    flights = pa.csv.read_csv(tmp_path / "flights.csv")
    pa.parquet.write_table(flights, tmp_path / "flights.parquet")
    with pa.OSFile(str(tmp_path / "flights.arrow"), "wb") as file, pa.ipc.new_file(file, flights.schema) as writer:
        writer.write_table(flights)
    trustme.CA().cert_pem.write_to_path(tmp_path / "company-ca.pem")
    monkeypatch.chdir(tmp_path)
    placeholders = {
        '"workspace_key"': repr(sandbox.workspace_key),
        '"workspace_secret"': repr(sandbox.workspace_secret),
    }
    with asyncio.Runner() as loop:
        yield lambda page: Reader(page, tmp_path, loop, placeholders)


# A page runs up to some dozens of programs one after the other, each with a deadline of its own.
@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_of_a_page_runs(page: Path, reader: Callable[[str], Reader]) -> None:
    reader(name(page)).read(page.read_text("utf-8"))


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_every_example_of_a_docstring_runs(module: Path, reader: Callable[[str], Reader], sandbox: Sandbox) -> None:
    somebody = reader(name(module))
    imported = ".".join(module.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")
    somebody.names |= vars(importlib.import_module(imported))
    somebody.names |= {name: getattr(suprsend_async, name) for name in suprsend_async.__all__}
    client = sandbox.client()
    around = {**somebody.names, "client": client}
    for docstring, line in docstrings(module.read_text("utf-8")):
        assert "Example:" not in docstring, f"line {line}: write `Examples:`, the only word that the site knows"
        # Each by itself: an editor and `help` show one docstring, not those around it.
        somebody.names.clear()
        somebody.names.update(around)
        somebody.read_examples(docstring, line)
    somebody.loop.run(client.aclose())
    assert somebody.done


# The buffers' classes show the block that their methods need, and those examples run with their module's. Of the
# resources' methods, which are many and alike, some show an example beside that of their class.
SHOWN = [
    method
    for method in derived_methods()
    if ".buffering." not in method.__module__
    and (".resources." not in method.__module__ or ">>> " in (method.__doc__ or ""))
]


@pytest.mark.parametrize("method", SHOWN, ids=lambda method: method.__qualname__)
def test_every_example_of_a_derived_docstring_runs_as_a_blocking_caller_sees_it(
    method: Callable[..., object], reader: Callable[[str], Reader], sandbox: Sandbox
) -> None:
    somebody = reader(method.__qualname__)
    # What the example is written beside, as for the asynchronous method.
    somebody.names |= vars(importlib.import_module(inspect.unwrap(method).__module__))
    somebody.names |= {name: getattr(suprsend_async, name) for name in suprsend_async.__all__}
    docstring = inspect.getdoc(method) or ""
    with sandbox.blocking_client() as client:
        somebody.names["client"] = client
        somebody.read_examples(docstring)
    assert somebody.done == docstring.count(">>> ") > 0
    assert sandbox.requests


def test_the_readme_was_really_run(reader: Callable[[str], Reader], sandbox: Sandbox) -> None:
    reader("README.md").read((ROOT / "README.md").read_text("utf-8"))
    sent = {event["event"] for event in sandbox.events}
    assert {"product_purchased", "report_ready", "invoice_ready"} <= sent


TEXT = """
```python
answer = 6 * 7
print(answer)
```

```text title="output"
{output}
```
"""


def test_a_block_that_fails_fails(reader: Callable[[str], Reader]) -> None:
    with pytest.raises(NameError):
        reader("page.md").read("```python\nprint(nothing)\n```\n")
    with pytest.raises(AssertionError, match="SystemExit"):
        reader("page.md").read("```python\nraise AssertionError('SystemExit')\n```\n")


def test_what_main_raises_is_raised(reader: Callable[[str], Reader]) -> None:
    with pytest.raises(ZeroDivisionError):
        reader("page.md").read("```python\nimport asyncio\nasync def main():\n    1 / 0\nasyncio.run(main())\n```\n")


def test_a_main_that_nobody_runs_is_found(reader: Callable[[str], Reader]) -> None:
    with pytest.raises(AssertionError, match=r"page\.md:2: main is never run"):
        reader("page.md").read("```python\nasync def main():\n    pass\n```\n")


def test_the_output_is_compared(reader: Callable[[str], Reader]) -> None:
    reader("page.md").read(TEXT.format(output="42"))
    with pytest.raises(AssertionError, match=r"page\.md:7"):
        reader("page.md").read(TEXT.format(output="43"))


def test_figures_may_vary_where_it_is_said(reader: Callable[[str], Reader]) -> None:
    text = TEXT.replace('"output"', '"output, figures vary"')
    reader("page.md").read(text.format(output="43"))
    with pytest.raises(AssertionError, match=r"page\.md:7"):
        reader("page.md").read(text.format(output="43 apples"))


def test_a_shown_test_is_run(reader: Callable[[str], Reader]) -> None:
    with pytest.raises(AssertionError, match="1 failed"):
        reader("page.md").read('```python title="test_it.py"\ndef test_it():\n    assert False\n```\n')


def test_a_shown_command_is_run(reader: Callable[[str], Reader]) -> None:
    with pytest.raises(AssertionError, match="event_name"):
        reader("page.md").read("```shell\nsuprsend-async track user-1 ''\n```\n")


def test_a_block_is_left_out_for_a_reason_only(reader: Callable[[str], Reader]) -> None:
    reader("page.md").read("<!-- not run: needs an account -->\n\n```python\n1 / 0\n```\n")
    with pytest.raises(ZeroDivisionError):
        reader("page.md").read("<!-- not run: -->\n\n```python\n1 / 0\n```\n")


def test_a_block_may_show_a_file_of_this_project(reader: Callable[[str], Reader]) -> None:
    text = '```toml title="mapping.toml"\n--8<--\nexamples/flights.toml\n--8<--\n```\n'
    somebody = reader("page.md")
    somebody.read(text)
    assert (somebody.folder / "mapping.toml").read_text("utf-8") == (ROOT / "examples/flights.toml").read_text("utf-8")
    with pytest.raises(FileNotFoundError):
        reader("page.md").read(text.replace("flights.toml", "gone.toml"))
