"""One partition of a job that an engine has cut to pieces: rows in, a report out, nothing kept in between."""
