"""From rows to events."""

from __future__ import annotations

import datetime as dt
import io
import json
import pickle
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suprsend_async import Event, ValidationError
from suprsend_async.events.encoding import Encoder
from suprsend_async.ingest import Delimited, EventMapping, FileContent, JsonLines, MappingError, Row, StandardInput
from suprsend_async.ingest.mapping.keys import NAMESPACE, KeyTemplate, insert_id_of

TIME = 1_767_225_600_000
ENCODER = Encoder(workspace="w" * 20, sdk_version="test", max_event_bytes=819_200)


def event(values: dict[str, Any], *, key: str = "{distinct_id}", **mapping: Any) -> Event:
    """The event of one row, under a mapping."""
    if "event_name" not in mapping:
        mapping.setdefault("event", "signed_up")
    source = JsonLines(StandardInput(io.BytesIO()))
    return EventMapping(key=key, **mapping).plan(source, time=TIME).event(Row(0, values))


def test_all_columns_that_serve_as_nothing_else_become_properties() -> None:
    made = event(
        {"distinct_id": "u1", "kind": "paid", "tenant": "t1", "at": TIME + 1, "id": 7, "amount": 1.5, "note": None},
        event_name="kind",
        tenant_id="tenant",
        time="at",
        key="pay-{id}",
    )
    assert made.model_dump() == {
        "distinct_id": "u1",
        "event_name": "paid",
        "properties": {"id": 7, "amount": 1.5, "note": None},
        "idempotency_key": "pay-7",
        "tenant_id": "t1",
        "brand_id": None,
        "insert_id": str(uuid.uuid5(NAMESPACE, "pay-7")),
        "time": TIME + 1,
        "attachments": (),
    }


def test_properties_can_be_chosen_and_renamed() -> None:
    values = {"distinct_id": "u1", "a": 1, "b": {"c": [2]}, "d": 3}
    chosen = {"a": "a", "nested": "b", "user": "distinct_id", "missing": "e"}
    assert event(values, properties=chosen).properties == {"a": 1, "nested": {"c": [2]}, "user": "u1"}
    assert event(values, properties={}).properties == {}


def test_properties_can_come_from_one_column() -> None:
    values: dict[str, Any] = {"distinct_id": "u1", "p": {"a": 1}, "q": '{"a": 2}', "r": "text"}
    assert event(values, properties_from="p").properties == {"a": 1}
    assert event(values, properties_from="q", types={"q": "json"}).properties == {"a": 2}
    for column in ("q", "r", "s"):
        with pytest.raises(MappingError, match=f"column '{column}' does not hold an object"):
            event(values, properties_from=column)
    assert values["p"] == {"a": 1}


def test_texts_that_mean_nothing_are_left_out() -> None:
    values = {"distinct_id": "u1", "a": "NA", "b": "", "c": "x", "d": ["NA"]}
    assert event(values).properties == {"a": "NA", "b": "", "c": "x", "d": ["NA"]}
    assert event(values, null=["NA", ""]).properties == {"c": "x", "d": ["NA"]}
    chosen = event(values, null=["NA"], properties={"x": "a", "y": "c"}, types={"a": "int"})
    assert chosen.properties == {"y": "x"}


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("str", "1", "1"),
        ("int", "-17", -17),
        ("int", " 5 ", 5),
        ("float", "1.5e3", 1500.0),
        ("decimal", "10.50", Decimal("10.50")),
        ("decimal", " -1e3 ", Decimal("-1e3")),
        ("bool", "TRUE", True),
        ("bool", "no", False),
        ("bool", "0", False),
        ("json", '{"a": [1, null]}', {"a": [1, None]}),
        ("datetime", "2025-01-31T09:30:00Z", dt.datetime(2025, 1, 31, 9, 30, tzinfo=dt.UTC)),
        ("date", "2025-01-31", dt.date(2025, 1, 31)),
    ],
)
def test_the_types_of_texts(kind: str, text: str, value: object) -> None:
    made = event({"distinct_id": "u1", "a": text}, types={"a": kind}).properties["a"]
    assert made == value
    assert type(made) is type(value)
    renamed = event({"distinct_id": "u1", "a": text}, types={"a": kind}, properties={"b": "a"})
    assert renamed.properties == {"b": value}


@pytest.mark.parametrize("kind", ["int", "float", "decimal", "bool", "json", "datetime", "date"])
@pytest.mark.parametrize("text", ["secret", "1_0", "", "{", "9" * 5000 + "x", '{"secret": 1, "secret": 2}'])
def test_a_text_that_is_not_of_its_type_fails_with_its_column_and_without_its_value(kind: str, text: str) -> None:
    with pytest.raises(MappingError) as caught:
        event({"distinct_id": "u1", "amount": text}, types={"amount": kind})
    assert "column 'amount' is not" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__context__ is None
    assert caught.value.outcome == "rejected"


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e9999999999999999999"])
def test_a_decimal_is_finite(text: str) -> None:
    with pytest.raises(MappingError, match="column 'amount' is not a number, for example"):
        event({"distinct_id": "u1", "amount": text}, types={"amount": "decimal"})


def test_json_in_a_text_gives_each_name_once_but_may_hold_any_text() -> None:
    text = '{"a": "x:\\u003a", "b": [{"a": 1}, {"a": 2}]}'
    assert event({"distinct_id": "u1", "a": text}, types={"a": "json"}).properties["a"] == json.loads(text)


def test_what_is_no_text_is_taken_as_it_is() -> None:
    values = {"distinct_id": "u1", "a": 1, "b": None}
    assert event(values, types={"a": "float", "b": "float", "c": "int"}).properties == {"a": 1, "b": None}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("u1", "u1"),
        (17, "17"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Decimal("1.50"), "1.50"),
        (dt.date(2025, 1, 31), "2025-01-31"),
        (dt.datetime(2025, 1, 31, 9, tzinfo=dt.UTC), "2025-01-31T09:00:00+00:00"),
    ],
)
def test_what_ids_and_keys_are_made_of(value: object, text: str) -> None:
    made = event({"distinct_id": value}, key="k-{distinct_id}")
    assert made.distinct_id == text
    assert made.idempotency_key == f"k-{text}"


@pytest.mark.parametrize("value", [1545.0, True, ["u1"], {"id": "u1"}])
def test_what_no_id_is_made_of(value: object) -> None:
    with pytest.raises(MappingError, match="column 'distinct_id' is of type"):
        event({"distinct_id": value})


@pytest.mark.parametrize("values", [{"distinct_id": None}, {"distinct_id": "NA"}, {"distinctid": "u1"}])
def test_an_id_without_value_fails(values: dict[str, Any]) -> None:
    with pytest.raises(MappingError, match="column 'distinct_id' has no value"):
        event(values, null=["NA"])


def test_a_misspelt_column_of_json_lines_comes_to_light_with_the_nearest_names() -> None:
    with pytest.raises(MappingError, match=r"column 'distinct_id' has no value; did you mean 'distinctid'\?"):
        event({"distinctid": "u1"})


def test_a_column_that_the_source_has_is_not_misspelt(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("user,users\n,7\n", encoding="utf-8")
    source = Delimited(FileContent(tmp_path / "rows.csv"))
    plan = EventMapping(event="signed_up", distinct_id="user").plan(source, time=TIME)
    with pytest.raises(MappingError, match=r"(?m)^column 'user' has no value$"):
        plan.event(next(iter(source.rows())))


@pytest.mark.parametrize("mapping", [{"distinct_id": "n"}, {"key": "{n}"}, {"tenant_id": "n"}, {"event_name": "n"}])
def test_a_number_that_python_does_not_write_fails_its_row_alone(mapping: dict[str, Any]) -> None:
    with pytest.raises(MappingError, match="column 'n' holds a number with too many digits"):
        event({"distinct_id": "u1", "n": 10**5_000}, **mapping)


def test_a_row_that_cannot_be_read_is_no_event() -> None:
    plan = EventMapping(event="signed_up", key="{id}").plan(JsonLines(StandardInput(io.BytesIO())), time=TIME)
    with pytest.raises(MappingError, match="the line is torn"):
        plan.event(Row(0, None, "the line is torn"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (TIME, TIME),
        (str(TIME), TIME),
        ("2026-01-01T01:00:00+01:00", TIME),
        ("2026-01-01T00:00:00Z", TIME),
        ("2026-01-01 00:00", TIME),
        ("2026-01-01", TIME),
        ("2026-01-01T00:00:00.001999", TIME + 1),
        (dt.datetime(2026, 1, 1, tzinfo=dt.UTC), TIME),
        (dt.datetime(2026, 1, 1), TIME),  # noqa: DTZ001 - what a Parquet file without time zone gives
        (dt.date(2026, 1, 1), TIME),
    ],
)
def test_times(value: object, expected: int) -> None:
    made = event({"distinct_id": "u1", "at": value}, time="at")
    assert made.time == expected
    assert made.properties == {}


@pytest.mark.parametrize("value", ["yesterday", True, ""])
def test_what_is_no_time(value: object) -> None:
    with pytest.raises(
        MappingError, match=r"column 'at' is not a time; .*--time-unit \(time_unit in a mapping\)"
    ) as caught:
        event({"distinct_id": "u1", "at": value}, time="at")
    # The converter's error could hold the text.
    assert caught.value.__context__ is None


def test_the_unit_of_times_can_be_given() -> None:
    assert event({"distinct_id": "u1", "at": "1767225600"}, time="at", time_unit="s").time == TIME
    with pytest.raises(MappingError, match="column 'at' holds a time before the year 2022"):
        event({"distinct_id": "u1", "at": "1767225600"}, time="at", time_unit="ms")


@pytest.mark.parametrize("values", [{}, {"at": None}, {"at": "NA"}])
def test_a_time_without_value_fails(values: dict[str, Any]) -> None:
    with pytest.raises(MappingError, match="column 'at' has no value"):
        event({"distinct_id": "u1", **values}, time="at", null=["NA"])


def test_what_the_platform_does_not_take_is_told_by_the_event() -> None:
    with pytest.raises(ValidationError, match="idempotency_key: give a string of 1 to 255"):
        event({"distinct_id": "u" * 300})
    with pytest.raises(ValidationError, match="'ss_a' is reserved"):
        event({"distinct_id": "u1", "ss_a": 1})


def test_text_that_utf8_cannot_carry_fails() -> None:
    with pytest.raises(MappingError, match="UTF-8"):
        event({"distinct_id": "\ud800"})


def test_nan_is_that_rows_failure_with_its_path() -> None:
    source = JsonLines(StandardInput(io.BytesIO(b'{"distinct_id": "u1", "a": {"b": [NaN]}}\n')))
    plan = EventMapping(event="signed_up", key="{distinct_id}").plan(source, time=TIME)
    [row] = source.rows()
    with pytest.raises(ValidationError, match=r"properties\.a\.b\[0\] is NaN"):
        ENCODER.encode(plan.event(row))


def lines(folder: Path, name: str, data: str) -> JsonLines:
    (folder / name).write_text(data)
    return JsonLines(FileContent(folder / name))


def test_a_row_without_key_gets_one_of_content_number_and_event(tmp_path: Path) -> None:
    data = '{"distinct_id": "u1"}\n' * 3
    first, second = lines(tmp_path, "a", data), lines(tmp_path, "b", data)
    keys = [
        [EventMapping(event=name).plan(source, time=TIME).event(row).idempotency_key for row in source.rows()]
        for source, name in [(first, "signed_up"), (second, "signed_up"), (first, "signed_off")]
    ]
    assert keys[0] == [f"{first.fingerprint()}-{number}-signed_up" for number in range(3)]
    # Another path is not another file, and another event of the same rows is not the same event.
    assert keys[1] == keys[0]
    assert not set(keys[2]) & set(keys[0])


def test_the_same_row_is_the_same_bytes_in_every_run_and_wherever_the_reading_began(tmp_path: Path) -> None:
    data = "".join(f'{{"distinct_id": "u{number}", "a": {number}}}\n' for number in range(20))
    mapping = EventMapping(event="signed_up")

    def bodies(skip: int) -> list[bytes]:
        source = lines(tmp_path, "rows.jsonl", data)
        start = list(source.rows())[skip].position
        plan = mapping.plan(source, time=TIME)
        return [ENCODER.encode(plan.event(row)) for row in source.rows(start)]

    assert bodies(0)[7:] == bodies(7)


def test_a_plans_events_are_pickled_as_any_others() -> None:
    made = event({"distinct_id": "u1", "a": 1})
    assert pickle.loads(pickle.dumps(made)) == made


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_the_insert_id_is_the_uuid_of_the_key(key: str) -> None:
    assert insert_id_of(key) == str(uuid.uuid5(NAMESPACE, key))


@pytest.mark.parametrize("user", ["u-1", " u-1", "u-1\t ", "\u00a0u-1"])
def test_a_key_has_the_id_as_it_is_sent(user: str) -> None:
    made = event({"id": user, "plan": " pro"}, distinct_id="id", key="{id}-{plan}")
    # Two rows of one user are one event; other columns are taken as they are.
    assert (made.distinct_id, made.idempotency_key) == ("u-1", "u-1- pro")


templates = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="{}"), max_size=4).map(lambda t: (t, t)),
        st.sampled_from(["{", "}"]).map(lambda brace: (brace * 2, brace)),
        st.sampled_from(["a", "b c", "d.e", "f:g", "h!r", "%s"]).map(lambda name: ("{" + name + "}", f"<{name}>")),
    ),
    max_size=6,
)


@settings(deadline=None)
@given(templates)
def test_templates(pieces: list[tuple[str, str]]) -> None:
    template = KeyTemplate.parse("{first}" + "".join(written for written, _ in pieces))
    key = template.pattern % tuple(f"<{column}>" for column in template.columns)
    assert key == "<first>" + "".join(meant for _, meant in pieces)
