"""`suprsend-async ingest`, run as people run it."""

import gzip
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.ingest.kills import slow_sandbox
from tests.waiting import until
from typer.testing import CliRunner

from suprsend_async import Event
from suprsend_async.cli.application import app
from suprsend_async.ingest import CheckpointFile, DeadLetterFile, FailedRow
from suprsend_async.sandbox import Sandbox

Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., subprocess.Popen[str]]

OPTIONS = ("--distinct-id", "user", "--event", "signed_up", "--key", "{id}")
on_posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")


@pytest.fixture
def slow() -> Iterator[Sandbox]:
    with slow_sandbox(1, 0.02, 0.05) as running:
        yield running


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(tmp_path / "users.jsonl", 250)


def write(path: Path, rows: int, *more: str) -> Path:
    lines = [json.dumps({"user": f"u-{number}", "id": f"k-{number}", "plan": "planted"}) for number in range(rows)]
    path.write_text("".join(f"{line}\n" for line in [*lines, *more]), encoding="utf-8")
    return path


def keys(sandbox: Sandbox) -> Counter[str]:
    return Counter(event["$idempotency_key"] for event in sandbox.events)


def expected(rows: int) -> Counter[str]:
    return Counter(f"k-{number}" for number in range(rows))


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


def test_all_accepted(run: Run, sandbox: Sandbox, source: Path) -> None:
    result = run("ingest", str(source), *OPTIONS, **sandbox.environment())
    assert (result.returncode, result.stderr) == (0, "")
    assert figures(result.stdout)["accepted"] == 250
    assert "repeats" not in result.stdout
    assert "Go on" not in result.stdout
    assert keys(sandbox) == expected(250)
    assert sorted(path.name for path in source.parent.iterdir()) == ["users.jsonl", "users.jsonl.checkpoint"]


def test_again_there_is_nothing_to_do(run: Run, sandbox: Sandbox, source: Path) -> None:
    run("ingest", str(source), *OPTIONS, **sandbox.environment())
    result = run("ingest", str(source), *OPTIONS, **sandbox.environment())
    assert result.returncode == 0
    assert "nothing left to do" in result.stdout
    assert "--restart" in result.stdout
    assert sandbox.repeats == 0
    again = run("ingest", str(source), *OPTIONS, "--restart", **sandbox.environment())
    assert again.returncode == 0
    assert sandbox.repeats == figures(again.stdout)["repeats"] == 250


def test_some_failed_and_the_command_to_send_them_again_is_shown(run: Run, sandbox: Sandbox, source: Path) -> None:
    sandbox.fail_next(1, status=400)
    result = run("ingest", str(source), *OPTIONS, "--concurrency", "1", **sandbox.environment())
    assert result.returncode == 1
    assert (figures(result.stdout)["accepted"], figures(result.stdout)["failed"]) == (150, 100)
    assert [line.partition(": ")[0] for line in result.stderr.splitlines()] == [
        *(f"{source} row {row} (line {row + 1})" for row in range(10)),
        "More rows failed.",
    ]
    assert "Send the failures again with:" in result.stdout
    again = run(*advised(result.stdout), **sandbox.environment())
    assert again.returncode == 0, again.stderr
    assert "100 rows that had failed before were tried again" in again.stdout
    assert (figures(again.stdout)["accepted"], figures(again.stdout)["failed"]) == (250, 0)
    assert (keys(sandbox), sandbox.repeats) == (expected(250), 0)
    assert not Path(f"{source}.dead").exists()


def test_rows_that_could_not_be_read_are_corrected_and_the_advice_is_followed(
    run: Run, sandbox: Sandbox, tmp_path: Path
) -> None:
    source = tmp_path / "users.csv"
    source.write_bytes("user,id,city\nu-0,k-0,Köln\nu-1,k-1,Bonn\n,k-2,Ulm\n".encode("cp1252"))
    first = run("ingest", str(source), *OPTIONS, **sandbox.environment())
    assert first.returncode == 1
    encoding, empty = first.stderr.splitlines()
    assert encoding.startswith(f"{source} row 0 (line 2): the record has bytes that are not utf-8; if the file has")
    assert empty == f"{source} row 2 (line 4): column 'user' has no value"
    assert (
        "2 rows could not become events: correct the options, or these rows in their source, in place." in first.stdout
    )
    assert "Then send the failures again with:" in first.stdout
    second = run(*advised(first.stdout), "--encoding", "cp1252", **sandbox.environment())
    assert (figures(second.stdout)["accepted"], figures(second.stdout)["failed"]) == (2, 1)
    source.write_bytes(source.read_bytes().replace(b"\n,k-2", b"\nu-2,k-2"))
    third = run(*advised(second.stdout), **sandbox.environment())
    assert third.returncode == 0, third.stdout + third.stderr
    assert "1 row that had failed before was tried again." in third.stdout
    assert (keys(sandbox), sandbox.repeats) == (expected(3), 0)


def test_a_pipe_whose_rows_cannot_be_read_gets_no_advice_that_cannot_work(
    sandbox: Sandbox, tmp_path: Path, environment: dict[str, str]
) -> None:
    def piped(*lines: str) -> str:
        ended = subprocess.run(
            [sys.executable, "-m", "suprsend_async.cli", "ingest", "-", "--format", "jsonl", *OPTIONS],
            input="".join(f"{line}\n" for line in lines),
            env={**environment, **sandbox.environment()},
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert ended.returncode == 1, ended.stderr
        return ended.stdout

    output = piped("not JSON")
    assert output.splitlines()[-1] == "1 row could not become events: correct these rows, and pipe them in again."
    sandbox.fail_next(1, status=400)
    assert advised(piped('{"user": "u", "id": "k"}')) == ["ingest", "standard-input.dead"]


def test_letters_without_an_event_stay_for_their_sources_job(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    source = write(tmp_path / "users.jsonl", 100, "not JSON")
    sandbox.fail_next(1, status=400)
    run("ingest", str(source), *OPTIONS, **sandbox.environment())
    dead = Path(f"{source}.dead")
    result = run("ingest", str(dead), **sandbox.environment())
    assert result.returncode == 1
    assert "1 dead letter can never be sent: correct the rows in their source" in result.stdout
    # To send it once more would be of no use.
    assert "suprsend-async" not in result.stdout
    assert [json.loads(line)["row"] for line in dead.read_text(encoding="utf-8").splitlines()] == [100]
    write(source, 101)
    again = run("ingest", str(source), *OPTIONS, "--retry-failed", **sandbox.environment())
    # Of the others, which were sent as dead letters, the job knows nothing; but it can tell the rows no longer.
    assert again.returncode == 2
    assert "put the corrected rows into a new file" in again.stderr
    write(source, 100, "not JSON")
    assert run("ingest", str(dead), "--retry-failed", **sandbox.environment()).returncode == 2


def test_dead_letters_themselves_can_be_sent_again(run: Run, sandbox: Sandbox, source: Path) -> None:
    sandbox.fail_next(1, status=400)
    run("ingest", str(source), *OPTIONS, "--concurrency", "1", **sandbox.environment())
    sandbox.fail_next(1, status=400)
    dead = Path(f"{source}.dead")
    first = run("ingest", str(dead), **sandbox.environment())
    assert first.returncode == 1, first.stderr
    assert f"The events that were not accepted are still in {dead}." in first.stdout
    assert advised(first.stdout) == ["ingest", str(dead)]
    second = run(*advised(first.stdout), **sandbox.environment())
    assert second.returncode == 0, second.stderr
    assert f"All of {dead} was accepted; the file was deleted." in second.stdout
    assert (keys(sandbox), sandbox.repeats) == (expected(250), 0)
    assert sorted(path.name for path in source.parent.iterdir()) == [source.name, f"{source.name}.checkpoint"]


def test_compressed_dead_letters_are_refused_with_two_ways_out(run: Run, sandbox: Sandbox, source: Path) -> None:
    sandbox.fail_next(1, status=400)
    run("ingest", str(source), *OPTIONS, "--concurrency", "1", **sandbox.environment())
    dead = Path(f"{source}.dead")
    packed = dead.with_name("old.dead.gz")
    packed.write_bytes(content := gzip.compress(dead.read_bytes()))
    refused = run("ingest", str(packed), **sandbox.environment())
    assert refused.returncode == 2
    assert "is compressed" in refused.stderr
    assert "--dead-letter" in refused.stderr
    # Both pieces of advice.
    elsewhere = run("ingest", str(packed), "--dead-letter", str(dead.with_name("more.dead")), **sandbox.environment())
    assert elsewhere.returncode == 0, elsewhere.stderr
    assert packed.read_bytes() == content
    unpacked = dead.with_name("unpacked.dead")
    unpacked.write_bytes(gzip.decompress(content))
    assert run("ingest", str(unpacked), **sandbox.environment()).returncode == 0
    assert keys(sandbox) == expected(250)


def test_letters_that_may_be_doubles_wait_for_a_decision(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    day_ago = time.time() - 24 * 3_600
    dead_letters = [
        FailedRow("users.jsonl", row, Event("user-1", "signed_up", idempotency_key=f"k-{row}"), "?", None, outcome, at)
        for row, outcome, at in ((0, "unknown", day_ago), (1, "unknown", time.time()), (2, "rejected", day_ago))
    ]
    file = tmp_path / "users.jsonl.dead"
    DeadLetterFile(file).write(dead_letters)
    first = run("ingest", str(file), **sandbox.environment())
    assert first.returncode == 1, first.stderr
    assert f"in doubt: {file}, row 0, in flight since" in first.stdout
    assert keys(sandbox) == Counter(["k-1", "k-2"])
    second = run("ingest", str(file), **sandbox.environment())
    assert second.returncode == 1
    assert "add --resend-in-doubt" in second.stdout
    assert "nothing left to do" not in second.stdout
    assert run("ingest", str(file), "--resend-in-doubt", **sandbox.environment()).returncode == 0
    assert keys(sandbox) == expected(3)


def test_dead_letters_take_no_options_about_columns(run: Run, sandbox: Sandbox, source: Path) -> None:
    sandbox.fail_next(1, status=400)
    run("ingest", str(source), *OPTIONS, **sandbox.environment())
    result = run("ingest", f"{source}.dead", *OPTIONS, **sandbox.environment())
    assert result.returncode == 2
    assert "leave out --as and the options about columns" in result.stderr
    result = run("ingest", f"{source}.dead", str(source), **sandbox.environment())
    assert (result.returncode, "one after another" in result.stderr) == (2, True)


def test_too_many_failures_stop_it(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    source = write(tmp_path / "users.jsonl", 10, *["not JSON"] * 3_000)
    result = run("ingest", str(source), *OPTIONS, "--max-failures", "5", **sandbox.environment())
    assert result.returncode == 3
    assert "Stopped early" in result.stdout
    assert "--max-failures" in result.stdout
    assert 5 <= figures(result.stdout)["failed"] < 3_000
    assert advised(result.stdout)[0] == "ingest"


def test_wrong_credentials_stop_it(run: Run, sandbox: Sandbox, source: Path) -> None:
    result = run("ingest", str(source), *OPTIONS, **{**sandbox.environment(), "SUPRSEND_WORKSPACE_SECRET": "wrong"})
    assert result.returncode == 3
    assert "refuses the credentials" in result.stdout
    assert not Path(f"{source}.dead").exists()


@on_posix
def test_ctrl_c_drains_and_the_same_command_goes_on(start: Start, run: Run, slow: Sandbox, tmp_path: Path) -> None:
    source = write(tmp_path / "users.jsonl", 5_000)
    process = start("ingest", str(source), *OPTIONS, "--concurrency", "4", **slow.environment())
    wait_for(lambda: len(slow.events) >= 500, process)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate()
    assert process.returncode == 130, errors
    assert "Stopping" in errors
    assert "Interrupted." in output
    assert f"{source}.checkpoint" in output
    # It ended in order: nothing is sent again.
    assert figures(output)["accepted"] == len(slow.events) < 5_000
    assert run("ingest", str(source), *OPTIONS, **slow.environment()).returncode == 0
    assert (keys(slow), slow.repeats) == (expected(5_000), 0)


@on_posix
def test_a_second_ctrl_c_stops_at_once(start: Start, run: Run, tmp_path: Path) -> None:
    source = write(tmp_path / "users.jsonl", 2_000)
    with slow_sandbox(1, 3600.0, 3600.0) as silent:
        process = start("ingest", str(source), *OPTIONS, **silent.environment())
        wait_for(lambda: silent.connections > 0, process)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Stopping")
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate()
        assert process.returncode == 130
        # It waited for nothing: what was in flight would have been told of.
        assert "Interrupted." not in output
    assert Path(f"{source}.checkpoint").exists()


@on_posix
def test_a_job_in_use_is_refused(run: Run, sandbox: Sandbox, source: Path) -> None:
    with CheckpointFile(f"{source}.checkpoint"):
        result = run("ingest", str(source), *OPTIONS, **sandbox.environment())
    assert result.returncode == 2
    assert "another process is using it" in result.stderr
    assert sandbox.requests == 0


def test_ctrl_c_while_looking(cli: CliRunner, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("suprsend_async.cli.ingest_look.check", interrupt)
    result = cli.invoke(app, ["ingest", str(source), *OPTIONS, "--check"])
    assert (result.exit_code, "nothing was sent" in result.stderr) == (130, True)


def test_json_for_machines(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    source = write(tmp_path / "users.jsonl", 250, "not JSON")
    result = run("ingest", str(source), *OPTIONS, "--json", **sandbox.environment())
    assert (result.returncode, result.stderr) == (1, "")
    events: list[dict[str, Any]] = [json.loads(line) for line in result.stdout.splitlines()]
    by_kind = {event["kind"]: event for event in events}
    assert by_kind["failure"]["row"] == 250
    assert by_kind["failure"]["outcome"] == "rejected"
    finished = events[-1]
    assert (finished["kind"], finished["ending"], finished["accepted"], finished["failed"]) == (
        "finished",
        "finished",
        250,
        1,
    )
    assert (by_kind["failure"]["line"], finished["unmade"]) == (251, 1)
    assert finished["next_command"].startswith(f"suprsend-async ingest --retry-failed {source} ")
    # What a person's event says is nobody else's business.
    assert "planted" not in result.stdout


def test_preview_prints_what_would_be_sent(run: Run, sandbox: Sandbox, source: Path) -> None:
    result = run("ingest", str(source), *OPTIONS, "--preview", "3", **sandbox.environment())
    assert (result.returncode, result.stderr) == (0, "Nothing was sent.\n")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["$idempotency_key"] for event in events] == ["k-0", "k-1", "k-2"]
    assert sandbox.requests == 0
    run("ingest", str(source), *OPTIONS, "--limit", "3", **sandbox.environment())
    sent = sandbox.events
    for event in [*events, *sent]:
        event.pop("$time")
    assert events == sent


def test_check_reads_everything_and_needs_no_credentials(run: Run, tmp_path: Path) -> None:
    source = write(
        tmp_path / "users.jsonl", 250, '{"id": "k-250"}', '{"user": "u", "id": "k", "ratio": "x"}', "no JSON"
    )
    result = run("ingest", str(source), *OPTIONS, "--type", "ratio=float", "--check")
    assert result.returncode == 1
    assert result.stdout == "250 rows can be sent, 3 rows cannot. Nothing was sent.\n"
    assert [line.partition(": ")[0] for line in result.stderr.splitlines()] == [
        f"cannot be sent  {source} row {row} (line {row + 1})" for row in (250, 251, 252)
    ]
    assert list(tmp_path.iterdir()) == [source]


def test_a_sandbox_of_its_own(run: Run, source: Path) -> None:
    result = run("ingest", str(source), *OPTIONS, "--sandbox")
    assert (result.returncode, figures(result.stdout)["accepted"]) == (0, 250)
    # Nothing is left that would keep the real run from sending.
    assert list(source.parent.iterdir()) == [source]


def test_standard_input(sandbox: Sandbox, source: Path, environment: dict[str, str]) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "suprsend_async.cli", "ingest", "-", "--format", "jsonl", *OPTIONS],
        input=source.read_text(encoding="utf-8"),
        env={**environment, **sandbox.environment()},
        cwd=source.parent,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert keys(sandbox) == expected(250)
    assert list(source.parent.iterdir()) == [source]


@on_posix
@pytest.mark.parametrize("more", ["", " >&-", " 2>&-", " >&- 2>&-"])
def test_standard_input_that_is_closed(tmp_path: Path, environment: dict[str, str], more: str) -> None:
    command = shlex.join([sys.executable, "-m", "suprsend_async.cli", "ingest", "-", "--format", "jsonl", *OPTIONS])
    result = subprocess.run(
        f"{command} <&-{more}", shell=True, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert ("standard input is closed" in result.stderr) is ("2>" not in more)
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


@on_posix
def test_a_pipe_that_waits(sandbox: Sandbox, tmp_path: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "suprsend_async.cli", "ingest", "-", "--format", "jsonl", *OPTIONS]
    with subprocess.Popen(
        command,
        env={**environment, **sandbox.environment()},
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdin is not None
        for number in range(3):
            process.stdin.write(f'{{"user": "u", "id": "k-{number}"}}\n')
            process.stdin.flush()
            # Each goes out although more may come.
            wait_for(lambda number=number: len(sandbox.events) > number, process)
        process.send_signal(signal.SIGINT)
        # The pipe stays open, and the process ends all the same.
        assert process.wait(15) == 130
        process.kill()


def test_a_mapping_from_a_file(run: Run, sandbox: Sandbox, source: Path, tmp_path: Path) -> None:
    mapping = tmp_path / "users.toml"
    mapping.write_text('event = "signed_up"\ndistinct_id = "user"\nkey = "{id}"\n', encoding="utf-8")
    assert run("ingest", str(source), "--map", str(mapping), **sandbox.environment()).returncode == 0
    assert keys(sandbox) == expected(250)
    result = run("ingest", str(source), "--map", str(mapping), "--event", "other", **sandbox.environment())
    assert (result.returncode, "either --map or" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("none.jsonl", *OPTIONS), "no such file"),
        (("{source}",), "either event"),
        (("{source}", *OPTIONS, "--property", "="), "equals sign"),
        (("{source}", *OPTIONS, "--sandbox", "--checkpoint", "file"), "leave out --checkpoint"),
        (("{source}", *OPTIONS, "--sandbox", "--retry-failed"), "leave out --retry-failed"),
        (("{source}", *OPTIONS, "--restart", "--retry-failed"), "give only one of them"),
        (("{source}", *OPTIONS, "--time-unit", "s"), "time_unit is given without time"),
        (("{source}", *OPTIONS, "--rate", "0"), "--rate"),
        (("{source}", *OPTIONS, "--checkpoint", "none/file"), "cannot be written here"),
        (("{source}", *OPTIONS), "no credentials: set SUPRSEND_WORKSPACE_KEY and SUPRSEND_WORKSPACE_SECRET, or"),
        (("{source}", *OPTIONS), "or add --sandbox, to send to a sandbox on this machine"),
    ],
)
def test_wrong_use(run: Run, source: Path, arguments: tuple[str, ...], words: str) -> None:
    has_none = arguments == ("{source}", *OPTIONS)
    environment = {} if has_none else {"SUPRSEND_WORKSPACE_KEY": "k", "SUPRSEND_WORKSPACE_SECRET": "s"}
    result = run("ingest", *(word.replace("{source}", str(source)) for word in arguments), **environment)
    assert result.returncode == 2, result.stdout
    assert words in result.stderr
    assert "Traceback" not in result.stderr


@on_posix
def test_a_terminal_shows_a_bar(slow: Sandbox, tmp_path: Path, environment: dict[str, str]) -> None:
    source = write(tmp_path / "users.jsonl", 3_000)
    import pty

    leader, follower = pty.openpty()
    variables = {**environment, **slow.environment(), "TERM": "xterm", "NO_COLOR": ""}
    with subprocess.Popen(
        [sys.executable, "-m", "suprsend_async.cli", "ingest", str(source), *OPTIONS, "--rate", "3000"],
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=follower,
    ) as process:
        os.close(follower)
        shown = read_all(leader)
    os.close(leader)
    assert process.returncode == 0
    assert "━" in shown
    assert all(head in shown for head in ("accepted", "failed", "in flight", "retries", "left"))
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert max(len(line.rstrip()) for line in re.split(r"[\r\n]+", plain)) <= 80


def read_all(descriptor: int) -> str:
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(descriptor, 65_536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts).decode()


AS_USERS = ("--as", "users", "--distinct-id", "id", "--email", "mail", "--sms", "phone", "--property", "plan")


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text("id,mail,phone,plan\nu-1,a@example.com,+15550100,pro\nu-2,,555,free\n", encoding="utf-8")
    return path


def test_users_of_a_file(run: Run, sandbox: Sandbox, people: Path) -> None:
    preview = run("ingest", str(people), *AS_USERS, "--preview", "1")
    assert json.loads(preview.stdout)["$user_operations"][0] == {"$append": {"$email": "a@example.com"}}
    check = run("ingest", str(people), *AS_USERS, "--check")
    assert check.returncode == 1
    assert "column 'phone' is not a phone number" in check.stderr
    result = run("ingest", str(people), *AS_USERS, **sandbox.environment())
    assert (result.returncode, figures(result.stdout)["accepted"]) == (1, 1)
    assert "1 row could not become users" in result.stdout
    assert sorted(path.name for path in people.parent.iterdir()) == [
        "people.csv",
        "people.csv.users.checkpoint",
        "people.csv.users.dead",
    ]
    resent = run("ingest", f"{people}.users.dead", **sandbox.environment())
    assert resent.returncode == 1
    assert "The users that were not accepted are still in" in resent.stdout
    assert "event" not in resent.stdout
    people.write_text(people.read_text(encoding="utf-8").replace("555,f", "+15550101,f"), encoding="utf-8")
    again = run(*advised(result.stdout), **sandbox.environment())
    assert (again.returncode, figures(again.stdout)["accepted"]) == (0, 2), again.stdout + again.stderr
    assert (sandbox.user("u-2") or {})["properties"] == {"plan": "free"}


def test_without_a_key_a_corrected_file_is_never_sent_from_the_start(
    run: Run, sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("id,total\nu-1,5\nu-2,6\n,7\n", encoding="utf-8")
    command = ("ingest", str(path), "--event", "order_placed", "--distinct-id", "id")
    assert run(*command, **sandbox.environment()).returncode == 1
    path.write_text("id,total\nu-1,5\nu-2,6\nu-3,7\n", encoding="utf-8")
    changed = run(*command, **sandbox.environment())
    assert (changed.returncode, "--restart" in changed.stderr) == (2, False), changed.stderr
    restarted = run(*command, "--restart", **sandbox.environment())
    assert restarted.returncode == 2
    assert "--restart would send 2 accepted rows as second events" in restarted.stderr
    assert run(*command, "--retry-failed", **sandbox.environment()).returncode == 0
    assert run(*command, "--restart", **sandbox.environment()).returncode == 2
    assert sorted(event["distinct_id"] for event in sandbox.events) == ["u-1", "u-2", "u-3"]


def test_two_jobs_over_one_file_have_files_of_their_own(run: Run, sandbox: Sandbox, people: Path) -> None:
    with sandbox.blocking_client() as client:
        client.subscriber_lists.create({"list_id": "beta"})
    run("ingest", str(people), *AS_USERS, **sandbox.environment())
    as_list = ("--as", "list:beta", "--distinct-id", "id")
    result = run("ingest", str(people), *as_list, **sandbox.environment())
    assert (result.returncode, sandbox.list_members("beta")) == (0, ["u-1", "u-2"]), result.stderr
    assert (people.parent / "people.csv.list-beta.checkpoint").exists()
    checkpoint = str(people.parent / "people.csv.users.checkpoint")
    refused = run("ingest", str(people), *as_list, "--checkpoint", checkpoint, **sandbox.environment())
    assert refused.returncode == 2
    assert "rows become users, and those of this one become list:beta" in refused.stderr


def test_the_members_of_a_list_that_is_not_whole_wait(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "members.jsonl"
    path.write_text('{"id": "u-1"}\n{"name": "nobody"}\n', encoding="utf-8")
    with sandbox.blocking_client() as client:
        client.subscriber_lists.create({"list_id": "beta"})
    as_list = ("--as", "list:beta", "--distinct-id", "id")
    result = run("ingest", str(path), *as_list, **sandbox.environment())
    assert (result.returncode, sandbox.list_members("beta")) == (1, [])
    assert "The list beta is as it was" in result.stdout
    assert advised(result.stdout)[1] == "--retry-failed"
    result = run("ingest", str(path), *as_list, "--finish-incomplete", "--json", **sandbox.environment())
    *_, finished = map(json.loads, result.stdout.splitlines())
    assert (finished["list_is_live"], finished["records"]) == (True, "list:beta")
    assert sandbox.list_members("beta") == ["u-1"]
    dead = run("ingest", f"{path}.list-beta.dead", **sandbox.environment())
    assert (dead.returncode, "add --retry-failed to the command that read it" in dead.stderr) == (2, True)


@pytest.mark.parametrize("kind", ["users", "workflows", "list:beta"])
def test_a_mapping_file_says_what_rows_become(run: Run, people: Path, tmp_path: Path, kind: str) -> None:
    more = {"users": 'email = "mail"', "workflows": 'workflow = "order-shipped"', "list:beta": ""}[kind]
    file = tmp_path / "mapping.toml"
    file.write_text(f'as = "{kind}"\ndistinct_id = "id"\n{more}\n', encoding="utf-8")
    for arguments in ((), ("--as", kind), ("--sandbox",)):
        looking = () if arguments == ("--sandbox",) else ("--check",)
        result = run("ingest", str(people), "--map", str(file), *arguments, *looking)
        assert result.returncode == 0, result.stderr
    result = run("ingest", str(people), "--map", str(file), "--as", "events", "--check")
    assert (result.returncode, "leave out one of them" in result.stderr) == (2, True)
