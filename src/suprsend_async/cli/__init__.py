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
    if sys.argv[1:] == ["--version"]:
        # Before anything is imported: it takes no longer than the interpreter, and works whatever is missing.
        sys.stdout.write(f"{VERSION}\n")
        return
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character is no reason to fail.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
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
