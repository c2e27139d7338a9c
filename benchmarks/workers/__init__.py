"""Processes that measure one thing each: they warm up, wait for the word, work, and report what it cost."""
