"""Options of a connection, as libpq takes them: how long anything may take. What the address says counts more."""

SERVER = (
    "jit=off",  # to compile a query takes longer than to run it: sums of 17 columns over a few thousand rows
    "lock_timeout=20s",  # as on SQLite
    "idle_in_transaction_session_timeout=5min",  # a client that is gone may hold locks
    *("tcp_keepalives_idle=10", "tcp_keepalives_interval=5", "tcp_user_timeout=20s"),
)
CLIENT = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "tcp_user_timeout": 20_000}  # s, ms


def limits(statement_seconds: int) -> dict:
    """How long to connect, what the server watches over, and when either side gives up one that is gone."""
    server = (*SERVER, f"statement_timeout={statement_seconds}s")
    return CLIENT | {"options": " ".join(f"-c {limit}" for limit in server)}
