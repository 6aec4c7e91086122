"""Credentials in addresses are not shown, and nothing else is changed."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from preread.data.io.redaction import redacted

NAME = st.text("abcdefghijklmnop", min_size=1, max_size=8)
SECRET = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="'\""),
    min_size=3,
    max_size=30,
).filter(lambda text: not text[0].isdigit())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("s3://bucket/index", "s3://bucket/index"),
        ("https://host:8080/a@b?x=1", "https://host:8080/a@b?x=1"),
        ("http://[::1]:9200/x", "http://[::1]:9200/x"),
        ("postgresql://a:b@h/d?table=t", "postgresql://a:…@h/d?table=t"),
        ("https://ghp_token@host/i", "https://…@host/i"),
        ("s3://AKIA:se/cr@et@bucket/x", "s3://AKIA:…@bucket/x"),
        ("https://u:1234@h/x", "https://u:…@h/x"),
        ("https://h/i?X-Amz-Signature=abc&n=3#f", "https://h/i?X-Amz-Signature=…&n=3#f"),
        ("host=h password='a b' user=x", "host=h password=… user=x"),
        ("see https://u:p@h/x, or s3://k:v@b.", "see https://u:…@h/x, or s3://k:…@b."),
        ("a question about keys", "a question about keys"),
    ],
)
def test_addresses_are_shown_without_credentials(text: str, shown: str) -> None:
    assert redacted(text) == shown
    assert redacted(shown) == shown


@given(NAME, SECRET, NAME)
def test_no_password_is_ever_shown(user: str, password: str, host: str) -> None:
    shown = redacted(f"could not open https://{user}:{password}@{host}/index: refused")
    assert shown == f"could not open https://{user}:…@{host}/index: refused"


@given(SECRET.filter(lambda text: not set(text) & set("&#")))
def test_no_secret_parameter_is_ever_shown(secret: str) -> None:
    for name in ("token", "X-Amz-Signature", "api_key", "sslpassword", "AccessKeyId"):
        assert redacted(f"https://h/i?{name}={secret}&n=3") == f"https://h/i?{name}=…&n=3"


@pytest.mark.parametrize("part", ["key.", "x://a:", "://a:1/", "a"])
def test_long_messages_are_redacted_in_time_that_grows_with_their_length(part: str) -> None:
    """A server chooses the words of its refusals: 8 kB of ``key.`` took two minutes."""
    start = time.process_time()
    redacted(part * 1_500)
    assert time.process_time() - start < 1
