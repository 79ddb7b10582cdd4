"""The errors that belong to no dialect; each door translates them into its own.

* SiloError
  x StoreUnavailable
    x StoreFull
  x BodyError
    x BodyTooLarge
    x BodyTooSlow
    x BodyMalformed
  x FilterMalformed
  x TokenInvalid
    x TokenExpired
"""


class SiloError(Exception):
    """An expected failure with a message fit for the person who caused it."""


class StoreUnavailable(SiloError):
    """The database did not take or give what was asked; nothing was written."""


class StoreFull(StoreUnavailable):
    """The disk under the database or the content store is full; nothing was written."""


class BodyError(SiloError):
    """The body of a request cannot be used."""


class BodyTooLarge(BodyError):
    """The body is longer than this route allows."""


class BodyTooSlow(BodyError):
    """The body did not arrive in the time this route allows."""


class BodyMalformed(BodyError):
    """The body is not what its content type says."""


class FilterMalformed(SiloError):
    """An OData filter cannot be read, or names what cannot be filtered on."""


class TokenInvalid(SiloError):
    """A token's signature, issuer, audience or times do not hold."""


class TokenExpired(TokenInvalid):
    """The token was good and its time is over."""
