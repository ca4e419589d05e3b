import contextlib
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from specs.documents.document import SpecError
from specs.pipeline import command
from specs.pipeline.command import main
from specs.pipeline.fetch import fetch
from specs.pipeline.lock import read


class Server:
    """Serves one document, as a web server does; notes what it was asked with, and what it answered."""

    def __init__(self, content=b"", etag='"v1"', **more):
        self.content, self.etag, self.more, self.seen = content, etag, more, []

    def answer(self, request):
        if self.more.get("redirect") and not request.path.endswith("elsewhere"):
            return 302, {"Location": self.more["redirect"]}, b""
        headers = {"ETag": self.etag, "Last-Modified": "Mon, 01 Jun 2026 00:00:00 GMT"} if self.etag else {}
        unchanged = self.etag and request.headers.get("If-None-Match") == self.etag
        status = 304 if unchanged else self.more.get("status", 200)
        return status, headers, b"" if unchanged else self.content


@contextlib.contextmanager
def serving(server):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, headers, content = server.answer(self)
            server.seen.append((dict(self.headers), status))
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            if status != 304:
                self.send_header("Content-Length", str(len(content) + server.more.get("missing", 0)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(content)

        def log_message(self, *arguments):
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}/openapi.json"
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


def test_unchanged_is_a_success_of_one_line(project, published, capsys, monkeypatch):
    """A URL is asked with the validators of last time; "not modified" writes nothing and says so."""
    server = Server(published.read_bytes())
    with serving(server) as url:
        assert main(["kintsugi", "--from", url], project) == 0
        source = read(project / "openapi").sources["kintsugi"]
        assert (source["name"], source["etag"]) == (url, '"v1"')
        capsys.readouterr()
        before = contents(project)
        monkeypatch.setattr(command.generate, "clients", None)
        assert main(["kintsugi", "--from", url], project) == 0
        assert server.seen[-1][1] == 304
        assert server.seen[-1][0]["If-Modified-Since"] == "Mon, 01 Jun 2026 00:00:00 GMT"
        # the same bytes under another validator are the same document; only the validator is kept
        server.etag = '"v2"'
        assert main(["kintsugi", "--from", url], project) == 0
        assert server.seen[-1][1] == 200
        assert read(project / "openapi").sources["kintsugi"]["etag"] == '"v2"'
    after = contents(project)
    assert {path.name for path in after if after[path] != before.get(path)} == {"openapi.lock"}
    assert capsys.readouterr() == ("kintsugi: unchanged, nothing to do\n" * 2, "")


def test_a_change_of_ours_is_taken_up_though_the_document_is_unchanged(project, published, capsys):
    """Validators are sent only if everything else is what the client was made from, too."""
    server = Server(published.read_bytes())
    with serving(server) as url:
        assert main(["kintsugi", "--from", url], project) == 0
        path = project / "openapi/kintsugi.overlay.yaml"
        path.write_text(path.read_text().replace("'A customer.'", "'One customer.'"))
        assert main(["kintsugi", "--from", url], project) == 0
    assert "If-None-Match" not in server.seen[-1][0]
    assert "One customer." in (project / "generated/readahead_clients/kintsugi/models/customer.py").read_text()


def test_a_query_may_be_private():
    """What stands in a URL beside host and path is not written down, and such a URL is asked without validators."""
    server = Server(b"{}")
    with serving(server) as url:
        found = fetch(f"{url}?token=secret#part", {"name": url, "etag": '"v1"'})
    assert found.name == url
    assert "If-None-Match" not in server.seen[-1][0]


@pytest.mark.parametrize(
    ("server", "said"),
    [
        (Server(b"x" * 2001), "larger than 2,000 bytes"),
        (Server(b"{}", missing=10), "ended early"),
        (Server(b"no", status=404), "status 404"),
        (Server(b"no", redirect="file:///etc/passwd"), "cannot fetch"),
    ],
)
def test_what_cannot_be_fetched(server, said):
    """Too large, cut short, refused, or led astray: each is said, and nothing is read."""
    with serving(server) as url, pytest.raises(SpecError, match=said):
        fetch(url, {}, largest=2000)


def test_a_server_that_is_silent(project, capsys):
    """A server that takes the connection and says nothing is given up after the timeout."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/openapi.json"
        with pytest.raises(SpecError, match="timed out"):
            fetch(url, {}, timeout=0.05)


def test_a_server_that_drips():
    """The timeout is for the whole of it, however often a few bytes arrive."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as dripping:

        def drip():
            connection, _ = dripping.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                while not stop.wait(0.01):
                    connection.sendall(b" ")

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            with pytest.raises(SpecError, match="too long"):
                fetch(f"http://127.0.0.1:{dripping.getsockname()[1]}/", {}, timeout=0.2)
        finally:
            stop.set()
            thread.join()


def test_the_lock_holds_any_validator(project, published):
    """Quotes and backslashes in a validator do not break the lock."""
    with serving(Server(published.read_bytes(), etag='W/"a\\b"')) as url:
        assert main(["kintsugi", "--from", url], project) == 0
    assert read(project / "openapi").sources["kintsugi"]["etag"] == 'W/"a\\b"'
    assert json.dumps(dict(read(project / "openapi").sources["kintsugi"]))
