"""How requests get there: bytes and HTTP, nothing of events."""
