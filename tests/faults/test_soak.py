"""The soak, in short: it finds nothing, and what is planted it finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.faults import soak

if TYPE_CHECKING:
    from tests.faults.exchange import Exchange


def test_nothing_is_lost_and_nothing_comes_twice(seed: int) -> None:
    tally = soak.soak(4.0, seed)
    assert tally.events > 100
    assert tally.is_clean, tally


async def accept_nothing(exchange: Exchange) -> None:
    """Say yes to events that are not taken."""
    if await exchange.is_bulk():
        await exchange.genuine()
        return
    await exchange.refuse()
    await exchange.answer(202, {"status": "success", "message_id": "none"})


async def accept_and_refuse(exchange: Exchange) -> None:
    """Take events and say no."""
    await exchange.take()
    await exchange.answer(400, {"status": "error", "error": {"message": "no", "type": "bad_request"}})


def test_what_is_lost_is_found() -> None:
    tally = soak.soak(1.0, 1, [accept_nothing])
    assert tally.counts["lost"] > 0
    assert not tally.is_clean


def test_ghosts_are_found() -> None:
    assert soak.soak(1.0, 1, [accept_and_refuse]).counts["ghost"] > 0


def test_the_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert soak.main(["--seconds", "0.5", "--seed", "7"]) == 0
    printed = capsys.readouterr().out
    assert "seed 7" in printed
    assert "lost 0, ghost 0, double 0" in printed
    monkeypatch.setattr(soak.soak, "__defaults__", ([accept_nothing],))
    assert soak.main(["--seconds", "1", "--seed", "7"]) == 1
