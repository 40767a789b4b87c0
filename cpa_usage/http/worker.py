"""gunicorn's worker with threads, except that no thread waits for a client: it gets requests that are complete, and
gives back replies that are not read."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE

from django.conf import settings
from gunicorn.http import wsgi
from gunicorn.util import write_error
from gunicorn.workers.gthread import TConn, ThreadWorker

from cpa_usage.http.channel import REQUEST_BYTES, Channel

HEADER_SECONDS, BODY_SECONDS = 10, 60  # in which they must be complete
STALLED_SECONDS = 30  # in which a client must take some of its reply
LINGER_SECONDS = 2  # for a client to close the connection after its last reply
TURN_BYTES = 64 * 1024  # of a reply, then others have their turn
HELD_BYTES = 16_000_000  # by all connections together, before the largest that waits for its client is closed

_QUICK = re.compile(rb"(GET|HEAD) (%s)?/(healthz|api/v1/ping)/?[? ]" % re.escape(settings.APP_BASE_PATH).encode())


class Connection(TConn):
    """A client's connection, the rest of the reply it is given, and whether it is closed after that."""

    def __init__(self, cfg, sock, client, server):
        super().__init__(cfg, Channel(sock), client, server)
        self.data_ready = True  # gunicorn need not wait for it
        self.reply = self.context = None
        self.held, self.closes = 0, False


class Worker(ThreadWorker):
    """Of more than worker_connections, those that have waited longest for their clients are closed.

    It serves HTTP/1 without TLS and writes no access log.
    """

    def init_process(self):
        """Runs until the worker is told to stop."""
        self.waiting = {}  # connections whose clients have the next move; the one that waits longest is first
        self.held = 0  # bytes in the buffers of all connections
        self.quick = ThreadPoolExecutor(1)  # for probes, which are answered while all threads are busy
        self.streams = ThreadPoolExecutor(1)  # for what remains of long replies: no request waits behind it
        self.seconds = {"request": self.cfg.keepalive, "header": HEADER_SECONDS, "body": BODY_SECONDS}
        super().init_process()

    def accept(self, listener):
        """A new connection."""
        if self.nr_conns >= self.worker_connections - 1:
            self.drop_longest()
        try:
            client, address = listener.accept()
            conn = Connection(self.cfg, client, address, listener.getsockname())
        except OSError:  # the client is gone again, or there is no free file descriptor
            self.drop_longest()
            return
        self.nr_conns += 1
        self.wait(conn, EVENT_READ, self.receive, HEADER_SECONDS)

    def wait(self, conn, event, action, seconds=None):
        """Call action(conn) at the event, or close the connection; without `seconds` the time runs on."""
        if seconds is not None:
            conn.timeout = time.monotonic() + seconds
        self.weigh(conn)
        self.waiting[conn] = None
        self.poller.register(conn.sock, event, partial(self.go_on, conn, action))

    def weigh(self, conn):
        """Update the count of bytes held; that of a request counts on until it is answered."""
        self.held += conn.sock.held - conn.held
        conn.held = conn.sock.held

    def go_on(self, conn, action, _sock):
        """Act on an event of the client's socket."""
        if conn in self.waiting:  # it is not where another connection's event has just closed it
            self.release(conn)
            self.attempt(conn, action)

    def attempt(self, conn, action):
        """Call action(conn); OSError tells that the client is gone."""
        try:
            action(conn)
        except OSError:
            self.drop(conn)

    def release(self, conn):
        """Stop waiting for the client."""
        del self.waiting[conn]
        self.poller.unregister(conn.sock)

    def drop(self, conn):
        """Close the connection, whatever state it is in."""
        if conn in self.waiting:
            self.release(conn)
        self.nr_conns -= 1
        self.held -= conn.held
        conn.close()
        if conn.reply is not None:
            self.quick.submit(conn.reply.close)

    def drop_longest(self):
        """Make room for a new connection."""
        if self.waiting:
            self.drop(next(iter(self.waiting)))

    def murder_pending(self):
        """In each round of the loop: close those that are late, and the largest while all together hold too much."""
        now = time.monotonic()
        for conn in [conn for conn in self.waiting if conn.timeout < now]:
            self.drop(conn)
        while self.held > HELD_BYTES and self.waiting:
            self.drop(max(self.waiting, key=lambda conn: conn.held))

    def receive(self, conn):
        """Take what has arrived of a request."""
        before = conn.sock.lacks
        conn.sock.receive()
        self.listen(conn, before)

    def listen(self, conn, before=None):
        """Wait for what the request lacks, or have it answered."""
        lacks = conn.sock.lacks
        if not lacks:
            self.enqueue_req(conn)
        elif conn.sock.announced > REQUEST_BYTES:
            write_error(conn.sock, 413, "Content Too Large", f"At most {REQUEST_BYTES:,} bytes are accepted.")
            conn.closes = True
            self.send(conn)
        else:
            conn.sock.flush()  # "100 Continue"
            self.wait(conn, EVENT_READ, self.receive, None if lacks == before else self.seconds[lacks])

    def enqueue_req(self, conn):
        """Have a thread begin or continue the reply."""
        self.weigh(conn)
        if conn.reply is not None:
            pool = self.streams
        else:
            pool = self.quick if _QUICK.match(conn.sock.received) else self.tpool
        future = pool.submit(self.handle, conn)
        future.add_done_callback(partial(self.method_queue.defer, self.finish_request, conn))

    def handle(self, conn):
        """In a thread: a turn of the reply; False when no request may follow it."""
        may_follow = super().handle(conn) if conn.reply is None else conn.context.run(self.turn, conn)
        with suppress(OSError):  # the loop meets it again
            conn.sock.flush()
        return may_follow

    def handle_request(self, req, conn):
        """The first turn of the reply to a request."""
        conn.reply = self.replied(req, conn)
        return self.turn(conn)

    def turn(self, conn):
        """Write as much as a turn allows; conn.reply is what remains, or None."""
        reply, conn.reply = conn.reply, None
        for _ in reply:
            conn.reply = reply
            conn.context = copy_context()  # the language, among others, for another thread may go on
            return True
        return not conn.closes

    def replied(self, req, conn):
        """Have the application answer; yields after each turn. Closing it ends the reply."""
        resp, environ = wsgi.create(req, conn.sock, conn.client, conn.server, self.cfg)
        environ["wsgi.multithread"] = True
        if not self.alive:
            resp.force_close()
        body = self.wsgi(environ, resp.start_response)
        try:
            for item in () if req.method == "HEAD" else body:
                resp.write(item)
                if (resp.chunked or len(conn.sock.unsent) >= TURN_BYTES) and resp.sent != resp.response_length:
                    yield
            resp.close()
        except Exception:
            if not resp.headers_sent:
                raise  # gunicorn answers 500
            self.log.exception("A reply broke off.")
            resp.force_close()
        finally:
            if hasattr(body, "close"):
                body.close()
        conn.closes = conn.closes or resp.should_close()

    def finish_request(self, conn, future):
        """Go on in the loop after a thread's turn."""
        if future.cancelled() or future.exception() or not future.result():
            conn.closes = True
        self.attempt(conn, self.send)

    def send(self, conn):
        """Send what there is; then go on with the reply, wait for the next request, or close."""
        if not conn.sock.flush():
            self.wait(conn, EVENT_WRITE, self.send, STALLED_SECONDS)
        elif conn.reply is not None:
            self.enqueue_req(conn)
        elif conn.closes:
            conn.sock.finish()
            self.wait(conn, EVENT_READ, self.discard, LINGER_SECONDS)
        else:
            conn.sock.next_request()
            self.listen(conn)

    def discard(self, conn):
        """What a client still sends on a connection that ends; to close before it does would cut off its reply."""
        conn.sock.discard()
        self.wait(conn, EVENT_READ, self.discard)
