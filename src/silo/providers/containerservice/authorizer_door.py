"""Where API servers ask what people may do: ``POST /clusters/<uid>/authorize``.

which cluster asks → read the question → may this person come in at all → may it do that

A "no" to coming in is final in the cluster; for the rest Azure RBAC says yes or has no opinion, and
Kubernetes' own roles go on. Final refusals are recorded; what else becomes of a request is in the
cluster's own audit log.

Whoever administers a cluster may have it ask anything about anybody: an answer tells nothing of a
person that the question did not, and a record says that the cluster claims what it says.
"""

import hmac
import json
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from silo import access, arm, audit, core, front

from .reviews import PREFIX, Question, ReviewUnreadable, name_scope, read_review
from .wish import read_cluster

log = structlog.get_logger()

AUTHORIZER_ROUTE = ("POST", "/clusters/{uid}/authorize")
_PATH = re.compile(r"/clusters/([0-9a-f-]{1,64})/authorize")
_BODY_LIMIT = 64 * 1024
_NOBODY = "The account does not exist, is disabled, or its sign-in was revoked."
_OLD_GROUPS = "The sign-in is older than a change of the account's groups; sign in again."
_NOT_IN_AZURE = (
    "User does not have access to the resource in Azure. Update role assignment to allow access."
)
_PERIOD_S = 60.0
"""For so long the same refusal of somebody is written down once."""
_RECORDS_MAX = 50
"""Refusals of one cluster in a period: a question in a loop must not fill the disk."""
_TOO_MANY = "More refusals of the cluster are not recorded: too many."
_OBJECT_ID_MAX = 64
_REASONS = {400: "BadRequest", 401: "Unauthorized", 404: "NotFound", 405: "MethodNotAllowed"}

FindPrincipal = Callable[[str, datetime, str], access.Principal | None]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer; neither allowed nor denied is no opinion."""

    allowed: bool
    denied: bool
    reason: str


class _Refused(core.SiloError):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class _Period:
    """Refusals that were written down since then: of whom, and why."""

    since: float
    refusals: set[tuple[str, str]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class AuthorizerDoor:
    """An ASGI application."""

    resources: arm.Resources
    clock: core.Clock
    authorizer: access.Authorizer
    find_principal: FindPrincipal
    """Who somebody is, unless a sign-in of then is void now."""
    make_token: Callable[[str], str]
    """By what a cluster is known."""
    recorded: dict[str, _Period] = field(default_factory=dict)
    """What was written down last, by cluster."""

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request; the only place that turns an error into a reply."""
        try:
            verdict = await self._answer(scope, receive, front.get_context(scope))
            status, body = 201, _render(verdict)
        except _Refused as error:
            status, body = error.status, _render_error(error.status, str(error))
        except ReviewUnreadable as error:
            status, body = 400, _render_error(400, str(error))
        except core.BodyError as error:
            status, body = 400, _render_error(400, str(error))
        except core.StoreUnavailable as error:
            # No answer is no: the API server refuses what nobody could decide.
            log.warning("the database cannot be used", reason=str(error))
            status, body = 503, _render_error(503, "The decision cannot be made now.")
        await _send_json(send, status, body)

    async def _answer(
        self, scope: Mapping[str, Any], receive: Receive, context: front.RequestContext
    ) -> Verdict:
        found = _PATH.fullmatch(scope["path"])
        if found is None:
            raise _Refused(404, "There is nothing at this path.")
        if scope["method"] != AUTHORIZER_ROUTE[0]:
            raise _Refused(405, "The method is not allowed.")
        self._check_caller(scope, found[1])
        cluster = self.resources.store.read_now(
            lambda conn: self.resources.find_by_uid(conn, found[1])
        )
        if cluster is None or cluster.deleting:
            raise _Refused(404, "There is no such cluster.")
        question = read_review(
            core.parse_json_object(await core.read_body(receive, limit=_BODY_LIMIT))
        )
        principal = self.find_principal(question.object_id, question.issued, question.credential)
        verdict = self.decide(cluster, question, principal)
        if verdict.denied:
            await self._record(cluster, question, principal, verdict.reason, context)
        return verdict

    def decide(
        self, cluster: arm.Resource, question: Question, principal: access.Principal | None
    ) -> Verdict:
        """Decide one question of a cluster about somebody, if there is such a one."""
        if principal is None:
            return Verdict(allowed=False, denied=True, reason=_NOBODY)
        # Role bindings go by the token's groups: one that is left must not open anything.
        if not question.groups <= {one.lower() for one in principal.groups}:
            return Verdict(allowed=False, denied=True, reason=_OLD_GROUPS)
        profile = read_cluster(cluster).aad_profile
        if profile is None or not profile.enable_azure_rbac:
            return Verdict(allowed=False, denied=False, reason="")
        scope = name_scope(cluster.id.text, question.namespace)
        if not scope or not question.action:
            return Verdict(allowed=False, denied=False, reason=_NOT_IN_AZURE)
        decision = self.authorizer.decide(principal, question.action, scope, data=True)
        if not decision.allowed or not decision.assignment or not decision.definition:
            return Verdict(allowed=False, denied=False, reason=_NOT_IN_AZURE)
        reason = (
            f"Access allowed by Azure RBAC Role Assignment {decision.assignment.name} of Role "
            f"{decision.definition.role_name} to user {principal.object_id}"
        )
        return Verdict(allowed=True, denied=False, reason=reason)

    def _check_caller(self, scope: Mapping[str, Any], uid: str) -> None:
        header = next((v for k, v in scope["headers"] if k == b"authorization"), b"")
        kind, _, token = header.decode("latin-1").partition(" ")
        known = hmac.compare_digest(token.strip().encode(), self.make_token(uid).encode())
        if kind.casefold() != "bearer" or not known:
            raise _Refused(401, "Unauthorized")

    async def _record(
        self,
        cluster: arm.Resource,
        question: Question,
        principal: access.Principal | None,
        reason: str,
        context: front.RequestContext,
    ) -> None:
        claimed, now = question.object_id[:_OBJECT_ID_MAX], self.clock.monotonic()
        period = self.recorded.get(cluster.uid)
        if period is None or now - period.since >= _PERIOD_S:
            period = self.recorded[cluster.uid] = _Period(now)
        if (claimed, reason) in period.refusals or len(period.refusals) > _RECORDS_MAX:
            return
        period.refusals.add((claimed, reason))
        if len(period.refusals) > _RECORDS_MAX:
            principal, claimed, reason = None, "", _TOO_MANY
        record = audit.Record(
            time=self.clock.now(),
            category="Administrative",
            operation=question.action or f"{PREFIX}/authorize/action",
            scope=name_scope(cluster.id.text, question.namespace) or cluster.id.text,
            result="Denied",
            caller=principal.name if principal else "",
            caller_object_id=principal.object_id if principal else "",
            client_ip=context.client_ip,
            correlation_id=context.request_id,
            http_status=403,
            properties={"reason": reason, "claimedBy": cluster.id.text, "claimed": claimed},
        )
        await self.resources.store.write(lambda conn: audit.append(conn, record))


def _render(verdict: Verdict) -> dict[str, Any]:
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {},
        "status": {
            "allowed": verdict.allowed,
            "denied": verdict.denied,
            "reason": verdict.reason,
        },
    }


def _render_error(status: int, message: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Status",
        "status": "Failure",
        "message": message,
        "reason": _REASONS.get(status, "ServiceUnavailable"),
        "code": status,
    }


async def _send_json(send: Send, status: int, body: Mapping[str, Any]) -> None:
    data = json.dumps(body, separators=(",", ":")).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(data)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})
