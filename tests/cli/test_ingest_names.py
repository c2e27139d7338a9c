"""Names of files are bytes: whatever they are, the job runs, and the commands that are advised open them."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.ingesting import OPTIONS, figures, write
from tests.ingest.jobs import expected, keys

from suprsend_async.cli.terminal import command_line
from suprsend_async.sandbox import Sandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are no bytes, or must be UTF-8")

COMMAND = shlex.join([sys.executable, "-m", "suprsend_async.cli"])

NAMES = [
    b"caf\xe9.jsonl",
    "café.jsonl".encode(),
    b"\xff\xfe\x80 'quoted' \"twice\" $HOME `id`.jsonl",
    b"line\nbreak\ttab\x1b[31m.jsonl",
    b"-leading.jsonl",
    b"--restart.jsonl",
    b":warning: [bold]glob*[1].jsonl",
    b"back\\xe9\\slash.jsonl",
    "right\u202eto left.jsonl".encode(),
]
TEXTS = [os.fsdecode(name) for name in NAMES]


def shell(command: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command as people paste it: by a shell, which reads what the terminal showed."""
    assert command.startswith("suprsend-async ")
    return subprocess.run(
        ["bash", "-c", COMMAND + command.removeprefix("suprsend-async")],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def ingest(folder: Path, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "suprsend_async.cli", "ingest", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "locale"), [*((text, "C.UTF-8") for text in TEXTS), *((text, "POSIX") for text in TEXTS[:2])], ids=ascii
)
def test_the_advised_command_opens_the_file(
    tmp_path: Path, sandbox: Sandbox, environment: dict[str, str], name: str, locale: str
) -> None:
    variables = {**environment, **sandbox.environment(), "LC_ALL": locale}
    if locale == "POSIX":
        variables |= {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    source = write(tmp_path / name, 120, "not JSON")
    sandbox.fail_next(1, status=400)
    words = ["--concurrency", "1", *OPTIONS, "--", name]
    first = ingest(tmp_path, variables, *words)
    assert first.returncode == 1, first.stderr
    assert (figures(first.stdout)["accepted"], figures(first.stdout)["failed"]) == (20, 101)
    # The records lie beside the file, under its own name.
    assert sorted(tmp_path.iterdir()) == sorted([source, Path(f"{source}.checkpoint"), Path(f"{source}.dead")])
    write(source, 121)
    *_, command = first.stdout.splitlines()
    second = shell(command.strip(), tmp_path, variables)
    assert second.returncode == 0, second.stderr
    assert (keys(sandbox), sandbox.repeats) == (expected(121), 0)


@pytest.mark.long
@pytest.mark.parametrize("name", [TEXTS[0], TEXTS[3], TEXTS[4]], ids=ascii)
def test_letters_under_such_a_name_are_sent_again(
    tmp_path: Path, sandbox: Sandbox, environment: dict[str, str], name: str
) -> None:
    variables = {**environment, **sandbox.environment()}
    write(tmp_path / name, 100)
    sandbox.fail_next(2, status=400)
    ingest(tmp_path, variables, *OPTIONS, "--", name)
    first = ingest(tmp_path, variables, "--", f"{name}.dead")
    assert first.returncode == 1, first.stderr
    *_, command = first.stdout.splitlines()
    second = shell(command.strip(), tmp_path, variables)
    assert second.returncode == 0, second.stderr
    assert (keys(sandbox), sandbox.repeats) == (expected(100), 0)
    assert not (tmp_path / f"{name}.dead").exists()


def test_formats_that_others_read_and_machines_that_listen(
    tmp_path: Path, sandbox: Sandbox, environment: dict[str, str]
) -> None:
    import pyarrow as pa
    import pyarrow.ipc
    import pyarrow.parquet

    table = pa.table({"user": ["u-0", None], "id": ["k-0", "k-1"]})
    for kind in ("parquet", "arrow"):
        name = os.fsdecode(b"caf\xe9." + kind.encode())
        with pa.PythonFile((tmp_path / name).open("wb")) as file:
            if kind == "parquet":
                pa.parquet.write_table(table, file)
            else:
                with pa.ipc.new_file(file, table.schema) as writer:
                    writer.write_table(table)
        result = ingest(tmp_path, {**environment, **sandbox.environment()}, name, *OPTIONS, "--json")
        assert (result.returncode, result.stderr) == (1, "")
        by_kind = {event["kind"]: event for event in map(json.loads, result.stdout.splitlines())}
        assert by_kind["failure"]["source"] == f"caf\\xe9.{kind}"
        assert f"$'caf\\351.{kind}'" in by_kind["finished"]["next_command"]


def test_errors_show_the_name(tmp_path: Path, environment: dict[str, str]) -> None:
    name = os.fsdecode(b"caf\xe9")
    (tmp_path / f"{name}.toml").write_text("event = 1", encoding="utf-8")
    write(tmp_path / f"{name}.jsonl", 1)
    for words, problem in [
        ((f"{name}.csv",), r"caf\xe9.csv cannot be read: there is no such file"),
        ((f"{name}*.none",), r"caf\xe9*.none matches no file"),
        ((f"{name}.jsonl", "--map", f"{name}.toml"), r"caf\xe9.toml: event: give a text"),
        ((f"{name}.jsonl", *OPTIONS, "--checkpoint", f"{name}/none"), r"caf\xe9/none: it cannot be written here"),
    ]:
        credentials = {"SUPRSEND_WORKSPACE_KEY": "k", "SUPRSEND_WORKSPACE_SECRET": "s"}
        result = ingest(tmp_path, {**environment, **credentials}, *words)
        assert (result.returncode, "Traceback" in result.stderr) == (2, False)
        assert problem in result.stderr


@pytest.mark.parametrize("name", [*TEXTS, "", "plain", "two words", "~", "#", "!history", "\x7f"])
def test_a_word_is_what_a_shell_reads(name: str) -> None:
    printed = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {command_line(['a', name])}"], capture_output=True, check=True
    ).stdout
    assert printed == b"a\0" + os.fsencode(name) + b"\0"
