"""`python -m benchmarks`: measure everything and write the page."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.flights import read_flights
from benchmarks.measures.everything import measure
from benchmarks.page.chart import chart
from benchmarks.page.page import CHART, page
from benchmarks.page.versions import surroundings
from benchmarks.plan import QUICK, WHOLE

DOCS = Path(__file__).parent.parent / "docs"


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, one round")
    parser.add_argument("--output", type=Path, default=DOCS, metavar="DIR", help="where the page goes (default: docs)")
    arguments = parser.parse_args()
    # Stops here if the events are missing.
    read_flights(1)
    around = surroundings()
    started = time.perf_counter()

    def say(what: str) -> None:
        print(f"{time.perf_counter() - started:6.1f} s  {what}", file=sys.stderr, flush=True)

    with TemporaryDirectory() as compiled:
        # Where the environment forbids bytecode, each process would compile all that it imports.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = compiled
        results = measure(QUICK if arguments.quick else WHOLE, say)
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "benchmarks.md").write_text(page(results, around), encoding="utf-8")
    (arguments.output / CHART).write_text(chart(results.bulk[0].rows), encoding="utf-8")
    say(f"written to {arguments.output}")


if __name__ == "__main__":
    main()
