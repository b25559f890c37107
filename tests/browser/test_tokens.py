"""Swagger UI's button Authorize, with bearer tokens switched on."""

from playwright.sync_api import Page, expect

from tests.contract.test_tokens import headers, services

__all__ = ["services"]


def test_authorize_sends_the_token(page: Page, services) -> None:
    page.goto(f"{services.users}/docs")
    page.get_by_role("button", name="Authorize").first.click()
    dialog = page.locator(".modal-ux")
    dialog.locator("input").fill(headers()["Authorization"].removeprefix("Bearer "))
    dialog.locator("button.authorize").click()
    dialog.locator("button.btn-done").click()
    operation = page.locator(".opblock-get").first
    operation.locator(".opblock-summary-path").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    status = operation.locator(".live-responses-table .response-col_status").last
    expect(status).to_contain_text("200")
