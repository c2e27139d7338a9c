"""The changelog has the form of Keep a Changelog, and its newest version is the package's."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

import suprsend_async

TEXT = Path(__file__).parents[1].joinpath("CHANGELOG.md").read_text("utf-8")
HEADINGS = re.findall(r"^## (.*)$", TEXT, re.MULTILINE)
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_what_is_not_released_comes_first() -> None:
    assert HEADINGS[0] == "[Unreleased]"


def test_the_newest_version_is_the_packages() -> None:
    assert HEADINGS[1].startswith(f"[{suprsend_async.__version__}] - ")


@pytest.mark.parametrize("heading", HEADINGS[1:])
def test_a_version_has_a_date(heading: str) -> None:
    match = re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d{2}-\d{2})", heading)
    assert match is not None
    assert date.fromisoformat(match[4])


def test_versions_fall() -> None:
    versions = [tuple(map(int, numbers)) for numbers in re.findall(r"^## \[(\d+)\.(\d+)\.(\d+)\]", TEXT, re.MULTILINE)]
    assert versions == sorted(set(versions), reverse=True)


def test_changes_are_of_the_known_kinds() -> None:
    assert set(re.findall(r"^### (.*)$", TEXT, re.MULTILINE)) <= KINDS
