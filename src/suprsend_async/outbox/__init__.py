"""The transactional outbox: records that are stored in your own transaction, and sent once it is committed.

Needs the extra `outbox`. `add` stores a record in the transaction of a SQLAlchemy session, together with what it is
about: rolled back, it was never there; committed, it is sent, whatever becomes of the process. A `Relay` sends what is
stored, as does the command `suprsend-async outbox run URL`.
"""

from __future__ import annotations

try:
    import sqlalchemy as _sqlalchemy
except ModuleNotFoundError as _missing:
    raise ModuleNotFoundError(
        "the outbox needs SQLAlchemy: pip install 'suprsend-async[outbox]'", name=_missing.name
    ) from _missing

if int(_sqlalchemy.__version__.partition(".")[0]) < 2:
    raise ImportError(f"the outbox needs SQLAlchemy 2, and this is {_sqlalchemy.__version__}: upgrade it")

from suprsend_async.outbox.adding import add
from suprsend_async.outbox.relay import Relay
from suprsend_async.outbox.reports import OutboxDeadLetter, OutboxStats
from suprsend_async.outbox.tables import metadata

__all__ = ["OutboxDeadLetter", "OutboxStats", "Relay", "add", "metadata"]
