"""What can go wrong between a file and its events; both belong to the tree of `suprsend_async.errors`.

::

    SuprsendError
    ├── SourceError                  a source cannot be found, opened or read on
    └── ValidationError
        └── MappingError             one row cannot become an event

A mapping that is wrong as a whole, before any row is read, is a `ConfigurationError`.
"""

from __future__ import annotations

from suprsend_async.errors import SuprsendError, ValidationError


class SourceError(SuprsendError):
    """A source cannot be found, opened or read on; the message names it and says what to do."""


class MappingError(ValidationError):
    """One row cannot become an event; the message says why, with the names of columns and never with their values."""
