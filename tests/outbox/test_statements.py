"""Claims, leases and what is brought back, statement by statement."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, update

from suprsend_async import ConfigurationError, Event, UserEdit
from suprsend_async.api.verdict import Verdict
from suprsend_async.outbox import statements
from suprsend_async.outbox.judgement import Results
from suprsend_async.outbox.records import ClaimedRecord
from suprsend_async.outbox.tables import pending

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS = ("event", "trigger", "edit")


def event(user: str, number: int = 0) -> Event:
    return Event(user, "paid", {"number": number})


@pytest.fixture
def claim(engine: Engine) -> Callable[..., list[int]]:
    def claim(owner: str, *, limit: int = 100, lease: float = 60.0, ordered: bool = False) -> list[int]:
        with engine.begin() as connection:
            found = statements.claim(connection, owner, lease, limit, KINDS, ordered=ordered)
        return [record.id for record in found]

    return claim


def run(engine: Engine, do: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    with engine.begin() as connection:
        return do(connection, *arguments, **options)


def test_the_oldest_first_and_each_once(store: Callable[..., None], claim: Callable[..., list[int]]) -> None:
    store(*[event("user-1", number) for number in range(5)])
    assert claim("a", limit=2) == [1, 2]
    assert claim("b") == [3, 4, 5]
    assert claim("a") == []


def test_a_lease_ends(store: Callable[..., None], claim: Callable[..., list[int]], rows: Callable[..., Any]) -> None:
    store(event("user-1"))
    assert claim("a", lease=-1.0) == [1]
    assert claim("b") == [1]
    [row] = rows()
    assert row.leased_by == "b"
    assert row.tried_at is not None, "the first relay may have sent it"


def test_a_lease_is_renewed(engine: Engine, store: Callable[..., None], claim: Callable[..., list[int]]) -> None:
    store(event("user-1"), event("user-2"))
    claim("a", lease=-1.0, limit=1)
    run(engine, statements.renew, "a", 60.0)
    assert claim("b") == [2]


def test_what_is_put_back_was_never_tried(
    engine: Engine, store: Callable[..., None], claim: Callable[..., list[int]], rows: Callable[..., Any]
) -> None:
    store(event("user-1"), event("user-2"))
    claim("a")
    run(engine, statements.put_back, "a", [1])
    run(engine, statements.put_back, "b", [2])
    assert [(row.leased_by, row.leased_at is None, row.tried_at) for row in rows()] == [
        (None, True, None),
        ("a", False, None),
    ]
    assert claim("b") == [1]


def test_what_must_not_be_repeated_is_in_doubt_from_its_sending_on(
    engine: Engine, store: Callable[..., None], claim: Callable[..., list[int]], rows: Callable[..., Any]
) -> None:
    store(UserEdit("user-1").increment("orders", 1), UserEdit("user-2").increment("orders", 1))
    claim("killed", lease=-1.0)
    claim("a", lease=-1.0)
    assert [row.tried_at for row in rows()] == [None, None]
    assert run(engine, statements.begin_try, "a", [1])
    claim("b")
    assert [row.tried_at is None for row in rows()] == [False, True]
    assert not run(engine, statements.begin_try, "a", [2]), "it has lost its lease"
    assert run(engine, statements.begin_try, "b", [2])


def test_what_is_in_doubt_stays_so(
    engine: Engine, store: Callable[..., None], claim: Callable[..., list[int]], rows: Callable[..., Any]
) -> None:
    store(event("user-1"), event("user-2"))
    claim("a")
    run(engine, statements.finish, "a", Results(undone=[1], doubtful=[2]), -1.0, ordered=False)
    first, second = rows()
    assert (first.tried_at, first.leased_at) == (None, None)
    assert second.tried_at is not None
    claim("a")
    run(engine, statements.finish, "a", Results(undone=[1, 2]), -1.0, ordered=False)
    assert [row.tried_at for row in rows()] == [None, second.tried_at]


def test_who_has_lost_a_lease_changes_nothing_but_what_was_accepted(
    engine: Engine, store: Callable[..., None], rows: Callable[..., Any]
) -> None:
    store(event("user-1"), event("user-2"), event("user-3"))
    [first, second, third] = run(engine, statements.claim, "a", -1.0, 100, KINDS, ordered=False)
    run(engine, statements.claim, "b", 60.0, 100, KINDS, ordered=False)
    late = Results(accepted=[first.id], dead=[(second, Verdict("rejected", 400))], undone=[third.id])
    assert run(engine, statements.finish, "a", late, 0.0, ordered=False) == 0
    assert [(row.id, row.leased_by) for row in rows()] == [(2, "b"), (3, "b")]
    assert run(engine, statements.dead_letters, 10) == []


def test_kinds_of_a_later_version_are_left_alone(put: Callable[..., None], claim: Callable[..., list[int]]) -> None:
    put(kind="object")
    put()
    assert claim("a") == [2]


class TestOrdered:
    """A claim that keeps the order of each user's records."""

    @pytest.fixture
    def claim(self, claim: Callable[..., list[int]]) -> Callable[..., list[int]]:
        return partial(claim, ordered=True)

    def test_a_user_of_whom_somebody_has_a_record_waits(
        self, store: Callable[..., None], claim: Callable[..., list[int]]
    ) -> None:
        store(event("user-1"), event("user-2"), event("user-1"), event("user-3"))
        assert claim("a", limit=1) == [1]
        assert claim("b") == [2, 4]

    def test_a_user_whose_earlier_record_rests_waits(
        self, engine: Engine, store: Callable[..., None], claim: Callable[..., list[int]]
    ) -> None:
        store(event("user-1"), event("user-1"), event("user-2"))
        claim("a", limit=1)
        run(engine, statements.finish, "a", Results(undone=[1]), 60.0, ordered=True)
        assert claim("b") == [3]

    def test_several_of_a_user_go_together_as_long_as_they_are_of_one_kind(
        self, engine: Engine, store: Callable[..., None], claim: Callable[..., list[int]], rows: Callable[..., Any]
    ) -> None:
        edit = UserEdit("user-1").set("plan", "pro")
        store(event("user-1"), event("user-1"), edit, event("user-1"), event("user-2"), edit)
        assert claim("a") == [1, 2, 5]
        assert [row.leased_by for row in rows()] == ["a", "a", None, None, "a", None]
        assert claim("a") == []
        run(engine, statements.finish, "a", Results(accepted=[1, 2, 5]), 0.0, ordered=True)
        assert claim("a") == [3]
        run(engine, statements.finish, "a", Results(accepted=[3]), 0.0, ordered=True)
        assert claim("a") == [4]

    def test_what_has_no_order_waits_for_nothing(
        self, put: Callable[..., None], claim: Callable[..., list[int]]
    ) -> None:
        put()
        put()
        assert claim("a", limit=1) == [1]
        assert claim("b") == [2]


def test_stats(engine: Engine, store: Callable[..., None], claim: Callable[..., list[int]]) -> None:
    assert run(engine, statements.stats).oldest_seconds == 0.0
    store(*[event("user-1") for _ in range(4)], stored_at=0.0)
    claim("a", limit=3)
    done = Results(undone=[1], dead=[(_claimed(2), Verdict("rejected", 400, "no"))])
    run(engine, statements.finish, "a", done, 60.0, ordered=False)
    stats = run(engine, statements.stats)
    assert (stats.pending, stats.leased, stats.resting, stats.dead_letters) == (3, 1, 1, 1)
    assert stats.oldest_seconds > 1_700_000_000


def _claimed(number: int) -> ClaimedRecord:
    return ClaimedRecord(number, "event", b"{}", None, repeatable=True, stored_at=0, tried_at=None, claimed_at=0)


def test_numbers_are_not_used_again(engine: Engine, store: Callable[..., None], rows: Callable[..., Any]) -> None:
    store(event("user-1"))
    with engine.begin() as connection:
        connection.execute(update(pending).values(leased_by="a"))
    run(engine, statements.finish, "a", Results(accepted=[1]), 0.0, ordered=False)
    store(event("user-1"))
    assert [row.id for row in rows()] == [2]


def test_a_database_that_the_outbox_does_not_know() -> None:
    with pytest.raises(ConfigurationError, match="works with PostgreSQL and SQLite, not with mysql"):
        statements.now("mysql")
