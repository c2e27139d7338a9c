"""The page on which people look at what came, and its HTTP interface."""
