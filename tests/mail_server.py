"""A mail server for tests: speaks enough SMTP over a real socket to take letters, or to refuse them."""

from __future__ import annotations

import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from threading import Thread


@dataclass
class MailServer:
    """Where it listens, what it took, and what it answers to a recipient."""

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    answer: str = "250 ok"
    asked: int = 0


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """One that listens on a free port of this host."""
    state = MailServer()

    class Talk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 mail.test")
            for line in self.rfile:
                verb = line.strip().split(b" ", 1)[0].upper()
                if verb == b"RCPT":
                    state.asked += 1
                    self.say(state.answer)
                elif verb == b"DATA":
                    self.say("354 go on")
                    body = b"".join(iter(self.rfile.readline, b".\r\n"))
                    state.letters.append(message_from_bytes(body, policy=policy.default))
                    self.say("250 taken")
                elif verb == b"QUIT":
                    return self.say("221 bye")
                else:
                    self.say("250 ok")
            return None

        def say(self, words: str) -> None:
            self.wfile.write(f"{words}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk) as server:
        server.daemon_threads = True
        state.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield state
        server.shutdown()
        thread.join()
