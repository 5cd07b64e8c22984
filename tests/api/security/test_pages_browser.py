"""Every page works in a browser under the content security policy, signed in by a session."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from api.judging.answers import AnswerLogs
from api.settings import AppSettings, SecuritySettings
from tests.api.judging.worlds import lamps
from tests.api.security.conftest import make_key
from tests.browser import Shopper, ShopServer, open_chromium

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PAGES = (
    "/lab", "/lab/runs", "/lab/experiments", "/lab/models", "/lab/propensity", "/lab/drift",
    "/lab/learning-curve", "/lab/judge", "/lab/judge/lamps/results",
)  # fmt: skip


@pytest.fixture
def shopper(data: Path) -> Iterator[Shopper]:
    settings = SecuritySettings(required=True, watch_seconds=0.05)
    server = ShopServer(AppSettings(data=data, security=settings))
    server.start()
    with open_chromium() as browser:
        shopper = Shopper(browser, server.url)
        yield shopper
        assert shopper.leave() == []
    server.stop()


def sign_in(page: Page, secret: str) -> None:
    page.get_by_label("API key").fill(secret)
    page.get_by_role("button", name="Sign in").click()


def test_pages_work_signed_in_and_violate_no_policy(shopper: Shopper, data: Path) -> None:
    secret = make_key(data, "admin")
    task = lamps(data)
    time.sleep(0.2)  # the server knows the key
    page = shopper.open("/?q=lamp")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    shopper.expects(r"status of 403|404.*/images/")  # a wrong key; this shop has no pictures
    sign_in(page, "aisle_wrong")
    expect(page.get_by_text("not one of this server's")).to_be_visible()
    sign_in(page, secret)
    # Where a wrong key led astray nothing is lost: the shop that was asked for comes.
    expect(page.locator("#results")).to_contain_text("lamp", ignore_case=True)
    for path in PAGES:
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        expect(page.locator("h1")).to_be_visible()
    page.goto("/lab/propensity")
    page.goto("/lab/judge/lamps")
    page.keyboard.type("Ana")
    page.keyboard.press("Enter")
    expect(page.locator("#query")).to_be_visible()
    page.keyboard.press("3")
    expect(page.locator("#saved")).to_have_text("All saved")
    assert len(AnswerLogs(data, task).read("Ana").given) == 1
    page.goto("/login")
    page.get_by_role("button", name="Sign out").click()
    shopper.expects(r"status of 401")
    page.goto("/lab")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/lab"])
def test_injected_scripts_styles_and_frames_do_nothing(
    shopper: Shopper, data: Path, path: str
) -> None:
    secret = make_key(data, "admin")
    time.sleep(0.2)
    shopper.expects(r"Content Security Policy|status of 401|ERR_BLOCKED_BY_|404.*/images/")
    page = shopper.open(path)
    sign_in(page, secret)
    page.wait_for_load_state()
    page.evaluate(
        """() => {
            window.violations = [];
            addEventListener('securitypolicyviolation', e => violations.push(e.effectiveDirective));
            const script = document.createElement('script');
            script.textContent = 'window.injected = true';
            const style = document.createElement('style');
            style.textContent = 'body { display: none }';
            const frame = document.createElement('iframe');
            frame.src = '/';
            const handler = document.createElement('div');
            handler.innerHTML = '<b onclick="window.injected = true">x</b>';
            document.body.append(script, style, frame, handler);
            handler.firstChild.click();
            fetch('https://evil.example/').catch(() => {});
        }"""
    )
    page.wait_for_function("violations.length >= 5")
    assert page.evaluate("window.injected") is None
    assert page.evaluate("getComputedStyle(document.body).display") != "none"
    found = set(page.evaluate("violations"))
    assert {"script-src-elem", "style-src-elem", "frame-src", "script-src-attr", "connect-src"} <= (
        found
    )
