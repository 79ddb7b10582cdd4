"""How strict a cluster is with its pods: a tag, for Azure has no property for it."""

from silo import arm, kube

TAG = "silo-pod-security"


def read_level(resource: arm.Resource) -> str:
    """Return the Pod Security Standard that a cluster's pods keep to where nobody says more.

    Raises:
        InvalidParameter: the tag names none.

    """
    default, *_ = kube.POD_SECURITY_LEVELS
    found = {name.casefold(): value for name, value in resource.tags.items()}.get(TAG, default)
    level = str(found).casefold()
    if level not in kube.POD_SECURITY_LEVELS:
        known = ",".join(kube.POD_SECURITY_LEVELS)
        raise arm.InvalidParameter(f"The tag '{TAG}' must be one of '{known}'.")
    return level
