"""What monitoring sees of the web process itself: ids and durations of requests, and who may read <base>/metrics."""
