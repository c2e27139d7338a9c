"""One file for each client. Each has `send(flights, url)`, which returns once its client says that all is done."""
