"""What the package logs, all in one place: the lines, their levels and their fields.

The logger is `suprsend_async`, without a handler: what is wrong reaches standard error where the application has
configured no logging, as Python does it for every logger. With the variable `SUPRSEND_LOG` set to `debug`, `info`,
`warning` or `error` all lines from that level on do. Every line carries its facts as fields of the record as well, so
that a formatter for JSON can put them into columns. The fields are these, and a line has those of them that apply:

- `suprsend_operation`: the call, such as "track_event", "bulk_events.send" or "buffer"
- `suprsend_path`: the endpoint's route, such as "v2/event/" or "v1/user/{distinct_id}/"; never an id
- `suprsend_attempt`: requests made so far in this call (for a bulk: for this chunk)
- `suprsend_status_code`: the HTTP status, or None if no answer came
- `suprsend_error_type`: why no answer came, such as "connection_failed", or None; the class of what a callback
  raised
- `suprsend_wait_seconds`: seconds until the next attempt
- `suprsend_outcome`: "accepted", "rejected", "not_sent" or "unknown"
- `suprsend_message_id`: the platform's id for an accepted event
- `suprsend_accepted`, `suprsend_failed`: events of a bulk that were accepted, and that were not; of a buffer, only
  the latter
- `suprsend_reason`: why attempts fail, in one line: a status, the kind of error, or what came with a gateway's 404
- `suprsend_seconds`, `suprsend_attempts_failed`, `suprsend_attempts_answered`, `suprsend_given_up`: how long that has
  gone on, the attempts that failed and that were answered in that time, and the records that were given up for it
- `suprsend_stored`, `suprsend_dead_letters`: records and dead letters in a spool that the line is about
- `suprsend_spool`: the spool's directory, or one file of it
- `suprsend_trouble`: what is the matter with a spool, as a sentence
- `suprsend_bytes`: the size of an event
- `suprsend_clock_offset`: seconds that the server's clock is ahead

No line and no field holds a credential, a user's id, an event's name or a property.
"""

from __future__ import annotations

import logging
import os
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from suprsend_async.counting import counted
from suprsend_async.errors import address

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from suprsend_async.outcome import Outcome

logger: logging.Logger = logging.getLogger("suprsend_async")

LEVELS: tuple[str, ...] = ("debug", "info", "warning", "error")


def _log(level: int, line: str, *facts: object, extra: Mapping[str, object] | None = None) -> None:
    """Log a line; its topic in brackets becomes, from WARNING on, the address of what explains it."""
    line, _, topic = line.removesuffix("]").rpartition(" [")
    if level >= logging.WARNING:
        line = f"{line} ({address(topic)})"
    logger.log(level, line, *facts, extra=extra, stacklevel=2)


_warning = partial(_log, logging.WARNING)
_error = partial(_log, logging.ERROR)


@cache
def follow_environment() -> None:
    """Show the lines that `SUPRSEND_LOG` asks for on standard error, if the application shows none itself."""
    level = os.environ.get("SUPRSEND_LOG", "").strip().lower()
    if not level:
        return
    if level not in LEVELS:
        # Not a warning, which would show the line that makes the client: it may hold the secret.
        _warning("SUPRSEND_LOG must be one of %s; it is ignored [suprsend-log]", ", ".join(LEVELS))
        return
    handler = standard_error()
    # Asked for each line: an application may configure its logging later than it makes its client.
    handler.addFilter(lambda _: not logging.root.handlers)
    logger.addHandler(handler)
    logger.setLevel(level.upper())


def standard_error() -> logging.Handler:
    """Return a handler that writes lines with their time and level to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    return handler


class OutageCounts(NamedTuple):
    """What trouble has cost since it began: seconds, attempts that failed and that were answered, records given up."""

    seconds: float
    failed: int
    answered: int
    given_up: int


class Failing:
    """The lines about attempts that fail: the platform is out of reach, out of order, or busy."""

    def began(self, route: str, reason: str) -> None:
        """WARNING: attempts begin to fail."""
        _warning(
            "%s: attempts fail (%s); until one succeeds, this is logged once a minute [attempts-fail]",
            route,
            reason,
            extra={"suprsend_path": route, "suprsend_reason": reason},
        )

    def goes_on(self, route: str, reason: str, counts: OutageCounts) -> None:
        """WARNING: attempts go on failing. ERROR: and records were given up for it."""
        _log(
            _level(counts),
            "%s: attempts fail (%s): in %.0f s %d failed and %d were answered; records given up: %d [attempts-fail]",
            route,
            reason,
            counts.seconds,
            counts.failed,
            counts.answered,
            counts.given_up,
            extra={"suprsend_path": route, "suprsend_reason": reason, **_fields(counts)},
        )

    def ended(self, route: str, counts: OutageCounts) -> None:
        """WARNING: attempts succeed again. ERROR: and records were given up before that."""
        _log(
            _level(counts),
            "%s: attempts succeed again: in %.0f s %d failed; records given up: %d [attempts-fail]",
            route,
            counts.seconds,
            counts.failed,
            counts.given_up,
            extra={"suprsend_path": route, **_fields(counts)},
        )


class RefusedCredentials:
    """The lines about credentials that the platform refuses."""

    def began(self, route: str, status: str) -> None:
        """ERROR: the platform refuses the credentials."""
        _error(
            "%s: the platform refuses the credentials (%s): check the workspace key and secret, or the API key, and "
            "base_url; until it accepts them, this is logged once a minute [authentication-error]",
            route,
            status,
            extra={"suprsend_path": route, "suprsend_reason": status},
        )

    def goes_on(self, route: str, status: str, counts: OutageCounts) -> None:
        """ERROR: the platform goes on refusing them."""
        _error(
            "%s: the platform refuses the credentials (%s): check the workspace key and secret, or the API key, and "
            "base_url; in %.0f s %s refused; records given up: %d [authentication-error]",
            route,
            status,
            counts.seconds,
            counted(counts.failed, "request was", "requests were"),
            counts.given_up,
            extra={"suprsend_path": route, "suprsend_reason": status, **_fields(counts)},
        )

    def ended(self, route: str, counts: OutageCounts) -> None:
        """WARNING: the platform accepts them again. ERROR: and records were given up before that."""
        _log(
            _level(counts),
            "%s: the platform accepts the credentials again: in %.0f s %s refused; records given up: %d "
            "[authentication-error]",
            route,
            counts.seconds,
            counted(counts.failed, "request was", "requests were"),
            counts.given_up,
            extra={"suprsend_path": route, **_fields(counts)},
        )


class StoreFailing:
    """The lines about a place on which stored records are, and which fails; nothing is lost of what is stored.

    Args:
        operation: What stores there: "buffer".
        store: What the place is called: "the spool".
    """

    def __init__(self, operation: str, store: str) -> None:
        self._operation, self._store = operation, store

    def began(self, place: str, reason: str) -> None:
        """WARNING: it begins to fail."""
        _warning(
            "%s %s: %s; it is tried again until it succeeds, and this is logged once a minute [store-fails]",
            self._store,
            place,
            reason,
            extra={**self._fields(place), "suprsend_reason": reason},
        )

    def goes_on(self, place: str, reason: str, counts: OutageCounts) -> None:
        """WARNING: it goes on failing."""
        _warning(
            "%s %s: %s; in %.0f s %s failed [store-fails]",
            self._store,
            place,
            reason,
            counts.seconds,
            counted(counts.failed, "try", "tries"),
            extra={**self._fields(place), "suprsend_reason": reason, **_fields(counts)},
        )

    def ended(self, place: str, counts: OutageCounts) -> None:
        """WARNING: it is all right again."""
        _warning(
            "%s %s can be used again: in %.0f s %s failed [store-fails]",
            self._store,
            place,
            counts.seconds,
            counted(counts.failed, "try", "tries"),
            extra={**self._fields(place), **_fields(counts)},
        )

    def _fields(self, place: str) -> dict[str, object]:
        return {"suprsend_operation": self._operation, "suprsend_spool": place}


def _level(counts: OutageCounts) -> int:
    return logging.ERROR if counts.given_up else logging.WARNING


def _fields(counts: OutageCounts) -> dict[str, object]:
    return {
        "suprsend_seconds": counts.seconds,
        "suprsend_attempts_failed": counts.failed,
        "suprsend_attempts_answered": counts.answered,
        "suprsend_given_up": counts.given_up,
    }


def attempt_failed(
    route: str, attempt: int, status_code: int | None, error_type: str | None, wait: float | None
) -> None:
    """DEBUG: an attempt failed, and another one follows after `wait` seconds, or none if that is None."""
    reason = error_type if status_code is None else status_code
    fields: dict[str, object] = {
        "suprsend_path": route,
        "suprsend_attempt": attempt,
        "suprsend_status_code": status_code,
        "suprsend_error_type": error_type,
    }
    if wait is None:
        logger.debug("%s: giving up after attempt %d (%s)", route, attempt, reason, extra=fields)
    else:
        fields["suprsend_wait_seconds"] = wait
        logger.debug("%s: attempt %d failed (%s), again in %.2f s", route, attempt, reason, wait, extra=fields)


def record_finished(
    operation: str,
    outcome: Outcome,
    status_code: int | None,
    message_id: str | None,
    attempts: int,
    *,
    is_counted: bool,
) -> None:
    """DEBUG: a record was accepted, or is counted in the lines of an outage. ERROR: it was not accepted."""
    level = logging.DEBUG if outcome == "accepted" or is_counted else logging.ERROR
    if logger.isEnabledFor(level):
        _log(
            level,
            f"%s: %s after %s [{outcome.replace('_', '-')}]",
            operation,
            outcome,
            counted(attempts, "attempt"),
            extra={
                "suprsend_operation": operation,
                "suprsend_outcome": outcome,
                "suprsend_status_code": status_code,
                "suprsend_message_id": message_id,
                "suprsend_attempt": attempts,
            },
        )


def bulk_finished(operation: str, noun: str, accepted: int, failed: int, *, is_counted: bool) -> None:
    """DEBUG: all records of a bulk were accepted, or are counted in the lines of an outage. ERROR: some were not."""
    level = logging.ERROR if failed and not is_counted else logging.DEBUG
    fields = {"suprsend_operation": operation, "suprsend_accepted": accepted, "suprsend_failed": failed}
    records = counted(accepted, noun.removesuffix("s"), noun)
    _log(level, "%s: %s accepted, %d not [records-not-accepted]", operation, records, failed, extra=fields)


def partitions_finished(line: str, accepted: int, failed: int, *, is_warned: bool) -> None:
    """INFO: an engine's job is over. WARNING: its partitions are large. ERROR: rows were not accepted."""
    level = logging.ERROR if failed else logging.WARNING if is_warned else logging.INFO
    fields = {"suprsend_operation": "send_partition", "suprsend_accepted": accepted, "suprsend_failed": failed}
    _log(level, "partitions: %s [records-not-accepted]", line, extra=fields)


def buffered_failed(failed: int, *, has_callback: bool) -> None:
    """ERROR: records of a buffer that no caller waits for were not accepted."""
    _error(
        "buffer: %s not accepted%s [records-not-accepted]",
        counted(failed, "record was", "records were"),
        "" if has_callback else "; give on_failure to have each",
        extra={"suprsend_operation": "buffer", "suprsend_failed": failed},
    )


def records_died(operation: str, count: int) -> None:
    """ERROR: stored records became dead letters, which somebody has to look at."""
    fields = {"suprsend_operation": operation, "suprsend_failed": count}
    became = counted(count, "record became a dead letter", "records became dead letters")
    _error("%s: %s [dead-letters]", operation, became, extra=fields)


def on_failure_raised(error: Exception) -> None:
    """ERROR: the application's own callback raised; the class of the error only, for its text may hold values."""
    fields = {"suprsend_operation": "buffer", "suprsend_error_type": type(error).__name__}
    _error("buffer: on_failure raised %s [on-failure-raised]", type(error).__name__, extra=fields)


def stored_go_again(stored: int, seconds: float) -> None:
    """DEBUG: stored records were not delivered, and are sent again later."""
    logger.debug(
        "buffer: %s sent again in %.0f s",
        counted(stored, "stored record is", "stored records are"),
        seconds,
        extra={"suprsend_operation": "buffer", "suprsend_stored": stored, "suprsend_wait_seconds": seconds},
    )


def stored_stay(stored: int, spool: Path) -> None:
    """WARNING: a buffer was closed, and records stay on the disk for the next process."""
    _warning(
        "%s in the spool %s; the next process sends what is there [stored-stay]",
        counted(stored, "record stays", "records stay"),
        spool,
        extra={"suprsend_operation": "buffer", "suprsend_stored": stored, "suprsend_spool": str(spool)},
    )


def stored_lost(stored: int, dead_letters: int, spool: Path, error: Exception) -> None:
    """ERROR: a spool's file was deleted while it was open, and what it held can be kept nowhere else."""
    _error(
        "the spool %s was deleted while it was open and cannot be written again (%s): %s not sent "
        "and %s are lost [spool-deleted]",
        spool,
        error,
        counted(stored, "record that was", "records that were"),
        counted(dead_letters, "dead letter"),
        extra={
            "suprsend_operation": "buffer",
            "suprsend_stored": stored,
            "suprsend_dead_letters": dead_letters,
            "suprsend_spool": str(spool),
            "suprsend_error_type": type(error).__name__,
        },
    )


def stored_imported(stored: int, spool: Path) -> None:
    """INFO: records of a process that ended were imported from its file."""
    fields = {"suprsend_operation": "buffer", "suprsend_stored": stored, "suprsend_spool": str(spool)}
    logger.info("imported %s of a process that ended, from %s", counted(stored, "record"), spool.name, extra=fields)


def spool_trouble(spool: Path, trouble: str) -> None:
    """WARNING: a spool is not as it should be; nothing of it is lost."""
    fields = {"suprsend_operation": "buffer", "suprsend_spool": str(spool), "suprsend_trouble": trouble}
    _warning("the spool %s %s [spool-trouble]", spool, trouble, extra=fields)


def large_event(size: int) -> None:
    """WARNING: an event is over the size that the platform documents; once for each client."""
    line = "an event of %s is over the documented 100 KB; it is sent [large-event]"
    _warning(line, counted(size, "byte"), extra={"suprsend_bytes": size})


def attachment_left_out(problem: str) -> None:
    """WARNING: a file that was to go with a trigger cannot be read, and the caller said to ignore that."""
    line = "a file cannot be read (%s); it is left out because of ignore_if_error [file-left-out]"
    _warning(line, problem, extra={"suprsend_error_type": problem})


def clock_differs(offset: float) -> None:
    """WARNING: a signature was refused, and this machine's clock is wrong."""
    line = "this machine's clock differs from the server's by %.0f s; signing by the server's [clock-differs]"
    _warning(line, offset, extra={"suprsend_clock_offset": offset})


def much_held(source: str, what: str, size: str, advice: str) -> None:
    """WARNING: a file to ingest takes much memory at once, because of how it was written."""
    _warning(
        "%s: %s takes %s of memory at once; if that is too much, rewrite it in smaller blocks, %s [much-memory]",
        source,
        what,
        size,
        advice,
    )
