"""Runs mypy and pyright, and asks pyright's language server what an editor shows."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
# Where pyright looks for the interpreter when it verifies a package.
ENVIRONMENT = os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}


@dataclass(frozen=True)
class Findings:
    """What a checker says of a file: the lines with errors, and what it reveals in which line."""

    errors: set[int]
    revealed: dict[int, str]
    report: str


def run(*command: str, status: int = 1) -> str:
    process = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert process.returncode == status, process.stdout + process.stderr
    return process.stdout


def mypy(path: Path, settings: Path = ROOT / "pyproject.toml", cache: str = ".mypy_cache") -> Findings:
    """Check a file, as the project's own configuration says or another one, which needs a cache of its own.

    No option stands beside the configuration: with one, mypy would check the whole package anew.
    """
    report = run("mypy", "--no-pretty", f"--config-file={settings}", f"--cache-dir={cache}", str(path))
    name = re.escape(path.name)
    errors = {int(line) for line in re.findall(rf"{name}:(\d+): error", report)}
    revealed = {int(line): type_ for line, type_ in re.findall(rf'{name}:(\d+): note: Revealed type is "(.*)"', report)}
    return Findings(errors, revealed, report)


def pyright(path: Path, mode: str, folder: Path) -> Findings:
    """Check a copy of a file in a folder, away from the project's own configuration."""
    project = folder / "pyrightconfig.json"
    project.write_text(json.dumps({"typeCheckingMode": mode, "extraPaths": [str(ROOT / "src")]}), "utf-8")
    shutil.copy(path, folder)
    report = run("pyright", "--outputjson", "--project", str(project), "--pythonpath", sys.executable)
    errors: set[int] = set()
    revealed: dict[int, str] = {}
    for found in json.loads(report)["generalDiagnostics"]:
        line = found["range"]["start"]["line"] + 1
        if found["severity"] == "information":
            revealed[line] = found["message"].partition(" is ")[2]
        else:
            errors.add(line)
    return Findings(errors, revealed, report)


class Editor:
    """Speaks to pyright's language server."""

    def __init__(self, requests: IO[bytes], answers: IO[bytes]) -> None:
        self._requests = requests
        self._answers = answers
        self._asked = 0

    def hover(self, path: Path, wanted: str) -> str:
        """Return what is shown for the last name of the first line that contains the text."""
        answer = self._ask_at("textDocument/hover", path, wanted, len(wanted) - 1)
        return str(answer["contents"]["value"])

    def complete(self, path: Path, typed: str) -> set[str]:
        """Return what is offered after the first place of a text."""
        answer = self._ask_at("textDocument/completion", path, typed, len(typed))
        return {item["label"] for item in answer["items"]}

    def _ask_at(self, method: str, path: Path, wanted: str, characters: int) -> Any:
        source = path.read_text("utf-8")
        document = {"uri": path.as_uri(), "languageId": "python", "version": 1, "text": source}
        self.send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        before = source[: source.index(wanted) + characters]
        position = {"line": before.count("\n"), "character": len(before) - before.rindex("\n") - 1}
        return self.ask(method, {"textDocument": {"uri": path.as_uri()}, "position": position})

    def ask(self, method: str, params: dict[str, Any]) -> Any:
        self._asked += 1
        self.send({"id": self._asked, "method": method, "params": params})
        while True:
            message = self._read()
            if "method" not in message and message["id"] == self._asked:
                return message["result"]
            if "method" in message and "id" in message:
                settings = [{"pythonPath": sys.executable}] if message["method"] == "workspace/configuration" else None
                self.send({"id": message["id"], "result": settings})

    def send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0"} | message).encode()
        self._requests.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._requests.flush()

    def _read(self) -> Any:
        length = 0
        while line := self._answers.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return json.loads(self._answers.read(length))


@contextmanager
def editor(folder: Path) -> Iterator[Editor]:
    """Start the language server for a folder."""
    command = [sys.executable, "-m", "pyright.langserver", "--stdio"]
    process = subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        started = Editor(process.stdin, process.stdout)
        capabilities = {"textDocument": {"hover": {"contentFormat": ["plaintext"]}}}
        workspace = [{"uri": folder.as_uri(), "name": folder.name}]
        started.ask("initialize", {"processId": None, "capabilities": capabilities, "workspaceFolders": workspace})
        started.send({"method": "initialized", "params": {}})
        yield started
        started.ask("shutdown", {})
        started.send({"method": "exit"})
    finally:
        # Without its standard input it ends, and so does what it started.
        process.communicate(timeout=100)
