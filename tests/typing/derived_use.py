"""Derived methods beside the same ones written by hand: what a checker says of two neighbouring lines is the same.

Each marked line is an error, and no other one is. This file is read by mypy and pyright, both strict, and never run.
"""

# mypy: disable-error-code="unreachable, empty-body"

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, overload, reveal_type

from suprsend_async import Event, EventResponse, Suprsend
from suprsend_async.cursor import AsyncCursor
from suprsend_async.derived_methods import Blocking, Cursor, blocking, blocking_iterator

T = TypeVar("T")


class AsyncUsers:
    async def count(self, tenant: str, *, at_least: int | None = None) -> int: ...

    @overload
    async def get(self, user: str) -> str: ...
    @overload
    async def get(self, user: int, *, raw: bool = False) -> bytes: ...
    async def get(self, user: str | int, *, raw: bool = False) -> str | bytes: ...

    async def first(self, *users: T) -> T: ...

    async def delete(self, user: str, /) -> None: ...

    def iterate(self, *, limit: int = 100) -> AsyncCursor[str]: ...


class Users(Blocking[AsyncUsers]):
    count = blocking(AsyncUsers.count)
    get = blocking(AsyncUsers.get)
    first = blocking(AsyncUsers.first)
    delete = blocking(AsyncUsers.delete)
    iterate = blocking_iterator(AsyncUsers.iterate)


class UsersByHand:
    def count(self, tenant: str, *, at_least: int | None = None) -> int: ...

    @overload
    def get(self, user: str) -> str: ...
    @overload
    def get(self, user: int, *, raw: bool = False) -> bytes: ...
    def get(self, user: str | int, *, raw: bool = False) -> str | bytes: ...

    def first(self, *users: T) -> T: ...

    def delete(self, user: str, /) -> None: ...

    def iterate(self, *, limit: int = 100) -> Cursor[str]: ...


class SuprsendByHand:
    def track_event(self, event: Event) -> EventResponse: ...


def the_client(client: Suprsend, by_hand: SuprsendByHand, event: Event) -> None:
    reveal_type(client.track_event)
    reveal_type(by_hand.track_event)
    reveal_type(client.track_event(event))
    reveal_type(by_hand.track_event(event))
    client.track_event("signed_up")  # wrong
    client.track_event()  # wrong
    client.track_event(occurrence=event)  # wrong
    client.track_event(event, event)  # wrong
    wrong: str = client.track_event(event)  # wrong
    client.track_event(wrong)  # wrong


def any_class(users: Users, by_hand: UsersByHand) -> None:
    reveal_type(users.count)
    reveal_type(by_hand.count)
    reveal_type(users.count("shop", at_least=2))
    reveal_type(by_hand.count("shop", at_least=2))
    users.count(1)  # wrong
    users.count()  # wrong
    users.count("shop", 2)  # wrong
    users.count("shop", least=2)  # wrong
    reveal_type(users.get)
    reveal_type(by_hand.get)
    reveal_type(users.get("user-1"))
    reveal_type(by_hand.get("user-1"))
    reveal_type(users.get(1, raw=True))
    reveal_type(by_hand.get(1, raw=True))
    users.get()  # wrong
    users.get(b"user-1")  # wrong
    users.get("user-1", raw=True)  # wrong
    users.get(1, row=True)  # wrong
    reveal_type(users.first(1, 2))
    reveal_type(by_hand.first(1, 2))
    users.delete("user-1")
    users.delete(user="user-1")  # wrong


def an_iterator(users: Users, by_hand: UsersByHand) -> None:
    reveal_type(users.iterate)
    reveal_type(by_hand.iterate)
    reveal_type(next(users.iterate(limit=10)))
    reveal_type(next(by_hand.iterate(limit=10)))
    for user in users.iterate():
        number: int = user  # wrong
        users.count(number)  # wrong
    users.iterate(limit="10")  # wrong
    users.iterate(10)  # wrong


async def not_for_asyncio(users: Users) -> None:
    await users.count("shop")  # wrong
    async for _ in users.iterate():  # wrong
        pass


def a_cursor() -> AsyncCursor[str]:
    async def page(after: str | None) -> tuple[Sequence[str], str | None]: ...

    async def page_of_numbers(offset: int | None) -> tuple[Sequence[str], str | None]: ...

    AsyncCursor(page_of_numbers)  # wrong
    return AsyncCursor(page)
