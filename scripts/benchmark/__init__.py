"""Measures the whole product as it runs: the real queue protocol, drain, spool, database, web server and tasks."""
