"""What monitoring sees of the web process itself: ids and durations of requests."""
