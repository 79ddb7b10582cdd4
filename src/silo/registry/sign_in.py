"""ACR's token endpoints: an Entra token or a secret becomes a refresh token, then access tokens.

Source: ACR "AAD-OAuth"; Docker "Token Authentication"; azure-wire 4.2 and 4.3.
"""

from silo import access

from .errors import BadRequest, RegistryError, Unauthorized, Unsupported
from .gate import NOBODY, ZERO_USER, Audiences, Gate, Session, parse_basic
from .journal import Caller, Journal, Look
from .permissions import Action
from .tokens import Grant, Subject, describe_principal, parse_scopes
from .wire import Request

FORM_LIMIT = 64 << 10
"""Entra tokens of members of many groups reach a few kilobytes."""
_SUMMARY = {
    Action.PULL: "read",
    Action.PUSH: "write",
    Action.DELETE: "delete",
    Action.METADATA_READ: "metadata/read",
    Action.METADATA_WRITE: "metadata/write",
    Action.DELETED_READ: "deleted/read",
    Action.DELETED_RESTORE: "deleted/restore/action",
}


class TokenEndpoints:
    """``/oauth2/exchange`` and ``/oauth2/token``."""

    def __init__(self, gate: Gate, journal: Journal, audiences: Audiences) -> None:
        self._gate = gate
        self._journal = journal
        self._audiences = audiences

    async def post_exchange(self, request: Request) -> None:
        """Exchange an Entra token for a refresh token."""
        form = await request.read_form(FORM_LIMIT)
        kind = _get(form, "grant_type")
        _check_service(request, form)
        if kind == "refresh_token":
            raise Unsupported(
                "Exchanging an Entra refresh token alone is not supported: send the access token."
            )
        if kind not in {"access_token", "access_token_refresh_token"}:
            raise BadRequest("grant_type must be access_token or access_token_refresh_token.")
        try:
            principal = self._gate.exchange(
                request.registry, _get(form, "access_token"), self._audiences
            )
            _check_tenant(principal, form)
        except RegistryError as error:
            self._note_failure(request, error)
            raise
        subject = describe_principal(principal)
        self._note(request, subject)
        token = self._issue_refresh(request, subject, principal)
        await request.reply_json(200, {"refresh_token": token})

    async def post_token(self, request: Request) -> None:
        """Give an access token for a refresh token, or for a name and a password."""
        form = await request.read_form(FORM_LIMIT)
        _check_service(request, form)
        scopes = parse_scopes(form.get("scope", []))
        try:
            session = await self._sign_in(request, form)
        except RegistryError as error:
            self._note_failure(request, error)
            raise
        self._note(request, session.subject)
        await request.reply_json(
            200, {"access_token": self._issue_access(request, session, scopes)}
        )

    async def get_token(self, request: Request) -> None:
        """Give an access token to who signs in with Basic, as docker does."""
        scopes = parse_scopes(request.list_query("scope"))
        service = request.find_query("service")
        _check_service(request, {"service": [service]} if service else {})
        header = request.headers.get(b"authorization", b"")
        try:
            if header[:6].lower() != b"basic ":
                raise Unauthorized(NOBODY)
            session = await self._gate.authenticate(
                request.registry, header, request.context.client_ip
            )
        except RegistryError as error:
            self._note_failure(request, error)
            raise
        self._note(request, session.subject)
        answer = {"access_token": self._issue_access(request, session, scopes)}
        # Docker keeps it instead of the password. It comes back with the life it has left; a
        # secret that lasts is worth more to its owner than a refresh token of three hours.
        if request.find_query("offline_token") == "true":
            user, token = parse_basic(header[6:].decode("latin-1"))
            if user == ZERO_USER:
                answer["refresh_token"] = token
        await request.reply_json(200, answer)

    async def _sign_in(self, request: Request, form: dict[str, list[str]]) -> Session:
        match _get(form, "grant_type"):
            case "refresh_token":
                return self._gate.open_refresh(request.registry, _get(form, "refresh_token"))
            case "password":
                return await self._gate.open_password(
                    request.registry,
                    _get(form, "username"),
                    _get(form, "password"),
                    request.context.client_ip,
                )
        raise BadRequest("grant_type must be refresh_token or password.")

    def _issue_refresh(
        self, request: Request, subject: Subject, principal: access.Principal
    ) -> str:
        actions = [
            word
            for action, word in _SUMMARY.items()
            if self._gate.decide(request.registry, principal, action).allowed
        ]
        return self._gate.tokens.issue_refresh(
            request.registry, request.login_server, subject, actions
        )

    def _issue_access(self, request: Request, session: Session, scopes: list[Grant]) -> str:
        grants = []
        for wanted in scopes:
            allowed = tuple(
                action
                for action in wanted.actions
                if self._gate.decide(request.registry, session.principal, action).allowed
            )
            if allowed:
                grants.append(Grant(wanted.type, wanted.name, allowed))
        return self._gate.tokens.issue_access(
            request.registry, request.login_server, session.subject, grants
        )

    def _note(self, request: Request, subject: Subject) -> None:
        caller = Caller(subject.name, subject.object_id, request.context.client_ip)
        self._journal.note(
            Look("Login", "Succeeded", 200, request.registry.resource_id, "", "", caller)
        )

    def _note_failure(self, request: Request, error: RegistryError) -> None:
        self._journal.note(
            Look(
                "Login",
                "Failed",
                error.status,
                request.registry.resource_id,
                "",
                "",
                request.caller,
                str(error),
            )
        )


def _get(form: dict[str, list[str]], name: str) -> str:
    """Return a field that must be there.

    Raises:
        BadRequest: it is not.

    """
    values = form.get(name)
    if not values or not values[0]:
        raise BadRequest(f"The field {name} is missing.")
    return values[0]


def _check_service(request: Request, form: dict[str, list[str]]) -> None:
    """Refuse a token for another registry; either family of names means this one."""
    service = form.get("service", [""])[0]
    if service and service.partition(".")[0].lower() != request.registry.name:
        raise BadRequest("service is not the login server of this registry.")


def _check_tenant(principal: access.Principal, form: dict[str, list[str]]) -> None:
    """Refuse an exchange that names another tenant; names of tenants are not looked up."""
    tenant = form.get("tenant", [""])[0].lower()
    looks_like_id = len(tenant) == len(ZERO_USER) and tenant.count("-") == ZERO_USER.count("-")
    if looks_like_id and tenant != principal.tenant_id.lower():
        raise Unauthorized("The token is of another tenant.")
