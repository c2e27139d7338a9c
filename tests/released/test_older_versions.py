"""Older versions of the released client against the sandbox: before 0.15 they send events to another path."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from suprsend_async.sandbox import Sandbox

PROGRAM = Path(__file__).parent / "programs" / "older.py"
# Where `nox -s released` has put them, each in a folder of its own: they are modules of one name.
FOLDER = os.environ.get("SUPRSEND_OLDER_SDKS")


@pytest.mark.skipif(FOLDER is None, reason="SUPRSEND_OLDER_SDKS does not say where they are; `nox -s released` does")
@pytest.mark.parametrize("version", ["0.14.0", "0.15.0"])
def test_it_tracks_one_event_and_250_in_bulk(version: str) -> None:
    with Sandbox() as sandbox:
        done = subprocess.run(
            [sys.executable, PROGRAM],
            env={**os.environ, **sandbox.environment(), "PYTHONPATH": str(Path(FOLDER or "") / version)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        results = json.loads(done.stdout.splitlines()[-1])
        assert (results["one"]["success"], results["one"]["status_code"]) == (True, 202)
        assert results["many"] == ["success", 250, 250, 0]
        assert [event["properties"].get("number") for event in sandbox.events] == [None, *range(250)]
        assert (sandbox.events[0]["tenant_id"], sandbox.events[0]["$idempotency_key"]) == ("acme", "order-41")
        assert all(version in event["properties"]["$ss_sdk_version"] for event in sandbox.events)
        # The older path answers a text, the newer one an id.
        (event, *_) = sandbox.entries(limit=300)[::-1]
        assert results["one"]["message"] == ("OK" if version == "0.14.0" else event.message_id)
