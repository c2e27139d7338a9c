"""Dead letters: durable, private, and sent again as they were."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from tests.disk import recorded

from suprsend_async import Event
from suprsend_async.errors import ValidationError
from suprsend_async.events.encoding import Encoder
from suprsend_async.ingest import DeadLetterFile, DeadLetterMapping, FailedRow, MappingError, Row, open_sources
from suprsend_async.ingest.job.dead_letter_source import holds_dead_letters
from suprsend_async.ingest.job.dead_letters import MAX_RAW_CHARACTERS, raw_of

NOW = 1_767_225_600.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "flights.csv.dead"


def dead_letter(event: Event | None = None, **changes: object) -> FailedRow:
    values = {"source": "flights.csv", "row": 3, "error": "no", "code": 503, "outcome": "unknown", "at": NOW, **changes}
    return FailedRow(event=event, **values)  # type: ignore[arg-type]


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
    DeadLetterFile(path).write([dead_letter(Event("user-1", "signed_up", idempotency_key="key")), dead_letter(row=4)])
    first, second = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    assert list(first) == ["source", "row", "event", "error", "code", "outcome", "at", "line", "raw", "job"]
    assert first["event"]["idempotency_key"] == "key"
    assert (first["source"], first["row"], first["code"], first["outcome"]) == ("flights.csv", 3, 503, "unknown")
    assert second["event"] is None


def test_letters_are_on_the_disk_when_they_are_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dead_letters = DeadLetterFile(path)
    calls = recorded(monkeypatch)
    dead_letters.write([dead_letter(row=1), dead_letter(row=2)])
    assert calls[:2] == ["write file", "fsync file"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_only_its_owner_may_read_it(path: Path) -> None:
    DeadLetterFile(path).write([dead_letter()])
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_event_is_sent_again_byte_for_byte(path: Path) -> None:
    event = rich_event()
    DeadLetterFile(path).write([dead_letter(event)])
    (row,) = rows(path)
    encoder = Encoder("workspace", "sdk", 819_200)
    assert encoder.encode(DeadLetterMapping().event(row)) == encoder.encode(event)


@pytest.mark.parametrize(
    ("value", "raw"),
    [(float("nan"), '"ratio":NaN'), ("\ud800", "ratio"), (b"\xff", '"ratio":"_w=="'), (object(), "ratio")],
)
def test_an_event_that_json_cannot_carry_is_kept_as_text(path: Path, value: object, raw: str) -> None:
    DeadLetterFile(path).write([dead_letter(Event("user-1", "signed_up", {"ratio": value}))])
    (row,) = rows(path)
    assert row.values is not None
    assert raw in row.values["raw"]
    with pytest.raises(MappingError, match=r"correct the row in its source, and add --retry-failed"):
        DeadLetterMapping().event(row)


def test_a_letter_holds_the_row_as_it_stands_and_not_too_much_of_it() -> None:
    assert raw_of(Row(0, None, "is broken", text=b'{"user": "caf\xe9 \xc3\xa9')) == '{"user": "caf\\xe9 é'
    assert raw_of(Row(0, None, "is broken")) is None
    assert raw_of(Row(0, {"a": Decimal("1.50"), "b": None, "c": float("inf")})) == '{"a":"1.50","b":null,"c":Infinity}'
    for text in (b"x" * 10**6, b"\xff" * 10**6, "é".encode() * 10**6):
        assert len(raw_of(Row(0, None, "is broken", text=text)) or "") == MAX_RAW_CHARACTERS
    assert len(raw_of(Row(0, {"a": "x" * 10**6})) or "") == MAX_RAW_CHARACTERS


def test_names_and_errors_may_hold_any_text(path: Path) -> None:
    DeadLetterFile(path).write([dead_letter(source="caf\udce9.csv", error="column '\ud800'", raw="\udcff")])
    (row,) = rows(path)
    assert row.values is not None
    assert (row.values["source"], row.values["raw"]) == ("caf\\udce9.csv", "\\udcff")


def test_letters_of_earlier_versions_are_read(path: Path) -> None:
    document = json.loads(dead_letter(Event("user-1", "signed_up")).to_json())
    for name in ("line", "raw", "job"):
        del document[name]
    path.write_text(json.dumps(document) + "\n", encoding="utf-8")
    [source] = open_sources([str(path)])
    assert holds_dead_letters(source)
    assert DeadLetterMapping().event(next(iter(source.rows()))).distinct_id == "user-1"
    assert list(DeadLetterFile(path).dead_letters()) == [document]


def test_lines_can_be_taken_out_and_changed(path: Path) -> None:
    file = DeadLetterFile(path)
    file.write([dead_letter(row=number) for number in range(5)])
    with path.open("ab") as more:
        more.write(b'no dead letter\n{"source":"torn')
    kept: list[int] = []

    def keep(number: int, line: bytes) -> bytes | None:
        kept.append(number)
        return None if number in (1, 3) else b"changed\n" if number == 4 else line

    file.rewrite(keep)
    assert kept == list(range(7))
    assert [each["row"] for each in file.dead_letters()] == [0, 2]
    assert path.read_bytes().splitlines()[2:] == [b"changed", b"no dead letter", b'{"source":"torn']
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    file.rewrite(lambda _, line: None)
    assert list(path.parent.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        file.rewrite(lambda _, line: line)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_only_its_owner_may_read_what_is_left(path: Path) -> None:
    file = DeadLetterFile(path)
    file.write([dead_letter(), dead_letter(row=4)])
    file.rewrite(lambda number, line: line if number else None)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_failure_while_it_is_rewritten_leaves_it_as_it_was(path: Path) -> None:
    file = DeadLetterFile(path)
    file.write([dead_letter(), dead_letter(row=4)])
    before = path.read_bytes()

    def fail(number: int, line: bytes) -> bytes:
        if number:
            raise OSError(28, "No space left on device")
        return line

    with pytest.raises(OSError, match="No space left"):
        file.rewrite(fail)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


APPEND = """
import sys
from suprsend_async.ingest import FailedRow, DeadLetterFile
for row in range(300):
    DeadLetterFile(sys.argv[1]).write([FailedRow("b.csv", row, None, "no", None, "rejected", 0.0)])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="locks are POSIX's")
def test_what_another_process_appends_meanwhile_is_not_lost(path: Path) -> None:
    file = DeadLetterFile(path)
    with subprocess.Popen([sys.executable, "-c", APPEND, str(path)]) as process:
        rewritten = 0
        while process.poll() is None:
            file.write([dead_letter(row=rewritten)])
            file.rewrite(lambda _, line: line if b'"b.csv"' in line else None)
            rewritten += 1
    assert process.returncode == 0
    assert rewritten > 3
    assert [each["row"] for each in file.dead_letters()] == list(range(300))


@pytest.mark.parametrize("torn", [b'{"sou', b'{"source":"a","row":1,"eve'])
def test_what_a_crash_cut_short_is_written_over(path: Path, torn: bytes) -> None:
    dead_letters = DeadLetterFile(path)
    dead_letters.write([dead_letter(row=1)])
    with path.open("ab") as file:
        file.write(torn)
    dead_letters.write([dead_letter(row=2)])
    assert [json.loads(line)["row"] for line in path.read_text(encoding="utf-8").splitlines()] == [1, 2]


def test_a_long_torn_line_is_found_as_well(path: Path) -> None:
    path.write_bytes(dead_letter(row=1).to_json() + b'{"source":"' + b"x" * 200_000)
    DeadLetterFile(path).write([dead_letter(row=2)])
    assert [row.values["row"] for row in rows(path) if row.values is not None] == [1, 2]


def test_a_file_that_is_somebody_elses_is_left_alone(path: Path) -> None:
    path.write_bytes(b"notes, without a line break")
    with pytest.raises(OSError, match="not a file of dead letters") as caught:
        DeadLetterFile(path).write([dead_letter()])
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"notes, without a line break"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_is_told_with_the_path() -> None:
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        DeadLetterFile("/dev/full").write([dead_letter()])


@pytest.mark.parametrize(
    ("outcome", "at", "since"),
    [
        ("unknown", NOW, NOW),
        ("unknown", 7, 7.0),
        ("rejected", NOW, None),
        ("not_sent", NOW, None),
        # Whoever writes dead letters by hand may leave it out; the earliest is the safe reading.
        ("unknown", None, 0.0),
        ("unknown", "yesterday", 0.0),
        ("unknown", float("nan"), 0.0),
        ("unknown", 10**400, 0.0),
    ],
)
def test_since_when_its_event_may_be_on_its_way(outcome: str, at: object, since: float | None) -> None:
    row = Row(0, {"event": {"distinct_id": "user-1", "event_name": "signed_up"}, "outcome": outcome, "at": at})
    assert DeadLetterMapping().sent_since(row) == since


def test_a_row_that_cannot_be_read_tells_nothing() -> None:
    assert DeadLetterMapping().sent_since(Row(0, None, "is broken")) is None


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
        DeadLetterMapping().event(Row(0, values, None if values is not None else "is broken"))


def test_letters_are_told_from_other_rows(path: Path, tmp_path: Path) -> None:
    DeadLetterFile(path).write([dead_letter()])
    other = tmp_path / "other.jsonl"
    other.write_text('{"source": "a", "row": 1}\n', encoding="utf-8")
    empty = tmp_path / "empty.jsonl"
    empty.write_bytes(b"")
    assert [holds_dead_letters(source) for source in open_sources([str(path), str(other), str(empty)])] == [
        True,
        False,
        False,
    ]
