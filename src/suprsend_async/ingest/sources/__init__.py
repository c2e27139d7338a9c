"""Files and bytes into rows."""
