"""A browser for both services' pages, in which errors fail the test."""

import shutil
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.conftest import Services

PATIENCE = 180_000  # milliseconds, for a machine that is much slower or busy
expect.set_options(timeout=PATIENCE)
FLAGS = [
    "--no-sandbox",  # The sandbox does not work as root or in most containers.
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 100_000  # milliseconds, of which a page takes a few hundred
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's Chromium."""
    names = "chromium", "chromium-browser", "google-chrome"
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip("this machine has no Chromium")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=program, args=FLAGS, timeout=PATIENCE)


@pytest.fixture
def page(browser: Browser, services: Services) -> Iterator[Page]:
    """An empty tab. A console message, a dialog or a request to another host fails the test."""
    problems: list[tuple[str, str]] = []
    documents: set[str] = set()
    hosts = {urlsplit(services.users).hostname, urlsplit(services.numbers).hostname}
    with browser.new_context() as context:
        context.route(
            lambda url: urlsplit(url).hostname not in hosts,
            lambda route: (problems.append(("request", route.request.url)), route.abort()),
        )
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("response", lambda r: r.request.is_navigation_request() and documents.add(r.url))
        page.on(
            "console", lambda m: is_problem(m, documents) and problems.append(("console", m.text))
        )
        page.on("pageerror", lambda error: problems.append(("error", str(error))))
        page.on(
            "dialog", lambda dialog: (problems.append(("dialog", dialog.message)), dialog.dismiss())
        )
        yield page
    assert problems == []


def is_problem(message: ConsoleMessage, documents: set[str]) -> bool:
    """Return whether a message is a warning or an error, and not that a page is a 4xx answer."""
    says_so = message.text.startswith("Failed to load resource: the server responded with")
    is_page = says_so and message.location["url"] in documents
    return message.type in ("warning", "error") and not is_page


@pytest.fixture
def sign_in(page: Page, services: Services) -> Callable[[str], None]:
    """Return a function that signs in to a service's admin."""

    def sign_in(url: str) -> None:
        page.goto(f"{url}/admin/")
        page.get_by_label("Username").fill("admin")
        page.get_by_label("Password").fill(services.admin_password)
        with page.expect_navigation():
            page.get_by_role("button", name="Log in").click()

    return sign_in
