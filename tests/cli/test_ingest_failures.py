"""Rows that failed, and their dead letters: what `suprsend-async ingest` advises is done, and helps."""

import gzip
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from tests.cli.conftest import Run
from tests.cli.ingesting import OPTIONS, advised, figures, write
from tests.ingest.jobs import expected, keys

from suprsend_async import Event
from suprsend_async.ingest import DeadLetterFile, FailedRow
from suprsend_async.sandbox import Sandbox


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
