"""Single calls, one file for each client. Each has `opened`, which gives a function that makes one call."""
