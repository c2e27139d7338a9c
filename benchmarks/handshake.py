"""How a worker talks to the benchmark: it is ready, it waits for the word, it reports."""

from __future__ import annotations

import argparse
import gc
import json
import logging
import sys
from typing import TYPE_CHECKING, Any

from benchmarks.cpus import pin
from benchmarks.records import FLAT, SHAPES

if TYPE_CHECKING:
    from collections.abc import Mapping


def arguments(*numbers: str) -> argparse.Namespace:
    """Return the arguments of a worker: subject, address of the server, shape of the records, and the numbers named."""
    parser = argparse.ArgumentParser()
    parser.add_argument("subject")
    parser.add_argument("--url", required=True)
    parser.add_argument("--cpu", type=int)
    parser.add_argument("--shape", choices=SHAPES, default=FLAT)
    for name in numbers:
        parser.add_argument(f"--{name}", type=float, required=True)
    parsed = parser.parse_args()
    pin(parsed.cpu)
    logging.disable(logging.WARNING)
    return parsed


def wait_for_the_word() -> None:
    """Say that the warm-up is over, and wait until the work shall begin."""
    # What is here by now belongs to the benchmark: no client shall pay for collecting garbage around it.
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    sys.stdin.readline()


def report(results: Mapping[str, Any]) -> None:
    """Tell what came of it."""
    print(json.dumps(results), flush=True)
