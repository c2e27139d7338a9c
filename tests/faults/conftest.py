"""Two lengths of the bench: a sample that a seed draws, and all with `--full`; and the certificates of its servers."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from tests.faults.certificates import Certificates

from suprsend_async.transport import engine as default_engine

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

FULL_SECONDS = 1800
"""How long a test may take that is marked `full`."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults", "the fault bench")
    group.addoption("--full", action="store_true", help="try every square of the matrix, and what takes minutes")
    group.addoption("--fault-seed", type=int, help="draw the same sample again")


def pytest_configure(config: pytest.Config) -> None:
    # Both are missing if other tests run as well: pytest reads this file too late then.
    config.option.full = config.getoption("full", default=False)
    seed = config.getoption("fault_seed", default=None)
    if seed is None:
        seed = getattr(config, "workerinput", {}).get("fault_seed", random.SystemRandom().randrange(1 << 31))
    config.option.fault_seed = seed


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    # Processes of pytest-xdist that run side by side draw the same sample.
    node.workerinput["fault_seed"] = node.config.getoption("fault_seed")


def pytest_report_collectionfinish(config: pytest.Config) -> str:
    if config.getoption("full"):
        return "faults: the whole matrix"
    return f"faults: a sample; for the same again: --fault-seed {config.getoption('fault_seed')}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("full"):
        for item in items:
            if item.get_closest_marker("full"):
                item.add_marker(pytest.mark.timeout(FULL_SECONDS))
        return
    minutes = [item for item in items if item.get_closest_marker("full")]
    config.hook.pytest_deselected(items=minutes)
    items[:] = [item for item in items if item not in minutes]


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Return what chance begins with in this run."""
    return int(request.config.getoption("fault_seed"))


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    return Certificates()


@pytest.fixture
def trusted(certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ssl.SSLContext]:
    """Let the default engine trust the bench's authority, and give a context for the other engines."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.write_authority(tmp_path)))
    default_engine.tls_context.cache_clear()
    yield certificates.client()
    default_engine.tls_context.cache_clear()
