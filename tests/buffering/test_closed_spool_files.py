"""A spool's files that this user may not open, and a directory that cannot be listed: named once, and left alone."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.log_lines import troubles

from suprsend_async.buffering.spool.orphans import Notices, Orphans

if TYPE_CHECKING:
    from collections.abc import Callable

UNPRIVILEGED = """
import asyncio, logging, os, pathlib, sys, tempfile
import suprsend_async.buffering.spool.session
from suprsend_async import AsyncSuprsend, Event
logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s", level=logging.WARNING)
NOBODY = 65534
top = pathlib.Path(tempfile.mkdtemp())
top.chmod(0o755)
spool = top / "spool"
spool.mkdir(0o700)

async def main():
    async with AsyncSuprsend(KEY, SECRET, base_url=URL) as client:
        # The first request brings all imports along, which nobody else may read.
        await client.track_event(Event("user-1", "signed_up"))
        CASE()
        kept = {path: path.stat().st_size for path in spool.iterdir()}
        if os.geteuid() == 0:
            os.chown(spool, NOBODY, NOBODY)
            os.setuid(NOBODY)
        async with client.buffer(spool=spool) as tracker:
            for _ in range(3):
                await tracker._session._import()
            await tracker.enqueue(Event("user-1", "signed_up"))
            await tracker.flush()
            assert tracker.stats().accepted == 1
        assert {path: path.stat().st_size for path in spool.iterdir()} == kept

asyncio.run(main())
"""
# As root the file belongs to another user; for others, its mode is enough.
FOREIGN_FILE = """
def CASE():
    (spool / "events-1-dead.spool").touch(0o600)
    if os.geteuid() != 0:
        (spool / "events-1-dead.spool").chmod(0)
"""
READ_ONLY_FILE = """
def CASE():
    from suprsend_async.buffering.spool.store import SpoolStore
    path = spool / "events-1-dead.spool"
    path.touch(0o600)
    SpoolStore(path).close()
    path.chmod(0o444)
"""
# The file itself is this user's; its log, where the events are, is not, or may not be read, or not be written.
CLOSED_LOG = """
def CASE():
    import shutil
    from suprsend_async.buffering.spool.store import SpoolStore
    path, log = spool / "events-1-dead.spool", spool / "events-1-dead.spool-wal"
    path.touch(0o600)
    store = SpoolStore(path)
    store.begin()
    store.put(b"{}", 5.0)
    store.commit()
    for each in (path, log):
        shutil.copy(each, f"{each}.copy")
    store.close()
    for each in (path, log):
        pathlib.Path(f"{each}.copy").rename(each)
    log.chmod(MODE)
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)
        os.chown(log, OWNER, OWNER)
"""


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="users as on Unix")
@pytest.mark.parametrize(
    "case",
    [
        FOREIGN_FILE,
        READ_ONLY_FILE,
        CLOSED_LOG.replace("MODE", "0o600").replace("OWNER", "0"),
        CLOSED_LOG.replace("MODE", "0").replace("OWNER", "NOBODY"),
        CLOSED_LOG.replace("MODE", "0o444").replace("OWNER", "NOBODY"),
    ],
    ids=["foreign", "read-only", "foreign log", "closed log", "read-only log"],
)
def test_a_file_that_this_user_may_not_open_is_named_once(
    run_python: Callable[..., subprocess.CompletedProcess[str]], case: str
) -> None:
    process = run_python(UNPRIVILEGED.replace("async def main", f"{case}\nasync def main"))
    assert process.stderr == ""
    [line] = process.stdout.splitlines()
    assert line.startswith("WARNING the spool ")
    assert "cannot be opened by this user" in line


def test_a_directory_that_cannot_be_listed_is_named_once(spool: Path, caplog: pytest.LogCaptureFixture) -> None:
    orphans = Orphans(spool, spool / "events-1-own.spool", "ours", Notices())
    for _ in range(3):
        assert list(orphans.look()) == []
    [trouble] = troubles(caplog)
    assert trouble.startswith(f"the spool {spool} cannot be listed (No such file or directory)")
