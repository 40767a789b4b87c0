"""A server that publishes a price catalogue as genai-prices does, and a catalogue to publish."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from genai_prices.data import providers


def catalogue(**prices):
    """As many models as the installed package lists; those named (of the maker acme) cost so many USD per million."""
    known = [
        {"id": f"known-{number}", "match": {"equals": f"known-{number}"}, "prices": {"input_mtok": 1}}
        for number in range(sum(len(provider.models) for provider in providers))
    ]
    named = [
        {"id": name, "match": {"equals": name}, "prices": price if isinstance(price, dict) else {"input_mtok": price}}
        for name, price in prices.items()
    ]
    maker = {"model_match": {"starts_with": "acme"}, "api_pattern": r"https://api\.acme\.com"}
    return [{"id": "acme", "name": "Acme", **maker, "models": [*known, *named]}]


class Publisher(HTTPServer):
    """Answers with `body` (of `tag`), or with `status` alone, in `pause` seconds a piece."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Answer)
        self.body, self.tag, self.status, self.ended, self.asked = b"", "", 200, threading.Event(), []
        self.slow, self.packing = False, ""
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/data.json"

    def publish(self, raw, tag=""):
        """From now on this, as JSON unless it is bytes."""
        self.body, self.tag = raw if isinstance(raw, bytes) else json.dumps(raw).encode(), tag

    def close(self):
        self.ended.set()
        self.shutdown()
        self.server_close()


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.asked.append(self.headers.get("If-None-Match"))
        same = server.tag and self.headers.get("If-None-Match") == server.tag
        self.send_response(304 if same else server.status)
        if server.tag:
            self.send_header("ETag", server.tag)
        if server.packing:
            self.send_header("Content-Encoding", server.packing)
        self.end_headers()
        if not same:
            self._send()

    def _send(self):
        try:
            if self.server.slow:
                while not self.server.ended.wait(0.01):
                    self.wfile.write(b" ")
            self.wfile.write(self.server.body)
        except OSError:
            pass  # the client has left

    def log_message(self, *args):
        """Keeps quiet."""
