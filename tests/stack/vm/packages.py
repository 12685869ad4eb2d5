"""The Debian packages of the guest, fetched by the host's own apt from the sources that the host is configured with."""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tests.stack.vm.needs import MachineError, call

WANTED = ("bluez", "dbus", "dbus-daemon", "python3-minimal", "libpython3-stdlib", "busybox-static")
"""What the guest runs; apt adds what these depend on."""

KERNEL = "linux-image-amd64"
"""Debian's ordinary kernel: the one for clouds has no Bluetooth."""

NOT_NEEDED = re.compile(
    r"(adduser|debconf|dpkg|init-system-helpers|kmod|libfile-.*|libgdbm.*|libnumber-.*|libpam.*|libperl.*|libsemanage.*"
    r"|libsepol.*|libtext-.*|media-types|passwd|perl.*|readline-common|sysvinit-utils|tar|udev|ucf|gcc-.*-base)_"
)
"""Packages that are only there to install or to start a whole system; nothing in the guest loads them (judgement)."""

NOT_UNPACKED = re.compile(
    r"usr/share/(bash-completion|bug|doc|doc-base|info|lintian|locale|man|python3/runtime.d)/"
    r"|usr/lib/(systemd|udev|tmpfiles.d|sysusers.d)/|usr/bin/(bluetoothctl|btmon|btmgmt|mpris-proxy|perl.*)$"
    r"|usr/lib/x86_64-linux-gnu/(gconv|perl)|usr/lib/python3[^/]*/(idlelib|lib2to3|pydoc_data|turtledemo)/"
)
"""Files of the others that nothing in the guest reads (judgement)."""

MERGED = re.compile(r"(bin|sbin|lib|lib64)(/|$)")
"""Folders that are links into /usr: a package may still say the short path."""

ADVICE = "Is `apt-get update` done, and are Debian's sources in /etc/apt?"


@dataclass(frozen=True, slots=True)
class Package:
    """One package file that apt would fetch: its file's name, which has the version in it, and apt's hash of it."""

    file: str
    digest: str


def kernel_package() -> str:
    """The name of the newest kernel's package."""
    told = call(["apt-cache", "depends", KERNEL], advice=ADVICE)
    found = re.search(r"Depends: (linux-image-\S+)", told)
    if found is None:
        raise MachineError(f"{KERNEL} is not among this host's packages. {ADVICE}")
    return found[1]


def chosen(kernel: str) -> tuple[Package, ...]:
    """Every package that the image is made of, the kernel's first, as apt would fetch them now."""
    told = call(["apt-get", "download", "--print-uris", kernel], advice=ADVICE)
    told += call([*_install(), "--print-uris", *WANTED], advice=ADVICE)
    lines = (line.split() for line in told.splitlines() if line.startswith("'"))
    return tuple(Package(words[1], words[3] if len(words) > 3 else "") for words in lines)


def fetch(kernel: str, folder: Path) -> list[Path]:
    """Fetch the packages into the folder; the kernel's is the first of the returned files."""
    partial = folder / "partial"  # apt wants it to be there
    partial.mkdir(parents=True)
    call(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", kernel], advice=ADVICE, cwd=folder)
    kernels = set(folder.glob("*.deb"))
    call([*_install(), "--download-only", "-o", f"Dir::Cache::archives={folder}", *WANTED], advice=ADVICE)
    return [*kernels, *sorted(set(folder.glob("*.deb")) - kernels)]


def _install() -> list[str]:
    """An installation as on an empty system, which needs no rights as long as nothing is installed."""
    options = ("Dir::State::status=/dev/null", "Debug::NoLocking=1", "APT::Sandbox::User=root")
    words = [word for option in options for word in ("-o", option)]
    return ["apt-get", "-qq", "-y", "--no-install-recommends", *words, "install"]


def unpack(files: list[Path], root: Path) -> None:
    """Unpack what the guest needs of the packages. No script of a package is run."""
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for file in files:
        if not NOT_NEEDED.match(file.name):
            _unpack(file, root)


def _unpack(file: Path, root: Path) -> None:
    with contents(file) as archive:
        for member in archive:
            path = member.name.removeprefix("./")
            path = f"usr/{path}" if MERGED.match(path) else path
            if path in {"", "."} or NOT_UNPACKED.search(path) or member.isdev():
                continue
            if member.isdir():  # and never replaces one that is there
                (root / path).mkdir(parents=True, exist_ok=True)
                continue
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).unlink(missing_ok=True)
            if member.issym():
                (root / path).symlink_to(member.linkname)
            elif (source := archive.extractfile(member)) is not None:
                (root / path).write_bytes(source.read())
                (root / path).chmod(member.mode & 0o777)


def contents(file: Path) -> tarfile.TarFile:
    """The files inside a package."""
    done = subprocess.run(["dpkg-deb", "--fsys-tarfile", file], capture_output=True, check=False)
    if done.returncode:
        raise MachineError(f"{file.name} cannot be unpacked: {done.stderr.decode(errors='replace').strip()}")
    return tarfile.open(fileobj=io.BytesIO(done.stdout))
