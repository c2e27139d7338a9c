"""The command `suprsend-async`."""

from __future__ import annotations

import io
import sys
from importlib import import_module

from suprsend_async.version import __version__

VERSION = f"suprsend-async {__version__}"
_PACKAGES = ("typer", "rich", "click")


def main() -> None:
    """Run the command; without its packages say how to install them, and exit with status 2."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character is no reason to fail.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Before anything is imported: it takes no longer than the interpreter, and works whatever is missing.
    if sys.argv[1:] == ["--version"] and _has_shown_version():
        return
    from suprsend_async.cli.output import OutputLost, lost_output

    try:
        with lost_output(ends_it=True):
            _run()
    except OutputLost:
        raise SystemExit(3) from None


def _has_shown_version() -> bool:
    try:
        if sys.stdout is not None:
            sys.stdout.write(f"{VERSION}\n")
            sys.stdout.flush()
    except OSError:
        return False
    return True


def _run() -> None:
    try:
        # typer works without rich, and would show no more than plain text.
        import_module("rich")
        from suprsend_async.cli.application import app
    except ModuleNotFoundError as error:
        if error.name not in _PACKAGES:
            raise
        sys.stderr.write(
            f"The command suprsend-async needs the package {error.name}: "
            "pip install 'suprsend-async[cli]', or 'suprsend-async[all]' for everything.\n"
        )
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    app(prog_name="suprsend-async")
