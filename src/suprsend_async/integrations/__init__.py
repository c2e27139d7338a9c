"""One module for each neighbour, imported only on demand."""
