"""A list is filled through a version: live only when all rows are in it, found again after a crash, never doubled."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import anyio
import pytest
from tests.ingest.jobs import Job

from suprsend_async import ConfigurationError
from suprsend_async.ingest import CheckpointError, DeadLetterMapping, ListMapping, Runner, open_sources
from suprsend_async.ingest.job.checkpoint import read_checkpoint
from suprsend_async.ingest.mapping.records import records_of
from suprsend_async.resources.subscriber_lists import AsyncSubscriberLists

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suprsend_async import SubscriberList
    from suprsend_async.sandbox import Sandbox

PATIENCE = 60.0


class Filling(Job):
    """A job that fills the list "beta", in which "before" is alone."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.mapping = ListMapping(list_id="beta", distinct_id="user")

    def write_ids(self, *ids: str) -> None:
        self.paths[0].write_text("".join(f'{{"user": "{each}"}}\n' for each in ids), encoding="utf-8")

    def state(self) -> str | None:
        version = read_checkpoint(self.checkpoint.read_bytes()).version
        return None if version is None else version.state


@pytest.fixture
def job(tmp_path: Path) -> Filling:
    return Filling(tmp_path)


@pytest.fixture
async def beta(sandbox: Sandbox) -> Sandbox:
    async with sandbox.client() as client:
        await client.subscriber_lists.create({"list_id": "beta"})
        await client.subscriber_lists.add("beta", ["before"])
    return sandbox


async def the_list(sandbox: Sandbox) -> SubscriberList:
    async with sandbox.client() as client:
        return await client.subscriber_lists.get("beta")


async def drafts(sandbox: Sandbox) -> int:
    return len((await the_list(sandbox)).to_dict()["drafts"] or ())


IDS = tuple(f"u-{number}" for number in range(250))


async def test_the_list_is_replaced_at_the_end(job: Filling, beta: Sandbox) -> None:
    job.write_ids(*IDS, *IDS[:10])
    report = await job.run(beta)
    assert (report.success, report.accepted, report.list_is_live, report.records) == (True, 260, True, "list:beta")
    assert sorted(beta.list_members("beta") or ()) == sorted(IDS)
    assert (await drafts(beta), job.state()) == (0, "live")
    # Three requests of 100 ids at most.
    assert report.requests == 3
    again = await job.run(beta)
    assert (again.success, again.accepted_now, again.requests) == (True, 0, 0)


async def test_a_row_that_fails_leaves_the_list_as_it_was_until_it_is_corrected(job: Filling, beta: Sandbox) -> None:
    job.write_ids(*IDS, " ")
    report = await job.run(beta)
    assert (report.ending, report.failed, report.list_is_live, report.success) == ("finished", 1, False, False)
    assert beta.list_members("beta") == ["before"]
    [dead_letter] = job.dead_letters()
    assert (dead_letter["kind"], dead_letter["record"], dead_letter["row"]) == ("list:beta", None, 250)
    assert "column 'user' is empty" in dead_letter["error"]
    job.write_ids(*IDS, "corrected")
    report = await job.run(beta, retry_failed=True)
    assert (report.success, report.list_is_live) == (True, True)
    assert sorted(beta.list_members("beta") or ()) == sorted((*IDS, "corrected"))
    assert await drafts(beta) == 0


async def test_it_can_be_made_live_without_the_rows_that_failed(job: Filling, beta: Sandbox) -> None:
    job.write_ids(*IDS, " ")
    await job.run(beta)
    report = await job.run(beta, finish_incomplete=True)
    assert (report.failed, report.list_is_live, report.requests) == (1, True, 0)
    assert sorted(beta.list_members("beta") or ()) == sorted(IDS)
    # What is corrected later goes to the list itself.
    job.write_ids(*IDS, "corrected")
    report = await job.run(beta, retry_failed=True)
    assert (report.success, report.list_is_live) == (True, True)
    assert sorted(beta.list_members("beta") or ()) == sorted((*IDS, "corrected"))


async def test_what_is_begun_anew_leaves_no_draft_behind(job: Filling, beta: Sandbox) -> None:
    job.write_ids(*IDS, " ")
    await job.run(beta)
    assert await drafts(beta) == 1
    job.write_ids("other")
    with pytest.raises(CheckpointError, match="has changed since the job began"):
        await job.run(beta)
    report = await job.run(beta, restart=True)
    assert report.list_is_live
    assert (beta.list_members("beta"), await drafts(beta)) == (["other"], 0)


async def test_a_version_that_somebody_deleted_is_not_replaced_behind_his_back(job: Filling, beta: Sandbox) -> None:
    job.write_ids(*IDS, " ")
    await job.run(beta)
    version = read_checkpoint(job.checkpoint.read_bytes()).version
    assert version is not None
    async with beta.client() as client:
        await client.subscriber_lists.delete_version("beta", version.version_id)
    with pytest.raises(CheckpointError, match="is not there any more: start over with --restart"):
        await job.run(beta)
    assert beta.list_members("beta") == ["before"]


async def test_a_version_that_somebody_else_fills_as_well_is_not_finished(job: Filling, beta: Sandbox) -> None:
    job.write_ids("a", " ")
    await job.run(beta)
    version = read_checkpoint(job.checkpoint.read_bytes()).version
    assert version is not None
    async with beta.client() as client:
        await client.subscriber_lists.add_to_version("beta", version.version_id, ["x", "y", "z"])
    report = await job.run(beta, finish_incomplete=True)
    assert (report.ending, report.list_is_live) == ("stopped", False)
    assert "holds 4 users, and this job has sent 2" in (report.reason or "")
    assert beta.list_members("beta") == ["before"]


async def test_there_must_be_such_a_list(job: Filling, sandbox: Sandbox) -> None:
    job.write_ids("a")
    with pytest.raises(ConfigurationError, match=r"there is no list 'beta': make it first, .*subscriber_lists\.create"):
        await job.run(sandbox)


async def test_a_part_of_the_rows_does_not_become_the_list(job: Filling, beta: Sandbox) -> None:
    job.write_ids(*IDS)
    with pytest.raises(ConfigurationError, match="limit"):
        await job.run(beta, limit=10)


async def test_a_refused_start_is_no_start(job: Filling, beta: Sandbox) -> None:
    job.write_ids("a")
    async with beta.client(timeout=0.5, max_retries=0) as client:
        await client.subscriber_lists.get("beta")
        beta.stop()
        report = await job.run(client)
    assert (report.ending, report.list_is_live, report.accepted) == ("stopped", False, 0)
    assert "no version of the list could be started" in (report.reason or "")
    beta.start()
    assert (await job.run(beta)).list_is_live
    assert await drafts(beta) == 0


async def test_dead_letters_of_a_list_are_for_the_job_that_read_the_file(job: Filling, beta: Sandbox) -> None:
    with pytest.raises(ConfigurationError, match="add --retry-failed to the command that read it"):
        DeadLetterMapping(records_of("list:beta"))


@pytest.mark.parametrize(("ids", "is_live"), [(("a", "b"), True), (("a", " "), False)])
async def test_without_a_checkpoint_no_draft_is_left(
    job: Filling, beta: Sandbox, ids: tuple[str, ...], is_live: bool
) -> None:
    job.write_ids(*ids)
    async with beta.client() as client:
        report = await Runner(client, open_sources([str(job.paths[0])]), job.mapping).run()
    assert report.list_is_live is is_live
    assert beta.list_members("beta") == (["a", "b"] if is_live else ["before"])
    assert await drafts(beta) == 0


async def lose_the_answer(
    lists: AsyncSubscriberLists, list_id: str, begin: Any = AsyncSubscriberLists.start_sync
) -> None:
    """Start a version, and end as a crash would."""
    await begin(lists, list_id)
    raise anyio.BrokenResourceError


async def interrupted_start(job: Filling, beta: Sandbox) -> None:
    """Run until the version is started, and lose the answer to that."""
    with (
        patch.object(AsyncSubscriberLists, "start_sync", lose_the_answer),
        pytest.raises(anyio.BrokenResourceError),
    ):
        await job.run(beta)


async def test_a_version_whose_name_was_not_noted_is_found_again(job: Filling, beta: Sandbox) -> None:
    async with beta.client() as client:
        others = await client.subscriber_lists.start_sync("beta")
    job.write_ids(*IDS)
    await interrupted_start(job, beta)
    assert (job.state(), await drafts(beta)) == ("starting", 2)
    report = await job.run(beta)
    assert report.list_is_live
    # The one that was there before is somebody else's.
    assert [draft["version_id"] for draft in (await the_list(beta)).to_dict()["drafts"]] == [others.version_id]


async def test_a_version_that_cannot_be_told_from_others_is_not_guessed(job: Filling, beta: Sandbox) -> None:
    job.write_ids(*IDS)
    await interrupted_start(job, beta)
    async with beta.client() as client:
        other = await client.subscriber_lists.start_sync("beta")
        with pytest.raises(CheckpointError, match="2 versions of the list were started since"):
            await job.run(beta)
        # Filled, it is surely not this job's.
        await client.subscriber_lists.add_to_version("beta", str(other.version_id), ["x"])
    assert (await job.run(beta)).list_is_live
    assert await drafts(beta) == 1


async def test_begun_anew_it_takes_the_version_that_was_started(job: Filling, beta: Sandbox) -> None:
    job.write_ids(*IDS)
    await interrupted_start(job, beta)
    assert (await job.run(beta, restart=True)).list_is_live
    assert await drafts(beta) == 0


class Held:
    """A server that does what one path asks for, and keeps the answer to itself."""

    def __init__(self) -> None:
        self.path = ""
        self.done = threading.Event()
        self.calls: list[str] = []

    def wrap(self, application: Any) -> Any:
        async def hold(scope: Any, receive: Any, send: Any) -> None:
            path: str = scope.get("path", "")
            self.calls.append(path)
            if not self.path or not path.endswith(self.path):
                await application(scope, receive, send)
                return

            async def keep(message: Any) -> None:
                del message

            await application(scope, receive, keep)
            self.done.set()
            await anyio.sleep_forever()

        return hold


@contextmanager
def holding() -> Iterator[tuple[Sandbox, Held]]:
    from suprsend_async.sandbox import Sandbox
    from suprsend_async.sandbox.inbox.application import create_application

    held = Held()
    with (
        patch("suprsend_async.sandbox.server.create_application", lambda *given: held.wrap(create_application(*given))),
        Sandbox() as sandbox,
        sandbox.blocking_client() as client,
    ):
        client.subscriber_lists.create({"list_id": "beta"})
        client.subscriber_lists.add("beta", ["before"])
        yield sandbox, held


def start(path: Path, sandbox: Sandbox) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-W", "error", "-m", "suprsend_async.cli", "ingest", str(path)),
            *("--as", "list:beta", "--distinct-id", "id", "--concurrency", "2"),
        ],
        env={**os.environ, **sandbox.environment()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


KILLED_AT = {
    "between start_sync and the first save": "/start_sync/",
    "while ids are added": "/subscriber/add/",
    "between finish_sync and the last save": "/finish_sync/",
}


@pytest.mark.extras("cli")
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX's")
@pytest.mark.parametrize("moment", KILLED_AT)
def test_a_killed_import_goes_on_with_its_version(tmp_path: Path, moment: str) -> None:
    path = tmp_path / "members.csv"
    path.write_text("id\n" + "".join(f"{each}\n" for each in IDS), encoding="utf-8")
    with holding() as (sandbox, held):
        held.path = KILLED_AT[moment]
        process = start(path, sandbox)
        try:
            assert held.done.wait(PATIENCE), process.communicate()
        finally:
            process.kill()
            process.communicate()
        expected = sorted(IDS) if held.path == "/finish_sync/" else ["before"]
        assert sorted(sandbox.list_members("beta") or ()) == expected
        held.path = ""
        process = start(path, sandbox)
        output = process.communicate(timeout=PATIENCE)[0]
        assert process.returncode == 0, output
        assert "The list beta has its new members." in output
        assert sorted(sandbox.list_members("beta") or ()) == sorted(IDS)
        with sandbox.blocking_client() as client:
            assert client.subscriber_lists.get("beta").to_dict()["drafts"] is None
        # It was found again, and no second one was started.
        assert sum(call.endswith("/start_sync/") for call in held.calls) == 1
