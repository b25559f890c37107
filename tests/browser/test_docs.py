"""Swagger UI, which must work without internet access."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import Services


def test_the_user_services_operations_are_shown(page: Page, services: Services) -> None:
    page.goto(f"{services.users}/docs")
    operations = page.locator(".opblock-summary")
    expect(operations).to_have_text(
        ["GET/usersList users", "POST/usersRegister a user", "GET/users/{id}Show a user"]
    )


def test_the_random_number_services_operations_are_shown(page: Page, services: Services) -> None:
    page.goto(f"{services.numbers}/docs")
    operations = page.locator(".opblock-summary")
    expect(operations).to_have_text(["POST/generate-random-number", "GET/get-saved-numbers"])


def test_request_bodies_are_prefilled_with_an_example(page: Page, services: Services) -> None:
    page.goto(f"{services.numbers}/docs")
    operation = page.locator(".opblock-post")
    operation.locator(".opblock-summary").click()
    operation.get_by_role("button", name="Try it out").click()
    body = operation.locator("textarea")
    expect(body).to_have_value('{\n  "user": "ankur",\n  "limit": 6\n}')
    page.goto(f"{services.users}/docs")
    operation = page.locator(".opblock-post")
    operation.locator(".opblock-summary").click()
    operation.get_by_role("button", name="Try it out").click()
    expect(operation.locator("textarea")).to_have_value('{\n  "name": "ankur"\n}')


def test_an_operation_can_be_tried_out(page: Page, services: Services) -> None:
    page.goto(f"{services.users}/docs")
    operation = page.locator(".opblock-get").first
    operation.locator(".opblock-summary").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_placeholder("page_size").fill("1")
    operation.get_by_role("button", name="Execute").click()
    status = operation.locator(".live-responses-table .response-col_status").last
    expect(status).to_contain_text("200")
