"""What the containers run: every GET is answered with the release's name. It is given to `python -c`, so it needs no image of ours."""

import http.server
import os
import signal
import sys


class Answer(http.server.BaseHTTPRequestHandler):
    """200 for every path, the health check's too."""

    def do_GET(self) -> None:
        """Answers with the release."""
        body = os.environ["RELEASE"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: a line for each health check would be all there is."""


# As the first process of its container it gets no default handler for SIGTERM.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.ThreadingHTTPServer(("", int(os.environ["PORT"])), Answer).serve_forever()
