"""AWS Lambda behind a queue (SQS): the handler waits for the platform's answer."""

from typing import Any

from suprsend_async import Event, Suprsend

# Outside of the handler: warm calls find the connections open. The deadline is well
# below the function's own.
client = Suprsend(timeout=5.0)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    failed = []
    for record in event["Records"]:
        response = client.track_event(
            Event(
                "user-1",
                "order_placed",
                {"order_id": record["body"]},
                # The queue delivers at least once; the key makes that harmless.
                idempotency_key=f"order-{record['body']}",
            )
        )
        if response.retryable:
            failed.append({"itemIdentifier": record["messageId"]})
    # With ReportBatchItemFailures the queue delivers these again, and only these.
    return {"batchItemFailures": failed}
