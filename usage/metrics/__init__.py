"""What Prometheus reads at <base>/metrics; docs/monitoring.md lists it."""
