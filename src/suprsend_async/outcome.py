"""What became of an event, as far as it can be known."""

from typing import Literal

Outcome = Literal["accepted", "rejected", "not_sent", "unknown"]
"""The four honest answers.

- ``accepted``: the platform took it.
- ``rejected``: the platform, or validation here, said no.
- ``not_sent``: it surely never reached the platform.
- ``unknown``: it was sent and no clear answer came; it may have been processed.
"""
