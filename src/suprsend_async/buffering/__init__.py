"""Many small tracks in few requests: events gathered in memory or on disk, and sent together."""
