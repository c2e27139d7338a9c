"""Runs the command as `python -m suprsend_async.cli`."""

from suprsend_async.cli import main

if __name__ == "__main__":
    main()
