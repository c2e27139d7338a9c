"""The platform: its endpoints, and what it refuses."""
