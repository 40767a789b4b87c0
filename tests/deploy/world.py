"""What is around an installation, in its network: a CPA with traffic, a visitor, and a server that has releases.

python -m tests.deploy.world FOLDER prints a line once all is there, and one for each line that it is given: how many
records CPA has written, how many of them wait in its queue, and for how many seconds the dashboard was away since the
line before: all times of more than a second without an answer. "go" begins the traffic, "rest" ends it; at the end of
its input it ends.
"""

import json
import sys
import threading
import time
import urllib.request
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain

import django

CPA_PORT, RELEASES_PORT = 8317, 8400
KEY = "a-key-that-no-list-of-processes-may-show"
PAGE = "http://127.0.0.1:8318/usage/"
EACH = 0.05  # seconds between records
VISIT = 0.25  # seconds between visits
AWAY = 1.0  # seconds without an answer that count


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class World:
    def __init__(self, cpa, record):
        self.cpa, self.record, self.pushed, self.traffic = cpa, record, 0, False
        self.seen, self.away = time.monotonic(), 0.0

    def write(self):
        """20 records a second."""
        while True:
            if self.traffic:
                self.cpa.push(self.record(time.time_ns() // 1000 + self.pushed))
                self.pushed += 1
            time.sleep(EACH)

    def visit(self):
        while True:
            try:
                urllib.request.urlopen(PAGE, timeout=5).read()
                self.look()
            except OSError:
                pass
            time.sleep(VISIT)

    def look(self):
        now = time.monotonic()
        if now - self.seen > AWAY:
            self.away += now - self.seen
        self.seen = now

    def report(self):
        self.look()
        away, self.away = self.away, 0.0
        return {"pushed": self.pushed, "queued": self.cpa.queued, "away": round(away, 2)}


def main(folder):
    django.setup()
    from simulator import Simulator
    from tests.usage.made import record  # needs the models

    server = ThreadingHTTPServer(("127.0.0.1", RELEASES_PORT), partial(Handler, directory=folder))
    with Simulator(port=CPA_PORT, management_key=KEY) as cpa:
        world = World(cpa, record)
        for work in (world.write, world.visit, server.serve_forever):
            threading.Thread(target=work, daemon=True).start()
        for line in chain(["begin"], sys.stdin):
            if line.strip() in ("rest", "go"):
                world.traffic = line.strip() == "go"
                time.sleep(2 * EACH)
            sys.stdout.write(f"{json.dumps(world.report())}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
