"""The sandbox as a process of its own, on one core. Orders come on standard input; it ends when that does."""

from __future__ import annotations

import argparse
import json
import sys
import time

from benchmarks.cpus import pin


def main() -> None:
    """Run until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cpu", type=int)
    parser.add_argument("--store")
    arguments = parser.parse_args()
    pin(arguments.cpu)
    from suprsend_async.sandbox import Sandbox

    with Sandbox(store=arguments.store) as sandbox:
        told = {"url": sandbox.url, "api_key": sandbox.api_key, "workspace_uid": sandbox.workspace_uid}
        print(json.dumps(told), flush=True)
        for _ in sys.stdin:
            report = {"cpu": time.process_time(), "accepted": sandbox.accepted}
            print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
