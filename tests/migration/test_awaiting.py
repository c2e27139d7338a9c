"""What becomes of a program with the asynchronous client, and when it gets that one."""

from __future__ import annotations

import pytest

from suprsend_async.migration.program import move

from .moving import HEAD, code_of, left, notes

HEAD_ASYNC = HEAD.replace("suprsend ", "suprsend_async ").replace("Suprsend", "AsyncSuprsend")


def inside(body: str) -> str:
    """Return what becomes of statements in an asynchronous function."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    code = code_of(f"{HEAD}\nasync def main():\n{lines}")
    start = f"{HEAD_ASYNC}\nasync def main():\n"
    assert code.startswith(start)
    return "\n".join(line[4:] for line in code.removeprefix(start).splitlines())


AWAITED = {
    "client.track_event(event)": "await client.track_event(event)",
    "client.track('u', 'paid')": "await client.track_event(Event('u', 'paid'))",
    "client.track_event(event)['success']": "(await client.track_event(event))['success']",
    "client.users.get('u').get('plan')": "(await client.users.get('u')).get('plan')",
    "if not client.users.list({'limit': 1}): ...": "if not await client.users.list(limit=1): ...",
    "[client.users.get(one) for one in ids]": "[await client.users.get(one) for one in ids]",
    "bulk = client.bulk_events.new_instance()\nbulk.append(event)\nbulk.trigger()": (
        "bulk = client.bulk_events.new_instance()\nbulk.append(event)\nawait bulk.trigger()"
    ),
    "edit = client.user.get_instance('u')\nedit.save()": (
        "edit = client.users.get_edit_instance('u')\nawait client.users.async_edit(edit)"
    ),
    "import asyncio\nawait asyncio.to_thread(client.track_event, event)": (
        "import asyncio\nawait client.track_event(event)"
    ),
    "await loop.run_in_executor(None, client.users.get, 'u')": "await client.users.get('u')",
    "from starlette.concurrency import run_in_threadpool\nawait run_in_threadpool(client.track_event, event)": (
        "from starlette.concurrency import run_in_threadpool\nawait client.track_event(event)"
    ),
}


@pytest.mark.parametrize(("there", "here"), AWAITED.items(), ids=AWAITED)
def test_what_sends_is_awaited(there: str, here: str) -> None:
    assert inside(there) == here


CALLED = f"""{HEAD}
def notify(user_id):
    return client.track_event(Event(user_id, "paid"))["success"]

def notify_all():
    for user_id in ids:
        if notify(user_id):
            print(user_id)

class Shop:
    def pay(self):
        self.tell()

    def tell(self):
        client.track_event(Event("user-1", "paid"))
"""


def test_a_function_that_sends_becomes_asynchronous_and_so_does_who_calls_it() -> None:
    assert (
        code_of(CALLED, "async")
        == f"""{HEAD_ASYNC}
async def notify(user_id):
    return (await client.track_event(Event(user_id, "paid")))["success"]

async def notify_all():
    for user_id in ids:
        if await notify(user_id):
            print(user_id)

class Shop:
    async def pay(self):
        await self.tell()

    async def tell(self):
        await client.track_event(Event("user-1", "paid"))
"""
    )
    assert left(CALLED, "async") == []


BY_HAND = {
    "client.track_event(event)": (
        5,
        "client.track_event() needs `await`: put it into `async def main()`, and run that with `asyncio.run(main())`",
    ),
    "send = lambda event: client.track_event(event)": (
        5,
        "client.track_event() needs `await`, which a lambda cannot have: write a function",
    ),
    "async def f():\n    return (client.users.get(one) for one in ids)": (
        6,
        "client.users.get() needs `await`, which makes this an asynchronous generator: write a list, or a loop",
    ),
    "class A:\n    def __init__(self):\n        client.track_event(event)": (
        7,
        "client.track_event() needs `await`, and __init__ cannot be asynchronous: call it from another method",
    ),
    "def f():\n    yield client.track_event(event)": (
        6,
        "client.track_event() needs `await`, and f is a generator: make it asynchronous, and loop with `async for`",
    ),
    "class A:\n    @property\n    def f(self):\n        return client.users.get('u')": (
        8,
        "client.users.get() needs `await`, and f is a property: make it a method",
    ),
    "tasks.add_task(client.track_event, event)": (
        5,
        "client.track_event is passed on, and is a coroutine function now: await what it returns",
    ),
}


@pytest.mark.parametrize(("body", "said"), BY_HAND.items(), ids=BY_HAND)
def test_where_nothing_can_be_awaited_it_is_named(body: str, said: tuple[int, str]) -> None:
    assert left(f"{HEAD}\n{body}\n", "async") == [said]
    assert body in code_of(f"{HEAD}\n{body}\n", "async")


def test_a_decorator_of_the_module_has_to_await_what_it_is_given() -> None:
    steps = "@step\ndef one(): client.track_event(event)\n\n@step\ndef two(): client.users.get('u')\n"
    source = f"{HEAD}\ndef step(f): f()\n\n{steps}"
    assert left(source, "async") == [(5, "what step decorates is asynchronous now, and has to be awaited: line 8, 11")]
    source = f"{HEAD}\n@app.get('/')\ndef one(): client.track_event(event)\n"
    assert left(source, "async") == []
    assert (5, "one is asynchronous now: see that the decorator awaits it") in notes(source, "async")


# Which client


def test_a_program_that_sends_in_asynchronous_functions_only_gets_the_asynchronous_client() -> None:
    source = f"{HEAD}\nasync def f():\n    client.track_event(Event('u', 'paid'))\n"
    assert "AsyncSuprsend" in code_of(source)
    assert "AsyncSuprsend" not in code_of(source, "blocking")


def test_a_program_that_also_sends_elsewhere_gets_the_blocking_one_and_is_told_where_it_waits() -> None:
    source = f"{HEAD}\nasync def f():\n    client.track_event(event)\n\ndef g():\n    client.track_event(event)\n"
    assert "AsyncSuprsend" not in code_of(source)
    assert (6, "client.track_event() holds up the event loop here; `--client async` awaits it") in notes(source)


def test_in_a_thread_the_blocking_client_is_left_where_it_is() -> None:
    elsewhere = "def g():\n    client.track_event(event)\n"
    source = f"{HEAD}\nasync def f():\n    await asyncio.to_thread(client.track_event, event)\n\n{elsewhere}"
    assert "await asyncio.to_thread(client.track_event, event)" in code_of(source)
    assert not any("holds up" in text for _, text in notes(source))


def test_names_of_the_client_are_written_anew_wherever_they_stand() -> None:
    source = """
        from suprsend import Suprsend

        async def f(client: "Suprsend | None", other: Suprsend):
            other.users.get("u")
            return isinstance(client, Suprsend)
        """
    assert code_of(source).count("AsyncSuprsend") == 4


# Several modules


CLIENTS = b"""from suprsend import Suprsend

client = Suprsend("key", "secret")


def client_of(request):
    return client
"""
VIEWS = b"""from shop.clients import client, client_of


async def pay():
    client.users.list({"limit": 1})
    client_of(None).track("user-1", "paid")
"""


@pytest.mark.parametrize(
    "views", [VIEWS, VIEWS.replace(b"shop.clients", b".clients"), VIEWS.replace(b"shop.clients", b"clients")]
)
def test_modules_that_share_a_client_have_the_same(views: bytes) -> None:
    module = move({"shop.clients": CLIENTS, "shop.views": views, "shop.jobs": CLIENTS + b"client.users.get('u')\n"})
    assert b"client = AsyncSuprsend(" in module["shop.clients"].result
    assert module["shop.views"].result.endswith(
        b"async def pay():\n    await client.users.list(limit=1)\n"
        b'    await client_of(None).track_event(Event("user-1", "paid"))\n'
    )
    assert b"from suprsend_async import Event\n" in module["shop.views"].result
    assert b"AsyncSuprsend" not in module["shop.jobs"].result


def test_one_that_sends_elsewhere_decides_for_all() -> None:
    job = b"from shop.clients import client\nclient.users.get('u')\n"
    module = move({"shop.clients": CLIENTS, "shop.views": VIEWS, "shop.job": job})
    assert not any(b"AsyncSuprsend" in one.result for one in module.values())
    assert b"client.users.list(limit=1)" in module["shop.views"].result


def test_a_client_of_two_modules_of_the_same_name_is_nobodys() -> None:
    module = move({"a.clients": CLIENTS, "b.clients": CLIENTS, "views": VIEWS.replace(b"shop.clients", b"clients")})
    assert not module["views"].is_edited


def test_one_module_that_cannot_be_read_leaves_the_others() -> None:
    module = move({"shop.clients": CLIENTS, "broken": b"import suprsend\ndef f(:\n"})
    assert (module["broken"].is_edited, module["shop.clients"].is_edited) == (False, True)


def test_a_module_that_has_nothing_to_do_with_it_is_not_even_parsed() -> None:
    module = move({"shop.clients": CLIENTS, "old": b"print 'hello'\n"})
    assert (module["old"].is_edited, module["old"].problem) == (False, None)


def test_a_client_is_followed_through_a_module_that_does_not_name_the_sdk() -> None:
    between = b"from shop.clients import client as sender\n"
    last = b"from shop.between import sender\nsender.users.list({'limit': 1})\n"
    module = move({"shop.last": last, "shop.between": between, "shop.clients": CLIENTS})
    assert module["shop.last"].result.endswith(b"sender.users.list(limit=1)\n")
