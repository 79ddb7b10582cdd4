"""What a node is on the machine: its users, its view of files, and the process that keeps both.

Its root is nobody in particular on the machine (man 7 user_namespaces): what the kernel keeps for
root - modules, clocks, devices, settings that are not a namespace's - it keeps from a node and from
every pod in it, privileged ones too. What they see of files is put together here; processes,
names, control groups and network are their own.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from silo import core, engine

from . import control_groups
from .binaries import Kit
from .errors import StepFailed
from .nodes import ENGINE, KUBERNETES, Node, list_brought, name_init
from .paths import ClusterPaths, NodePaths
from .processes import HOLD, Process

FIRST_ID = 0x6000_0000
IDS = 1 << 20
CLUSTERS = 256
"""Users of the machine that are nobody's else: below those of container groups."""
_CLAIMING = threading.Lock()
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_KEYS = Path("/proc/sys/kernel/keys")
_KEYS_WANTED = {"maxkeys": 1_000_000, "maxbytes": 25_000_000}
_SYSTEM = ("/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libx32")
_TOPS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
"""Where programs of the machine and their libraries are; links into ``/usr`` on most."""
_MEETING = "/mnt"
"""A folder that every machine has and that everybody may pass; only the node's own view changes."""
_BUILD = """
set -eu
name=$1 root=$2; shift 2
echo "$name" >/proc/sys/kernel/hostname
mkdir -p "$root"
mount -t tmpfs -o mode=755,nosuid,nodev silo "$root"
while [ "$1" != -- ]; do
  how=$1 source=$2 target=$root$3; shift 3
  if [ -d "$source" ]; then mkdir -p "$target"; else mkdir -p "${target%/*}"; : >"$target"; fi
  mount --bind "$source" "$target"
  mount -o "remount,bind,$how" "$target"
done; shift
for each in $TOPS; do if [ -L "/$each" ]; then cp -P "/$each" "$root/$each"; fi; done
cd "$root"
mkdir -p proc sys run tmp .machine mnt/disks dev/pts dev/shm dev/mqueue
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
ln -s pts/ptmx dev/ptmx
mount --rbind "$root" "$MEETING"
cd /
exec "$@"
"""
"""As root of the machine, in a view of files that is nobody's else: put the node's together."""
_SETTLE = """
set -eu
mount --rbind "$MEETING" "$MEETING"
cd "$MEETING"
mount -t proc -o nosuid,nodev,noexec proc proc
mount -t sysfs -o nosuid,nodev,noexec sysfs sys
mount -t devpts -o nosuid,noexec,newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o nosuid,nodev,noexec,mode=1777 shm dev/shm
mount -t mqueue -o nosuid,nodev,noexec mqueue dev/mqueue
mount -t tmpfs -o nosuid,nodev,mode=1777 tmp tmp
mount -t tmpfs -o nosuid,nodev,mode=755 run run
mount -t tmpfs -o nosuid,nodev,mode=755 disks mnt/disks
groups=sys/fs/cgroup
if [ "$(cat /proc/self/cgroup)" = "0::/" ]; then
  mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 $groups
  # A group with groups below that have controllers has no processes of its own.
  mkdir -p $groups/init
  echo $$ >$groups/init/cgroup.procs
else
  mount -t tmpfs -o nosuid,nodev,noexec,mode=755 cgroup $groups
  while IFS=: read -r _ names _; do
    case $names in
      '') continue ;;
      name=*) options=none,$names folder=${names#name=} ;;
      *) options=$names folder=$names ;;
    esac
    mkdir "$groups/$folder"
    mount -t cgroup -o "nosuid,nodev,noexec,$options" cgroup "$groups/$folder"
  done </proc/self/cgroup
fi
for each in meminfo cpuinfo; do mount --bind etc/silo/machine/$each proc/$each; done
mount --bind etc/silo/machine/online sys/devices/system/cpu/online
# Pods may mount it to write there. A mount that comes from the machine would be read-only for good.
cp etc/hosts run/hosts
mount --bind run/hosts etc/hosts
pivot_root . .machine
cd /
umount -l /.machine
mount --make-rshared /
trap 'exit 0' TERM
exec 3>&-
# Waiting for one it asks after all that ends here, and wakes up now and then for nothing.
sleep infinity &
rest=$!
while :; do
  kill -0 $rest 2>/dev/null || { sleep infinity & rest=$!; }
  wait $rest || :
done
"""
"""As the node's first process and its root: mount what is its own, and leave the machine's."""


def ensure_users(folder: Path, cluster: ClusterPaths, paths: NodePaths) -> int:
    """Make the node's user namespace unless it is there; return who its root is here.

    The nodes of a cluster are one another's: a disk goes from one to the next.
    """
    for each in (paths.state, paths.run):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
        each.chmod(0o700)
    first_id = _claim(folder, cluster.first_id)
    if not engine.is_namespace(paths.users):
        engine.make_users(paths.users, first_id, IDS)
    _allow_keys()
    return first_id


def describe_init(node: Node, kit: Kit, engine_binaries: engine.Binaries) -> Process:
    """Return the node's first process: with it ends every other one."""
    return Process(
        name_init(node.plan.name),
        ("/bin/sh", "-c", _SETTLE),
        _Fresh(
            node.plan.name,
            node.paths,
            node.network,
            tuple(_list_binds(node, kit, engine_binaries)),
        ),
        node.group,
        environment={"MEETING": _MEETING, "TOPS": " ".join(_TOPS)},
        revision=_BUILD,
        prepare=lambda: _clear_group(node),
    )


@dataclass(frozen=True, slots=True)
class _Fresh:
    """In namespaces of its own, of the node's users."""

    name: str
    paths: NodePaths
    network: Path
    binds: tuple[tuple[str, str, str], ...]

    def enter(self, find: Callable[[str], int]) -> list[str]:  # noqa: ARG002 - as others have it
        return [
            *("unshare", "--mount", "--uts", "--propagation=private", "--"),
            *("/bin/sh", "-c", _BUILD, "/bin/sh", self.name, str(self.paths.root)),
            *(word for bind in self.binds for word in bind),
            *("--", "nsenter", f"--user={self.paths.users}", f"--net={self.network}", "--"),
            *("unshare", "--mount", "--pid", "--ipc", "--uts", "--cgroup"),
            *("--propagation=private", "--"),
            *HOLD,
        ]


def _list_binds(
    node: Node, kit: Kit, engine_binaries: engine.Binaries
) -> Iterator[tuple[str, str, str]]:
    """Yield what the node sees of the machine: how, what and where."""
    for path in (*_SYSTEM, *(f"/{name}" for name in _TOPS)):
        if Path(path).is_dir() and not Path(path).is_symlink():
            yield "ro,nosuid,nodev", path, path
    for name in _DEVICES:
        yield "nosuid,noexec", f"/dev/{name}", f"/dev/{name}"
    yield "ro,nosuid,nodev", str(engine_binaries.folder), str(ENGINE)
    yield "ro,nosuid,nodev", str(kit.folder), str(KUBERNETES)
    yield "ro,nosuid,nodev", str(node.paths.settings), "/etc"
    for place, source in list_brought(node).items():
        yield "rw,nosuid,nodev", str(source), str(place)
    yield "rw,nodev", str(node.paths.files), "/var"


def _allow_keys(folder: Path = _KEYS) -> None:
    """Let a cluster's root have as many keys as the kubelet has the machine's root have.

    Each container has a keyring; of the 200 that users have by default a cluster of a hundred pods
    would not come up (man 7 keyrings).
    """
    for name, wanted in _KEYS_WANTED.items():
        path = folder / name
        if path.exists() and int(path.read_text()) < wanted:
            path.write_text(f"{wanted}\n")


def _clear_group(node: Node) -> None:
    """Have the node's control group as it was in the beginning, with nobody in it."""
    control_groups.kill(node.group)
    control_groups.make(node.group)
    control_groups.limit(node.group, node.plan.size)
    control_groups.hand_over(node.group, node.first_id)


def _claim(folder: Path, note: Path) -> int:
    """Return the first of the users that a cluster has, the same ones for ever."""
    with _CLAIMING:
        if note.exists():
            return int(note.read_text())
        taken = {int(each.read_text()) for each in folder.glob(f"clusters/*/{note.name}")}
        ranges = (FIRST_ID + index * IDS for index in range(CLUSTERS))
        first_id = next((each for each in ranges if each not in taken), None)
        if first_id is None:
            raise StepFailed(f"This machine has {CLUSTERS} clusters already.")
        core.write_private(note, str(first_id).encode())
        return first_id
