"""What is sent: events, their encoding and chunking, and the results."""
