"""What the package logs, all in one place: the lines, their levels and their fields.

The logger is `suprsend_async`. Every line carries its facts as fields of the record as well, so that a formatter for
JSON can put them into columns. The fields are these, and a line has those of them that apply:

- `suprsend_operation`: the call, such as "track_event", "bulk_events.send" or "buffer"
- `suprsend_path`: the endpoint, such as "v2/event/"
- `suprsend_attempt`: requests made so far in this call (for a bulk: for this chunk)
- `suprsend_status_code`: the HTTP status, or None if no answer came
- `suprsend_error_type`: why no answer came, such as "connection_failed", or None; the class of what a callback
  raised
- `suprsend_wait_seconds`: seconds until the next attempt
- `suprsend_outcome`: "accepted", "rejected", "not_sent" or "unknown"
- `suprsend_message_id`: the platform's id for an accepted event
- `suprsend_accepted`, `suprsend_failed`: events of a bulk that were accepted, and that were not; of a buffer, only
  the latter
- `suprsend_stored`: events in a spool that the line is about
- `suprsend_spool`: the spool's directory, or one file of it
- `suprsend_trouble`: what is the matter with a spool, as a sentence
- `suprsend_bytes`: the size of an event
- `suprsend_clock_offset`: seconds that the server's clock is ahead

No line and no field holds a credential, a user's id, an event's name or a property.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from suprsend_async.transport.answer import Answer, Failure

if TYPE_CHECKING:
    from pathlib import Path

    from suprsend_async.outcome import Outcome

logger: logging.Logger = logging.getLogger("suprsend_async")


def retrying(path: str, attempt: int, result: Answer | Failure, seconds: float) -> None:
    """WARNING: an attempt failed, and another one follows."""
    logger.warning(
        "%s: attempt %d failed (%s), again in %.2f s",
        path,
        attempt,
        _reason(result),
        seconds,
        extra=_attempt_fields(path, attempt, result) | {"suprsend_wait_seconds": seconds},
    )


def giving_up(path: str, attempt: int, result: Answer | Failure) -> None:
    """WARNING: an attempt failed, and no other one follows."""
    logger.warning(
        "%s: giving up after attempt %d (%s)",
        path,
        attempt,
        _reason(result),
        extra=_attempt_fields(path, attempt, result),
    )


def event_finished(outcome: Outcome, status_code: int | None, message_id: str | None, attempts: int) -> None:
    """DEBUG: an event was accepted. ERROR: it was not."""
    level = logging.DEBUG if outcome == "accepted" else logging.ERROR
    if logger.isEnabledFor(level):
        logger.log(
            level,
            "track_event: %s after %d attempts",
            outcome,
            attempts,
            extra={
                "suprsend_operation": "track_event",
                "suprsend_outcome": outcome,
                "suprsend_status_code": status_code,
                "suprsend_message_id": message_id,
                "suprsend_attempt": attempts,
            },
        )


def bulk_finished(operation: str, accepted: int, failed: int) -> None:
    """DEBUG: all events of a bulk were accepted. ERROR: some were not."""
    logger.log(
        logging.ERROR if failed else logging.DEBUG,
        "%s: %d events accepted, %d not",
        operation,
        accepted,
        failed,
        extra={"suprsend_operation": operation, "suprsend_accepted": accepted, "suprsend_failed": failed},
    )


def buffered_failed(failed: int, *, has_callback: bool) -> None:
    """ERROR: events of a buffer that no caller waits for were not accepted."""
    logger.error(
        "buffer: %d events were not accepted%s",
        failed,
        "" if has_callback else "; give on_failure to have each",
        extra={"suprsend_operation": "buffer", "suprsend_failed": failed},
    )


def on_failure_raised(error: Exception) -> None:
    """ERROR: the application's own callback raised; the class of the error only, for its text may hold values."""
    logger.error(
        "buffer: on_failure raised %s",
        type(error).__name__,
        extra={"suprsend_operation": "buffer", "suprsend_error_type": type(error).__name__},
    )


def stored_go_again(stored: int, seconds: float) -> None:
    """WARNING: stored events were not delivered, and go again later."""
    logger.warning(
        "buffer: %d stored events go again in %.0f s",
        stored,
        seconds,
        extra={"suprsend_operation": "buffer", "suprsend_stored": stored, "suprsend_wait_seconds": seconds},
    )


def stored_stay(stored: int, spool: Path) -> None:
    """WARNING: a buffer was closed, and events stay on the disk for the next process."""
    logger.warning(
        "%d events stay in the spool %s; the next process sends them",
        stored,
        spool,
        extra={"suprsend_operation": "buffer", "suprsend_stored": stored, "suprsend_spool": str(spool)},
    )


def stored_adopted(stored: int, spool: Path) -> None:
    """INFO: events of a process that ended were taken over from its file."""
    logger.info(
        "adopted %d events of a process that ended, from %s",
        stored,
        spool.name,
        extra={"suprsend_operation": "buffer", "suprsend_stored": stored, "suprsend_spool": str(spool)},
    )


def spool_trouble(spool: Path, trouble: str) -> None:
    """WARNING: a spool is not as it should be; nothing of it is lost."""
    logger.warning(
        "the spool %s %s",
        spool,
        trouble,
        extra={"suprsend_operation": "buffer", "suprsend_spool": str(spool), "suprsend_trouble": trouble},
    )


def large_event(size: int) -> None:
    """WARNING: an event is over the size that the platform documents; once for each client."""
    logger.warning(
        "an event of %d bytes is over the documented 100 KB; it is sent all the same",
        size,
        extra={"suprsend_bytes": size},
    )


def clock_differs(offset: float) -> None:
    """WARNING: a signature was refused, and this machine's clock is wrong."""
    logger.warning(
        "this machine's clock differs from the server's by %.0f s; signing by the server's",
        offset,
        extra={"suprsend_clock_offset": offset},
    )


def _reason(result: Answer | Failure) -> int | str:
    return result.status_code if isinstance(result, Answer) else result.error_type


def _attempt_fields(path: str, attempt: int, result: Answer | Failure) -> dict[str, object]:
    return {
        "suprsend_path": path,
        "suprsend_attempt": attempt,
        "suprsend_status_code": result.status_code if isinstance(result, Answer) else None,
        "suprsend_error_type": result.error_type if isinstance(result, Failure) else None,
    }
