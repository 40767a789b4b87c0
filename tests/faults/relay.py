"""A network of its own between a program and a server: it can be cut, and it can fall silent."""

import contextlib
import socket
import threading

from tests.faults.stage import free_port


class Relay:
    """Passes connections on to a server; stopped, it cuts them and refuses new ones, as a stopped server does.

    While `passing` is not set it is a dead network: connections stay open, and nothing comes out of them.
    """

    def __init__(self, host, port):
        self.target, self.port = (host, int(port)), free_port()
        self.passing = threading.Event()
        self.passing.set()
        self.start()

    def start(self):
        self._open, self._listener = [], socket.create_server(("127.0.0.1", self.port))
        self._thread = threading.Thread(target=self._serve, args=[self._listener], daemon=True)
        self._thread.start()

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _serve(self, listener):
        with contextlib.suppress(OSError):
            while True:
                near, far = listener.accept()[0], socket.create_connection(self.target)
                self._open += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=[one, other], daemon=True).start()

    def _pass_on(self, one, other):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                self.passing.wait()
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
