"""What a notebook shows of results: everything that is known, escaped, and no value of a record."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from suprsend_async import BulkResponse, Event, EventResponse, FailedRecord, Page, RecordResult, User
from suprsend_async.html_tables import html_of
from suprsend_async.ingest import PartitionFailure, PartitionReport

WRONG = "<script>alert('x')</script>&\""


def failed(error: str, index: int = 0) -> FailedRecord[Event]:
    record = Event("planted", "paid", {"planted": 1})
    return FailedRecord(record=record, error=error, code=400, index=index, outcome="rejected")


SHOWN = {
    "a response": EventResponse(outcome="rejected", status_code=400, message=WRONG, attempts=1),
    "a bulk": BulkResponse(success=0, failure=1, failed_records=[failed(WRONG)], warnings=[WRONG]),
    "a failure": failed(WRONG),
    "a record of a stream": RecordResult(0, False, 400, None, WRONG, "rejected"),
    "a page": Page([User.model_validate({"distinct_id": "planted", WRONG: "planted"})], count=1, after="planted"),
    "a partition": PartitionReport(
        rows=1,
        rejected=1,
        refused=WRONG,
        failed=[PartitionFailure(row=0, key="order-1", error=WRONG, code=400, outcome="rejected")],
    ),
}


class Reading(HTMLParser):
    """Collects the tags, and the texts."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(html: str) -> Reading:
    reading = Reading()
    reading.feed(html)
    reading.close()
    return reading


@pytest.mark.parametrize("value", SHOWN.values(), ids=SHOWN)
def test_everything_is_escaped(value: EventResponse) -> None:
    html = value._repr_html_()
    reading = read(html)
    assert reading.tags <= {"div", "table", "caption", "b", "thead", "tbody", "tr", "th", "td", "p"}
    assert "script" not in reading.tags
    assert any(WRONG in text for text in reading.texts)
    assert "planted" not in html


def test_the_outcome_stands_first_and_what_is_none_is_left_out() -> None:
    response = EventResponse(outcome="accepted", status_code=202, message="m-1", message_id="m-1", attempts=1)
    cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", response._repr_html_())
    assert cells == [
        *("status", "success", "outcome", "accepted", "success", "True"),
        *("status_code", "202", "message", "m-1", "message_id", "m-1", "attempts", "1", "retryable", "False"),
    ]


def test_of_many_failures_ten_are_shown_and_the_others_counted() -> None:
    result = BulkResponse(
        success=1, failure=1_250, failed_records=[failed("no", number) for number in range(1_250)], warnings=[]
    )
    html = result._repr_html_()
    assert html.count("<td") - html.count("Event(") > 10
    assert html.count(">no<") == 10
    assert "<p>and 1,240 more</p>" in html
    assert "<p>" not in BulkResponse(success=1, failure=0, failed_records=[], warnings=[])._repr_html_()


def test_a_long_text_is_cut() -> None:
    html = html_of("x", {"message": "&" * 2_000})
    assert html.count("&amp;") == 300
    assert "…" in html


def test_what_notebooks_look_for_besides_is_not_there() -> None:
    for name in ("_repr_png_", "_repr_mimebundle_", "_ipython_display_"):
        assert not hasattr(SHOWN["a page"], name)
