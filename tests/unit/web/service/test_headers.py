"""Cookies and headers of answers in a Space and elsewhere."""

import asyncio

import pytest
from starlette.responses import Response

from bonefx.web.service.headers import HeaderRules, HeadersMiddleware

GRADIO_COOKIES = (
    "access-token-abc=t; HttpOnly; Path=/; SameSite=none; Secure",
    "access-token-unsecure-abc=t; HttpOnly; Path=/; SameSite=lax",
)


def headers_of(path="/", *, scheme="http", in_space=False, cookies=GRADIO_COOKIES):
    """Return the headers of an answer that sets cookies as gradio does."""
    answer = Response("film", headers={"Cache-Control": "max-age=60"})
    for cookie in cookies:
        answer.headers.append("set-cookie", cookie)
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "scheme": scheme}
    asyncio.run(HeadersMiddleware(answer, HeaderRules(in_space=in_space))(scope, None, send))
    return [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]


@pytest.mark.parametrize(
    ("scheme", "in_space", "name", "same_site", "secure"),
    [
        ("http", False, "access-token-unsecure-abc", "Lax", False),
        ("https", False, "access-token-abc", "Lax", True),
        ("http", True, "access-token-abc", "None", True),
    ],
)
def test_a_login_sets_the_one_cookie_that_fits(scheme, in_space, name, same_site, secure):
    headers = headers_of(scheme=scheme, in_space=in_space)
    (cookie,) = [value for key, value in headers if key == "set-cookie"]
    assert cookie.startswith(f"{name}=t;")
    assert f"SameSite={same_site}" in cookie
    assert "HttpOnly" in cookie
    assert ("Secure" in cookie) is secure


def test_a_logout_deletes_both_cookies():
    deleted = [f'access-token-{kind}abc=""; Max-Age=0; Path=/' for kind in ("", "unsecure-")]
    headers = headers_of(cookies=deleted)
    assert len([value for key, value in headers if key == "set-cookie"]) == 2


@pytest.mark.parametrize(
    ("path", "policy"),
    [
        ("/gradio_api/file=/uploads/a/film.png", "no-store"), ("/", "no-store"),
        ("/gradio_api/queue/data", "no-store"), ("/assets/index.js", "max-age=60"),
        ("/static/a.png", "max-age=60"), ("/theme.css", "max-age=60"),
    ],
)  # fmt: skip
def test_the_browser_may_keep_parts_of_the_program_alone(path, policy):
    assert dict(headers_of(path))["cache-control"] == policy


def test_only_the_site_of_spaces_may_show_a_space_in_a_frame():
    own, space = dict(headers_of()), dict(headers_of(in_space=True))
    assert "frame-ancestors 'none'" in own["content-security-policy"]
    assert own["x-frame-options"] == "DENY"
    assert "frame-ancestors https://huggingface.co" in space["content-security-policy"]
    assert "x-frame-options" not in space
