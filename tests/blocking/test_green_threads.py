"""The blocking client where gevent or eventlet has put green threads in the place of real ones."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Received, Server

pytestmark = pytest.mark.extras("gevent", "eventlet", "django")

GEVENT = """
import gevent.monkey
gevent.monkey.patch_all()
import asyncio, atexit, gevent, logging, os
logging.getLogger("suprsend_async").setLevel(logging.CRITICAL)
gevent.get_hub().print_exception = lambda *_: None  # it prints interrupts, which it then raises
from suprsend_async import ConfigurationError, Event, Suprsend

def event(number=1):
    return Event(f"user-{number}", "signed_up")

client = Suprsend(KEY, SECRET, base_url=URL.replace("127.0.0.1", "localhost"))
"""


@pytest.fixture
def run(run_python: Callable[..., subprocess.CompletedProcess[str]]) -> Callable[[str], str]:
    """Run a script that must end well, without a word on stderr; returns what it printed."""

    def run_clean(source: str) -> str:
        process = run_python(source)
        assert (process.returncode, process.stderr) == (0, ""), process.stderr
        return process.stdout

    return run_clean


def test_after_a_call_no_loop_runs_in_the_application(run: Callable[[str], str]) -> None:
    run(f"""{GEVENT}
assert client.track_event(event()).success
async def main():
    return 5
assert asyncio.run(main()) == 5
with Suprsend(KEY, SECRET, base_url=URL) as second:
    assert second.track_event(event()).success
    assert second.bulk_events.send(event(number) for number in range(250)).success == 250
    assert [record.outcome for record in second.bulk_events.stream([event()])] == ["accepted"]
""")


def test_djangos_orm_works_after_a_call(run: Callable[[str], str]) -> None:
    run(f"""{GEVENT}
import django
from django.conf import settings
databases = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}}
settings.configure(DATABASES=databases, INSTALLED_APPS=["django.contrib.contenttypes"], USE_TZ=True)
django.setup()
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
assert client.track_event(event()).success
call_command("migrate", verbosity=0)
assert ContentType.objects.count() == 1
assert client.track_event(event()).success
assert ContentType.objects.filter(model="contenttype").exists()
""")


def test_while_one_greenlet_waits_the_others_go_on(run: Callable[[str], str], server: Server) -> None:
    # The server answers none before all have been asked.
    server.script.extend([lambda request: (server.wait_for_requests(50), server.accept(request))[1]] * 50)
    run(f"""{GEVENT}
calls = [gevent.spawn(client.track_event, event(number)) for number in range(50)]
gevent.joinall(calls, raise_error=True)
assert all(call.value.success for call in calls)
""")
    assert server.peak == 50


def test_greenlets_that_begin_at_once_share_one_loop_and_what_ends_leaves_no_file_open(
    run: Callable[[str], str],
) -> None:
    said = run(f"""{GEVENT}
from suprsend_async import loop_thread
begun = []
class Counted(loop_thread.RunningLoop):
    def start(self):
        begun.append(self)
        super().start()
loop_thread.RunningLoop = Counted
def files():
    return len(os.listdir("/dev/fd"))
counts = []
for _ in range(6):
    calls = [gevent.spawn(client.track_event, event(number)) for number in range(20)]
    gevent.joinall(calls, raise_error=True)
    client.close()
    client = Suprsend(KEY, SECRET, base_url=URL)
    counts.append(files())
print(len(begun), counts[-1] - counts[1])
""")
    assert said == "6 0\n"


def test_no_call_of_many_is_forgotten(run: Callable[[str], str]) -> None:
    """gevent's own locks lose one in some ten thousand waits for another thread."""
    run(f"""{GEVENT}
async def nothing():
    await asyncio.sleep(0)

client.track_event(event())
def work():
    for _ in range(600):
        client.loop.call("", nothing)
gevent.joinall([gevent.spawn(work) for _ in range(50)], raise_error=True)
pool = gevent.get_hub().threadpool
assert {{pool.spawn(client.track_event, event()).get().outcome for _ in range(20)}} == {{"accepted"}}
client.close()
""")


def test_an_interrupt_a_fork_and_an_exit_hook(run: Callable[[str], str], server: Server) -> None:
    def interrupt(request: Received) -> bytes | None:
        os.kill(request.json["properties"]["pid"], signal.SIGINT)
        return server.hold(request)

    server.script.append(interrupt)
    run(f"""{GEVENT}
try:
    client.track_event(Event("user-1", "signed_up", {{"pid": os.getpid()}}))
except KeyboardInterrupt:
    pass
else:
    raise AssertionError
child = os.fork()
if child == 0:
    client.track_event(event("child")).raise_for_status()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
atexit.register(lambda: client.track_event(event("hook")).raise_for_status())
client.track_event(event("parent")).raise_for_status()
""")
    assert [request.json["distinct_id"] for request in server.requests[-3:]] == [
        "user-child",
        "user-parent",
        "user-hook",
    ]


def test_a_deadline_holds_and_a_greenlets_own_timeout_cancels_the_call(
    run: Callable[[str], str], server: Server
) -> None:
    server.script.extend([server.hold] * 2)
    run(f"""{GEVENT}
assert client.with_options(timeout=0.2, max_retries=0).track_event(event()).outcome == "unknown"
try:
    with gevent.Timeout(0.2):
        client.track_event(event())
except gevent.Timeout:
    pass
else:
    raise AssertionError
client.close()
""")


def test_a_spool_is_written_sent_and_begun_anew_in_a_forked_worker(
    run: Callable[[str], str], server: Server, tmp_path: Path
) -> None:
    run(f"""{GEVENT}
tracker = client.buffer(spool={str(tmp_path)!r}).open()
gevent.joinall([gevent.spawn(tracker.enqueue, event(number)) for number in range(20)], raise_error=True)
child = os.fork()
if child == 0:
    tracker.enqueue(event("child"))
    tracker.close()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
tracker.close()
assert tracker.stats().accepted == 20
client.close()
""")
    users = [event["distinct_id"] for request in server.requests for event in request.json]
    assert sorted(users) == sorted(["user-child", *(f"user-{number}" for number in range(20))])
    assert list(tmp_path.iterdir()) == []


def test_greenlets_of_a_worker_that_gevent_patched_after_the_fork_enter_a_buffer_once(
    run: Callable[[str], str], server: Server
) -> None:
    run("""
import os, warnings
from suprsend_async import Event, Suprsend
client = Suprsend(KEY, SECRET, base_url=URL)
tracker = client.buffer().open()
child = os.fork()  # as gunicorn does with --preload
if child == 0:
    import gevent.monkey
    warnings.simplefilter("ignore")  # it would rather patch before `ssl` is imported
    gevent.monkey.patch_all()
    import gevent
    calls = [gevent.spawn(tracker.enqueue, Event(f"user-{number}", "signed_up")) for number in range(20)]
    gevent.joinall(calls, raise_error=True)
    tracker.close()
    assert tracker.stats().accepted == 20
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
tracker.close()
client.close()
""")
    users = [event["distinct_id"] for request in server.requests for event in request.json]
    assert sorted(users) == sorted(f"user-{number}" for number in range(20))


def test_without_patched_threads_gevent_changes_nothing(run: Callable[[str], str]) -> None:
    run("""
import gevent.monkey
gevent.monkey.patch_all(thread=False)
import asyncio
from suprsend_async import Event, Suprsend
with Suprsend(KEY, SECRET, base_url=URL) as client:
    assert client.track_event(Event("user-1", "signed_up")).success
    asyncio.run(asyncio.sleep(0))
""")


EVENTLET = """
import warnings
warnings.filterwarnings("ignore", message="(?s).*Eventlet is deprecated")
import eventlet
"""


def test_eventlet_is_named_at_once_with_the_ways_out(run: Callable[[str], str], server: Server) -> None:
    said = run(f"""{EVENTLET}
eventlet.monkey_patch()
import asyncio
from suprsend_async import ConfigurationError, Event, Suprsend
client = Suprsend(KEY, SECRET, base_url=URL)
for call in (lambda: client.track_event(Event("user-1", "signed_up")), lambda: client.bulk_events.send([]),
             client.__enter__):
    try:
        call()
    except ConfigurationError as error:
        print(error)
    else:
        raise AssertionError
client.close()
asyncio.run(asyncio.sleep(0))
""")
    lines = said.splitlines()
    assert len(lines) == 3
    assert all("eventlet" in line and "gthread" in line and "monkey_patch(thread=False)" in line for line in lines)
    assert server.requests == []


def test_the_way_out_of_eventlet_works(run: Callable[[str], str]) -> None:
    run(f"""{EVENTLET}
eventlet.monkey_patch(thread=False)
import asyncio
from suprsend_async import Event, Suprsend
with Suprsend(KEY, SECRET, base_url=URL.replace("127.0.0.1", "localhost")) as client:
    assert client.track_event(Event("user-1", "signed_up")).success
    assert client.bulk_events.send(Event(f"user-{{n}}", "signed_up") for n in range(250)).success == 250
    asyncio.run(asyncio.sleep(0))
""")
