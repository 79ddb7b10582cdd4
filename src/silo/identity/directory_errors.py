"""What can go wrong in the directory; Graph gives each its code and status.

* DirectoryError
  x ObjectNotFound
  x PrincipalDisabled
  x ObjectConflict
    x KeyConflict
  x PropertyInvalid
"""

from silo import core


class DirectoryError(core.SiloError):
    """The directory refuses."""


class ObjectNotFound(DirectoryError):
    """There is no such user, group, application or service principal."""


class PrincipalDisabled(DirectoryError):
    """The account exists and may not sign in."""


class ObjectConflict(DirectoryError):
    """Another object has this name, or it is a member already."""


class KeyConflict(ObjectConflict):
    """The key of the whole object is taken: the application id, the credential's name."""


class PropertyInvalid(DirectoryError):
    """A property's value is not one the directory takes."""
