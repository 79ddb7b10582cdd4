"""Signing out of a browser: asked first, so that no other page can do it with a link."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from silo import core

from .authorize import render_failure
from .browser import Browser, read_browser
from .clients import find_client, is_safe_redirect
from .errors import OAuthError, TenantUnknown
from .issuer import Issuer
from .pages import render_page
from .requests import SignInRequest, read_form, read_query_request
from .responses import NO_STORE
from .sessions import close_session

_SEE_OTHER = 303


async def answer_sign_out(issuer: Issuer, request: Request) -> Response:
    """Answer ``/oauth2/logout`` and ``/oauth2/v2.0/logout``."""
    tenant = request.path_params["tenant"]
    try:
        if not issuer.owns_tenant(tenant):
            raise TenantUnknown(tenant=tenant)
        asked = read_query_request(request, issuer.clock.now(), version=2, tenant_name=tenant)
        browser = await read_browser(issuer, request)
        if browser.session is not None:
            if request.method != "POST":
                return _ask(issuer, asked, browser)
            browser.check_form(request, await read_form(request))
            await issuer.store.write(lambda conn: close_session(conn, browser.cookie))
    except OAuthError as error:
        return render_failure(issuer, error)
    address = await issuer.store.read(lambda conn: _find_destination(conn, asked))
    if address:
        response: Response = RedirectResponse(address, status_code=_SEE_OTHER, headers=NO_STORE)
    else:
        response = render_page(
            "message.html",
            tenant=issuer.tenant.display_name,
            heading="You are signed out",
            lines=["You can close this page.", "Command line tools stay signed in: az logout."],
        )
    return browser.leave(response, "")


def _ask(issuer: Issuer, asked: SignInRequest, browser: Browser) -> Response:
    uri = asked.find("post_logout_redirect_uri")
    page = render_page(
        "sign_out.html",
        tenant=issuer.tenant.display_name,
        destinations=(uri,) if is_safe_redirect(uri) else (),
        name=browser.session.name if browser.session else "",
        csrf=browser.csrf,
    )
    return browser.leave(page)


def _find_destination(conn: core.Connection, asked: SignInRequest) -> str:
    """Return where to go on, if a registered application asked and registered that address."""
    client = find_client(conn, asked.find("client_id"))
    uri = asked.find("post_logout_redirect_uri")
    if client is None or client.is_well_known or not is_safe_redirect(uri):
        return ""
    return uri if client.has_redirect(uri) else ""
