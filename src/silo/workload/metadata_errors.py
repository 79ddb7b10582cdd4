"""How the metadata endpoint says no: IMDS's ``error`` and ``error_description``."""

from typing import ClassVar

from silo import core


class MetadataError(core.SiloError):
    """A request that gets no token."""

    status: int = 400
    error: ClassVar[str] = "invalid_request"
    retry_after_s: ClassVar[int] = 0


class RequestWrong(MetadataError):
    """A header or a query variable is missing or wrong."""

    def __init__(self, reason: str, *, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


class IdentityNotFound(MetadataError):
    """The workload has no such identity, or none at all."""

    def __init__(self) -> None:
        super().__init__("Identity not found")


class IdentityAmbiguous(MetadataError):
    """There are several, and the request does not say which."""

    def __init__(self) -> None:
        super().__init__(
            "Multiple user assigned identities exist, please specify the clientId / resourceId of "
            "the identity in the token request"
        )


class SecretWrong(MetadataError):
    """``X-IDENTITY-HEADER`` is not this workload's."""

    status = 401
    error = "unauthorized_client"

    def __init__(self) -> None:
        super().__init__("The header X-IDENTITY-HEADER is missing or wrong")


class MetadataMissing(MetadataError):
    """Nothing is served there: neither a group nor a node has a machine to describe."""

    status = 404
    error = "not_found"

    def __init__(self) -> None:
        super().__init__("Not found: there is the identity endpoint alone")


class TooManyRequests(MetadataError):
    """The workload asks too often; libraries wait and ask again."""

    status = 429
    error = "too_many_requests"
    retry_after_s = 1

    def __init__(self) -> None:
        super().__init__("Too many requests; keep the token until it is about to expire")


class MetadataUnavailable(MetadataError):
    """The database cannot be used; no check, no token."""

    status = 503
    error = "temporarily_unavailable"
    retry_after_s = 5

    def __init__(self) -> None:
        super().__init__("The service is temporarily unavailable")
