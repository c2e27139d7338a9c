"""Benchmarks: this project beside its neighbours. Run by `nox -s bench`, never by the tests."""
