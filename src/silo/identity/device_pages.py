"""The page where a person types the code that a device shows (RFC 8628, section 3.3)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from silo import core

from .authorize import render_failure
from .browser import Browser, read_browser
from .clients import get_client
from .device_code import (
    DeviceCode,
    approve_device_code,
    decline_device_code,
    find_device_code,
    normalize_user_code,
)
from .errors import OAuthError, PasswordExpired, PasswordUnsuitable, UserCodeWrong
from .form_sign_in import sign_in_with_form
from .issuer import Issuer
from .pages import render_page
from .requests import SignInRequest, read_form, read_query_request
from .scopes import parse_scopes
from .sessions import Session
from .sign_in_log import SignInKind, append_sign_in
from .subjects import get_user_subject
from .throttle import Throttle, find_lock, record_failure

_GUESSES = "device code"
"""Wrong codes count like wrong passwords of one account, per address and in all."""


@dataclass(frozen=True, slots=True)
class _Visit:
    issuer: Issuer
    asked: SignInRequest
    browser: Browser
    cookie: str | None = None

    def render(self, template: str, *, status: int = 200, **context: Any) -> Response:
        page = render_page(
            template,
            tenant=self.issuer.tenant.display_name,
            status=status,
            csrf=self.browser.csrf,
            **context,
        )
        return self.browser.leave(page, self.cookie)


async def answer_device_page(issuer: Issuer, request: Request) -> Response:
    """Answer ``/devicelogin`` and its form."""
    try:
        asked = read_query_request(request, issuer.clock.now(), version=2, tenant_name="common")
    except OAuthError as error:
        return render_failure(issuer, error)
    asked.sign_in.protocol = "deviceCode"
    visit = _Visit(issuer, asked, await read_browser(issuer, request))
    if request.method != "POST":
        return _ask_code(visit, normalize_user_code(asked.find("otc") or asked.find("user_code")))
    form: Mapping[str, str] = {}
    try:
        form = await read_form(request)
        visit.browser.check_form(request, form)
        device = await _get_device(visit, form.get("user_code", ""))
        return await _answer_form(visit, form, device)
    except OAuthError as error:
        return _ask_code(visit, form.get("user_code", ""), error)


async def _answer_form(visit: _Visit, form: Mapping[str, str], device: DeviceCode) -> Response:
    action, session = form.get("action", ""), visit.browser.session
    if action in {"sign-in", "change-password"}:
        return await _sign_in(visit, form, device)
    if action == "decline":
        await visit.issuer.store.write(
            lambda conn: decline_device_code(conn, device.user_code, visit.asked.now)
        )
        return visit.render(
            "message.html", heading="Sign-in cancelled", lines=["You can close this page."]
        )
    if session is None or action == "switch":
        return _ask_password(visit, device, "")
    if action == "approve":
        return await _approve(visit, device, session)
    return _ask_confirmation(visit, device, session)


async def _sign_in(visit: _Visit, form: Mapping[str, str], device: DeviceCode) -> Response:
    try:
        session, cookie = await sign_in_with_form(visit.issuer, visit.asked, form, visit.browser)
    except (PasswordExpired, PasswordUnsuitable) as error:
        return visit.render(
            "change_password.html",
            username=form.get("username", ""),
            hidden={"user_code": device.user_code},
            error=str(error) if isinstance(error, PasswordUnsuitable) else "",
        )
    except OAuthError as error:
        return _ask_password(visit, device, form.get("username", ""), error)
    browser = replace(visit.browser, session=session)
    return _ask_confirmation(replace(visit, browser=browser, cookie=cookie), device, session)


async def _get_device(visit: _Visit, text: str) -> DeviceCode:
    """Return the device that shows a code; a wrong one is counted, for codes can be guessed."""
    issuer, asked, code = visit.issuer, visit.asked, normalize_user_code(text)
    throttle = Throttle(_GUESSES, asked.sign_in.client_ip)

    def read(conn: core.Connection) -> DeviceCode | None:
        if find_lock(conn, throttle, issuer.settings, asked.now):
            raise UserCodeWrong
        device = find_device_code(conn, code, asked.now)
        if device is not None:
            client = get_client(conn, device.client_id, issuer.tenant.display_name)
            resource = issuer.get_resource(conn, parse_scopes(device.scope, device.resource))
            sign_in = asked.sign_in
            sign_in.app_id, sign_in.app_name = client.app_id, client.display_name
            sign_in.resource_id = resource.app_id
            sign_in.resource_name = resource.display_name
        return device

    device = await issuer.store.read(read)
    if device is None:
        await issuer.store.write(
            lambda conn: record_failure(conn, throttle, issuer.settings, asked.now)
        )
        raise UserCodeWrong
    return device


async def _approve(visit: _Visit, device: DeviceCode, session: Session) -> Response:
    asked, sign_in = visit.asked, visit.asked.sign_in
    sign_in.kind, sign_in.session_id = SignInKind.INTERACTIVE, session.id
    sign_in.object_id, sign_in.name = session.object_id, session.name
    sign_in.display_name = session.display_name

    def write(conn: core.Connection) -> None:
        get_user_subject(conn, session.object_id)
        approved = approve_device_code(
            conn,
            device.user_code,
            object_id=session.object_id,
            session_id=session.id,
            methods=session.methods,
            signed_in=session.signed_in,
            now=asked.now,
        )
        if not approved:
            raise UserCodeWrong
        append_sign_in(conn, sign_in, asked.now)

    await visit.issuer.store.write(write)
    lines = [
        f"You have signed in to {sign_in.app_name} on your device.",
        "You can close this page.",
    ]
    return visit.render("message.html", heading="Signed in", lines=lines)


def _ask_code(visit: _Visit, user_code: str, error: OAuthError | None = None) -> Response:
    return visit.render(
        "device.html",
        user_code=user_code[:20],
        error=str(error) if error else "",
        status=error.status if error else 200,
    )


def _ask_password(
    visit: _Visit, device: DeviceCode, username: str, error: OAuthError | None = None
) -> Response:
    return visit.render(
        "sign_in.html",
        client=visit.asked.sign_in.app_name,
        username=username[:256],
        hidden={"user_code": device.user_code},
        error=str(error) if error else "",
        status=error.status if error else 200,
    )


def _ask_confirmation(visit: _Visit, device: DeviceCode, session: Session) -> Response:
    return visit.render(
        "device_confirm.html",
        client=visit.asked.sign_in.app_name,
        resource=visit.asked.sign_in.resource_name,
        name=session.name,
        user_code=device.user_code,
        address=device.client_ip,
    )
