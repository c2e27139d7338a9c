"""The messages that the platform would send: workflows, messages and webhooks."""
