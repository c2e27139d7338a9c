"""Dead letters: durable, private, and sent again as they were."""

import json
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from suprsend_async import Event
from suprsend_async.errors import ValidationError
from suprsend_async.events.encoding import Encoder
from suprsend_async.ingest import DeadLetter, DeadLetterFile, LetterMapping, MappingError, Row, open_sources
from suprsend_async.ingest.letter_mapping import holds_letters

NOW = 1_767_225_600.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "flights.csv.dead"


def letter(event: Event | None = None, **changes: object) -> DeadLetter:
    values = {"source": "flights.csv", "row": 3, "error": "no", "code": 503, "outcome": "unknown", "at": NOW, **changes}
    return DeadLetter(event=event, **values)  # type: ignore[arg-type]


def rows(path: Path) -> list[Row]:
    (source,) = open_sources([str(path)])
    return list(source.rows())


def rich_event() -> Event:
    event = Event(
        "user-1",
        "order_placed",
        {"amount": Decimal("10.50"), "at": datetime(2026, 1, 2, tzinfo=UTC), "tags": {"a"}, "none": None, "ratio": 0.1},
        "order-1",
        tenant_id="tenant",
    )
    event.add_attachment("https://example.com/invoice.pdf", "invoice.pdf")
    return event


def test_each_line_has_the_named_fields(path: Path) -> None:
    DeadLetterFile(path).write([letter(Event("user-1", "signed_up", idempotency_key="key")), letter(row=4)])
    first, second = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    assert list(first) == ["source", "row", "event", "error", "code", "outcome", "at"]
    assert first["event"]["idempotency_key"] == "key"
    assert (first["source"], first["row"], first["code"], first["outcome"]) == ("flights.csv", 3, 503, "unknown")
    assert second["event"] is None


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_only_its_owner_may_read_it(path: Path) -> None:
    DeadLetterFile(path).write([letter()])
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_event_is_sent_again_byte_for_byte(path: Path) -> None:
    event = rich_event()
    DeadLetterFile(path).write([letter(event)])
    (row,) = rows(path)
    encoder = Encoder("workspace", "sdk", 819_200)
    assert encoder.encode(LetterMapping().event(row)) == encoder.encode(event)


def test_an_event_that_json_cannot_carry_is_left_out(path: Path) -> None:
    DeadLetterFile(path).write([letter(Event("user-1", "signed_up", {"ratio": float("nan")}))])
    (row,) = rows(path)
    with pytest.raises(MappingError, match="correct the row in its source"):
        LetterMapping().event(row)


@pytest.mark.parametrize("torn", [b'{"sou', b'{"source":"a","row":1,"eve'])
def test_what_a_crash_cut_short_is_written_over(path: Path, torn: bytes) -> None:
    letters = DeadLetterFile(path)
    letters.write([letter(row=1)])
    with path.open("ab") as file:
        file.write(torn)
    letters.write([letter(row=2)])
    assert [json.loads(line)["row"] for line in path.read_text(encoding="utf-8").splitlines()] == [1, 2]


def test_a_long_torn_line_is_found_as_well(path: Path) -> None:
    path.write_bytes(letter(row=1).to_json() + b'{"source":"' + b"x" * 200_000)
    DeadLetterFile(path).write([letter(row=2)])
    assert [row.values["row"] for row in rows(path) if row.values is not None] == [1, 2]


def test_a_file_that_is_somebody_elses_is_left_alone(path: Path) -> None:
    path.write_bytes(b"notes, without a line break")
    with pytest.raises(OSError, match="no file of dead letters") as caught:
        DeadLetterFile(path).write([letter()])
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"notes, without a line break"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_is_told_with_the_path() -> None:
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        DeadLetterFile("/dev/full").write([letter()])


@pytest.mark.parametrize(
    ("outcome", "at", "since"),
    [
        ("unknown", NOW, NOW),
        ("unknown", 7, 7.0),
        ("rejected", NOW, None),
        ("not_sent", NOW, None),
        # Whoever writes letters by hand may leave it out; the earliest is the safe reading.
        ("unknown", None, 0.0),
        ("unknown", "yesterday", 0.0),
        ("unknown", float("nan"), 0.0),
        ("unknown", 10**400, 0.0),
    ],
)
def test_since_when_its_event_may_be_on_its_way(outcome: str, at: object, since: float | None) -> None:
    row = Row(0, {"event": {"distinct_id": "user-1", "event_name": "signed_up"}, "outcome": outcome, "at": at})
    assert LetterMapping().sent_since(row) == since


def test_a_row_that_cannot_be_read_tells_nothing() -> None:
    assert LetterMapping().sent_since(Row(0, None, "is broken")) is None


@pytest.mark.parametrize(
    "values",
    [
        None,
        {},
        {"event": 1},
        {"event": {"distinct_id": "user"}},
        {"event": {"wrong": 1}},
        {"event": {"distinct_id": 1}},
    ],
)
def test_a_row_that_is_no_letter(values: dict[str, object] | None) -> None:
    with pytest.raises(ValidationError):
        LetterMapping().event(Row(0, values, None if values is not None else "is broken"))


def test_letters_are_told_from_other_rows(path: Path, tmp_path: Path) -> None:
    DeadLetterFile(path).write([letter()])
    other = tmp_path / "other.jsonl"
    other.write_text('{"source": "a", "row": 1}\n', encoding="utf-8")
    empty = tmp_path / "empty.jsonl"
    empty.write_bytes(b"")
    assert [holds_letters(source) for source in open_sources([str(path), str(other), str(empty)])] == [
        True,
        False,
        False,
    ]
