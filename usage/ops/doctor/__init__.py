"""The doctor: everything that must be right for records to arrive, looked at one by one."""

from usage.ops.doctor.findings import Finding, examine

__all__ = ["Finding", "examine"]
