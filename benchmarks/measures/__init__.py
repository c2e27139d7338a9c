"""One file for each question. Each has `measure`, which runs workers and returns rows."""
