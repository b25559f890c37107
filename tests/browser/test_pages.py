"""The browsable API."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Services


def post(page: Page, **values: str) -> None:
    form = page.locator("#post-object-form")
    for field, value in values.items():
        form.locator(f"[name={field}]").fill(value)
    with page.expect_navigation():
        form.get_by_role("button", name="POST").click()


def test_the_forms_register_a_user_and_draw_a_number(
    page: Page, services: Services, name: str
) -> None:
    page.goto(services.users)
    page.get_by_role("link", name="/users").click()
    post(page, name=name)
    expect(page.locator(".response-info")).to_contain_text("HTTP 201 Created")
    page.goto(services.numbers)
    page.get_by_role("link", name="/generate-random-number").click()
    expect(page.locator("[name=limit]")).to_have_value("1000")
    post(page, user=name, limit="0")
    expect(page.locator(".response-info")).to_contain_text("HTTP 201 Created")
    page.goto(f"{services.numbers}/get-saved-numbers?user={name}")
    expect(page.locator(".response-info")).to_contain_text(f'"username": "{name}"')


def test_a_path_that_allows_post_only_shows_its_form_without_an_error(
    page: Page, services: Services
) -> None:
    page.goto(f"{services.numbers}/generate-random-number")
    expect(page.locator("#post-object-form")).to_be_visible()
    expect(page.get_by_text("405")).to_be_hidden()


def test_the_form_keeps_a_name_that_is_taken_and_shows_the_error(
    page: Page, services: Services, name: str
) -> None:
    page.goto(f"{services.users}/users")
    post(page, name=name)
    post(page, name=name)
    expect(page.locator(".response-info")).to_contain_text("HTTP 409 Conflict")
    expect(page.locator("#post-object-form [name=name]")).to_have_value(name)
    expect(page.locator("#post-object-form")).to_contain_text("This name is taken.")


def test_the_form_keeps_invalid_values_and_shows_the_errors(
    page: Page, services: Services, name: str
) -> None:
    page.goto(f"{services.numbers}/generate-random-number")
    post(page, user=name, limit="6")
    form = page.locator("#post-object-form")
    expect(form).to_contain_text("No user with this name is registered.")
    expect(form.locator("[name=limit]")).to_have_value("6")
    post(page, user=name, limit="-1")
    expect(form).to_contain_text("greater than or equal to 0")
    expect(form.locator("[name=user]")).to_have_value(name)


def test_the_raw_data_form_sends_json_and_starts_with_an_example(
    page: Page, services: Services, name: str
) -> None:
    page.request.post(f"{services.users}/users", data={"name": name})
    page.goto(f"{services.numbers}/generate-random-number")
    page.get_by_role("link", name="Raw data").click()
    form = page.locator("#post-generic-content-form")
    content = form.locator("[name=_content]")
    expect(content).to_have_value('{\n  "user": "",\n  "limit": 1000\n}')
    content.fill(f'{{"user": "{name}"}}')
    form.get_by_role("button", name="POST").click()
    expect(page.locator(".response-info")).to_contain_text("HTTP 201 Created")


def test_pages_of_a_list_are_linked(page: Page, services: Services, name: str) -> None:
    names = [f"{name} {number}" for number in range(3)]
    ids = [
        page.request.post(f"{services.users}/users", data={"name": each}).json()["id"]
        for each in names
    ]
    page.goto(f"{services.users}/users?page_size=2&after={ids[0] - 1}")
    expect(page.locator(".response-info")).to_contain_text(names[1])
    expect(page.locator(".response-info")).not_to_contain_text(names[2])
    page.get_by_role("link", name="Next page").click()
    expect(page.locator(".response-info")).to_contain_text(names[2])
    expect(page.locator(".response-info")).not_to_contain_text(names[1])
    page.get_by_role("link", name="First page").click()
    expect(page).to_have_url(f"{services.users}/users?page_size=2")


@pytest.mark.parametrize(
    ("service", "title"), [("users", "User service"), ("numbers", "Random number service")]
)
def test_an_unknown_path_links_to_the_root_which_links_to_everything_else(
    page: Page, services: Services, service: str, title: str
) -> None:
    # Without an icon in a page, browsers request /favicon.ico, which does not exist.
    icon = page.locator("link[rel=icon]")
    page.goto(f"{getattr(services, service)}/nothing")
    expect(page.get_by_text("There is nothing here.")).to_be_visible()
    expect(icon).to_be_attached()
    page.get_by_role("link", name="Go to the start page").click()
    expect(page).to_have_title(title)
    expect(icon).to_be_attached()
    addresses = [link.text_content() for link in page.locator(".response-info a").all()]
    for address in addresses:
        answer = page.request.get(address or "", headers={"Accept": "text/html, */*"})
        assert answer.status in (200, 405), address
    page.get_by_role("link", name="Admin", exact=True).click()
    expect(page).to_have_title(f"Log in | {title}")
    expect(icon).to_be_attached()
