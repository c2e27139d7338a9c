"""What commands that ingest are given, and what they say at their end."""

import json
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.waiting import until

OPTIONS = ("--distinct-id", "user", "--event", "signed_up", "--key", "{id}")


def write(path: Path, rows: int, *more: str) -> Path:
    lines = [json.dumps({"user": f"u-{number}", "id": f"k-{number}", "plan": "planted"}) for number in range(rows)]
    path.write_text("".join(f"{line}\n" for line in [*lines, *more]), encoding="utf-8")
    return path


def figures(output: str) -> dict[str, int]:
    """Return the numbers of the table at the end."""
    return {
        name: int(number.replace(",", "")) for name, number in re.findall(r"^(\w+) +([\d,]+)", output, re.MULTILINE)
    }


def advised(output: str) -> list[str]:
    """Return the words of the command at the end, as a shell reads them."""
    *_, command = output.splitlines()
    name, *words = shlex.split(command)
    assert name == "suprsend-async"
    return words


def wait_for(reached: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    until(lambda: reached() or process.poll() is not None)
    assert process.poll() is None, process.communicate()
