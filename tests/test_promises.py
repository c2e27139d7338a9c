"""How late a machine is: what the promises in real time are measured with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.promises import Delay, Lateness, overlap

STOPPED_WHILE_IT_MEASURES = """
import sys, time
from tests.promises import Lateness

with Lateness() as lateness:
    begin = time.monotonic()
    print("measuring", flush=True)
    sys.stdin.readline()
    end = time.monotonic()
    print(lateness.within(begin, end))
"""


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [(0.0, 10.0, 3.0), (0.0, 1.0, 0.0), (1.5, 2.5, 0.5), (2.25, 2.5, 0.25), (2.0, 5.0, 2.0), (7.0, 9.0, 0.0)],
)
def test_only_the_lateness_between_two_moments_counts(begin: float, end: float, expected: float) -> None:
    assert overlap([Delay(2.0, 3.0), Delay(4.0, 6.0)], begin, end) == expected


def test_what_ends_late_on_a_machine_that_is_not_has_overrun() -> None:
    not_measuring = Lateness()
    assert not_measuring.overrun(10.0, 11.5) == 1.5
    assert not_measuring.overrun(10.0, 9.5) == 0.0


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="processes cannot be stopped here")
def test_a_process_that_did_not_run_is_excused() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STOPPED_WHILE_IT_MEASURES],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "measuring\n"
        process.send_signal(signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        stopped = time.monotonic()
        time.sleep(0.3)
        stopped = time.monotonic() - stopped
        process.send_signal(signal.SIGCONT)
        output, _ = process.communicate("\n")
    assert float(output) >= stopped - 0.01
