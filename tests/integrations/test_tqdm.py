"""The progress bar for `on_progress`, drawn by tqdm and by rich."""

from __future__ import annotations

import io
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tqdm import TqdmExperimentalWarning
from tqdm.std import tqdm as plain

from suprsend_async import Event, Progress
from suprsend_async.ingest import CheckpointFile, DeadLetterFile, Runner, open_sources, read_mapping
from suprsend_async.integrations.tqdm import bar
from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.extras("tqdm", "sandbox")

EXAMPLES = Path(__file__).parents[2] / "examples"
EVENTS = [Event(f"user-{number}", "signed_up") for number in range(250)]


class Seen(plain):  # type: ignore[type-arg, misc]
    """A bar that notes where it was drawn."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.drawn: list[int] = []
        self.closed = 0
        super().__init__(*args, **options, mininterval=0)

    def display(self, *args: Any, **options: Any) -> None:
        self.drawn.append(self.n)
        super().display(*args, **options)

    def close(self) -> None:
        self.closed += 1
        super().close()


def progress(accepted: int, rejected: int = 0, *, done: bool = False) -> Progress:
    counts = {"accepted": accepted, "rejected": rejected, "not_sent": 0, "unknown": 0}
    zeros = dict.fromkeys(("read", "sent", "retried", "requests", "bytes", "throttled", "in_flight_limit"), 0)
    return Progress(**counts, **zeros, requests_per_second=1.0, seconds=1.0, events_per_second=1.0, done=done)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


def test_it_moves_to_where_the_records_are_and_is_closed_at_the_end() -> None:
    out = io.StringIO()
    show = bar(total=10, tqdm_class=Seen, file=out, desc="events")
    for step in (progress(2), progress(2), progress(5, 1), progress(8, 2, done=True)):
        show(step)
    drawn = show._bar
    assert (drawn.drawn[0], drawn.drawn[-1], sorted(drawn.drawn)) == (0, 10, drawn.drawn)
    assert {2, 6, 10} <= set(drawn.drawn)
    assert drawn.disable is True  # it is closed
    assert "events: 100%" in out.getvalue()
    assert "10/10 [" in out.getvalue()
    assert "failed=2" in out.getvalue()


def test_a_second_job_begins_anew() -> None:
    out = io.StringIO()
    show = bar(total=2, file=out, tqdm_class=Seen)
    show(progress(2, done=True))
    first = show._bar
    show(progress(1))
    assert show._bar is not first
    assert (first.n, show.shown) == (2, 1)


def test_without_a_total_it_counts() -> None:
    out = io.StringIO()
    bar(file=out, tqdm_class=Seen)(progress(7, done=True))
    assert "7 records [" in out.getvalue()


def test_it_can_be_closed_twice() -> None:
    show = bar(total=2, file=io.StringIO(), tqdm_class=Seen)
    show.close()
    show.close()
    assert show.shown == 0


async def test_a_bulk_moves_it_to_the_end(sandbox: Sandbox) -> None:
    show = bar(total=251, file=io.StringIO())
    wrong: Any = "no event"
    async with sandbox.client() as client:
        await client.bulk_events.send([*EVENTS, wrong], on_progress=show)
    assert show.shown == 251
    assert show._bar.disable


def test_a_bulk_of_the_blocking_client_does(sandbox: Sandbox) -> None:
    show = bar(total=250, file=io.StringIO())
    with sandbox.blocking_client() as client:
        client.bulk_events.send(EVENTS, on_progress=show)
    assert show.shown == 250
    assert show._bar.disable


async def test_it_is_closed_also_when_the_source_fails(sandbox: Sandbox) -> None:
    def source() -> Iterator[Event]:
        yield EVENTS[0]
        raise LookupError("the source")

    show = bar(file=io.StringIO())
    async with sandbox.client() as client:
        with pytest.raises(LookupError):
            await client.bulk_events.send(source(), on_progress=show)
    assert (show.shown, show._bar.disable) == (1, True)


def test_rich_draws_it(sandbox: Sandbox) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TqdmExperimentalWarning)
        from tqdm.rich import tqdm_rich

        show = bar(total=250, tqdm_class=tqdm_rich, disable=False, file=io.StringIO())
        with sandbox.blocking_client() as client:
            client.bulk_events.send(EVENTS, on_progress=show)
    assert show.shown == 250
    assert show._bar._prog.finished


async def test_a_job_that_reads_files_moves_it(sandbox: Sandbox, tmp_path: Path) -> None:
    show = bar(file=io.StringIO())
    async with sandbox.client() as client:
        runner = Runner(
            client,
            open_sources([str(EXAMPLES / "flights.csv")]),
            read_mapping(EXAMPLES / "flights.toml"),
            store=CheckpointFile(str(tmp_path / "flights.checkpoint")),
            dead_letters=DeadLetterFile(str(tmp_path / "flights.dead")),
            on_progress=show,
        )
        report = await runner.run()
    assert (show.shown, show._bar.disable) == (report.accepted + report.failed, True)


async def test_only_the_last_report_is_the_last(sandbox: Sandbox) -> None:
    seen: list[Progress] = []
    async with sandbox.client() as client:
        await client.bulk_events.send(EVENTS, on_progress=seen.append)
        await client.bulk_events.send([], on_progress=seen.append)
    assert seen[-1].done
    assert [one.finished for one in seen if one.done] == [250, 0]


def test_without_tqdm_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    monkeypatch.delitem(sys.modules, "suprsend_async.integrations.tqdm")
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'suprsend-async\[tqdm\]'"):
        import suprsend_async.integrations.tqdm  # noqa: F401
