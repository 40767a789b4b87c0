"""`python -m tests.usage.dashboard.seed`: fill the database that the environment names, for the browser to look at."""

import django

django.setup()

if __name__ == "__main__":
    from tests.usage.traffic import store_history

    store_history(8, 2500, ended_minutes_ago=1)
