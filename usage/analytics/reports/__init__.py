"""What reports are made of: a period in parts, a statement of it, its summary, and what it was worth."""
