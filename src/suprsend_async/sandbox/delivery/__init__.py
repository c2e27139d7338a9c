"""Who would have been notified, and what came of it: workflows, messages and webhooks."""
