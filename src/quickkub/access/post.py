"""How letters leave the house: as files in a folder, or through a mail server when SMTP_URL names one.

`smtps://user:password@host` speaks TLS from the first byte, `smtp://...` asks for it with STARTTLS and goes
on without only to this very machine.
"""

from __future__ import annotations

import asyncio
import os
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from quickkub.access.mail import Letter, MailNotSent, Post
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.secrets import Secret
from quickkub.telemetry import get_logger

SECONDS: Final = 15
SENDER_DEFAULT: Final = "QuickKub <no-reply@localhost>"
_PORTS: Final = {"smtp": 587, "smtps": 465}
_HERE: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_log = get_logger("access")


class SmtpUrlInvalid(Refusal):
    """SMTP_URL is no address of a mail server."""

    code, kind = "smtp_url_invalid", Kind.INVALID

    def __init__(self) -> None:
        super().__init__("SMTP_URL is smtp://host or smtps://user:password@host:465", param="SMTP_URL")


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A mail server, and who we are there."""

    host: str
    port: int
    tls_at_once: bool
    user: str | None
    password: Secret | None


def read_smtp_url(url: Secret) -> SmtpServer:
    """Raises SmtpUrlInvalid, without the address: it may hold a password."""
    try:
        parts = urlsplit(url.reveal())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise SmtpUrlInvalid from None
    if parts.scheme not in _PORTS or not host or parts.path not in {"", "/"}:
        raise SmtpUrlInvalid
    return SmtpServer(
        host,
        port or _PORTS[parts.scheme],
        parts.scheme == "smtps",
        unquote(parts.username) if parts.username else None,
        Secret(unquote(parts.password)) if parts.password else None,
    )


def open_post(mail_dir: Path, smtp_url: Secret | None, sender: str = SENDER_DEFAULT) -> Post:
    """The post of this installation. Raises SmtpUrlInvalid."""
    if smtp_url:
        return SmtpPost(read_smtp_url(smtp_url), sender)
    return FilePost(mail_dir, sender)


def message(letter: Letter, sender: str, *, as_it_is: bool = False) -> EmailMessage:
    """A letter as mail servers take it; `as_it_is`: its text can be read in the file by people.

    A header with a line break in it raises ValueError.
    """
    written = EmailMessage()
    written["From"] = sender
    written["To"] = letter.to
    written["Subject"] = letter.subject
    written["Date"] = formatdate(usegmt=True)
    written["Message-ID"] = make_msgid(domain="quickkub.invalid")
    written["Auto-Submitted"] = "auto-generated"
    written.set_content(letter.text, cte="8bit" if as_it_is else None)
    return written


class FilePost:
    """Each letter a file only its owner can read; its name is the letter's id, which is all the log says."""

    def __init__(self, folder: Path, sender: str = SENDER_DEFAULT) -> None:
        self._folder = folder
        self._sender = sender

    async def send(self, letter_id: str, letter: Letter) -> None:
        """See mail.Post."""
        await asyncio.to_thread(
            self._write, letter_id, message(letter, self._sender, as_it_is=True).as_bytes()
        )
        _log.info("letter written to a file", reference=letter_id)

    def _write(self, letter_id: str, text: bytes) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial = self._folder / f".{letter_id}"
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(text)
            partial.replace(self._folder / f"{letter_id}.eml")
        except OSError as trouble:
            raise MailNotSent(f"the mail folder cannot be written: {trouble.strerror}") from None


class SmtpPost:
    """A mail server. The standard library's client, on a thread: letters are few."""

    def __init__(self, server: SmtpServer, sender: str = SENDER_DEFAULT) -> None:
        self._server = server
        self._sender = sender

    async def send(self, letter_id: str, letter: Letter) -> None:
        """See mail.Post."""
        await asyncio.to_thread(self._send, message(letter, self._sender))
        _log.info("letter sent", reference=letter_id, host=self._server.host)

    def _send(self, written: EmailMessage) -> None:
        try:
            with self._connection() as server:
                if self._server.user is not None and self._server.password is not None:
                    server.login(self._server.user, self._server.password.reveal())
                server.send_message(written)
        except (smtplib.SMTPException, OSError) as trouble:
            # The server's own words may repeat the letter; the kind of trouble says enough.
            raise MailNotSent(f"{self._server.host}: {type(trouble).__name__}") from None

    def _connection(self) -> smtplib.SMTP:
        there = self._server
        if there.tls_at_once:
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(there.host, there.port, timeout=SECONDS, context=context)
        server = smtplib.SMTP(there.host, there.port, timeout=SECONDS)
        try:
            if there.host not in _HERE:
                server.starttls(context=ssl.create_default_context())
        except BaseException:
            server.close()
            raise
        return server
