"""The guide's code and the examples in docstrings run as they stand."""

from __future__ import annotations

import dataclasses
import doctest
import importlib
import pkgutil
import re
import shutil
import tomllib
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet
import pytest

from suprsend_async import ingest
from suprsend_async.ingest import EventMapping, mapping_of

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/guides/ingest.md").read_text("utf-8")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the examples find the files that they name."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    flights = pa.csv.read_csv(ROOT / "examples/flights.csv")
    pa.parquet.write_table(flights, tmp_path / "flights.parquet")
    with pa.OSFile(str(tmp_path / "flights.arrow"), "wb") as file, pa.ipc.new_file(file, flights.schema) as writer:
        writer.write_table(flights)
    monkeypatch.chdir(tmp_path)


MODULES = ["source", "content", "arrow", "parquet", "delimited", "json_lines", "formats", "opening", "mapping"]
MODULES += ["mapping_file", "plan", "key_template", "column_types", "identity", "names", "ranges", "checkpoint_file"]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module(name: str) -> None:
    module = importlib.import_module(f"suprsend_async.ingest.{name}")
    results = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert (results.attempted > 0, results.failed) == (True, 0)


def test_there_are_such_modules() -> None:
    assert set(MODULES) <= {module.name for module in pkgutil.iter_modules(ingest.__path__)}


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL))
def test_the_code_of_the_guide(block: str) -> None:
    exec(compile(block, "ingest.md", "exec"), {"__name__": "guide"})


def test_the_mapping_of_the_guide_is_one() -> None:
    [block] = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    assert mapping_of(tomllib.loads(block)).event == "flight_departed"


def test_the_guide_names_every_key_of_a_mapping() -> None:
    keys = re.findall(r"^\| `(\w+)` \| `--", GUIDE, re.MULTILINE)
    assert keys == [field.name for field in dataclasses.fields(EventMapping)]
