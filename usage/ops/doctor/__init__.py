"""The doctor: checks, one by one, everything that must be right for records to arrive."""
