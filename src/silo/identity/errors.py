"""How the sign-in door says no: RFC 6749's error words with Entra's AADSTS numbers.

A class is a number. ``error`` is what programs read, the text what people read; both end up in
exactly one renderer, ``responses.render_error``.

* OAuthError
  x RequestError         400: the request cannot be understood; nobody tried to sign in
  x GrantError           400 invalid_grant: the user, code or token does not do
  x ClientError          401 invalid_client: see ``client_errors``
  x InteractionError     400: only a person at the sign-in page can go on
  x TooManyRequests      429
  x ServiceUnavailable   503
* TokenRejected          a bearer token, secret or password another door asked about
  x SignInThrottled
"""

from typing import ClassVar

from silo import core

_FACT_MAX = 200
"""Longest piece of a stranger's request that an answer or the log repeats."""


class OAuthError(core.SiloError):
    """A request that the issuer refuses."""

    status: ClassVar[int] = 400
    error: ClassVar[str] = "invalid_request"
    code: ClassVar[int] = 90014
    text: ClassVar[str] = "The request is not valid."
    suberror: ClassVar[str] = ""
    is_sign_in: ClassVar[bool] = False
    """Whether somebody failed to sign in, so that it belongs into the sign-in log."""
    is_guess: ClassVar[bool] = False
    """Whether it counts towards the lock-out of the account and the address."""

    def __init__(self, **facts: str) -> None:
        super().__init__(self.text.format(**{k: v[:_FACT_MAX] for k, v in facts.items()}))


class RequestError(OAuthError):
    """The request itself is wrong."""


class ParameterMissing(RequestError):
    """A parameter the grant needs is not there."""

    code = 900144
    text = "The request body must contain the following parameter: '{name}'."


class ParameterInvalid(RequestError):
    """A parameter has a value that cannot be used, or comes twice."""

    code = 90023
    text = "The value of the parameter '{name}' is not valid."


class RequestMalformed(RequestError):
    """The body is not what this endpoint reads."""

    code = 9002313
    text = "Invalid request. Request is malformed or invalid. {reason}"


class RequestTooLarge(RequestError):
    """The body is longer than any sign-in."""

    status = 413
    code = 90019
    text = "The request body is too large."


class PostOnly(RequestError):
    """Another method than POST."""

    status = 405
    code = 900561
    text = "The endpoint only accepts POST requests. Received a {method} request."


class PathUnknown(RequestError):
    """Nothing is served there."""

    status = 404
    code = 90020
    text = "The requested path does not exist."


class TenantUnknown(RequestError):
    """The first segment of the path is not this tenant."""

    error = "invalid_tenant"
    code = 90002
    text = (
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are "
        "signing into the correct cloud."
    )


class InstanceUnknown(RequestError):
    """Instance discovery was asked about an authority that is not ours."""

    error = "invalid_instance"
    code = 50049
    text = "Unknown or invalid instance."


class ScopeInvalid(RequestError):
    """The scope names nothing that can be granted."""

    error = "invalid_scope"
    code = 70011
    text = "The provided value for the input parameter 'scope' is not valid. {reason}"


class ResourceUnknown(RequestError):
    """The scope or resource names an API this tenant does not have."""

    error = "invalid_resource"
    code = 500011
    text = (
        "The resource principal named {resource} was not found in the tenant named {tenant}. This "
        "can happen if the application has not been installed by the administrator of the tenant "
        "or consented to by any user in the tenant. You might have sent your authentication "
        "request to the wrong tenant."
    )


class GrantTypeUnsupported(RequestError):
    """A grant that does not exist here, or was switched off."""

    error = "unsupported_grant_type"
    code = 70003
    text = "The app returned an unsupported grant type '{grant_type}'."


class ResponseTypeUnsupported(RequestError):
    """Anything but an authorization code at the authorize endpoint."""

    error = "unsupported_response_type"
    code = 700054
    text = "response_type '{response_type}' is not enabled for the application."


class ClientUnknown(RequestError):
    """No application with this id."""

    error = "unauthorized_client"
    code = 700016
    text = (
        "Application with identifier '{app_id}' was not found in the directory '{tenant}'. This "
        "can happen if the application has not been installed by the administrator of the tenant "
        "or consented to by any user in the tenant. You may have sent your authentication request "
        "to the wrong tenant."
    )
    is_sign_in = True


class RedirectUnknown(RequestError):
    """The redirect URI is not registered; shown on a page, never sent there."""

    code = 50011
    text = (
        "The redirect URI '{uri}' specified in the request does not match the redirect URIs "
        "configured for the application '{app_id}'."
    )


class ChallengeMissing(RequestError):
    """No PKCE from an application that cannot keep a secret."""

    code = 9002325
    text = "Proof Key for Code Exchange is required: send code_challenge with method S256."


class GrantError(OAuthError):
    """What was presented does not entitle to a token."""

    error = "invalid_grant"
    is_sign_in = True


class CredentialsWrong(GrantError):
    """Wrong password or no such user; the answer does not tell which."""

    code = 50126
    text = "Error validating credentials due to invalid username or password."
    is_guess = True


class AccountLocked(GrantError):
    """Too many wrong passwords for this account or from this address."""

    code = 50053
    text = (
        "The account is locked, you've tried to sign in too many times with an incorrect user ID "
        "or password."
    )


class AccountDisabled(GrantError):
    """The user exists and may not sign in."""

    code = 50057
    text = "The user account is disabled."


class AccountGone(GrantError):
    """The user was deleted after the grant was made."""

    code = 50034
    text = "The user account does not exist in the directory."


class PasswordExpired(GrantError):
    """The password must be changed first, on the sign-in page."""

    code = 50055
    text = "The password is expired. Sign in with a browser to change it."
    suberror = "user_password_expired"


class PasswordUnsuitable(GrantError):
    """The new password of a change does not do."""

    code = 50123
    text = "The new password cannot be used. {reason}"
    is_sign_in = False


class GrantMalformed(GrantError):
    """Not a code or token made here, or made for another application."""

    code = 70000
    text = "Provided grant is invalid or malformed."


class GrantExpired(GrantError):
    """The code or token is too old."""

    code = 70008
    text = (
        "The provided authorization code or refresh token has expired. Send a new interactive "
        "authorization request for this user and resource."
    )


class GrantRevoked(GrantError):
    """The user's sessions were revoked, or the token was used twice."""

    code = 50173
    text = (
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. "
        "The user might have changed or reset their password."
    )
    suberror = "bad_token"


class CodeRedeemed(GrantError):
    """An authorization code came a second time."""

    code = 54005
    text = (
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or "
        "use an existing refresh token."
    )


class VerifierWrong(GrantError):
    """PKCE: the verifier is not what the challenge was made of."""

    code = 501481
    text = (
        "The Code_Verifier does not match the code_challenge supplied in the authorization request."
    )


class RedirectChanged(GrantError):
    """The code is redeemed with another redirect URI than it was sent to."""

    code = 500112
    text = "The reply address does not match the reply address of the authorization request."


class AuthorizationPending(GrantError):
    """The user has not finished yet."""

    error = "authorization_pending"
    code = 70016
    text = "OAuth 2.0 device flow error. Authorization is pending. Continue polling."
    is_sign_in = False


class SlowDown(AuthorizationPending):
    """The device polls faster than it was told to."""

    error = "slow_down"
    text = "OAuth 2.0 device flow error. Polling too often. Slow down."


class UserCodeWrong(GrantError):
    """What was typed on the device page is no device's code, or too many were tried."""

    code = 70018
    text = "That code didn't work. Check the code and try again."
    is_sign_in = False


class DeviceCodeExpired(GrantError):
    """The user took longer than the code lives."""

    error = "expired_token"
    code = 70020
    text = "The provided value for the input parameter 'device_code' is not valid or has expired."


class DeviceCodeDeclined(GrantError):
    """The user said no."""

    error = "authorization_declined"
    code = 65004
    text = "The user declined to sign in on the device."


class InteractionError(OAuthError):
    """Nothing goes on without a person; only with ``prompt=none``."""

    error = "interaction_required"


class LoginRequired(InteractionError):
    """Nobody is signed in at the browser."""

    error = "login_required"
    code = 50058
    text = "A silent sign-in request was sent but no user is signed in."


class ConsentRequired(InteractionError):
    """The user has not agreed to this application."""

    error = "consent_required"
    code = 65001
    text = "The user or administrator has not consented to use the application '{app_id}'."


class ConsentDeclined(InteractionError):
    """The user said no."""

    error = "access_denied"
    code = 65004
    text = "User declined to consent to access the app."


class TooManyRequests(OAuthError):
    """More checks are waiting than memory allows, or too many of a client's have failed."""

    status = 429
    error = "temporarily_unavailable"
    code = 90055
    text = "There are too many incoming requests. Try again in a moment."


class ServiceUnavailable(OAuthError):
    """The database cannot be used; without its log entry nobody signs in."""

    status = 503
    error = "temporarily_unavailable"
    code = 90033
    text = "A transient error has occurred. Please try again."


class TokenRejected(core.SiloError):
    """A token, secret or password that another door was shown does not hold."""

    def __init__(self, reason: str, *, expired: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.expired = expired
        """Well-formed and once good: the caller should be told to get a new one."""


class SignInThrottled(TokenRejected):
    """Not checked: too many failures before, or too many checks waiting. Answer 429."""

    def __init__(self, reason: str, retry_after_s: int) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s
