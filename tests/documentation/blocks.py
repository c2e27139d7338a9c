"""Runs what documentation shows: the code blocks of a Markdown text and the examples of a docstring.

What is shown is what is run, with `await` wherever it stands; all blocks of a page share their names.

- A block of Python runs. One that defines `main` has to run it, or nobody would see it work.
- A block with a file's name as its title is written to that file, if it is Python, TOML or JSON; a file of tests is
  run by pytest.
- In a block for the shell, the lines that begin with `suprsend-async` or `python` and a file's name run.
- A block titled "output" holds what the block before it printed; `...` stands for anything. In one titled "output,
  figures vary", numbers and ids need not be the same; one titled "output, at the end" holds the last lines.
- A comment `<!-- not run: why -->` before a block leaves it out.
- A block that shows a file of this project (its path between two lines `--8<--`) has that file's text. A program of
  `examples/services` is left out: tests/services runs it, where its framework is installed.
"""

from __future__ import annotations

import ast
import asyncio
import doctest
import inspect
import io
import os
import re
import shlex
import subprocess
import sys
import types
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHECKER = doctest.OutputChecker()
_OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_FIGURES = re.compile(r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\d[\d,.]*")
_NOT_RUN = re.compile(r"<!--\s*not run: \S.*-->")
_FILE = re.compile(r"--8<--\n(\S+)\n--8<--\n")
_ELSEWHERE = "examples/services/"
_ROOT = Path(__file__).parents[2]

# Where the environment of the tests has its commands.
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Block:
    """A fenced block of a text."""

    language: str
    title: str | None
    source: str
    line: int


def blocks(text: str) -> Iterator[Block]:
    """Yield the blocks that are to be run."""
    left_out = False
    for token in MarkdownIt().parse(text):
        if token.type == "html_block":
            left_out = bool(_NOT_RUN.search(token.content))
        elif token.type == "fence":
            if not left_out:
                language, _, options = token.info.partition(" ")
                title = re.search(r'title="([^"]+)"', options)
                shown = _FILE.fullmatch(token.content)
                source = (_ROOT / shown[1]).read_text("utf-8") if shown else token.content
                if shown is None or not shown[1].startswith(_ELSEWHERE):
                    yield Block(language, title[1] if title else None, source, (token.map or [0])[0] + 1)
            left_out = False


def docstrings(source: str) -> Iterator[tuple[str, int]]:
    """Yield the docstrings of a module and the lines at which they begin."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                yield inspect.cleandoc(str(first.value.value)), first.lineno


@dataclass
class Reader:
    """Somebody who does everything that a page shows.

    Attributes:
        name: The page, for messages.
        folder: Where the files go that the page shows.
        loop: Where `await` runs.
        placeholders: What stands in the text for something of this run's own.
        names: What the page has defined.
        printed: What the last block printed.
        done: How many blocks and examples were run.
    """

    name: str
    folder: Path
    loop: asyncio.Runner
    placeholders: dict[str, str]
    names: dict[str, Any] = field(init=False)
    printed: str = ""
    done: int = 0

    def __post_init__(self) -> None:
        """Make the page a module, since classes ask for the one they are defined in."""
        module = types.ModuleType("__page__")
        self.names = vars(module)
        sys.modules["__page__"] = module

    def read(self, text: str, line: int = 0) -> None:
        """Do what a text shows."""
        for block in blocks(text):
            where = line + block.line
            if block.title == "output":
                self._compare(block.source, self.printed, where)
            elif block.title == "output, figures vary":
                self._compare(_FIGURES.sub("1", block.source), _FIGURES.sub("1", self.printed), where)
            elif block.title == "output, at the end":
                lines = block.source.splitlines()
                self._compare(block.source, "\n".join(self.printed.splitlines()[-len(lines) :]) + "\n", where)
            elif block.language in ("python", "toml", "json") and block.title is not None:
                self._save(block.title, block.source)
            elif block.language == "python":
                self._run(block.source, where)
            elif block.language in ("shell", "console"):
                self._type(block.source)

    def read_examples(self, docstring: str, line: int = 0) -> None:
        """Do what a docstring shows after `>>>`."""
        for example in doctest.DocTestParser().get_examples(docstring):
            self._run(example.source, line + example.lineno, mode="single")
            self._compare(example.want, self.printed, line + example.lineno)

    def _run(self, source: str, line: int, mode: str = "exec") -> None:
        for placeholder, real in self.placeholders.items():
            source = source.replace(placeholder, real)
        padded = "\n" * (line if mode == "exec" else 0) + source
        if "def main(" in source and "asyncio.run(main())" not in source:
            raise AssertionError(f"{self.name}:{line + 1}: main is never run")
        with redirect_stdout(io.StringIO()) as printed:
            self._await(
                eval(compile(padded, self.name, mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True), self.names)
            )
        self.printed = printed.getvalue()
        self.done += 1

    def _await(self, result: object) -> None:
        if inspect.iscoroutine(result):
            self.loop.run(result)

    def _save(self, title: str, source: str) -> None:
        path = self.folder / title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, "utf-8")
        if path.name.startswith("test_"):
            self._execute(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", title)
            self.done += 1
        elif path.suffix == ".py":
            compile(source, title, "exec", dont_inherit=True)

    def _type(self, source: str) -> None:
        for line in source.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if words[:1] == ["suprsend-async"]:
                self._execute(sys.executable, str(BIN / "suprsend-async"), *words[1:])
            elif words[:1] == ["python"] and (self.folder / words[1]).exists():
                self._execute(sys.executable, *words[1:])
            else:
                continue
            self.done += 1

    def _execute(self, *command: str) -> None:
        process = subprocess.run(
            command,
            cwd=self.folder,
            env=os.environ
            | {"PYTHONPATH": os.pathsep.join([str(self.folder), *filter(None, [os.environ.get("PYTHONPATH")])])}
            | {"COLUMNS": "80", "NO_COLOR": "1"}
            | {"PATH": os.pathsep.join([str(BIN), os.environ["PATH"]])},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert process.returncode == 0, f"{self.name}: {command}\n{process.stdout}\n{process.stderr}"
        self.printed = process.stdout

    def _compare(self, wanted: str, printed: str, line: int) -> None:
        example = doctest.Example(source="\n", want=wanted)
        if not _CHECKER.check_output(wanted, printed, _OPTIONS):
            difference = _CHECKER.output_difference(example, printed, _OPTIONS)
            raise AssertionError(f"{self.name}:{line}: {difference}")
