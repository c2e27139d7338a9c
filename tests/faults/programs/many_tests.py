"""Run the tests of an application, as its developer does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# Without pytest's own words on stdout, where the tests tell what they were told.
OPTIONS = ["-s", "-W", "error", "-p", "no:cacheprovider", "-p", "no:terminal"]

if __name__ == "__main__":
    sys.exit(pytest.main([*OPTIONS, str(Path(__file__).with_name("application_tests.py"))]))
