"""A proxy before a store that fails in the ways that networks do: by the answers of a seeded generator."""

import http.client
import http.server
import random
import socket
import threading
import time

# What can go wrong with an answer, and how many of a hundred are each.
FAULTS = {"error": 10, "cut": 8, "reset": 6, "slow": 6, "flip": 6}


class Faulty:
    """Forwards GET and HEAD to `target` (host, port) while `on`; `counts` says what it did."""

    def __init__(self, target, seed):
        self.target, self.on = target, False
        self.generator, self.lock = random.Random(seed), threading.Lock()
        self.counts = dict.fromkeys(FAULTS, 0)
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                proxy.answer(self)

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def draw(self, handler):
        with self.lock:
            number = self.generator.uniform(0, 100)
            for fault, share in FAULTS.items():
                number -= share
                # Nothing vouches for the sums themselves: what is flipped there shows as damage of another file.
                vouched = fault != "flip" or not handler.path.split("?")[0].endswith(("SUMS", "/"))
                vouched = vouched and not (fault == "flip" and "list-type" in handler.path)
                if number < 0:
                    return fault if self.on and vouched else None
        return None

    def answer(self, handler):
        fault = self.draw(handler)
        if fault in ("cut", "slow", "flip") and handler.command == "HEAD":
            fault = None
        if fault == "error":
            self.count(fault)
            handler.send_response(503)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        if fault == "reset":
            self.count(fault)
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return
        upstream = http.client.HTTPConnection(*self.target)
        headers = {key: value for key, value in handler.headers.items() if key.lower() != "host"}
        upstream.request(handler.command, handler.path, headers=headers)
        response = upstream.getresponse()
        body = response.read()
        handler.send_response(response.status)
        for key, value in response.getheaders():
            if key.lower() not in ("transfer-encoding", "connection", "content-length"):
                handler.send_header(key, value)
        length = response.getheader("Content-Length") if handler.command == "HEAD" else len(body)
        handler.send_header("Content-Length", str(length))
        handler.end_headers()
        if fault == "cut" and len(body) > 1:
            self.count(fault)
            handler.wfile.write(body[: len(body) // 2])
            handler.wfile.flush()
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return
        if fault == "flip" and response.status < 300 and body:
            self.count(fault)
            body = bytearray(body)
            body[len(body) // 3] ^= 1
        if fault == "slow":
            self.count(fault)
            for start in range(0, len(body), 1 << 18):
                handler.wfile.write(body[start : start + (1 << 18)])
                handler.wfile.flush()
                time.sleep(0.05)
            return
        handler.wfile.write(body)

    def count(self, fault):
        with self.lock:
            self.counts[fault] += 1
