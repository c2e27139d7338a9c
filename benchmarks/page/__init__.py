"""From rows to the page in `docs/`."""
