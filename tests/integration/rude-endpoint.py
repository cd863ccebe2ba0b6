#!/usr/bin/env python3
"""What may stand where a cloud's API should: rude-endpoint.py LOG [CERT KEY]

Prints its port; the first part of a path says how it answers. Each request is a
line in LOG. As a proxy it refuses to connect.
"""
import email.utils
import http.server
import ssl
import sys
import time

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lolololololol">'
    + "".join(
        '<!ENTITY %s "%s">' % (chr(98 + i), ("&%s;" % chr(97 + i)) * 10)
        for i in range(9)
    )
    + "]><GetCallerIdentityResponse><GetCallerIdentityResult><Account>&j;"
    "</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
)
EXPIRED = (
    '<ErrorResponse><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code>'
    "<Message>Signature expired</Message></Error></ErrorResponse>"
)
REPLIES = {
    "html": (200, "text/html", "<!DOCTYPE html><html><title>Sign in</title></html>"),
    "blocked": (403, "text/html", "<html><body>Blocked</body></html>"),
    "bomb": (200, "text/xml", BOMB),
    "cut": (200, "text/xml", "<GetCallerIdentityResponse><GetCallerIdentityRe"),
    "other": (200, "text/xml", "<Something/>"),
    "redirect": (302, "text/html", ""),
    "deep": (200, "application/json", '{"a":' * 100000),
    "text": (200, "application/json", '"no object"'),
    "busy": (503, "text/xml", ""),
    "skew": (403, "text/xml", EXPIRED),
    "deep": (200, "application/json", '{"items":' * 100000 + "1" + "}" * 100000),
    "list": (200, "application/json", "[]"),
    "empty": (200, "application/json", ""),
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def date_time_string(self, timestamp=None):
        ahead = 3600 if self.kind == "skew" else 0
        return email.utils.formatdate(time.time() + ahead, usegmt=True)

    def do_GET(self):
        self.do_POST()

    def do_POST(self):
        self.kind = self.path.strip("/").split("/")[0]
        LOG.write(self.kind + "\n")
        LOG.flush()
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.kind == "hang":
            time.sleep(600)
            return
        status, kind, body = REPLIES[self.kind]
        more = 500 if self.kind == "cut" else 0
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) + more))
        if self.kind == "redirect":
            self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()
        self.wfile.write(body.encode())
        self.close_connection = bool(more)

    do_GET = do_POST

    def do_CONNECT(self):
        self.kind = "connect"
        LOG.write("connect\n")
        LOG.flush()
        self.send_response(403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


LOG = open(sys.argv[1], "w", encoding="utf-8")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
