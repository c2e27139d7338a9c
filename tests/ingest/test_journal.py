"""The journal: many changes with one write, letters first, and nobody waits forever."""

from typing import Any

import anyio
import pytest

from suprsend_async.ingest import CheckpointError, DeadLetter
from suprsend_async.ingest.checkpoint import Checkpoint, SourceProgress, read_checkpoint
from suprsend_async.ingest.journal import Journal


class Disk:
    """Keeps checkpoints and letters in memory, in the order in which they came; fails on demand."""

    name = "disk"

    def __init__(self) -> None:
        self.log: list[Any] = []
        self.error: Exception | None = None

    def write(self, letters: list[DeadLetter]) -> None:
        self.log.append([letter.row for letter in letters])

    def save(self, content: bytes) -> None:
        if self.error is not None:
            raise self.error
        self.log.append(read_checkpoint(content).accepted)


def letter(row: int) -> DeadLetter:
    return DeadLetter("a.csv", row, None, "no", None, "rejected", 0.0)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def journal(disk: Disk) -> Journal:
    checkpoint = Checkpoint("target", "mapping", 0, [SourceProgress("a.csv", "1")])
    return Journal(checkpoint, disk, disk)  # type: ignore[arg-type]


async def test_what_comes_together_is_written_together(journal: Journal, disk: Disk) -> None:
    async def change() -> None:
        journal.checkpoint.accepted += 100
        await journal.note().done()
        # What was noted is on the disk by now.
        assert disk.log[-1] >= 100

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(journal.run)
        async with anyio.create_task_group() as changes:
            for _ in range(50):
                changes.start_soon(change)
        journal.close()
    assert disk.log[-1] == 5_000
    assert len(disk.log) <= 3


async def test_letters_are_written_before_the_checkpoint_that_counts_on_them(journal: Journal, disk: Disk) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(journal.run)
        await journal.note(letter(3), letter(4)).done()
        journal.close()
    assert disk.log[:2] == [[3, 4], 0]


async def test_closing_writes_what_is_left(journal: Journal, disk: Disk) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(journal.run)
        journal.checkpoint.accepted = 7
        last = journal.note(letter(1))
        journal.close()
        await last.done()
    assert disk.log == [[1], 7]
    # Nobody writes any more, and nobody waits for it.
    await journal.note().done()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "No space left on device", "a.checkpoint"), "a.checkpoint cannot be written: No space left"),
        (RuntimeError("secret"), "its store raised RuntimeError"),
    ],
)
async def test_what_cannot_be_written_is_told_to_all_who_wait(
    journal: Journal, disk: Disk, error: Exception, words: str
) -> None:
    disk.error = error
    told: list[str] = []

    async def change() -> None:
        try:
            await journal.note(letter(1)).done()
        except CheckpointError as caught:
            told.append(caught.message)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(journal.run)
        async with anyio.create_task_group() as changes:
            for _ in range(5):
                changes.start_soon(change)
        disk.error = None
        journal.close()
    assert len(told) == 5
    assert all(words in message and "secret" not in message for message in told)
    # Once there is room again, the letters come once more.
    assert disk.log[-2:] == [[1] * 5, 0]


async def test_cancelling_does_not_reach_it(journal: Journal) -> None:
    async def wait_shielded() -> None:
        with anyio.CancelScope(shield=True):
            await journal.note().done()
            journal.close()

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(journal.run)
            tasks.start_soon(wait_shielded)
            tasks.cancel_scope.cancel()
