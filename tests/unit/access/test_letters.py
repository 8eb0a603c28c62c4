"""Letters as they leave the house."""

from __future__ import annotations

import stat
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from quickkub.access.letters import _WORDS, letter
from quickkub.access.mail import Letter, MailNotSent
from quickkub.access.post import FilePost, SmtpPost, SmtpUrlInvalid, message, open_post, read_smtp_url
from quickkub.kernel.secrets import Secret
from tests.support.ports import free_port
from tests.support.smtp import StubSmtp

LINK = "https://pay.example/reset-password#abc"


@pytest.mark.parametrize("kind", sorted(_WORDS))
@pytest.mark.parametrize("locale", ["th", "en"])
def test_every_letter_has_its_link_in_both_languages(kind: str, locale: str) -> None:
    written = letter(kind, locale, "somchai@example.com", LINK)
    assert LINK in written.text
    assert written.subject.startswith("QuickKub: ")
    assert any("\u0e00" <= sign <= "\u0e7f" for sign in written.text) is (locale == "th")


def test_a_thai_letter_survives_the_way_through_a_mail_server() -> None:
    written = letter("reset_password", "th", "somchai@example.com", LINK)
    read = message_from_bytes(message(written, "QuickKub <no-reply@pay.example>").as_bytes(), policy=default)
    assert read["Subject"] == written.subject
    assert read["To"] == "somchai@example.com"
    body = read.get_body()
    assert body is not None
    assert body.get_content().strip() == written.text.strip()


def test_no_header_can_be_slipped_into_a_letter() -> None:
    with pytest.raises(ValueError, match="linefeed"):
        message(Letter("somchai@example.com\nBcc: all@example.com", "x", "x"), "no-reply@pay.example")


async def test_without_a_mail_server_letters_are_files_only_their_owner_reads(tmp_path: Path) -> None:
    post = open_post(tmp_path / "mail", None)
    assert isinstance(post, FilePost)
    await post.send("ml_1", letter("reset_password", "en", "somchai@example.com", LINK))
    (written,) = (tmp_path / "mail").iterdir()
    assert written.name == "ml_1.eml"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert stat.S_IMODE(written.parent.stat().st_mode) == 0o700
    assert LINK in written.read_text()


async def test_a_folder_that_cannot_be_written_is_a_letter_not_sent(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("in the way")
    with pytest.raises(MailNotSent):
        await FilePost(tmp_path / "mail").send("ml_1", Letter("a@example.com", "x", "x"))


@pytest.mark.parametrize(
    ("url", "host", "port", "tls"),
    [
        ("smtp://127.0.0.1", "127.0.0.1", 587, False),
        ("smtp://mail.example:2525", "mail.example", 2525, False),
        ("smtps://us%40er:p%3Aw@mail.example", "mail.example", 465, True),
    ],
)
def test_a_mail_server_is_named_by_its_address(url: str, host: str, port: int, tls: bool) -> None:
    server = read_smtp_url(Secret(url))
    assert (server.host, server.port, server.tls_at_once) == (host, port, tls)
    if server.user:
        assert (server.user, server.password) == ("us@er", Secret("p:w"))
        assert "p:w" not in repr(server)


@pytest.mark.parametrize("url", ["http://mail.example", "smtp://", "smtp://a:b:c:d", "smtp://h/path", "mail"])
def test_an_address_of_something_else_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(SmtpUrlInvalid) as refused:
        read_smtp_url(Secret(url))
    assert url not in refused.value.detail or url == "smtp://"


async def test_a_mail_server_gets_the_letter() -> None:
    async with StubSmtp() as server:
        post = SmtpPost(read_smtp_url(Secret(f"smtp://127.0.0.1:{server.port}")))
        await post.send("ml_1", letter("reset_password", "en", "somchai@example.com", LINK))
    assert server.recipients == ["<somchai@example.com>"]
    assert LINK in server.text.replace("=\r\n", "")


async def test_a_mail_server_that_refuses_or_is_away_is_a_letter_not_sent() -> None:
    async with StubSmtp(refuses=True) as server:
        post = SmtpPost(read_smtp_url(Secret(f"smtp://127.0.0.1:{server.port}")))
        with pytest.raises(MailNotSent) as refused:
            await post.send("ml_1", Letter("somchai@example.com", "x", LINK))
    assert LINK not in refused.value.detail
    away = SmtpPost(read_smtp_url(Secret(f"smtp://127.0.0.1:{free_port()}")))
    with pytest.raises(MailNotSent):
        await away.send("ml_1", Letter("somchai@example.com", "x", "x"))
