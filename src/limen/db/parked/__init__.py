"""What the outbox gave up, and having it tried again: ``retry``; ``events``: what it records."""
