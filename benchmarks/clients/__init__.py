"""One file for each client. Each has `send(records, url)`, which returns once its client says that all is done."""
