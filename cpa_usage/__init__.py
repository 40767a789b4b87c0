"""Settings of the project and what its apps share: addresses, sign-in, HTTP, the database."""

__version__ = "0.1.0"
# scripts/release writes these.
__commit__ = ""
__built__ = ""
