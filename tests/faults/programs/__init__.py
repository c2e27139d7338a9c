"""Programs of the bench, each a process of its own; what they print on standard error is a fault of its own."""

import logging

# Faults are provoked here, and the lines about them would reach standard error where no logging is configured.
logging.getLogger("suprsend_async").addHandler(logging.NullHandler())
