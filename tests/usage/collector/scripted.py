"""A server that answers RESP as a test writes it."""

import socket
import threading


class last(bytes):
    """A reply after which the server closes."""


class Scripted:
    """Answers each command of each connection with the next of `replies`.

    `last(reply)` closes the connection after it, without a word when it is empty; so does having none left.
    """

    def __init__(self):
        self.replies, self.asked = [], []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._listener.close()

    def _serve(self):
        while True:
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._answer, args=[connection], daemon=True).start()

    def _answer(self, connection):
        with connection:
            while asked := _received(connection):
                self.asked.append(asked)
                reply = self.replies.pop(0) if self.replies else last()
                connection.sendall(reply)
                if isinstance(reply, last):
                    return


def _received(connection):
    try:
        return connection.recv(65536)
    except OSError:
        return b""
