"""A restart is refused if accepted rows would be second events: without a key, a changed file has new keys."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.ingest.jobs import MAPPING, Job, correct, expected, keys, line, write_lines

from suprsend_async.ingest import CheckpointError, EventMapping, UserMapping, WorkflowMapping

if TYPE_CHECKING:
    from suprsend_async.sandbox import Sandbox

pytestmark = pytest.mark.extras("files")

NO_KEY = EventMapping(distinct_id="user", event="signed_up")


async def refusal(job: Job, sandbox: Sandbox, **options: bool) -> str:
    """Return why the job is refused; it sends nothing and leaves its checkpoint as it was."""
    kept = job.checkpoint.read_bytes()
    requests = sandbox.requests
    with pytest.raises(CheckpointError) as caught:
        await job.run(sandbox, **options)
    assert (job.checkpoint.read_bytes(), sandbox.requests) == (kept, requests)
    return caught.value.message


async def test_a_corrected_file_without_a_key_is_not_sent_from_the_start(job: Job, sandbox: Sandbox) -> None:
    job.mapping = NO_KEY
    lines = write_lines(job, 300, row7="not JSON")
    await job.run(sandbox)
    correct(job, lines, row7=line(7))
    problem = await refusal(job, sandbox)
    assert "would be new events" in problem
    assert "add --retry-failed" in problem
    assert "put the old file back" in problem
    assert "--restart" not in problem
    assert "another --checkpoint" not in problem
    problem = await refusal(job, sandbox, restart=True)
    assert "299 accepted rows" in problem
    assert "delete this checkpoint file" in problem
    assert str(job.checkpoint) in problem
    # What it advises is safe.
    assert (await job.run(sandbox, retry_failed=True)).accepted == 300
    assert len(sandbox.events) == 300
    # The rows have the keys of the old file, which the corrected one would not make again.
    assert "300 accepted rows" in await refusal(job, sandbox, restart=True)
    # It is wanted, and nothing is in its way.
    job.checkpoint.unlink()
    assert (await job.run(sandbox)).accepted == 300
    assert len(sandbox.events) == 600


async def test_a_job_that_was_stopped_is_to_be_finished_with_the_old_file(job: Job, sandbox: Sandbox) -> None:
    job.mapping = NO_KEY
    lines = write_lines(job, 300, row7="not JSON")
    await job.run(sandbox, limit=200)
    document = json.loads(job.checkpoint.read_bytes())
    # As after a kill: nothing was noted at the end of the run, and a chunk may be on its way.
    document["sources"][0] |= {"accepted": None, "in_flight": [[200, 300, job.now]]}
    job.checkpoint.write_text(json.dumps(document))
    correct(job, lines, row7=line(7))
    problem = await refusal(job, sandbox)
    assert "put the old file back and finish the job with it first" in problem
    assert "--restart" not in problem
    assert "finish the job with it first" in await refusal(job, sandbox, retry_failed=True)
    assert "199 accepted rows and 100 rows that may have arrived" in await refusal(job, sandbox, restart=True)
    # As advised.
    write_lines(job, 300, row7="not JSON")
    assert (await job.run(sandbox)).accepted == 299
    correct(job, lines, row7=line(7))
    assert (await job.run(sandbox, retry_failed=True)).accepted == 300
    assert (len(sandbox.events), sandbox.repeats) == (300, 0)


async def test_with_a_key_a_restart_is_safe(job: Job, sandbox: Sandbox) -> None:
    lines = write_lines(job, 300, row7="not JSON")
    await job.run(sandbox)
    correct(job, lines, row7=line(7))
    assert "--restart" in await refusal(job, sandbox)
    assert (await job.run(sandbox, restart=True)).accepted == 300
    assert (keys(sandbox), sandbox.repeats) == (expected(300), 299)


@pytest.mark.parametrize(("before", "now"), [(NO_KEY, MAPPING), (MAPPING, NO_KEY)])
async def test_a_key_that_is_added_or_left_out_makes_other_keys(
    job: Job, sandbox: Sandbox, before: EventMapping, now: EventMapping
) -> None:
    job.mapping = before
    job.write(20)
    await job.run(sandbox)
    job.mapping = now
    assert "--restart" not in await refusal(job, sandbox)
    assert "20 accepted rows" in await refusal(job, sandbox, restart=True)


async def test_triggers_without_a_key_are_not_sent_twice(job: Job, sandbox: Sandbox) -> None:
    job.mapping = WorkflowMapping(distinct_id="user", workflow="welcome")
    job.write(20)
    await job.run(sandbox)
    job.write(21)
    assert "20 accepted rows as second triggers" in await refusal(job, sandbox, restart=True)


async def test_users_may_be_written_twice(job: Job, sandbox: Sandbox) -> None:
    job.mapping = UserMapping(distinct_id="user")
    job.write(20)
    await job.run(sandbox)
    job.write(21)
    assert "--restart" in await refusal(job, sandbox)
    assert (await job.run(sandbox, restart=True)).accepted == 21


async def test_another_file_and_another_workspace_are_other_events(job: Job, sandbox: Sandbox) -> None:
    job.mapping = NO_KEY
    job.write(20)
    await job.run(sandbox)
    with type(sandbox)() as other:
        job.write(21)
        assert (await job.run(other, restart=True)).accepted == 21
    job.paths = [job.paths[0].with_name("b.jsonl")]
    job.write(22)
    assert (await job.run(sandbox, restart=True)).accepted == 22


async def test_a_checkpoint_that_does_not_say_what_its_keys_are_made_from(job: Job, sandbox: Sandbox) -> None:
    job.mapping = NO_KEY
    job.write(20)
    await job.run(sandbox)
    document = json.loads(job.checkpoint.read_bytes())
    assert document.pop("keys") == "source"
    job.checkpoint.write_text(json.dumps(document))
    job.write(21)
    assert "--restart" not in await refusal(job, sandbox)
    assert "20 accepted rows" in await refusal(job, sandbox, restart=True)
