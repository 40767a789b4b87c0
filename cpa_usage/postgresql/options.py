"""Options of a connection, as libpq takes them: how long anything may take. What the address says counts more."""

SERVER = (
    "jit=off",  # to compile a query takes longer than to run it: sums of 17 columns over a few thousand rows
    "random_page_cost=1.1",  # the default, 4, is for a disk with an arm: it reads a whole table rather than a month
    "lock_timeout=20s",  # as on SQLite
    "idle_in_transaction_session_timeout=5min",  # a client that is gone may hold locks
    *("tcp_keepalives_idle=10", "tcp_keepalives_interval=5", "tcp_user_timeout=20s"),
)
REPLICA = "replica"  # the alias of DATABASE_READ_URL
CLIENT = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "tcp_user_timeout": 20_000}  # s, ms
PRIMARY = {"target_session_attrs": "read-write"}  # of several servers
ANY_SERVER = {"target_session_attrs": "any", "connect_timeout": 2}  # of replicas


def settings_of(database: dict, statement_seconds: int, **options) -> dict:
    """Django's settings of an address: to which of its servers to connect and for how long, what a server watches over,
    and when either side gives up one that is gone.
    """
    server = (*SERVER, f"statement_timeout={statement_seconds}s")
    ours = CLIENT | PRIMARY | {"options": " ".join(f"-c {limit}" for limit in server)} | options
    return database | {
        "ENGINE": "cpa_usage.postgresql",
        "OPTIONS": ours | database.get("OPTIONS", {}),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    }
