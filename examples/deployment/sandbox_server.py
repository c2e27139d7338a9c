"""The sandbox for a compose file: the other services have the same credentials."""

import os
import signal

from suprsend_async.sandbox import Sandbox

# Blocked before any thread starts, so that the last line receives them.
ENDS = [signal.SIGINT, signal.SIGTERM]
signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)

with Sandbox(
    host="0.0.0.0",
    port=int(os.environ.get("PORT", "8700")),
    allowed_hosts=["sandbox"],
    workspace_key=os.environ["SUPRSEND_WORKSPACE_KEY"],
    workspace_secret=os.environ["SUPRSEND_WORKSPACE_SECRET"],
    # It is reached from the other containers, and from nowhere else.
    i_know_this_is_not_for_production=True,
) as sandbox:
    print(f"the sandbox listens at {sandbox.url}", flush=True)
    signal.sigwait(ENDS)
