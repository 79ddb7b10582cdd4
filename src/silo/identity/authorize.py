"""The authorize endpoint (RFC 6749, section 4.1.1): from a browser's visit to a code.

Every step of a person answers at the same URL, query included, so a page can be reloaded and
nothing is kept on the server before somebody has signed in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from silo import core

from .authorization_code import Authorization, issue_code
from .authorize_request import (
    AuthorizeRequest,
    Destination,
    read_authorize_request,
    read_destination,
)
from .browser import Browser, read_browser
from .consents import has_consent, put_consent
from .errors import (
    ConsentDeclined,
    ConsentRequired,
    LoginRequired,
    OAuthError,
    PasswordExpired,
    PasswordUnsuitable,
    TenantUnknown,
)
from .form_sign_in import sign_in_with_form
from .issuer import Issuer
from .pages import render_page
from .requests import SignInRequest, read_form, read_query_request
from .responses import NO_STORE, describe_error
from .sessions import Session
from .sign_in_log import SignInKind, append_sign_in
from .subjects import get_user_subject
from .tokens import render_client_info

_SEE_OTHER = 303
_FOUND = 302


@dataclass(frozen=True, slots=True)
class _Visit:
    """One request of a browser, with everything known about it."""

    issuer: Issuer
    request: Request
    asked: SignInRequest
    wanted: AuthorizeRequest
    browser: Browser
    cookie: str | None = None
    """A session cookie to set with the answer."""

    @property
    def session(self) -> Session | None:
        """Return who is signed in, if that is recent enough and whom the application means."""
        session, wanted = self.browser.session, self.wanted
        if session is None:
            return None
        if wanted.max_age is not None and self.asked.now - session.signed_in > wanted.max_age:
            return None
        return session

    def leave(self, response: Response) -> Response:
        return self.browser.leave(response, self.cookie)

    def render(self, template: str, *, status: int = 200, **context: Any) -> Response:
        destination = self.wanted.destination
        page = render_page(
            template,
            tenant=self.issuer.tenant.display_name,
            status=status,
            destinations=(destination.redirect_uri,),
            client=destination.client.display_name,
            csrf=self.browser.csrf,
            **context,
        )
        return self.leave(page)


async def answer_authorize(issuer: Issuer, request: Request, version: int) -> Response:
    """Answer ``/oauth2/authorize`` and ``/oauth2/v2.0/authorize``, visits and forms alike."""
    tenant, now = request.path_params["tenant"], issuer.clock.now()
    try:
        if not issuer.owns_tenant(tenant):
            raise TenantUnknown(tenant=tenant)
        asked = read_query_request(request, now, version=version, tenant_name=tenant)
        asked.sign_in.protocol = "authorizationCode"
        destination = await issuer.store.read(lambda conn: read_destination(conn, issuer, asked))
    except OAuthError as error:
        return render_failure(issuer, error)
    browser = await read_browser(issuer, request)
    try:
        wanted = await issuer.store.read(
            lambda conn: read_authorize_request(conn, issuer, asked, destination)
        )
        visit = _Visit(issuer, request, asked, wanted, browser)
        if request.method == "POST":
            return await _answer_form(visit)
        return await _answer_visit(visit)
    except OAuthError as error:
        return browser.leave(_refuse(issuer, request, asked, destination, error))


def render_failure(issuer: Issuer, error: OAuthError) -> Response:
    """Return a page for what cannot be told to the application."""
    return render_page(
        "message.html",
        tenant=issuer.tenant.display_name,
        error=f"AADSTS{error.code}: {error}",
        status=error.status,
        heading="Sign-in is not possible",
        lines=["Go back to the application and try again."],
    )


async def _answer_visit(visit: _Visit) -> Response:
    wanted, session = visit.wanted, visit.session
    if "none" in wanted.prompts:
        if session is None:
            raise LoginRequired
        if not await _is_agreed(visit, session):
            raise ConsentRequired(app_id=wanted.client.app_id)
        return await _grant(visit, session)
    hinted = wanted.login_hint.casefold()
    if session is None or "login" in wanted.prompts:
        return _ask_password(visit, wanted.login_hint)
    if hinted and hinted != session.name.casefold():
        return _ask_password(visit, wanted.login_hint)
    if "select_account" in wanted.prompts:
        return visit.render("account.html", name=session.name)
    return await _go_on(visit, session)


async def _answer_form(visit: _Visit) -> Response:
    form: Mapping[str, str] = {}
    try:
        form = await read_form(visit.request)
        visit.browser.check_form(visit.request, form)
        action = form.get("action", "")
        if action in {"sign-in", "change-password"}:
            session, cookie = await sign_in_with_form(
                visit.issuer, visit.asked, form, visit.browser
            )
            browser = replace(visit.browser, session=session)
            return await _go_on(replace(visit, browser=browser, cookie=cookie), session, new=True)
    except (PasswordExpired, PasswordUnsuitable) as error:
        return visit.render(
            "change_password.html",
            username=form.get("username", ""),
            hidden={},
            error=str(error) if isinstance(error, PasswordUnsuitable) else "",
            status=400 if isinstance(error, PasswordUnsuitable) else 200,
        )
    except OAuthError as error:
        return _ask_password(visit, form.get("username", ""), error)
    if visit.session is None or action == "switch":
        return _ask_password(visit, "")
    if action == "decline":
        raise ConsentDeclined
    if action == "accept":
        return await _grant(visit, visit.session, agreed=True)
    return await _go_on(visit, visit.session)


async def _go_on(visit: _Visit, session: Session, *, new: bool = False) -> Response:
    """Ask for consent where it is missing, else grant."""
    wanted = visit.wanted
    asks = "consent" in wanted.prompts and not wanted.client.is_well_known
    if not asks and await _is_agreed(visit, session):
        return await _grant(visit, session, logged=new)
    return visit.render(
        "consent.html",
        name=session.name,
        resource=wanted.resource.display_name,
        permissions=wanted.permissions,
        destination=wanted.destination.redirect_uri.partition("?")[0],
    )


def _ask_password(visit: _Visit, username: str, error: OAuthError | None = None) -> Response:
    return visit.render(
        "sign_in.html",
        username=username[:256],
        hidden={},
        error=str(error) if error else "",
        status=error.status if error else 200,
    )


async def _is_agreed(visit: _Visit, session: Session) -> bool:
    wanted = visit.wanted
    if wanted.client.is_well_known:
        return True
    return await visit.issuer.store.read(
        lambda conn: has_consent(
            conn,
            session.object_id,
            wanted.client.app_id,
            wanted.resource.app_id,
            wanted.permissions,
        )
    )


async def _grant(
    visit: _Visit, session: Session, *, agreed: bool = False, logged: bool = False
) -> Response:
    issuer, asked, wanted = visit.issuer, visit.asked, visit.wanted
    authorization = Authorization(
        object_id=session.object_id,
        client_id=wanted.client.app_id,
        redirect_uri=wanted.destination.redirect_uri,
        scope=" ".join(wanted.scopes.requested),
        resource=wanted.resource_name,
        nonce=wanted.nonce,
        challenge=wanted.challenge,
        session_id=session.id,
        methods=session.methods,
        signed_in=session.signed_in,
    )
    sign_in = asked.sign_in
    sign_in.kind, sign_in.session_id = SignInKind.INTERACTIVE, session.id
    sign_in.object_id, sign_in.name = session.object_id, session.name
    sign_in.display_name = session.display_name

    def write(conn: core.Connection) -> tuple[str, str]:
        subject = get_user_subject(conn, session.object_id)
        if agreed:
            put_consent(
                conn,
                session.object_id,
                wanted.client.app_id,
                wanted.resource.app_id,
                wanted.permissions,
            )
        if not logged:
            append_sign_in(conn, sign_in, asked.now)
        code = issue_code(conn, authorization, issuer.settings.authorization_code_s, asked.now)
        return code, render_client_info(subject, issuer.tenant)

    code, client_info = await issuer.store.write(write)
    fields = {"code": code, "session_state": session.id}
    if asked.find("client_info") == "1":
        fields["client_info"] = client_info
    return visit.leave(_send(issuer, visit.request, wanted.destination, fields))


def _refuse(
    issuer: Issuer,
    request: Request,
    asked: SignInRequest,
    destination: Destination,
    error: OAuthError,
) -> Response:
    """Tell the application why there is no code."""
    body = describe_error(
        error,
        request_id=asked.request_id,
        correlation_id=asked.sign_in.correlation_id,
        now=asked.now,
    )
    fields = {name: str(body[name]) for name in ("error", "error_description")}
    return _send(issuer, request, destination, fields)


def _send(
    issuer: Issuer, request: Request, destination: Destination, fields: Mapping[str, str]
) -> Response:
    fields = dict(fields)
    if destination.state:
        fields["state"] = destination.state
    uri = destination.redirect_uri
    if destination.mode == "form_post":
        return render_page(
            "continue.html",
            tenant=issuer.tenant.display_name,
            destinations=(uri,),
            client=destination.client.display_name,
            address=uri,
            hidden=fields,
            failed="error" in fields,
        )
    mark = "#" if destination.mode == "fragment" else "&" if "?" in uri else "?"
    status = _SEE_OTHER if request.method == "POST" else _FOUND
    return RedirectResponse(
        f"{uri}{mark}{urlencode(fields)}",
        status_code=status,
        headers=NO_STORE | {"Referrer-Policy": "no-referrer"},
    )
