"""The registry's dialect: OCI distribution error codes, and the one function that renders them.

* RegistryError
  x BadRequest (400)            x NameInvalid, TagInvalid, DigestInvalid, SizeInvalid (400)
  x ManifestInvalid (400)       x ManifestBlobUnknown (400)     x TooLarge (413)
  x BlobUploadInvalid (400)     x UploadBusy (409)              x RangeInvalid (416)
  x PaginationInvalid (400)     x PreconditionFailed (412)
  x NameUnknown, ManifestUnknown, BlobUnknown, BlobUploadUnknown, TagUnknown (404)
  x Unauthorized (401)          x Denied (403)                  x TooManyRequests (429)
  x Unsupported (405)           x Locked (405)                  x InUse (405)
  x Unavailable (503)           x StorageFull (507)
"""

import json
from collections.abc import Sequence
from typing import Any

from silo import core

Headers = Sequence[tuple[bytes, bytes]]


class RegistryError(core.SiloError):
    """A refusal with a code of the OCI distribution specification or of ACR."""

    status = 500
    code = "UNKNOWN"

    def __init__(self, message: str, detail: Any = None, headers: Headers = ()) -> None:
        super().__init__(message)
        self.detail = detail
        self.headers = headers


class BadRequest(RegistryError):
    """The request does not follow the grammar of this route."""

    status, code = 400, "BAD_REQUEST"


class NameInvalid(RegistryError):
    """A repository name breaks the grammar."""

    status, code = 400, "NAME_INVALID"


class TagInvalid(RegistryError):
    """A tag breaks the grammar."""

    status, code = 400, "TAG_INVALID"


class DigestInvalid(RegistryError):
    """A digest breaks the grammar, or is not that of the content."""

    status, code = 400, "DIGEST_INVALID"


class SizeInvalid(RegistryError):
    """A length is not that of the content."""

    status, code = 400, "SIZE_INVALID"


class ManifestInvalid(RegistryError):
    """A manifest cannot be read or contradicts itself."""

    status, code = 400, "MANIFEST_INVALID"


class TooLarge(RegistryError):
    """A body is larger than its route takes."""

    status, code = 413, "SIZE_INVALID"


class ManifestBlobUnknown(RegistryError):
    """A manifest refers to content that its repository does not hold."""

    status, code = 400, "MANIFEST_BLOB_UNKNOWN"


class BlobUploadInvalid(RegistryError):
    """An upload cannot go on; it must be started again."""

    status, code = 400, "BLOB_UPLOAD_INVALID"


class UploadBusy(RegistryError):
    """Another request is writing to this upload."""

    status, code = 409, "BLOB_UPLOAD_INVALID"


class RangeInvalid(RegistryError):
    """A chunk does not follow the last one, or a range lies outside the content."""

    status, code = 416, "RANGE_INVALID"


class PaginationInvalid(RegistryError):
    """The page size is not a number of this route's."""

    status, code = 400, "PAGINATION_NUMBER_INVALID"


class PreconditionFailed(RegistryError):
    """``If-Match`` names another content."""

    status, code = 412, "PRECONDITION_FAILED"


class NameUnknown(RegistryError):
    """There is no such registry or repository."""

    status, code = 404, "NAME_UNKNOWN"


class ManifestUnknown(RegistryError):
    """There is no such manifest in the repository."""

    status, code = 404, "MANIFEST_UNKNOWN"


class TagUnknown(RegistryError):
    """There is no such tag in the repository; ACR's own word."""

    status, code = 404, "TAG_UNKNOWN"


class BlobUnknown(RegistryError):
    """There is no such blob in the repository."""

    status, code = 404, "BLOB_UNKNOWN"


class BlobUploadUnknown(RegistryError):
    """There is no such upload in the repository."""

    status, code = 404, "BLOB_UPLOAD_UNKNOWN"


class Unauthorized(RegistryError):
    """Who asks is not known, or the token does not reach so far."""

    status, code = 401, "UNAUTHORIZED"


class Denied(RegistryError):
    """Who asks is known and may not."""

    status, code = 403, "DENIED"


class Unsupported(RegistryError):
    """The registry does not do this."""

    status, code = 405, "UNSUPPORTED"


class Locked(RegistryError):
    """An attribute of the repository, tag or manifest forbids this."""

    status, code = 405, "UNSUPPORTED"

    def __init__(self, what: str, attribute: str) -> None:
        super().__init__(
            "The operation is disallowed on this registry, repository or image.",
            f"{attribute} of {what} is false.",
        )


class InUse(RegistryError):
    """A manifest of the repository still refers to the blob."""

    status, code = 405, "UNSUPPORTED"


class TooManyRequests(RegistryError):
    """Too many failed attempts to sign in."""

    status, code = 429, "TOOMANYREQUESTS"


class Unavailable(RegistryError):
    """The registry cannot answer now; trying again may help."""

    status, code = 503, "UNAVAILABLE"


class StorageFull(RegistryError):
    """The disk is full; nothing was kept."""

    status, code = 507, "UNAVAILABLE"


def translate(error: core.SiloError) -> RegistryError:
    """Return an error of the ground floor in this dialect."""
    match error:
        case RegistryError():
            return error
        case core.BodyTooLarge():
            return TooLarge(str(error))
        case core.BodyError():
            return BlobUploadInvalid(str(error))
        case core.StoreFull():
            return StorageFull("The registry's disk is full; nothing was kept.")
        case core.StoreUnavailable():
            return Unavailable("The registry's database cannot be used now.")
    return BadRequest(str(error))


def render_error(error: RegistryError) -> bytes:
    """Return ``{"errors": [{"code", "message", "detail"}]}``.

    Source: OCI distribution-spec, "Error Codes".
    """
    item = {"code": error.code, "message": str(error), "detail": error.detail}
    return json.dumps({"errors": [item]}).encode()
