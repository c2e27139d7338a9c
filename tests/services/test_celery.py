"""The Celery example: a prefork worker with a broker of files."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from celery import Celery
from tests.services.conftest import SECONDS, wait_until

from suprsend_async.buffering.spool.session import IMPORT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.services.conftest import Service

    from suprsend_async.sandbox import Sandbox

TASKS = 40
# A broker that is a folder: what goes out here comes in there.
CONFIGURATION = """
from pathlib import Path
folder = Path({folder!r})
broker_transport_options = {{"data_folder_in": folder, "data_folder_out": folder, "control_folder": folder}}
worker_hijack_root_logger = False
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "broker").mkdir()
    (tmp_path / "celeryconfig.py").write_text(CONFIGURATION.format(folder=str(tmp_path / "broker")))
    return tmp_path


@pytest.fixture
def send_task(folder: Path) -> Callable[[str], object]:
    """Put a task into the broker."""
    broker = str(folder / "broker")
    options = {"data_folder_in": broker, "data_folder_out": broker, "control_folder": broker}
    app = Celery("shop", broker="filesystem://", broker_transport_options=options)
    return lambda order_id: app.send_task("celery_app.ship", (order_id,))


@pytest.fixture
def start_worker(serve: Callable[..., Service], folder: Path) -> Callable[[], Service]:
    """Start a worker with two processes."""
    return lambda: serve(
        *("celery", "--app", "celery_app", "--config", "celeryconfig", "worker"),
        *("--pool", "prefork", "--concurrency", "2", "--loglevel", "info"),
        BROKER_URL="filesystem://",
        SUPRSEND_SPOOL=str(folder / "spool"),
        PYTHONPATH=str(folder),
    )


def all_done(service: Service) -> bool:
    return service.log.read_text().count("succeeded") == TASKS


def test_all_that_was_enqueued_arrives_on_sigterm(
    start_worker: Callable[[], Service], sandbox: Sandbox, folder: Path, send_task: Callable[[str], object]
) -> None:
    service = start_worker()
    sandbox.fail_next(6, status=503)
    for number in range(TASKS):
        send_task(str(number))
    wait_until(lambda: all_done(service), "all tasks are done")
    said = service.terminate()
    assert service.process.returncode == 0, said
    orders = [event["properties"]["order_id"] for event in sandbox.events]
    assert sorted(orders, key=int) == [str(number) for number in range(TASKS)], said
    assert list((folder / "spool").iterdir()) == []
    assert "Traceback" not in said


def test_a_worker_that_is_killed_loses_nothing(
    start_worker: Callable[[], Service], sandbox: Sandbox, send_task: Callable[[str], object]
) -> None:
    sandbox.stop()
    service = start_worker()
    for number in range(TASKS):
        send_task(str(number))
    wait_until(lambda: all_done(service), "all tasks are done")
    os.killpg(service.process.pid, signal.SIGKILL)
    service.process.wait()
    sandbox.start()
    start_worker()
    # A process that is not quite dead at the first look still holds its file; the next look is so much later.
    patience = IMPORT_SECONDS + SECONDS
    wait_until(lambda: len(sandbox.events) == TASKS, "the next worker has sent what was left", patience)
