"""What the clients sign with. The server does not look at it."""

WORKSPACE_KEY = "benchmark-workspace-key-0001"
WORKSPACE_SECRET = "benchmark-workspace-secret-0001"
