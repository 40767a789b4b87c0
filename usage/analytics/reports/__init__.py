"""What reports are made of: a period in parts, a statement of it, and its summary."""
