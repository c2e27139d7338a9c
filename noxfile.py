"""Sessions of the project. Plain `nox` runs lint, types, tests and the released client; slower ones are run by name."""

from __future__ import annotations

import nox

nox.options.sessions = ["lint", "types", "tests", "released"]
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
    session.run("pytest", "-q", "--ignore=tests/released", *session.posargs)


@nox.session
def released(session: nox.Session) -> None:
    """Run the released client against the sandbox, and show what this project does better."""
    session.install("-e", ".[all]", *GROUPS["test"], "suprsend-py-sdk==0.20.0")
    session.run("pytest", "-q", "tests/released", *session.posargs)
