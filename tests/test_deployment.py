"""The files for containers: they leave the time that the end of a process needs, and name what there is."""

from __future__ import annotations

import inspect
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from suprsend_async import AsyncSuprsend, Event, Suprsend
from suprsend_async.outbox.rounds import STOP_SECONDS

pytestmark = pytest.mark.extras("outbox", "sandbox")

ROOT = Path(__file__).parents[1]
FILES = ROOT / "examples" / "deployment"
DRAIN_SECONDS = float(inspect.signature(AsyncSuprsend.buffer).parameters["drain_timeout"].default)
# What there should be beyond the sum: connections close, and a busy machine is slow.
ROOM_SECONDS = 5.0


def pods() -> list[dict[str, Any]]:
    manifests = yaml.safe_load_all((FILES / "kubernetes.yaml").read_text("utf-8"))
    return [manifest["spec"]["template"]["spec"] for manifest in manifests]


def needed_seconds(container: dict[str, Any]) -> float:
    """Return what the end of a web process takes at most, one after the other."""
    (graceful,) = [argument.split("=")[1] for argument in container["args"] if "graceful" in argument]
    waits = float(container["lifecycle"]["preStop"]["exec"]["command"][1])
    relay = STOP_SECONDS if "fastapi_app:app" in container["args"] else 0.0
    return waits + float(graceful) + DRAIN_SECONDS + relay


@pytest.mark.parametrize("pod", pods(), ids=lambda pod: pod["containers"][0]["image"].split("/")[1])
def test_a_pod_has_the_time_to_end(pod: dict[str, Any]) -> None:
    (container,) = pod["containers"]
    assert pod["terminationGracePeriodSeconds"] >= needed_seconds(container) + ROOM_SECONDS
    module = next(argument for argument in container["args"] if ":" in argument).partition(":")[0]
    assert (ROOT / "examples" / "services" / f"{module}.py").is_file()


def test_the_compose_file_has_the_time_to_end() -> None:
    web = yaml.safe_load((FILES / "compose.yaml").read_text("utf-8"))["services"]["web"]
    (graceful,) = re.findall(r'"--timeout-graceful-shutdown", "(\d+)"', (FILES / "Dockerfile").read_text("utf-8"))
    seconds = float(web["stop_grace_period"].removesuffix("s"))
    assert seconds >= float(graceful) + DRAIN_SECONDS + STOP_SECONDS + ROOM_SECONDS


def sums() -> dict[str, list[str]]:
    """Return the rows of the page that add up the end of a process, by server."""
    page = (ROOT / "docs" / "deployment.md").read_text("utf-8")
    table = page.split("| server | 1 | 2 | 3 | 4 | together |\n| --- | --- | --- | --- | --- | --- |\n")[1].split(
        "\n\n"
    )[0]
    cells = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in table.splitlines()]
    return {server: numbers for server, *numbers in cells}


@pytest.mark.parametrize(("server", "numbers"), sums().items(), ids=sums())
def test_the_page_adds_up_what_the_end_of_a_process_takes(server: str, numbers: list[str]) -> None:
    wait, requests, drain, relay, together = numbers
    (given,) = re.findall(r"(?:-timeout|-shutdown|_timeout)[ =](\d+)", server)
    assert requests == given
    if server.startswith("gunicorn"):
        # It kills what takes longer: tests/services/test_wsgi.py.
        assert (drain, relay) == ("in 2", "in 2")
        seconds = float(wait) + float(requests)
    else:
        assert (float(drain), float(relay)) == (DRAIN_SECONDS, STOP_SECONDS)
        seconds = float(wait) + float(requests) + float(drain) + float(relay)
    assert together == f"**{seconds:g}**"
    containers = [container for pod in pods() for container in pod["containers"]]
    assert {container["lifecycle"]["preStop"]["exec"]["command"][1] for container in containers} == {wait}


def test_forty_seconds_are_enough_for_what_the_page_says_and_not_for_aiohttps_default() -> None:
    longer = [server for server, (*_, together) in sums().items() if float(together.strip("*")) + ROOM_SECONDS > 40]
    assert longer == ["aiohttp, `shutdown_timeout=60` (its default)"]


def test_the_aiohttp_service_ends_in_time() -> None:
    program = (ROOT / "examples" / "services" / "aiohttp_app.py").read_text("utf-8")
    (seconds,) = re.findall(r"shutdown_timeout=(\d+)", program)
    assert f"aiohttp, `web.run_app(..., shutdown_timeout={seconds})`" in sums()


def test_what_the_dockerfile_copies_is_there() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+)$", (FILES / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    names = [name for line in copied for name in line.split()[:-1]]
    assert len(names) > 4
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_the_sandbox_of_the_compose_file_takes_its_credentials_and_ends_on_sigterm() -> None:
    services = yaml.safe_load((FILES / "compose.yaml").read_text("utf-8"))["services"]
    variables = services["sandbox"]["environment"]
    assert services["web"]["environment"].items() >= variables.items()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = str(listening.getsockname()[1])
    command = [sys.executable, str(FILES / services["sandbox"]["command"][1])]
    process = subprocess.Popen(command, env={**os.environ, **variables, "PORT": port}, stdout=subprocess.PIPE)
    try:
        url = f"http://127.0.0.1:{port}/"
        _wait_for(url)
        key, secret = variables["SUPRSEND_WORKSPACE_KEY"], variables["SUPRSEND_WORKSPACE_SECRET"]
        with Suprsend(key, secret, base_url=url) as client:
            assert client.track_event(Event("user-1", "order_placed")).outcome == "accepted"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.communicate()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(url)
        except httpx.TransportError:
            assert time.monotonic() < deadline, "the sandbox does not answer"
            time.sleep(0.05)
        else:
            return
