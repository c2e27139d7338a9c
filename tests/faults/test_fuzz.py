"""The fuzzing of the reader, in short: it finds nothing, and what is planted it finds."""

from __future__ import annotations

import pytest
from tests.faults import fuzz


def test_whatever_is_answered_is_read(seed: int) -> None:
    assert fuzz.draw(1.0, seed) > 100


def test_what_a_reader_raises_is_found_with_its_input(seed: int) -> None:
    def brittle(data: bytes) -> None:
        if b"null" in data:
            raise KeyError("null")

    with pytest.raises(KeyError) as caught:
        fuzz.draw(5.0, seed, brittle)
    (note,) = caught.value.__notes__
    assert f"seed {seed}" in note
    assert "null" in note


def test_the_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "atheris", None)
    fuzz.main(["--seconds", "0.2", "--seed", "7"])
    printed = capsys.readouterr().out
    assert "seed 7" in printed
    assert "atheris is not installed" in printed
