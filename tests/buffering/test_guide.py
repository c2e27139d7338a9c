"""The code of the guide runs as it stands."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from suprsend_async.sandbox import Sandbox

GUIDE = Path(__file__).parents[2] / "docs/guides/buffer.md"
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)


def test_there_is_code() -> None:
    assert len(BLOCKS) == 4


@pytest.mark.parametrize("block", BLOCKS)
def test_the_code_of_the_guide(block: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with Sandbox() as sandbox:
        for name, value in sandbox.environment().items():
            monkeypatch.setenv(name, value)
        names: dict[str, Any] = {}
        exec(compile(block, "buffer.md", "exec"), names)
        asyncio.run(names["main"]())
