"""How a node pulls from Silo's registries: as its managed identity, by a plugin of the kubelet.

The plugin asks the node's metadata endpoint, which is for the node alone: what a pod sends there
is refused in the node's own namespace, where no pod can change anything.

Source: https://kubernetes.io/docs/tasks/administer-cluster/kubelet-credential-provider
"""

from typing import Any

from silo import engine

from .binaries import Kit
from .nodes import BUNDLE, Node
from .steps import run

_TABLE = "inet silo-metadata"
_KEEP = "10m0s"


def describe_plugin(node: Node, kit: Kit) -> dict[str, Any]:
    """Return the kubelet's configuration of whom to ask for which images."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1",
        "kind": "CredentialProviderConfig",
        "providers": [
            {
                "name": kit.credentials.name,
                "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
                "matchImages": list(node.registries),
                "defaultCacheDuration": _KEEP,
                "env": [{"name": "SSL_CERT_FILE", "value": str(BUNDLE)}],
            }
        ],
    }


def close_metadata(node: Node) -> None:
    """Refuse what pods send to the metadata endpoint; repeatable."""
    run("nsenter", f"--net={node.network}", "--", "nft", _render_rules())


def _render_rules() -> str:
    """Return one transaction of nft: never is there a moment without the rule."""
    chain = "{ type filter hook forward priority -20; policy accept; }"
    # Refused and not dropped: who looks for an identity everywhere need not wait.
    no = f"ip daddr {engine.METADATA_ADDRESS} reject with icmp type admin-prohibited"
    words = (
        f"add table {_TABLE}",
        f"flush table {_TABLE}",
        f"add chain {_TABLE} forward {chain}",
        f"add rule {_TABLE} forward {no}",
    )
    return "; ".join(words)
