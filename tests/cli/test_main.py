"""The command as a whole: help, version, and what it says when its packages are missing."""

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import suprsend_async

Run = Callable[..., subprocess.CompletedProcess[str]]

BLOCKED = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {name!r}:
            raise ModuleNotFoundError("No module named " + name, name=name)

sys.meta_path.insert(0, Missing())
from suprsend_async.cli import main
main()
"""


def test_help_names_every_command(run: Run) -> None:
    result = run("--help")
    assert result.returncode == 0
    assert all(command in result.stdout for command in ("demo", "track", "ingest", "sandbox", "--version"))
    assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.mark.parametrize("command", ["demo", "track", "ingest", "sandbox"])
def test_every_command_has_help(run: Run, command: str) -> None:
    result = run(command, "--help")
    assert result.returncode == 0
    assert f"suprsend-async {command}" in result.stdout
    assert result.stderr == ""


def test_version(run: Run) -> None:
    result = run("--version")
    assert (result.returncode, result.stdout) == (0, f"suprsend-async {suprsend_async.__version__}\n")


def test_the_version_imports_next_to_nothing(run: Run) -> None:
    code = """
import sys
before = set(sys.modules)
from suprsend_async.cli import main
main()
sys.stderr.write(repr(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""
    result = run("--version", code=code)
    assert result.stdout == f"suprsend-async {suprsend_async.__version__}\n"
    assert set(ast.literal_eval(result.stderr)) <= {"__future__", "importlib", "suprsend_async", "warnings"}


def test_the_version_needs_no_package(run: Run) -> None:
    assert run("--version", code=BLOCKED.format(name="typer")).returncode == 0


def test_help_shows_many_options_in_groups(run: Run) -> None:
    lines = run("ingest", "--help").stdout.splitlines()
    # Where `--help` itself stands is Typer's matter: before 0.26 it has no group.
    titles = [line for line in lines if line.endswith(":") and not line.startswith((" ", "Options:"))]
    assert titles == [
        "Arguments:",
        "Sources:",
        "From columns to records:",
        "To events:",
        "To users (--as users):",
        "To triggers of workflows (--as workflows):",
        "Sending:",
        "Checkpoint and failures:",
        "Looking:",
    ]


def test_wrong_use_exits_with_2(run: Run) -> None:
    result = run("no-such-command")
    assert result.returncode == 2
    assert "no-such-command" in result.stderr


def test_the_installed_entry_point() -> None:
    script = Path(sys.executable).with_name("suprsend-async")
    if not script.exists():
        pytest.skip("the package is not installed in this environment")
    result = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert result.stdout.startswith("suprsend-async ")


@pytest.mark.parametrize("name", ["typer", "rich"])
def test_a_missing_package_is_one_clear_sentence(run: Run, name: str) -> None:
    result = run(code=BLOCKED.format(name=name))
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert name in result.stderr
    assert "pip install 'suprsend-async[cli]'" in result.stderr
    assert "suprsend-async[all]" in result.stderr


@pytest.mark.parametrize("command", ["demo", "sandbox"])
@pytest.mark.parametrize("name", ["starlette", "uvicorn"])
def test_the_sandbox_commands_name_their_extra(run: Run, command: str, name: str) -> None:
    result = run(command, code=BLOCKED.format(name=name))
    assert result.returncode == 2
    assert "pip install 'suprsend-async[sandbox]'" in result.stderr
    assert "Traceback" not in result.stderr


def test_another_missing_module_is_not_hidden(run: Run) -> None:
    result = run(code=BLOCKED.format(name="shlex"))
    assert result.returncode == 1
    assert "Traceback" in result.stderr


def test_help_imports_neither_the_sdk_nor_rich(run: Run) -> None:
    code = """
import sys
from suprsend_async.cli import main
try:
    main()
finally:
    heavy = {"aiohttp", "asyncio", "logging", "pydantic", "rich.console", "starlette"}
    own = {name for name in sys.modules if name.startswith("suprsend_async.") and ".cli" not in name}
    sys.stderr.write(repr(sorted(heavy & set(sys.modules) | own)))
"""
    result = run("--help", code=code)
    assert (result.returncode, result.stderr) == (0, "['suprsend_async.counting', 'suprsend_async.version']")


def test_help_on_a_terminal_without_unicode(run: Run) -> None:
    result = run("--help", PYTHONIOENCODING="ascii")
    assert result.returncode == 0
    assert result.stdout.isascii()
