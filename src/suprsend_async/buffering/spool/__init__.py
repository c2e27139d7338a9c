"""The buffer on disk: events that outlive the process."""
