"""Notifications of s3twin to a mail server and a webhook behind TLS that others wrote.

Arguments: program, scratch folder. The first check that fails ends the suite with exit code 1. What was taken is
read from the servers, never from what s3twin says.
"""

import asyncio
import datetime
import email
import email.policy
import json
import logging
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

PROGRAM, SCRATCH = sys.argv[1], Path(sys.argv[2])
USER, PASSWORD = "ops", "p\u00e4ss w\"ord/1"
SECRET = "T0AAAA-secret-of-a-hook"
MAILS, POSTS, GETS = [], [], []


class Mails:
    """What a mail server does with what it is sent."""

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        MAILS.append((envelope.rcpt_tos, session.authenticated, message))
        return "250 taken"


def login(server, session, envelope, mechanism, data):
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


class Hook(BaseHTTPRequestHandler):
    """`/STATUS/…` answers that status; redirects lead to a path that is taken."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        status = int(self.path.split("/")[1])
        if status == 200:
            POSTS.append(json.loads(body))
        said = f"Cannot POST {self.path}".encode()
        self.send_response(status)
        self.send_header("content-length", str(len(said)))
        if status // 100 == 3:
            self.send_header("location", "/200/elsewhere")
        self.end_headers()
        self.wfile.write(said)

    def do_GET(self):
        GETS.append(self.path)
        self.send_error(404)

    def log_message(self, *_):
        pass


class Quiet(ThreadingHTTPServer):
    """Clients that do not believe the certificate go away: that is no news."""

    def handle_error(self, *_):
        pass


def context(certificate):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(made)
    return made


class Servers:
    """Everything there is to be told, each on a port of its own."""

    def __init__(self):
        authority = trustme.CA()
        self.bundle = SCRATCH / "authority.pem"
        authority.cert_pem.write_to_path(self.bundle)
        good = context(authority.issue_cert("localhost"))
        old = context(authority.issue_cert("localhost", not_after=datetime.datetime(2021, 1, 1)))
        other = context(authority.issue_cert("elsewhere.example"))
        self.loop = asyncio.new_event_loop()
        needs = {"authenticator": login, "auth_required": True}
        secure = {"tls_context": good, "require_starttls": True, **needs}
        self.starttls = self.mail(**secure)
        self.login_only = self.mail(auth_exclude_mechanism=["PLAIN"], **secure)
        self.small = self.mail(data_size_limit=100, **secure)
        self.expired = self.mail(**{**secure, "tls_context": old})
        self.named_otherwise = self.mail(**{**secure, "tls_context": other})
        self.implicit = self.mail(outer=good, auth_require_tls=False, **needs)
        self.clear = self.mail(auth_require_tls=False, **needs)
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.hook = self.webhook(good)
        self.hook_expired = self.webhook(old)

    def mail(self, outer=None, **settings):
        def serve():
            return SMTP(Mails(), hostname="sink", loop=self.loop, **settings)

        made = self.loop.run_until_complete(self.loop.create_server(serve, "127.0.0.1", 0, ssl=outer))
        return made.sockets[0].getsockname()[1]

    def webhook(self, secured):
        server = Quiet(("127.0.0.1", 0), Hook)
        server.socket = secured.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_port


def told(what, settings, code, words=(), password=PASSWORD):
    """`config notify` must end with this code, say these words, and keep every secret."""
    file = SCRATCH / "s3twin.toml"
    file.write_text(f"[notifications.ops]\n{settings}\n")
    command = [PROGRAM, "config", "notify", "ops", "--config", file, "-vvv"]
    environment = {"HOME": str(SCRATCH), "MAIL_PASSWORD": password}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    everything = done.stdout + done.stderr
    missing = [word for word in words if word not in done.stderr]
    shown = [secret for secret in (PASSWORD, password, SECRET) if secret in everything]
    if done.returncode != code or missing or shown:
        sys.exit(f"FAILED {what}: ended with {done.returncode}, not {code}; not said: {missing}; shown: {shown}\n{everything}")
    print(f"ok {what}")


def same(what, got, wanted):
    if got != wanted:
        sys.exit(f"FAILED {what}\n  wanted {wanted!r}\n  got    {got!r}")


def mails(servers):
    ours = f', ca_bundle = "{servers.bundle}"'

    def smtp(port, tls="starttls", more=ours):
        return (f'smtp = {{ server = "localhost:{port}", tls = "{tls}", from = "s3twin@example.com", to = ["a@example.com", '
                f'"b@example.com"], user = "{USER}", password_env = "MAIL_PASSWORD"{more} }}')

    taken = [(servers.starttls, "starttls"), (servers.login_only, "starttls"), (servers.implicit, "tls"), (servers.clear, "none")]
    for port, tls in taken:
        told(f"mail by {tls} to {port}", smtp(port, tls), 0)
    same("mails that arrived", len(MAILS), len(taken))
    for recipients, authenticated, message in MAILS:
        same("recipients", (recipients, authenticated), (["a@example.com", "b@example.com"], True))
        same("subject", message["subject"], "s3twin: a trial message to ops")
        same("text", "notifications arrive" in message.get_content() and bool(message["message-id"]), True)
    told("a wrong password", smtp(servers.starttls), 4, ["535", "check user and the password"], password="not-it-at-all")
    told("no STARTTLS", smtp(servers.clear), 4, ["offers no STARTTLS"])
    told("an unknown authority", smtp(servers.starttls, more=""), 4, ["UnknownIssuer", "ca_bundle"])
    told("an expired certificate", smtp(servers.expired), 4, ["renew the server's certificate"])
    told("another name", smtp(servers.named_otherwise), 4, ["elsewhere.example", "as its certificate has it"])
    told("TLS where none is spoken", smtp(servers.clear, "tls"), 4, ["no TLS is spoken on this port"])
    told("a mail that is too long", smtp(servers.small), 4, ["552"])
    same("mails that must not arrive", len(MAILS), len(taken))


def hooks(servers):
    def webhook(status, port=servers.hook, more=f', ca_bundle = "{servers.bundle}"'):
        return f'webhook = {{ url = "https://localhost:{port}/{status}/{SECRET}"{more} }}'

    told("a webhook", webhook(200), 0)
    same("text", [post["text"] for post in POSTS], ["s3twin: a trial message to ops"])
    told("an unknown authority", webhook(200, more=""), 4, ["UnknownIssuer", "ca_bundle"])
    told("an expired certificate", webhook(200, servers.hook_expired), 4, ["renew the server's certificate"])
    for status in (301, 302, 307):
        told(f"a redirect by {status}", webhook(status), 4, ["give the URL that this one points to"])
    told("a webhook that is gone", webhook(404), 4, ["404", "Cannot POST …", "still exists"])
    told("a server that is not well", webhook(500), 4, ["500", "whether the server is well"])
    same("posts that must not arrive", (len(POSTS), GETS), (1, []))


if __name__ == "__main__":
    logging.disable(logging.ERROR)
    started = Servers()
    mails(started)
    hooks(started)
