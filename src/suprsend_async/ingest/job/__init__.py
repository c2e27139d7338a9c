"""A job over sources: sent once each, resumed, retried and reported."""
