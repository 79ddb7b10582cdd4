"""How an application is refused: RFC 6749's ``invalid_client`` with Entra's AADSTS numbers."""

from .errors import OAuthError


class ClientError(OAuthError):
    """The application did not prove who it is; 401, because az caches every 400 for a minute."""

    status = 401
    error = "invalid_client"
    is_sign_in = True


class ClientProofMissing(ClientError):
    """A confidential client came without secret and assertion."""

    code = 7000218
    text = (
        "The request body must contain the following parameter: 'client_assertion' or "
        "'client_secret'."
    )


class ClientIsPublic(ClientError):
    """A client that cannot keep a secret presents one."""

    code = 700025
    text = "Client is public so neither 'client_assertion' nor 'client_secret' should be presented."


class SecretWrong(ClientError):
    """No secret of the application is this one."""

    code = 7000215
    text = (
        "Invalid client secret provided. Ensure the secret being sent in the request is the "
        "client secret value, not the client secret ID, for a secret added to app '{app_id}'."
    )
    is_guess = True


class SecretExpired(ClientError):
    """The secret was right, and its time is over or has not come."""

    code = 7000222
    text = "The provided client secret keys for app '{app_id}' are expired."


class ClientLocked(ClientError):
    """Too many wrong secrets for this application or from this address."""

    code = 50053
    text = "Too many attempts with an invalid secret. Try again later."


class AssertionInvalid(ClientError):
    """The assertion is not a JWT signed by a registered certificate."""

    code = 700027
    text = "Client assertion failed signature validation. [Reason - {reason}]"


class AssertionStale(ClientError):
    """The assertion's times do not hold."""

    code = 700024
    text = "Client assertion is not within its valid time range."


class AssertionMisdirected(ClientError):
    """The assertion was made for somebody else."""

    code = 700023
    text = "Client assertion audience claim does not match Realm issuer or token endpoint."


class AssertionReplayed(ClientError):
    """An assertion came from a second address."""

    code = 700026
    text = "Client assertion was already used from another network address."


_FEDERATION = (
    "No matching federated identity record found for presented assertion {what} '{value}'. Please "
    "check your federated identity credential Subject, Audience and Issuer against the presented "
    "assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
)


class FederationAbsent(ClientError):
    """Nobody's tokens are believed of this application."""

    code = 70025
    text = (
        "The client '{app_id}'({name}) has no configured federated identity credentials. "
        "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
    )


class FederationIssuerUnmatched(ClientError):
    """No federated credential has this issuer."""

    code = 700211
    text = _FEDERATION.replace("{what}", "issuer")


class FederationSubjectUnmatched(ClientError):
    """No federated credential of the issuer has this subject."""

    code = 700213
    text = _FEDERATION.replace("{what}", "subject")


class FederationAudienceUnmatched(ClientError):
    """The federated credential of issuer and subject has another audience."""

    code = 700212
    text = _FEDERATION.replace("{what}", "audience")


class FederationUnavailable(ClientError):
    """The foreign issuer's keys could not be had, so the assertion cannot be checked."""

    code = 50166
    text = "The keys of the assertion's issuer could not be read: {reason}"


class PrincipalMissing(ClientError):
    """The application has no service principal here."""

    code = 7000229
    text = "The client application {app_id} is missing service principal in the tenant {tenant}."


class ClientDisabled(ClientError):
    """The service principal is disabled."""

    error = "unauthorized_client"
    code = 7000112
    text = "Application '{app_id}' is disabled."
