"""What may be presented once: ``first_time`` remembers it, on every node, until it expires."""
