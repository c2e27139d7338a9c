"""Many records in few requests: chunks, the job that sends them, its limiter, order, progress and results."""
