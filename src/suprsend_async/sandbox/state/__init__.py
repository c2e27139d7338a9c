"""What the sandbox remembers: what came, and where that is kept."""
