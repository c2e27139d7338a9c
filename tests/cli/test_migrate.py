"""`suprsend-async migrate`: what it shows, what it writes, and how it exits."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from tests.cli.conftest import Run

pytestmark = pytest.mark.extras("migrate")

SHOP = """\
from suprsend import Event, Suprsend

client = Suprsend("key", "secret", debug=True)
client.users.list({
    "limit": 10,
})
client.track("user-1", "paid")
client.trigger_workflow({})
"""
MOVED = """\
from suprsend_async import Event, Suprsend

client = Suprsend("key", "secret")
client.users.list(
    limit=10,
)
client.track_event(Event("user-1", "paid"))
client.trigger_workflow({})
"""
LEFT = (
    "shop.py:8: 'Suprsend' object has no attribute 'trigger_workflow'; "
    "use client.workflows.trigger(WorkflowTriggerRequest(workflow, recipients, data))"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "other.py").write_text("import os\n")
    return tmp_path


def commit(folder: Path) -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    for arguments in (("init", "-q"), ("add", "."), (*identity, "commit", "-qm", "A shop")):
        subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def test_it_shows_the_edits_and_changes_nothing(run: Run, folder: Path) -> None:
    done = run("migrate", "shop.py", cwd=folder)
    assert done.returncode == 1
    assert done.stdout.startswith("--- shop.py\n+++ shop.py\n@@ -1,8 +1,8 @@\n-from suprsend import Event, Suprsend\n")
    logging = "use logging: the environment variable SUPRSEND_LOG=debug, or the logger 'suprsend_async'"
    assert done.stderr.splitlines() == [
        "shop.py:3: note: close the client where the program ends: `client.close()`, or `with`",
        f"shop.py:3: note: debug is left out; {logging}",
        LEFT,
        "1 file to edit, 1 place to edit by hand; --write makes the edits",
    ]
    assert (folder / "shop.py").read_text() == SHOP


def test_what_it_shows_is_a_patch(run: Run, folder: Path) -> None:
    done = run("migrate", ".", cwd=folder)
    commit(folder)
    subprocess.run(["git", "apply", "-p0", "-"], cwd=folder, check=True, input=done.stdout, text=True)
    assert (folder / "shop.py").read_text() == MOVED


def test_it_writes_what_is_committed(run: Run, folder: Path) -> None:
    commit(folder)
    done = run("migrate", ".", "--write", cwd=folder)
    assert done.returncode == 1  # one place is left
    assert done.stdout == "shop.py: written\n"
    assert LEFT in done.stderr
    assert done.stderr.endswith("\n1 file written, 1 place to edit by hand\n")
    assert (folder / "shop.py").read_text() == MOVED
    again = run("migrate", ".", "--write", cwd=folder)
    assert (again.returncode, again.stdout, again.stderr) == (1, "", f"{LEFT}\nno edits, 1 place to edit by hand\n")


def test_when_nothing_is_left_it_exits_with_0(run: Run, folder: Path) -> None:
    (folder / "shop.py").write_text(MOVED.replace("client.trigger_workflow({})\n", ""))
    done = run("migrate", ".", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "no edits\n")


def test_it_does_not_write_what_is_not_committed(run: Run, folder: Path) -> None:
    done = run("migrate", ".", "--write", cwd=folder)
    assert done.returncode == 2
    assert "shop.py: it is in no Git repository\n" in done.stderr
    assert "error: nothing was written: commit these files first" in done.stderr
    assert (folder / "shop.py").read_text() == SHOP
    assert run("migrate", ".", "--write", "--allow-dirty", cwd=folder).returncode == 1
    assert (folder / "shop.py").read_text() == MOVED


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_edited(run: Run, folder: Path) -> None:
    (folder / "broken.py").write_text("def f(:  # suprsend\n")
    done = run("migrate", ".", "--write", "--allow-dirty", cwd=folder)
    assert done.returncode == 1
    assert "broken.py: left alone, it cannot be read: line 1: " in done.stderr
    assert (folder / "broken.py").read_text() == "def f(:  # suprsend\n"
    assert (folder / "shop.py").read_text() == MOVED


def test_lines_are_those_of_the_written_file(run: Run, folder: Path) -> None:
    (folder / "shop.py").write_text(SHOP.replace("Event, Suprsend", "Event, Suprsend, Workflow"))
    done = run("migrate", ".", "--write", "--allow-dirty", cwd=folder)
    assert LEFT.replace(":8:", ":9:") in done.stderr


def test_the_client_can_be_chosen(run: Run, folder: Path) -> None:
    (folder / "shop.py").write_text(f"{SHOP}\ndef f():\n    client.users.get('user-1')\n")
    done = run("migrate", "shop.py", "--client", "async", cwd=folder)
    assert "+async def f():\n+    await client.users.get('user-1')\n" in done.stdout
    assert "shop.py:4: client.users.list() needs `await`: put it into `async def main()`" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["gone.py"], "gone.py does not exist"),
        (["."], "there is no Python file in ."),
        ([".", "--client", "both"], "Invalid value for '--client'"),
    ],
)
def test_wrong_use(arguments: list[str], problem: str, run: Run, tmp_path: Path) -> None:
    done = run("migrate", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert problem in done.stderr


def test_without_libcst_it_says_what_to_install(run: Run, folder: Path) -> None:
    code = "import sys; sys.modules['libcst'] = None; from suprsend_async.cli import main; main()"
    done = run("migrate", "shop.py", code=code, cwd=folder)
    assert done.returncode == 2
    assert "pip install 'suprsend-async[migrate]'" in done.stderr


def test_the_guide_shows_what_it_shows(run: Run, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "guides" / "migrate.md").read_text("utf-8")
    shown = {token.info.partition(" ")[2]: token.content for token in MarkdownIt().parse(page) if token.type == "fence"}
    (tmp_path / "shop.py").write_text(shown['title="shop.py"'])
    done = run("migrate", "shop.py", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == shown['title="standard output"']
    assert done.stderr == shown['title="standard error"']
    (tmp_path / "steps.py").write_text(shown['title="steps.py"'])
    done = run("migrate", "steps.py", "--client", "async", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == shown['title="standard error, asynchronous"']


def test_a_second_run_names_what_does_not_exist_and_nothing_else(run: Run, folder: Path) -> None:
    decorated = "def step(f):\n    return f\n\n\n@step\ndef f():\n    return client.users.get('user-1')\n"
    (folder / "shop.py").write_text(f"{SHOP}\n\n{decorated}")
    first = run("migrate", ".", "--write", "--allow-dirty", "--client", "async", cwd=folder)
    for named in ("close the client", "what step decorates", "needs `await`", "trigger_workflow"):
        assert named in first.stderr
    again = run("migrate", ".", "--client", "async", cwd=folder)
    assert (again.returncode, again.stdout) == (1, "")
    said, summary = again.stderr.splitlines()
    assert "trigger_workflow" in said
    assert summary == "no edits, 1 place to edit by hand"
