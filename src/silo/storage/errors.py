"""The storage services' dialect: Azure's codes and sentences, and the one function that renders.

Source: https://learn.microsoft.com/rest/api/storageservices/file-service-error-codes
"""

from collections.abc import Mapping
from xml.sax.saxutils import escape

from silo import core


class StorageError(core.SiloError):
    """A refusal with one of Azure's codes."""

    status = 400
    code = "InvalidInput"
    sentence = "One of the request inputs is not valid."

    def __init__(self, message: str = "", *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message or self.sentence)
        self.headers = dict(headers or {})


class InvalidResourceName(StorageError):
    """A share, directory or file may not be called so."""

    code = "InvalidResourceName"
    sentence = "The specified resource name contains invalid characters."


class OutOfRangeInput(StorageError):
    """A name or number is too long, short, large or small."""

    code = "OutOfRangeInput"
    sentence = "One of the request inputs is out of range."


class InvalidUri(StorageError):
    """Nothing is served at that path with these parameters."""

    code = "InvalidUri"
    sentence = "The requested URI does not represent any resource on the server."


class InvalidQueryParameterValue(StorageError):
    """A parameter of the query is not what it should be."""

    code = "InvalidQueryParameterValue"
    sentence = "Value for one of the query parameters specified in the request URI is invalid."


class InvalidHeaderValue(StorageError):
    """A header is not what it should be."""

    code = "InvalidHeaderValue"
    sentence = "The value for one of the HTTP headers is not in the correct format."


class MissingRequiredHeader(StorageError):
    """A header that this operation needs is not there."""

    code = "MissingRequiredHeader"
    sentence = "An HTTP header that's mandatory for this request is not specified."


class InvalidMetadata(StorageError):
    """Metadata breaks the grammar or is too much."""

    code = "InvalidMetadata"
    sentence = "The metadata specified is invalid."


class Md5Mismatch(StorageError):
    """The body is not the one that was sent."""

    code = "Md5Mismatch"
    sentence = "The MD5 value specified in the request did not match the value calculated."


class UnsupportedVerb(StorageError):
    """The method is not one of this resource."""

    status, code = 405, "UnsupportedHttpVerb"
    sentence = "The resource doesn't support the specified HTTP verb."


class NoAuthentication(StorageError):
    """Nobody says who asks."""

    status, code = 401, "NoAuthenticationInformation"
    sentence = (
        "Server failed to authenticate the request. Please refer to the information in the "
        "www-authenticate header."
    )


class InvalidToken(StorageError):
    """The bearer token does not hold."""

    status, code = 401, "InvalidAuthenticationInfo"
    sentence = "Server failed to authenticate the request: the access token is not valid."


class AuthenticationFailed(StorageError):
    """The signature is not what the account's keys make of the request, or it is out of date."""

    status, code = 403, "AuthenticationFailed"
    sentence = (
        "Server failed to authenticate the request. Make sure the value of Authorization header is "
        "formed correctly including the signature."
    )


class KeysNotPermitted(StorageError):
    """The account takes no keys, nor what is signed with them."""

    status, code = 403, "KeyBasedAuthenticationNotPermitted"
    sentence = "Key based authentication is not permitted on this storage account."


class AuthorizationFailure(StorageError):
    """The account's network rules do not let the client in."""

    status, code = 403, "AuthorizationFailure"
    sentence = "This request is not authorized to perform this operation."


class PermissionMismatch(StorageError):
    """Known, but not permitted: by the signature or by the roles."""

    status, code = 403, "AuthorizationPermissionMismatch"
    sentence = "This request is not authorized to perform this operation using this permission."


class AccountNotFound(StorageError):
    """There is no such account."""

    status, code = 404, "ResourceNotFound"
    sentence = "The specified storage account does not exist."


class ShareNotFound(StorageError):
    """There is no such share."""

    status, code = 404, "ShareNotFound"
    sentence = "The specified share does not exist."


class ResourceNotFound(StorageError):
    """There is no such directory or file."""

    status, code = 404, "ResourceNotFound"
    sentence = "The specified resource does not exist."


class ParentNotFound(StorageError):
    """The directory that it should lie in is not there."""

    status, code = 404, "ParentNotFound"
    sentence = "The specified parent path does not exist."


class ShareAlreadyExists(StorageError):
    """The name is taken."""

    status, code = 409, "ShareAlreadyExists"
    sentence = "The specified share already exists."


class ResourceAlreadyExists(StorageError):
    """The name is taken."""

    status, code = 409, "ResourceAlreadyExists"
    sentence = "The specified resource already exists."


class ResourceTypeMismatch(StorageError):
    """A directory where a file is meant, or the other way round, or a container's link."""

    status, code = 409, "ResourceTypeMismatch"
    sentence = "The specified resource type does not match the type of the existing resource."


class DirectoryNotEmpty(StorageError):
    """Only empty directories are deleted."""

    status, code = 409, "DirectoryNotEmpty"
    sentence = "The specified directory is not empty."


class NotServed(StorageError):
    """Azure has it, this instance does not."""

    status, code = 409, "FeatureNotSupportedForAccount"
    sentence = "This instance serves file shares; blobs, queues and tables are not served."


class NotImplementedHere(StorageError):
    """An operation of the file service that is not served yet; nothing was done."""

    status, code = 501, "NotImplemented"
    sentence = "The requested operation is not implemented on the specified resource."


class ConditionNotMet(StorageError):
    """An ``If-`` header does not hold."""

    status, code = 412, "ConditionNotMet"
    sentence = "The condition specified using HTTP conditional header(s) is not met."


class RequestBodyTooLarge(StorageError):
    """More than this operation takes."""

    status, code = 413, "RequestBodyTooLarge"
    sentence = "The size of the request body exceeds the maximum size permitted."


class ShareSizeLimitReached(StorageError):
    """The share's quota, or the disk under it, is used up."""

    status, code = 413, "ShareSizeLimitReached"
    sentence = "The share size limit has been reached."


class QuotaNotBinding(StorageError):
    """Containers that write to the share would not be held to its quota."""

    status, code = 409, "ShareQuotaNotBinding"
    sentence = (
        "Containers of this machine cannot be held to the quota of the share; mount it read-only, "
        "or give it a quota of the whole disk."
    )


class InvalidRange(StorageError):
    """The range lies outside the file."""

    status, code = 416, "InvalidRange"
    sentence = "The range specified is invalid for the current size of the resource."


class ServerBusy(StorageError):
    """Trying again may help."""

    status, code = 503, "ServerBusy"
    sentence = "The server is currently unable to receive requests. Please retry your request."


def translate(error: core.SiloError | OSError) -> StorageError:
    """Return an error of the ground floor, or the machine's, in this dialect."""
    match error:
        case StorageError():
            return error
        case core.BodyTooLarge():
            return RequestBodyTooLarge()
        case core.StoreFull():
            return ShareSizeLimitReached("The disk is full; nothing was kept.")
        case core.StoreUnavailable() | OSError():
            return ServerBusy()
    return StorageError(str(error))


def render_error(error: StorageError, request_id: str, time: str) -> bytes:
    """Return ``<Error><Code/><Message/></Error>``; az shows what stands in ``Message``."""
    message = escape(f"{error}\nRequestId:{request_id}\nTime:{time}")
    text = f"<Error><Code>{error.code}</Code><Message>{message}</Message></Error>"
    return f'<?xml version="1.0" encoding="utf-8"?>{text}'.encode()
