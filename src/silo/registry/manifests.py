"""What a manifest says: parsed and checked, never changed. Pure.

Source: OCI image-spec, "manifest", "index"; Docker image manifest V2, schema 2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from silo import core

from .errors import ManifestInvalid

LIMIT_BYTES = 4 << 20
"""The specification asks registries for at least this much."""
MAX_REFERENCES = 10_000
MAX_SIZE = 1 << 48
"""Bytes of one reference; the sum of all still fits the database's integers."""


class MediaType(StrEnum):
    """The kinds of manifest this registry reads."""

    OCI_IMAGE = "application/vnd.oci.image.manifest.v1+json"
    OCI_INDEX = "application/vnd.oci.image.index.v1+json"
    OCI_ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"
    DOCKER_IMAGE = "application/vnd.docker.distribution.manifest.v2+json"
    DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"


_INDEXES = {MediaType.OCI_INDEX, MediaType.DOCKER_LIST}
_FOREIGN_LAYERS = (
    "application/vnd.docker.image.rootfs.foreign.",
    "application/vnd.oci.image.layer.nondistributable.",
)
"""Layers that live elsewhere by contract and need not be pushed."""
IMAGE_CONFIGS = {
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
}


class _Shape(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel,
        frozen=True,
        extra="ignore",
        strict=True,
        hide_input_in_errors=True,
    )


class Descriptor(_Shape):
    """A reference to content.

    Source: OCI image-spec, "Content Descriptors".
    """

    media_type: Annotated[str, Field(max_length=255)]
    digest: Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$")]
    size: Annotated[int, Field(ge=0, le=MAX_SIZE)]

    @property
    def is_foreign(self) -> bool:
        """Tell whether the content may be missing here."""
        return self.media_type.startswith(_FOREIGN_LAYERS)


class _Document(_Shape):
    media_type: str | None = None
    artifact_type: str | None = None
    annotations: dict[str, str] | None = None
    subject: Descriptor | None = None


class _Image(_Document):
    schema_version: int
    config: Descriptor
    layers: list[Descriptor] = Field(max_length=MAX_REFERENCES)


class _Index(_Document):
    schema_version: int
    manifests: list[Descriptor] = Field(max_length=MAX_REFERENCES)


class _Artifact(_Document):
    blobs: list[Descriptor] = Field(default=[], max_length=MAX_REFERENCES)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the registry needs to know of a manifest."""

    media_type: MediaType
    body: bytes
    artifact_type: str = ""
    """Of the manifest, else the media type of its config, as referrers are listed."""
    config: Descriptor | None = None
    blobs: tuple[Descriptor, ...] = ()
    """That must be in the repository, config included."""
    manifests: tuple[Descriptor, ...] = ()
    subject: str = ""
    annotations: dict[str, str] | None = None
    image_size: int = 0


def parse_manifest(body: bytes, content_type: str) -> Manifest:
    """Return what a manifest says.

    Raises:
        ManifestInvalid: it is not JSON, of no kind we read, or contradicts its ``Content-Type``.

    """
    try:
        document = core.parse_json_object(body)
    except core.BodyMalformed as error:
        raise ManifestInvalid(str(error)) from error
    kind = _find_media_type(document, content_type.partition(";")[0].strip())
    try:
        if kind in _INDEXES:
            return _read_index(kind, body, _Index.model_validate(document))
        if kind is MediaType.OCI_ARTIFACT:
            return _read_artifact(body, _Artifact.model_validate(document))
        return _read_image(kind, body, _Image.model_validate(document))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise ManifestInvalid("The manifest is not valid.", f"{place}: {first['msg']}") from error


def _find_media_type(document: dict[str, Any], sent: str) -> MediaType:
    inner = document.get("mediaType")
    if inner is not None and not isinstance(inner, str):
        raise ManifestInvalid("mediaType must be a string.")
    if sent and inner and sent != inner:
        raise ManifestInvalid(
            "The Content-Type is not the manifest's mediaType.",
            {"contentType": sent, "mediaType": inner},
        )
    wanted = sent or inner or MediaType.OCI_IMAGE
    try:
        return MediaType(wanted)
    except ValueError:
        raise ManifestInvalid(
            "This media type of a manifest is not supported.", {"mediaType": wanted[:255]}
        ) from None


def _check_schema(version: int) -> None:
    if version != 2:  # noqa: PLR2004 - the only one there is
        raise ManifestInvalid("schemaVersion must be 2.")


def _read_index(kind: MediaType, body: bytes, index: _Index) -> Manifest:
    _check_schema(index.schema_version)
    return Manifest(
        media_type=kind,
        body=body,
        artifact_type=index.artifact_type or "",
        manifests=tuple(index.manifests),
        subject=_digest_of(index.subject),
        annotations=index.annotations,
        image_size=len(body),
    )


def _read_image(kind: MediaType, body: bytes, image: _Image) -> Manifest:
    _check_schema(image.schema_version)
    content = (image.config, *image.layers)
    return Manifest(
        media_type=kind,
        body=body,
        artifact_type=image.artifact_type or image.config.media_type,
        config=image.config,
        blobs=tuple(item for item in content if not item.is_foreign),
        subject=_digest_of(image.subject),
        annotations=image.annotations,
        image_size=len(body) + _total(content),
    )


def _read_artifact(body: bytes, artifact: _Artifact) -> Manifest:
    return Manifest(
        media_type=MediaType.OCI_ARTIFACT,
        body=body,
        artifact_type=artifact.artifact_type or "",
        blobs=tuple(artifact.blobs),
        subject=_digest_of(artifact.subject),
        annotations=artifact.annotations,
        image_size=len(body) + _total(artifact.blobs),
    )


def _digest_of(descriptor: Descriptor | None) -> str:
    return descriptor.digest if descriptor else ""


def _total(content: Sequence[Descriptor]) -> int:
    return sum(item.size for item in content)
