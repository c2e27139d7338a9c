"""The adaptive pressure against servers that are simulated: every moment is passed in, nothing waits."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from suprsend_async.bulk.pace import Pace
from suprsend_async.bulk.pressure import Pressure, Signal


class TokenBucket:
    """Serves `rate` requests a second, and up to a second's worth at once."""

    def __init__(self, rate: float) -> None:
        self.rate = self.tokens = rate
        self.filled_at = 0.0

    def serves(self, now: float) -> bool:
        self.tokens = min(self.rate, self.tokens + (now - self.filled_at) * self.rate)
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Window:
    """Serves `rate` requests in each second of its clock."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.second = -1
        self.served = 0

    def serves(self, now: float) -> bool:
        if int(now) != self.second:
            self.second, self.served = int(now), 0
        self.served += 1
        return self.served <= self.rate


@dataclass
class Outcome:
    refused_share: float
    served_per_second: float


def drive(
    server: TokenBucket | Window, latency: float, retry_after: float | None, until: float
) -> list[tuple[float, bool]]:
    """Press on a server with a job that always has something to send; returns when each request came and its fate."""
    chance = random.Random(1)
    pressure = Pressure(concurrency=16)
    order = itertools.count()
    answers: list[tuple[float, int, float, bool]] = []
    requests: list[tuple[float, bool]] = []
    now = 0.0
    while now < until:
        delay = pressure.delay(now)
        if delay is not None and (not answers or now + delay <= answers[0][0]):
            now += delay
            pressure.admit(now)
            served = server.serves(now + latency / 2)
            requests.append((now, served))
            heapq.heappush(answers, (now + latency * chance.uniform(0.8, 1.2), next(order), now, served))
        else:
            now, _, started, served = heapq.heappop(answers)
            signal = Signal.SERVED if served else Signal.THROTTLED
            pressure.leave(signal, started, now, None if served else retry_after)
    return requests


def between(requests: list[tuple[float, bool]], begin: float, end: float) -> Outcome:
    fates = [served for moment, served in requests if begin <= moment < end]
    return Outcome(1 - sum(fates) / len(fates), sum(fates) / (end - begin))


@pytest.mark.parametrize("rate", [2, 3, 5, 10, 20, 50, 100, 200])
@pytest.mark.parametrize("latency", [0.002, 0.03])
@pytest.mark.parametrize("server", [TokenBucket, Window])
def test_a_server_that_refuses_the_rest_is_soon_met(
    server: Callable[[float], TokenBucket | Window], latency: float, rate: float
) -> None:
    requests = drive(server(rate), latency, None, until=20)
    for begin in (5, 10):
        outcome = between(requests, begin, 20)
        assert outcome.refused_share < 0.2
        assert outcome.served_per_second > 0.8 * rate


@pytest.mark.parametrize("rate", [2, 20, 200])
def test_a_pause_that_the_server_asks_for_is_kept(rate: float) -> None:
    requests = drive(TokenBucket(rate), 0.03, 1.0, until=20)
    assert between(requests, 5, 20).refused_share < 0.2
    refusals = [moment for moment, served in requests if not served]
    first = refusals[0] + 0.04
    assert not [moment for moment, _ in requests if first < moment < refusals[0] + 0.99]


def test_a_server_that_serves_all_is_given_all() -> None:
    requests = drive(TokenBucket(1e9), 0.05, None, until=5)
    assert len(requests) / 5 > 0.95 * 16 / 0.05


def test_overload_lowers_the_requests_in_flight_and_success_raises_them_again() -> None:
    pressure = Pressure(concurrency=10)
    for _ in range(2):
        pressure.admit(0.0)
    pressure.leave(Signal.STRAINED, 0.0, 1.0)
    assert pressure.limit == 10  # one failure alone is no overload
    pressure.leave(Signal.STRAINED, 0.0, 1.0)
    assert pressure.limit == 7
    for _ in range(100):
        pressure.admit(2.0)
        pressure.leave(Signal.SERVED, 2.0, 2.1)
    assert pressure.limit == 10


def test_refusals_of_one_moment_count_once() -> None:
    pressure = Pressure(concurrency=16)
    for _ in range(16):
        pressure.admit(0.0)
    for _ in range(16):
        pressure.leave(Signal.THROTTLED, 0.0, 0.1)
    assert pressure.limit == pytest.approx(16 * 0.7)
    assert pressure.throttled == 16


def test_the_limit_never_falls_below_one() -> None:
    pressure = Pressure(concurrency=2)
    for second in range(1, 50):
        pressure.admit(second)
        pressure.leave(Signal.THROTTLED, second, second + 0.1)
    assert pressure.limit == 1
    assert pressure.delay(1e6) == 0


def test_a_request_in_flight_too_many_has_to_wait_for_an_answer() -> None:
    pressure = Pressure(concurrency=1)
    pressure.admit(0.0)
    assert pressure.delay(0.0) is None
    pressure.leave(Signal.NEUTRAL, 0.0, 0.1)
    assert pressure.delay(0.1) == 0


def test_there_is_no_pace_before_a_refusal() -> None:
    pace = Pace()
    pace.started(0.0)
    pace.served()
    assert pace.at(1e9) == math.inf
