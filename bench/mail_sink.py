"""
A mail server in a process of its own that takes every mail and keeps none.

Prints its port, and ends with its standard input.
"""

from __future__ import annotations

import socketserver
import sys
import threading


class Taker(socketserver.StreamRequestHandler):
    """
    Speaks as much of SMTP as a client needs to be rid of its mail.
    """

    def handle(self) -> None:
        """
        Say yes to everything.
        """
        self._say(b"220 sink")
        is_body = False
        for line in self.rfile:
            verb = line[:4].upper()
            if is_body:
                is_body = line != b".\r\n"
                if not is_body:
                    self._say(b"250 taken")
            elif verb == b"DATA":
                is_body = True
                self._say(b"354 go on")
            elif verb == b"QUIT":
                self._say(b"221 goodbye")
                return
            else:
                self._say(b"250 sink")

    def _say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")


def main() -> None:
    """
    Serve until nobody is there any more.
    """
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Taker) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_address[1], flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
