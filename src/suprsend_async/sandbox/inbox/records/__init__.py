"""What there is on the platform, kind by kind: users, lists, messages, requests and so on."""
