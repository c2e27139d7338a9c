"""What cells of a notebook show and do, in a real kernel."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.documentation.blocks import blocks
from tests.waiting import until_async

from suprsend_async.sandbox import Sandbox, faults

from .conftest import cells_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from .conftest import Kernel

    StartKernel = Callable[[], AbstractAsyncContextManager[Kernel]]

PAGE = Path(__file__).parents[2] / "docs" / "frameworks" / "notebooks.md"
SANDBOX = "from suprsend_async.sandbox import with_sandbox\nsandbox = with_sandbox()"
CLIENT = "from suprsend_async import AsyncSuprsend, Event, Suprsend\nclient = AsyncSuprsend()"


async def test_a_response_is_awaited_in_a_cell_and_shown_as_a_table(kernel: StartKernel) -> None:
    async with kernel() as notebook:
        await notebook.run(SANDBOX)
        await notebook.run(CLIENT)
        shown = await notebook.run("await client.track_event(Event('user-1', 'signed_up'))")
        assert shown.plain.startswith("EventResponse(outcome='accepted', status_code=202,")
        cells = cells_of(shown.html)
        assert cells[:4] == ["status", "success", "outcome", "accepted"]
        assert "None" not in cells
        assert (await notebook.run("await client.aclose()")).plain == ""


async def test_a_bulks_failures_are_shown_and_nothing_of_the_records(kernel: StartKernel) -> None:
    async with kernel() as notebook:
        await notebook.run(SANDBOX)
        await notebook.run(CLIENT)
        await notebook.run("events = [Event('planted-user', 'paid', {'planted': float('nan')}) for _ in range(13)]")
        shown = await notebook.run("await client.bulk_events.send([*events, Event('planted-user', 'paid')])")
        assert shown.plain == "BulkResponse(success=1, failure=13, warnings=[], total=14, status='partial')"
        assert "planted-user" not in shown.html
        assert "and 3 more" in shown.html
        assert "properties.planted is NaN or infinite" in shown.html
        assert cells_of(shown.html)[:2] == ["status", "partial"]


async def test_a_page_is_shown_with_the_names_of_what_its_records_have(kernel: StartKernel) -> None:
    async with kernel() as notebook:
        await notebook.run(SANDBOX)
        await notebook.run(CLIENT)
        await notebook.run("for n in range(3): await client.users.upsert(f'planted-{n}', {'plan': 'secret'})")
        shown = await notebook.run("await client.users.list()")
        assert shown.plain == "Page(results=3, count=3, limit=10, has_next=False, has_prev=False)"
        assert "User(distinct_id, properties[1]" in shown.html
        assert not any(text in shown.html for text in ("planted-0", "secret"))


async def test_a_sandbox_lasts_across_cells_and_when_a_cell_is_run_again(kernel: StartKernel) -> None:
    async with kernel() as notebook:
        await notebook.run(SANDBOX)
        await notebook.run(CLIENT)
        await notebook.run("await client.track_event(Event('user-1', 'signed_up'))")
        await notebook.run(SANDBOX)
        await notebook.run("await client.track_event(Event('user-2', 'signed_up'))")
        assert (await notebook.run("len(sandbox.events)")).plain == "2"
        shown = await notebook.run("sandbox")
        assert shown.html.startswith('Sandbox <a href="http://127.0.0.1:')
        await notebook.run("first = sandbox\nsandbox = with_sandbox(categories=['news'])")
        other = await notebook.run("first.is_running")
        assert other.plain == "False"
        await notebook.run("sandbox.stop()")
        lost = await notebook.run("(await AsyncSuprsend(timeout=1).track_event(Event('u', 'signed_up'))).outcome")
        assert lost.plain == "'not_sent'"


@pytest.mark.parametrize("client", ["await client", "blocking"])
async def test_a_bar_moves_and_is_closed(client: str, kernel: StartKernel) -> None:
    async with kernel() as notebook:
        await notebook.run(SANDBOX)
        await notebook.run(CLIENT)
        await notebook.run("from suprsend_async.integrations.tqdm import bar\nblocking = Suprsend()")
        await notebook.run("events = [Event(f'user-{n}', 'signed_up') for n in range(250)]")
        await notebook.run("show = bar(total=250, desc='events', mininterval=0)")
        shown = await notebook.run(f"result = {client}.bulk_events.send(events, on_progress=show)\nresult.status")
        assert shown.plain == "'success'"
        assert (await notebook.run("show.shown, show._bar.disable")).plain == "(250, True)"  # closed, tqdm disables it


async def test_a_bar_is_drawn_in_the_cell(kernel: StartKernel) -> None:
    async with kernel() as notebook:
        await notebook.run(SANDBOX)
        await notebook.run(CLIENT)
        await notebook.run("from suprsend_async.integrations.tqdm import bar")
        shown = await notebook.run(
            "events = (Event(f'user-{n}', 'signed_up') for n in range(250))\n"
            "result = await client.bulk_events.send(events, on_progress=bar(total=250))"
        )
        assert "| 250/250 [" in shown.errors or "250/250" in shown.html + shown.plain


async def test_the_blocking_client_works_although_a_loop_is_running(kernel: StartKernel) -> None:
    async with kernel() as notebook:
        await notebook.run(SANDBOX)
        await notebook.run(CLIENT)
        loop = await notebook.run("import asyncio\nasyncio.get_running_loop().is_running()")
        assert loop.plain == "True"
        shown = await notebook.run("with Suprsend() as b: print(b.track_event(Event('user-1', 'signed_up')).outcome)")
        assert shown.printed == "accepted\n"


async def test_after_an_interrupt_the_client_works_on(kernel: StartKernel) -> None:
    with Sandbox() as sandbox:
        sandbox.provoke(faults.Silence())
        async with kernel() as notebook:
            await notebook.run(f"import os\nos.environ.update({sandbox.environment()})\n{CLIENT}")
            sending = "await client.track_event(Event('user-1', 'signed_up'))"
            waiting = asyncio.ensure_future(notebook.run(sending, raises=True))
            await until_async(lambda: sandbox.connections > 0)
            await notebook.interrupt()
            assert (await waiting).plain.startswith(("KeyboardInterrupt", "CancelledError"))
            sandbox.clear_faults()
            assert (await notebook.run(f"({sending}).outcome")).plain == "'accepted'"


async def test_the_page_runs_as_a_notebook(kernel: StartKernel) -> None:
    printed, count = "", 0
    async with kernel() as notebook:
        for block in blocks(PAGE.read_text("utf-8")):
            if block.title == "output":
                assert printed == block.source
            elif block.language == "python":
                printed, count = (await notebook.run(block.source)).printed, count + 1
    assert count > 7
