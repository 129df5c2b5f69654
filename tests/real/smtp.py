"""A mail server for tests, on loopback: keeps what it accepts, and misbehaves when it is told to.

    smtp.py PORT MAILS CONTROL

Every accepted mail becomes a line of JSON at the end of the file MAILS before the client hears 250. What stands in the file
CONTROL says how the server behaves; it may change at any time, and an empty or absent file means `accept`:

    accept               takes every mail
    refuse               550 for every recipient
    refuse:ADDRESS       550 for this recipient
    later                451 for every recipient
    reject-credentials   535 for every password; without one, 530 for every mail
    hang                 takes the text and never answers; the mail is not kept
    slow:MILLISECONDS    answers the text that late
    drop                 keeps the mail, and hangs up instead of answering
"""

import asyncio
import datetime
import email
import email.policy
import json
import os
import sys

from aiosmtpd.smtp import SMTP, AuthResult

LARGEST_MAIL = 32 * 1024 * 1024
# Longer than any test: it is the client that has to give up on a silent server.
PATIENCE = 3600


class Server:
    def __init__(self, mails, control):
        self.mails = open(mails, "a", encoding="utf-8")
        self.control = control
        open(control, "a").close()
        self.seen = None
        self.behaviour = "accept"

    def told(self):
        """How to behave now, and the argument of that. A file that is just being written is empty."""
        try:
            status = os.stat(self.control)
            seen = (status.st_mtime_ns, status.st_size)
            if seen != self.seen:
                with open(self.control, encoding="utf-8") as file:
                    self.behaviour = file.read().strip() or self.behaviour
                self.seen = seen
        except FileNotFoundError:
            self.behaviour = "accept"
        word, _, argument = self.behaviour.partition(":")
        return word, argument

    def authenticate(self, _server, _session, _envelope, _mechanism, _credentials):
        # With `handled`, the library would leave a refusal unanswered.
        return AuthResult(success=self.told()[0] != "reject-credentials", handled=False)

    async def handle_MAIL(self, _server, session, envelope, address, options):
        if self.told()[0] == "reject-credentials" and not session.authenticated:
            return "530 5.7.0 authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, _server, _session, envelope, address, options):
        word, argument = self.told()
        if word == "refuse" and argument in ("", address):
            return "550 5.1.1 there is no such mailbox"
        if word == "later":
            return "451 4.3.2 not now"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server, _session, envelope):
        word, argument = self.told()
        if word == "hang":
            # Ends when the client hangs up.
            await asyncio.Event().wait()
        if word == "slow":
            await asyncio.sleep(int(argument) / 1000)
        self.keep(envelope)
        if word == "drop":
            server.transport.abort()
        return "250 OK"

    def keep(self, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        body = mail.get_body(("plain", "html"))
        kept = {
            "message-id": mail["Message-ID"],
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "subject": mail["Subject"],
            "text": body.get_content() if body else "",
            "headers": [[name, str(value)] for name, value in mail.items()],
            "at": datetime.datetime.now(datetime.timezone.utc).isoformat(),
        }
        self.mails.write(json.dumps(kept, ensure_ascii=False) + "\n")
        self.mails.flush()


async def serve(port, server):
    def connection():
        return SMTP(
            server,
            data_size_limit=LARGEST_MAIL,
            enable_SMTPUTF8=True,
            authenticator=server.authenticate,
            auth_require_tls=False,
            timeout=PATIENCE,
            hostname="localhost",
        )

    listening = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", port)
    await listening.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(serve(int(sys.argv[1]), Server(sys.argv[2], sys.argv[3])))
    except KeyboardInterrupt:
        pass
