"""All pages under the Content-Security-Policy; the fixture `page` fails on a console message."""

from collections.abc import Callable

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Services

# Pages of the accounts, which both admins have.
ACCOUNTS = (
    "password_change/",
    "auth/user/",
    "auth/user/add/",
    "auth/user/1/change/",
    "auth/user/1/password/",
    "auth/user/1/history/",
    "auth/user/1/delete/",
    "auth/group/",
    "auth/group/add/",
)


def assert_page(page: Page, url: str) -> None:
    """Open a page; its policy allows nothing inline, and something is to be seen."""
    response = page.goto(url)
    assert response
    policy = response.headers["content-security-policy"]
    assert "default-src 'self';" in policy
    assert "unsafe-inline" not in policy
    expect(page.locator("h1, h2, #site-name").first, url).to_be_visible()
    assert page.evaluate("document.styleSheets.length") > 0, url


def test_the_api_pages_and_their_errors(page: Page, services: Services, name: str) -> None:
    user = page.request.post(f"{services.users}/users", data={"name": name}).json()
    for path in ("/", "/users", f"/users/{user['id']}", "/users/0", "/docs", "/nothing"):
        assert_page(page, services.users + path)
    for path in ("/users?page_size=0", "/users?name=%00"):
        assert_page(page, services.users + path)
        expect(page.get_by_text("400").first).to_be_visible()
    for path in ("/", "/generate-random-number", "/get-saved-numbers", "/docs"):
        assert_page(page, services.numbers + path)


def test_the_pages_of_the_admin_of_users(
    page: Page, services: Services, name: str, sign_in: Callable[[str], None]
) -> None:
    user = page.request.post(f"{services.users}/users", data={"name": name}).json()
    admin = f"{services.users}/admin/"
    assert_page(page, f"{admin}login/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill("wrong")
    with page.expect_navigation():
        page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Please enter the correct")).to_be_visible()
    sign_in(services.users)
    for path in ("", "users/", "users/user/", "users/user/add/", *ACCOUNTS):
        assert_page(page, admin + path)
    for path in ("change/", "history/", "delete/"):
        assert_page(page, f"{admin}users/user/{user['id']}/{path}")
    page.goto(f"{admin}users/user/add/")
    page.get_by_label("Name:").fill(name)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("already")).to_be_visible()
    with page.expect_navigation():
        page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("Logged out")).to_be_visible()


def test_the_pages_of_the_admin_of_numbers(
    page: Page, services: Services, name: str, sign_in: Callable[[str], None]
) -> None:
    page.request.post(f"{services.users}/users", data={"name": name})
    call = f"{services.numbers}/generate-random-number"
    number = page.request.post(call, data={"user": name}).json()
    sign_in(services.numbers)
    model = f"{services.numbers}/admin/random_numbers/generatednumber/"
    for path in ("", "?q=x", "?id__gt=x", f"{number['id']}/change/", "add/", "0/change/"):
        assert_page(page, model + path)
    for path in ("random_numbers/user/", *ACCOUNTS):
        assert_page(page, f"{services.numbers}/admin/{path}")


def test_the_browser_reports_and_stops_an_inline_script(
    browser: Browser, services: Services
) -> None:
    with browser.new_page() as page:
        page.goto(services.users)
        with page.expect_console_message(lambda m: "Content Security Policy" in m.text):
            page.evaluate(
                """() => {
                    const script = document.createElement("script");
                    script.textContent = "document.title = 'changed'";
                    document.body.append(script);
                }"""
            )
        assert page.title() != "changed"
