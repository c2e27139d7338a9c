"""The guide says all that there is to say of mappings; that its code runs is tested with the documentation."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from suprsend_async.ingest import EventMapping, mapping_of

GUIDE = (Path(__file__).parents[2] / "docs/guides/ingest.md").read_text("utf-8")


def test_the_mapping_of_the_guide_is_one() -> None:
    [block] = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    assert mapping_of(tomllib.loads(block)).event == "flight_departed"


def test_the_guide_names_every_key_of_a_mapping() -> None:
    keys = re.findall(r"^\| `(\w+)` \| `--", GUIDE, re.MULTILINE)
    assert sorted(keys) == sorted(EventMapping.model_fields)
