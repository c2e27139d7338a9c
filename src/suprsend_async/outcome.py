"""The outcome of an event, as far as it can be known."""

from typing import Literal

Outcome = Literal["accepted", "rejected", "not_sent", "unknown"]
"""The four honest answers.

- ``accepted``: the platform took it.
- ``rejected``: the platform, or validation here, refused it.
- ``not_sent``: it did not reach the platform.
- ``unknown``: it was sent and no clear answer came; it may have been processed.
"""
