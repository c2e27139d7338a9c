"""Migrations of the outbox in Django."""
