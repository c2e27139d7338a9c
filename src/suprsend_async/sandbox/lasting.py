"""A sandbox that lasts: for notebooks, whose cells no `with` block can span."""

from __future__ import annotations

import atexit
import os
from threading import Lock
from typing import Any

from suprsend_async.sandbox.server import Sandbox

_changing = Lock()
_running: tuple[Sandbox, dict[str, Any]] | None = None


def with_sandbox(**options: Any) -> Sandbox:
    """Start a sandbox for the rest of the process, and have clients that are given nothing talk to it.

    It sets the environment variables that clients read. There is one such sandbox: called again, as by a cell that
    is run again, it returns the one that runs, with all that it holds. Other options stop that one and start another.

    It stops when the process ends, or by `stop()`. The variables stay as they are, so that no later call goes to the
    real platform by mistake; it fails, since nothing listens.

    Args:
        **options: What `Sandbox` takes.

    Raises:
        ValueError: An option is wrong, as for `Sandbox`.
        OSError: It cannot be started, as for `Sandbox`.

    Examples:
        >>> from suprsend_async.sandbox import with_sandbox
        >>> sandbox = with_sandbox()
        >>> async with AsyncSuprsend() as client:
        ...     response = await client.track_event(Event("user-1", "signed_up"))
        >>> len(sandbox.events), with_sandbox() is sandbox
        (1, True)
        >>> sandbox.stop()
    """
    global _running  # noqa: PLW0603 - one for each process, as its environment is
    with _changing:
        if _running is not None and _running[0].is_running:
            sandbox, given = _running
            if given == options:
                os.environ.update(sandbox.environment())
                return sandbox
            sandbox.stop()
        sandbox = Sandbox(**options)
        sandbox.start()
        atexit.register(sandbox.stop)
        _running = sandbox, dict(options)
        os.environ.update(sandbox.environment())
        return sandbox
