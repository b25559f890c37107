"""The admin of both services."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Services

NUMBERS = "/admin/random_numbers/generatednumber/"


def draw(page: Page, services: Services, name: str) -> int:
    """Draw a number for a user, and return its id."""
    answer = page.request.post(f"{services.numbers}/generate-random-number", data={"user": name})
    return int(answer.json()["id"])


def search(page: Page, name: str) -> None:
    page.locator("#searchbar").fill(name)
    page.get_by_role("button", name="Search").click()


def test_numbers_are_kept_when_a_user_is_renamed_and_deleted(
    page: Page, services: Services, name: str, sign_in: Callable[[str], None]
) -> None:
    sign_in(services.users)
    page.locator(".app-users").get_by_role("link", name="Add").click()
    page.get_by_label("Name:").fill(name)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    number = draw(page, services, name)

    search(page, name)
    expect(page.get_by_text("1 user", exact=True)).to_be_visible()
    page.get_by_role("link", name=name).click()
    page.get_by_label("Name:").fill(f"{name} renamed")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("row").get_by_role("link", name=f"{name} renamed").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="sure").click()
    expect(page.get_by_text("was deleted successfully")).to_be_visible()

    sign_in(services.numbers)
    page.goto(f"{services.numbers}{NUMBERS}")
    # By its link: the digits of an id may also stand in the limit of another row.
    link = page.get_by_role("link", name=str(number), exact=True)
    expect(page.get_by_role("row").filter(has=link).locator(".field-user")).to_have_text("-")
    link.click()
    expect(page.locator(".field-user .readonly")).to_have_text("-")


def test_numbers_can_be_searched_by_the_name_of_their_user(
    page: Page, services: Services, name: str, sign_in: Callable[[str], None]
) -> None:
    for each in (name, f"{name} the second"):
        page.request.post(f"{services.users}/users", data={"name": each})
        draw(page, services, each)
    sign_in(services.numbers)
    page.goto(f"{services.numbers}{NUMBERS}")
    search(page, f" {name} ")
    expect(page.locator("#result_list .field-user")).to_have_text([name])
    page.get_by_role("link", name="Today").click()
    expect(page.locator("#result_list .field-user")).to_have_text([name])
    page.goto(f"{services.numbers}/admin/random_numbers/user/")
    search(page, f" {name} ")
    expect(page.locator("#result_list .field-name")).to_have_text([name, f"{name} the second"])


def test_concurrent_submissions_of_a_form_save_one_user(
    page: Page, services: Services, name: str, sign_in: Callable[[str], None]
) -> None:
    sign_in(services.users)
    page.goto(f"{services.users}/admin/users/user/add/")
    page.get_by_label("Name:").fill(name)
    statuses = page.evaluate(
        """async () => {
            const form = document.querySelector("#user_form");
            const send = () => fetch("", {method: "POST", body: new FormData(form)});
            const answers = await Promise.all(Array.from({length: 8}, send));
            return answers.map(answer => answer.status);
        }"""
    )
    assert set(statuses) <= {200, 409}
    page.goto(f"{services.users}/admin/users/user/?q={name}")
    expect(page.get_by_text("1 user", exact=True)).to_be_visible()


@pytest.mark.parametrize("model", ["generatednumber", "user"])
def test_rows_of_the_random_number_service_are_read_only(
    page: Page, services: Services, name: str, sign_in: Callable[[str], None], model: str
) -> None:
    page.request.post(f"{services.users}/users", data={"name": name})
    draw(page, services, name)
    sign_in(services.numbers)
    expect(page.locator(f".app-random_numbers .model-{model}")).to_contain_text("View")
    page.locator(f".app-random_numbers .model-{model} th a").click()
    expect(page.locator("#content-main .addlink, #content-main [name=action]")).to_have_count(0)
    page.locator("#result_list th a").first.click()
    expect(page.get_by_role("link", name="Close")).to_be_visible()
    fields = page.locator("#content-main").locator("input:not([type=hidden]), textarea, select")
    expect(fields).to_have_count(0)
    expect(page.locator("#content-main .deletelink")).to_have_count(0)
    for action in ("add/", "1/delete/"):
        url = f"{services.numbers}/admin/random_numbers/{model}/{action}"
        assert page.request.get(url).status == 403
