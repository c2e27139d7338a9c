"""A PostgreSQL server of one's own, from Debian's packages: on 127.0.0.1, in a temporary folder, until it is left."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# The server refuses to run as root; the packages bring this user along.
USER = "postgres"


def programs() -> Path | None:
    """Return the folder with `initdb` and `pg_ctl`; None if there is none."""
    if found := shutil.which("pg_ctl"):
        return Path(found).parent
    versions = [folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if (folder / "pg_ctl").exists()]
    return max(versions, key=lambda folder: float(folder.parent.name), default=None)


@contextmanager
def postgresql() -> Iterator[str]:
    """Run a server; yields what stands behind the driver in its URL: "://postgres@127.0.0.1:PORT/postgres"."""
    found = programs()
    assert found is not None, "PostgreSQL is not installed: apt-get install postgresql"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        folder = Path(directory)
        if os.geteuid() == 0:
            shutil.chown(folder, USER)
        _run(found / "initdb", "-D", folder / "data", "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
        _run(found / "pg_ctl", "-D", folder / "data", "-w", "-o", options, "-l", folder / "log", "start")
        try:
            yield f"://postgres@127.0.0.1:{port}/postgres"
        finally:
            _run(found / "pg_ctl", "-D", folder / "data", "-w", "-m", "immediate", "stop")


def _run(*command: object) -> None:
    words = list(map(str, command))
    if os.geteuid() == 0:
        words = ["runuser", "-u", USER, "--", *words]
    subprocess.run(words, check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=120)
