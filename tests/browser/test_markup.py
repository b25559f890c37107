"""Names are escaped on every page."""

import uuid
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import Services


def test_a_script_in_a_name_is_shown_as_text_on_every_page(
    page: Page, services: Services, sign_in: Callable[[str], None]
) -> None:
    name = f"<script>alert(1)</script>{uuid.uuid4()}"
    users, numbers = services.users, services.numbers
    user = page.request.post(f"{users}/users", data={"name": name}).json()
    call = f"{numbers}/generate-random-number"
    number = page.request.post(call, data={"user": name}).json()
    sign_in(users)
    sign_in(numbers)
    change = f"{users}/admin/users/user/{user['id']}"
    view = f"{numbers}/admin/random_numbers"
    for url in (
        f"{users}/users?name={name}",
        f"{users}/users/{user['id']}",
        f"{users}/admin/users/user/?q={name}",
        f"{change}/change/",
        f"{change}/history/",
        f"{change}/delete/",
        f"{numbers}/get-saved-numbers?user={name}",
        f"{view}/generatednumber/?q={name}",
        f"{view}/generatednumber/{number['id']}/change/",
        f"{view}/user/?q={name}",
        f"{view}/user/{user['id']}/change/",
    ):
        page.goto(url)
        expect(page.locator("body").get_by_text(name).first, url).to_be_visible()
        assert page.locator("script", has_text="alert(1)").count() == 0, url
    for url, field, status in (f"{users}/users", "name", 409), (call, "user", 201):
        page.goto(url)
        page.locator(f"#post-object-form [name={field}]").fill(name)
        page.locator("#post-object-form button").click()
        expect(page.locator(".response-info")).to_contain_text(f"HTTP {status}")
        expect(page.locator(f"#post-object-form [name={field}]")).to_have_value(name)
