"""A new job does not send again what another one has sent, unless that is wanted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.ingest.jobs import Job, expected, keys

from suprsend_async.ingest import (
    CheckpointError,
    CheckpointFile,
    EventMapping,
    ListMapping,
    Runner,
    RunnerOptions,
    UserMapping,
    open_sources,
)
from suprsend_async.ingest.job.checkpoint_file import checkpoints_in

if TYPE_CHECKING:
    from suprsend_async.ingest import IngestReport
    from suprsend_async.sandbox import Sandbox


class Folder:
    """Files of ten rows each, sent by jobs whose checkpoints are named after their first files."""

    def __init__(self, path: Path, sandbox: Sandbox) -> None:
        self.path = path
        self.sandbox = sandbox
        self.mapping: Any = EventMapping(distinct_id="user", event="signed_up", key="{id}")
        self._rows = 0

    def write(self, *names: str) -> None:
        for name in names:
            Job(self.path).write(10, self.path / name, first=self._rows)
            self._rows += 10

    async def send(self, *names: str, **options: Any) -> IngestReport:
        own = self.path / f"{names[0]}.checkpoint"
        async with self.sandbox.client() as client:
            return await Runner(
                client,
                open_sources([str(self.path / name) for name in names]),
                self.mapping,
                store=CheckpointFile(own),
                options=RunnerOptions(**options),
                others=checkpoints_in([self.path], own),
            ).run()

    async def refusal(self, *names: str, **options: Any) -> str:
        """Return why a job is refused; it sends nothing, and names files without their folder."""
        before, files = self.sandbox.requests, sorted(self.path.iterdir())
        with pytest.raises(CheckpointError) as caught:
            await self.send(*names, **options)
        assert (self.sandbox.requests, sorted(self.path.iterdir())) == (before, files)
        return caught.value.message.replace(f"{self.path}/", "")


@pytest.fixture
def folder(tmp_path: Path, sandbox: Sandbox) -> Folder:
    return Folder(tmp_path, sandbox)


async def test_a_new_file_that_sorts_first(folder: Folder, sandbox: Sandbox) -> None:
    folder.write("b.jsonl", "c.jsonl")
    await folder.send("b.jsonl", "c.jsonl")
    folder.write("a.jsonl")
    problem = await folder.refusal("a.jsonl", "b.jsonl", "c.jsonl")
    assert problem == (
        "b.jsonl.checkpoint has sent sources of this command before: under another checkpoint 20 accepted rows would "
        "be sent again; send the new file by itself (a.jsonl), or, to send them again, add --restart or name another "
        "--checkpoint FILE"
    )
    # The advice.
    assert (await folder.send("a.jsonl")).accepted == 10
    assert (keys(sandbox), sandbox.repeats) == (expected(30), 0)
    # Each file is sent; the same command has nothing to do, and says so.
    problem = await folder.refusal("a.jsonl", "b.jsonl", "c.jsonl")
    assert "30 accepted rows would be sent again; to avoid that, send none of these files: no one is new" in problem
    assert (await folder.send("a.jsonl", "b.jsonl", "c.jsonl", restart=True)).repeats == 30
    assert sandbox.repeats == 30


async def test_a_new_file_that_sorts_last(folder: Folder, sandbox: Sandbox) -> None:
    folder.write("a.jsonl", "b.jsonl")
    await folder.send("a.jsonl", "b.jsonl")
    folder.write("c.jsonl")
    problem = await folder.refusal("a.jsonl", "b.jsonl", "c.jsonl")
    assert problem == (
        "a.jsonl.checkpoint: it belongs to a job with other sources (a.jsonl, b.jsonl): with --restart, or with "
        "another --checkpoint FILE, 20 accepted rows would be sent again; to avoid that, send the new file by itself "
        "(c.jsonl)"
    )
    assert (await folder.send("c.jsonl")).accepted == 10
    folder.write("d.jsonl", "e.jsonl")
    problem = await folder.refusal("a.jsonl", "b.jsonl", "c.jsonl", "d.jsonl", "e.jsonl")
    assert "30 accepted rows would be sent again" in problem
    assert "send the new files by themselves (d.jsonl, e.jsonl)" in problem
    assert (await folder.send("d.jsonl", "e.jsonl")).accepted == 20
    assert (keys(sandbox), sandbox.repeats) == (expected(50), 0)
    report = await folder.send("a.jsonl", "b.jsonl", "c.jsonl", restart=True)
    assert (report.accepted_now, report.repeats) == (30, 30)


async def test_the_first_file_is_gone(folder: Folder) -> None:
    folder.write("a.jsonl", "b.jsonl", "c.jsonl")
    await folder.send("a.jsonl", "b.jsonl", "c.jsonl")
    (folder.path / "a.jsonl").unlink()
    problem = await folder.refusal("b.jsonl", "c.jsonl")
    assert "a.jsonl.checkpoint has sent" in problem
    assert "20 accepted rows would be sent again; send none of these files: no one is new" in problem
    assert "10 accepted rows" in await folder.refusal("c.jsonl")


async def test_a_job_that_is_not_complete_is_to_be_continued(folder: Folder, sandbox: Sandbox) -> None:
    folder.write("b.jsonl", "c.jsonl")
    await folder.send("b.jsonl", "c.jsonl", limit=7)
    folder.write("a.jsonl")
    problem = await folder.refusal("a.jsonl", "b.jsonl", "c.jsonl")
    assert "7 accepted rows would be sent again; send the new file by itself (a.jsonl)" in problem
    await folder.send("a.jsonl")
    problem = await folder.refusal("a.jsonl", "b.jsonl", "c.jsonl")
    assert "continue the job of b.jsonl.checkpoint with its own sources (b.jsonl, c.jsonl)" in problem
    await folder.send("b.jsonl", "c.jsonl")
    assert (keys(sandbox), sandbox.repeats) == (expected(30), 0)


async def test_rows_that_may_have_arrived_count(folder: Folder, sandbox: Sandbox) -> None:
    folder.write("b.jsonl")
    await folder.send("b.jsonl", limit=4)
    path = folder.path / "b.jsonl.checkpoint"
    path.write_bytes(path.read_bytes().replace(b'"in_flight": []', b'"in_flight": [[4, 6, 1.0]]'))
    folder.write("a.jsonl")
    problem = await folder.refusal("a.jsonl", "b.jsonl")
    assert "4 accepted rows and 2 rows that may have arrived would be sent again" in problem


async def test_another_file_in_the_place_of_one_has_not_changed(folder: Folder) -> None:
    folder.write("a.jsonl", "b.jsonl")
    await folder.send("a.jsonl", "b.jsonl")
    folder.write("c.jsonl")
    problem = await folder.refusal("a.jsonl", "c.jsonl")
    assert "job with other sources (a.jsonl, b.jsonl)" in problem
    assert "send the new file by itself (c.jsonl)" in problem


async def test_failed_rows_do_not_count_where_they_are_known(folder: Folder, sandbox: Sandbox) -> None:
    folder.write("b.jsonl", "c.jsonl")
    (folder.path / "c.jsonl").write_text("not JSON\n" * 10)
    assert (await folder.send("b.jsonl", "c.jsonl")).failed == 10
    folder.write("a.jsonl")
    assert ": under another checkpoint 10 accepted rows" in await folder.refusal("a.jsonl", "b.jsonl", "c.jsonl")
    assert "up to 10 accepted rows" in await folder.refusal("a.jsonl", "b.jsonl")


async def test_other_records_and_other_places_are_other_matters(folder: Folder, sandbox: Sandbox) -> None:
    folder.write("b.jsonl")
    await folder.send("b.jsonl")
    folder.write("a.jsonl")
    folder.mapping = UserMapping(distinct_id="user")
    assert (await folder.send("a.jsonl", "b.jsonl")).accepted == 20
    (folder.path / "a.jsonl.checkpoint").unlink()
    checkpoint = folder.path / "b.jsonl.checkpoint"
    checkpoint.write_bytes(checkpoint.read_bytes().replace(b'"target": "', b'"target": "0'))
    folder.mapping = EventMapping(distinct_id="user", event="signed_up", key="{id}")
    assert (await folder.send("a.jsonl", "b.jsonl")).accepted == 20


async def test_another_event_of_the_same_rows_is_not_sent_again(folder: Folder, sandbox: Sandbox) -> None:
    folder.write("a.jsonl", "b.jsonl")
    folder.mapping = EventMapping(distinct_id="user", event="signed_up")
    await folder.send("a.jsonl", "b.jsonl")
    folder.mapping = EventMapping(distinct_id="user", event="signed_up", properties={"user": "user"})
    problem = await folder.refusal("b.jsonl")
    assert "before, with another mapping: under another checkpoint 10 accepted rows would be sent again" in problem
    folder.mapping = EventMapping(distinct_id="user", event="welcomed")
    assert (await folder.send("b.jsonl")).accepted == 10
    assert sandbox.repeats == 0
    # What an earlier version wrote does not tell.
    path = folder.path / "a.jsonl.checkpoint"
    document = json.loads(path.read_bytes())
    del document["identity"]
    path.write_text(json.dumps(document), encoding="utf-8")
    (folder.path / "b.jsonl.checkpoint").unlink()
    assert "with another mapping" in await folder.refusal("b.jsonl")


async def test_a_file_that_has_grown_or_was_replaced(folder: Folder, sandbox: Sandbox) -> None:
    folder.write("a.jsonl", "b.jsonl")
    await folder.send("a.jsonl", "b.jsonl")
    with (folder.path / "b.jsonl").open("a") as more:
        more.write('{"user": "u-1", "id": "k-20"}\n')
    problem = await folder.refusal("b.jsonl")
    assert problem == (
        "of files of these names other content was sent before (b.jsonl: 10 rows, by a.jsonl.checkpoint): if such a "
        "file has grown since, put the rows that were not sent into a new file and send that; if all of its rows are "
        "new, give it another name, or add --restart to send every row of this command"
    )
    assert "leave out the files that have not changed; of files" in await folder.refusal("b.jsonl", "a.jsonl")
    folder.write("c.jsonl")
    problem = await folder.refusal("c.jsonl", "b.jsonl", "a.jsonl")
    assert "10 accepted rows would be sent again; send the new file by itself (c.jsonl); of files of these" in problem
    # The advice.
    (folder.path / "d.jsonl").write_text('{"user": "u-1", "id": "k-20"}\n', encoding="utf-8")
    await folder.send("d.jsonl")
    assert (len(keys(sandbox)), sandbox.repeats) == (21, 0)


async def test_a_replaced_file_of_which_nothing_or_perhaps_something_was_sent(folder: Folder) -> None:
    (folder.path / "a.jsonl").write_text("not JSON\n", encoding="utf-8")
    (folder.path / "b.jsonl").write_text("nor this\n", encoding="utf-8")
    assert (await folder.send("a.jsonl", "b.jsonl")).failed == 2
    folder.write("b.jsonl")
    assert (await folder.send("b.jsonl")).accepted == 10
    path = folder.path / "a.jsonl.checkpoint"
    document = json.loads(path.read_bytes())
    document["sources"][1] |= {"rows": None, "watermark": 0, "in_flight": [[0, 6, 1.0]]}
    path.write_text(json.dumps(document), encoding="utf-8")
    (folder.path / "b.jsonl.checkpoint").unlink()
    assert "(b.jsonl: up to 6 rows, by a.jsonl.checkpoint)" in await folder.refusal("b.jsonl")


async def test_a_name_is_the_same_from_another_folder(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "deep").mkdir()
    monkeypatch.chdir(tmp_path)
    folder = Folder(Path("data"), sandbox)
    folder.write("a.jsonl", "b.jsonl", "deep/b.jsonl")
    await folder.send("a.jsonl", "b.jsonl", "deep/b.jsonl")
    folder.write("b.jsonl", "deep/b.jsonl")
    monkeypatch.chdir("data")
    for here in (Path(), tmp_path / "data"):
        problem = await Folder(here, sandbox).refusal("b.jsonl")
        assert "b.jsonl: 10 rows, by " in problem
    # A file of that name in another folder is another one.
    monkeypatch.chdir("deep")
    Folder(Path(), sandbox).write("c.jsonl")
    assert (await Folder(Path(), sandbox).send("b.jsonl")).accepted == 10


@pytest.mark.parametrize("name", ["other.jsonl", "today.jsonl"])
async def test_a_replaced_file_is_sent_as_advised(folder: Folder, sandbox: Sandbox, name: str) -> None:
    folder.write("a.jsonl", "today.jsonl")
    await folder.send("a.jsonl", "today.jsonl")
    folder.write("today.jsonl")
    await folder.refusal("today.jsonl")
    (folder.path / "today.jsonl").rename(folder.path / name)
    assert (await folder.send(name, restart=name == "today.jsonl")).accepted_now == 10
    assert (keys(sandbox), sandbox.repeats) == (expected(30), 0)


async def test_users_as_well_but_a_list_is_filled_with_all(folder: Folder, sandbox: Sandbox) -> None:
    async with sandbox.client() as client:
        await client.subscriber_lists.create({"list_id": "beta"})
    folder.write("b.jsonl")
    folder.mapping = UserMapping(distinct_id="user")
    await folder.send("b.jsonl")
    folder.write("a.jsonl")
    assert "send the new file by itself" in await folder.refusal("a.jsonl", "b.jsonl")
    (folder.path / "b.jsonl.checkpoint").unlink()
    folder.mapping = ListMapping(list_id="beta", distinct_id="id")
    await folder.send("b.jsonl")
    # Sent by itself, the new file would be the whole list.
    assert (await folder.send("a.jsonl", "b.jsonl")).accepted == 20
    folder.write("c.jsonl")
    assert "start over with --restart" in await folder.refusal("a.jsonl", "b.jsonl", "c.jsonl")


async def test_what_is_no_checkpoint_is_passed_over(folder: Folder) -> None:
    (folder.path / "model.checkpoint").write_bytes(b"\x80weights")
    (folder.path / "folder.checkpoint").mkdir()
    (folder.path / "later.checkpoint").write_bytes(b'{"format": 99}')
    folder.write("a.jsonl")
    assert (await folder.send("a.jsonl")).accepted == 10
    found = checkpoints_in([folder.path, folder.path, folder.path / "none"], folder.path / "a.jsonl.checkpoint")
    assert [store.path.name for store in found] == ["later.checkpoint"]
