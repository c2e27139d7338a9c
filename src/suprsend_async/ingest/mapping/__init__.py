"""Rows into events."""
