"""Real proxies before web servers of ours: the examples of deploy/, and what people make of them."""

import os
import re
import shutil
import socket
import ssl
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests import PROJECT
from tests.faults.stage import free_port
from tests.waiting import until

HOST = "usage.example.org"
CLIENT = "127.0.0.3"  # where visitors come from, which is no proxy's address
NGINX_HEAD = """
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
{user}
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    {servers}
}}
"""
CADDY_HEAD = """
{{
    admin off
    skip_install_trust
    auto_https disable_redirects
    log {{
        output file {folder}/error.log
    }}
}}
{sites}
"""


def program(name: str) -> str:
    """Its path; the test is skipped where it is not installed."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    return found or pytest.skip(f"{name} is not installed")


def certificate(folder: Path) -> Path:
    """A folder with cert.pem and key.pem for HOST and localhost, signed by itself."""
    made = [program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    made += ["-days", "2", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST},DNS:localhost"]
    made += ["-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run(made, check=True, capture_output=True)
    return folder


def nginx_example(tls: Path, port: int, plain: int, web: int) -> str:
    """deploy/nginx.conf with these ports and this certificate."""
    text = (PROJECT / "deploy/nginx.conf").read_text()
    text = re.sub(r".*listen \[::\].*\n", "", text)
    text = text.replace("listen 80;", f"listen 127.0.0.1:{plain};").replace("listen 443", f"listen 127.0.0.1:{port}")
    text = text.replace("/etc/letsencrypt/live/usage.example.org/fullchain.pem", f"{tls}/cert.pem")
    text = text.replace("/etc/letsencrypt/live/usage.example.org/privkey.pem", f"{tls}/key.pem")
    return text.replace("127.0.0.1:8318", f"127.0.0.1:{web}")


def caddy_example(port: int, web: int) -> str:
    """deploy/Caddyfile at this port, with a certificate of Caddy's own."""
    text = (PROJECT / "deploy/Caddyfile").read_text()
    text = text.replace("usage.example.org {", f"https://usage.example.org:{port} {{\n\tbind 127.0.0.1\n\ttls internal")
    return text.replace("127.0.0.1:8318", f"127.0.0.1:{web}")


@contextmanager
def nginx(folder: Path, servers: str, ports):
    """nginx with these server blocks, listening at these ports."""
    config = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(NGINX_HEAD.format(folder=folder, user=user, servers=servers))
    with _running([program("nginx"), "-p", folder, "-c", config, "-g", "daemon off;"], folder, ports):
        yield


@contextmanager
def caddy(folder: Path, sites: str, ports):
    """Caddy with these sites, listening at these ports."""
    config = folder / "Caddyfile"
    config.write_text(CADDY_HEAD.format(folder=folder, sites=sites))
    with _running([program("caddy"), "run", "--adapter", "caddyfile", "--config", config], folder, ports):
        until(lambda: all(map(_has_certificate, ports)))  # Caddy makes them when it listens already
        yield


@contextmanager
def _running(command, folder, ports):
    env = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(list(map(str, command)), env=env, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    try:
        until(lambda: process.poll() is not None or all(map(_is_open, ports)))
        assert process.poll() is None, (folder / "out").read_text()
        yield
    finally:
        process.terminate()
        process.wait(20)


def _is_open(port):
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _has_certificate(port):
    """Whether it shakes hands, or speaks plain HTTP."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection(("127.0.0.1", port), 5) as plain,
            context.wrap_socket(plain, server_hostname=HOST),
        ):
            return True
    except OSError as error:
        return "INTERNAL_ERROR" not in str(error)


class Visitor(httpx.Client):
    """A browser's side of a proxy at a port of this machine: it asks for HOST, with the headers of a browser."""

    def __init__(self, port: int, scheme: str = "https", host: str = HOST):
        headers = {"Host": host, "Accept": "text/html,*/*", "Referer": f"{scheme}://{host}/"}
        way = httpx.HTTPTransport(verify=False, local_address=CLIENT)
        super().__init__(base_url=f"{scheme}://127.0.0.1:{port}", headers=headers, transport=way, timeout=30)
        self.origin = {"Origin": f"{scheme}://{host}"}
        self.event_hooks = {"request": [self._named]}

    def _named(self, request):
        request.extensions["sni_hostname"] = HOST

    def api(self, path: str) -> httpx.Response:
        """Ask as a program does."""
        return self.get(path, headers={"Accept": "application/json"})

    def form(self, path: str, to: str = "", **fields) -> httpx.Response:
        """Fill in a form of a page and send it, to the page itself where its address is not given."""
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(path).text)
        token = {"csrfmiddlewaretoken": found[1]} if found else {}
        return self.post(to or path, data=token | fields, headers=self.origin)


def answered(port: int, text: str) -> str:
    """Status line and headers of the reply to a request that is sent as it is written."""
    reply = b""
    with socket.create_connection(("127.0.0.1", port), 20) as sock:
        sock.sendall(text.replace("\n", "\r\n").encode())
        while b"\r\n\r\n" not in reply and (data := sock.recv(65536)):
            reply += data
    return reply.partition(b"\r\n\r\n")[0].decode()


def ports(count: int) -> list[int]:
    """So many free ports, each another one."""
    found = set()
    while len(found) < count:
        found.add(free_port())
    return list(found)
