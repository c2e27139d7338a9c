"""A job writes to no file that it reads, to none of somebody else's, and no two things to one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.ingest.jobs import Job

from suprsend_async.errors import ConfigurationError
from suprsend_async.ingest import CheckpointError, DeadLetterFile, FailedRow

if TYPE_CHECKING:
    from suprsend_async.sandbox import Sandbox

LETTER = FailedRow("a.jsonl", 0, None, "no", None, "rejected", 0.0).to_json()


async def refused(job: Job, sandbox: Sandbox, problem: str, **options: Any) -> None:
    """Check that the job is refused before it sends or writes anything."""
    folder = job.checkpoint.parent
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises((ConfigurationError, CheckpointError), match=problem):
        await job.run(sandbox, **options)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert sandbox.requests == 0


@pytest.mark.parametrize("attribute", ["checkpoint", "dead"])
@pytest.mark.parametrize("how", ["path", "hard link", "link"])
async def test_no_source_is_written_to(job: Job, sandbox: Sandbox, attribute: str, how: str) -> None:
    job.write(3)
    path = job.paths[0]
    if how != "path":
        path = path.with_name("other.jsonl")
        (os.link if how == "hard link" else os.symlink)(job.paths[0], path)
    setattr(job, attribute, path)
    await refused(job, sandbox, "is a source of this job")
    await refused(job, sandbox, "is a source of this job", restart=True)


@pytest.mark.parametrize("ending", [".lock", ".new"])
async def test_what_stands_beside_the_checkpoint_is_no_source(job: Job, sandbox: Sandbox, ending: str) -> None:
    job.paths = [job.paths[0].with_name(f"a.jsonl{ending}")]
    job.checkpoint = job.checkpoint.with_name("a.jsonl")
    job.paths[0].write_text('{"user": "u", "id": "k"}\n')
    with pytest.raises(ConfigurationError, match="is a source of this job, and the checkpoint would be written to it"):
        await _runner_of_format(job, sandbox)
    assert job.paths[0].exists()


async def _runner_of_format(job: Job, sandbox: Sandbox) -> None:
    from suprsend_async.ingest import CheckpointFile, Runner, SourceOptions, open_sources

    sources = open_sources([str(path) for path in job.paths], SourceOptions(format="jsonl"))
    async with sandbox.client() as client:
        await Runner(client, sources, job.mapping, store=CheckpointFile(job.checkpoint)).run()


async def test_checkpoint_and_failures_are_two_files(job: Job, sandbox: Sandbox) -> None:
    job.write(3)
    job.dead = job.checkpoint
    await refused(job, sandbox, "is the checkpoint of this job, and failures would be written to it")
    job.dead = job.checkpoint.with_name(f"{job.checkpoint.name}.lock")
    await refused(job, sandbox, "is the checkpoint of this job")


@pytest.mark.parametrize(
    "content",
    [b"my notes\n", b'{"source":"web","n":1}', b'{"source":"web","n":1}\n', b"my notes", b"\x00\x01", b"{}\n" + LETTER],
)
async def test_failures_are_not_added_to_the_file_of_others(job: Job, sandbox: Sandbox, content: bytes) -> None:
    job.write(3)
    job.dead.write_bytes(content)
    await refused(job, sandbox, "is there already and holds no dead letters")


@pytest.mark.parametrize("content", [b"", b"\n", LETTER, LETTER[:40], LETTER[:3], LETTER + LETTER[:40], LETTER[:-1]])
async def test_failures_are_added_to_what_an_earlier_run_left(job: Job, sandbox: Sandbox, content: bytes) -> None:
    job.write(3)
    job.dead.write_bytes(content)
    sandbox.fail_next(1, status=400)
    assert (await job.run(sandbox)).failed == 3
    # A letter that lacks only the end of its line is not cut off.
    whole = content.count(LETTER[:-1])
    assert len(list(DeadLetterFile(job.dead).dead_letters())) == whole + 3


async def test_a_folder_takes_no_failures(job: Job, sandbox: Sandbox) -> None:
    job.write(3)
    job.dead.mkdir()
    with pytest.raises(ConfigurationError, match="holds no dead letters"):
        await job.run(sandbox)


async def test_a_restart_does_not_replace_the_file_of_others(job: Job, sandbox: Sandbox) -> None:
    job.write(3)
    job.checkpoint.write_bytes(b"my notes\n")
    await refused(job, sandbox, "this file is not a checkpoint, and --restart does not replace it", restart=True)
    job.checkpoint.write_bytes(b'{"format": 99}')
    assert (await job.run(sandbox, restart=True)).accepted == 3


async def test_letters_that_are_sent_again_leave_the_file_of_others_alone(tmp_path: Path, sandbox: Sandbox) -> None:
    from suprsend_async.ingest import CheckpointFile, DeadLetterMapping, ResentDeadLetters, Runner, open_sources

    dead, checkpoint = tmp_path / "a.dead", tmp_path / "a.dead.checkpoint"
    dead.write_bytes(LETTER)
    Path(f"{dead}.again").write_text("my notes\n")
    async with sandbox.client() as client:
        runner = Runner(
            client,
            open_sources([str(dead)]),
            DeadLetterMapping(),
            store=CheckpointFile(checkpoint),
            dead_letters=ResentDeadLetters([dead], checkpoint),
        )
        with pytest.raises(ConfigurationError, match=r"a\.dead\.again is there already"):
            await runner.run()
