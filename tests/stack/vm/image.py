"""The machine's image: a kernel and a first file system, built once for each set of packages, versions and scripts."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from tests.stack.vm import archive, kernel, packages, wheels
from tests.stack.vm.needs import MachineError

CACHE_VARIABLE = "UNKNOT_VM_CACHE"
"""Says in which folder images are kept; by default a folder of this user's cache."""

KEPT = 3
"""Images that stay in the cache, the last used ones (judgement): each takes about 300 MB."""

HERE = Path(__file__).parent

SOURCES = ("init", "archive.py", "image.py", "kernel.py", "packages.py", "wheels.py")
"""What makes an image: it is built anew after a change there."""

APPLETS = ("cat", "dd", "echo", "insmod", "ip", "kill", "ln", "mkdir", "mount", "poweroff", "ps", "rm", "sh", "sleep")
"""What busybox stands for in the guest."""

FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nmessagebus:x:100:100::/nonexistent:/usr/sbin/nologin\n",
    "etc/group": "root:x:0:\nmessagebus:x:100:\nbluetooth:x:101:\n",
    "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
    "etc/hosts": "127.0.0.1 localhost\n",
}
"""What the packages' scripts would have written: dbus-daemon wants its user and the machine's number (made up)."""


@dataclass(frozen=True, slots=True)
class Image:
    """One built image in the cache."""

    folder: Path

    @property
    def kernel(self) -> Path:
        """The kernel that QEMU starts."""
        return self.folder / "kernel"

    @property
    def base(self) -> Path:
        """The first file system without the project."""
        return self.folder / "base.cpio"

    @property
    def root(self) -> Path:
        """The same as a folder, from which the guest's Python also runs on the host."""
        return self.folder / "root"


def load() -> Image:
    """The image for what is installed here and what apt offers now; built if it is not in the cache.

    Raises `MachineError` if it cannot be built.
    """
    cache = Path(os.environ.get(CACHE_VARIABLE) or user_cache_path("unknot") / "tests" / "vm")
    cache.mkdir(parents=True, exist_ok=True)
    linux, pins = packages.kernel_package(), wheels.pins()
    image = Image(cache / _key(packages.chosen(linux), pins))
    with _alone(cache / "lock"):
        if not image.base.exists():
            with tempfile.TemporaryDirectory(dir=cache, prefix="building-") as scratch:
                _build(Image(Path(scratch) / "image"), linux, pins, Path(scratch))
                (Path(scratch) / "image").rename(image.folder)
        os.utime(image.folder)
        _forget_old_ones(cache)
    return image


def _key(chosen: tuple[packages.Package, ...], pins: dict[str, str]) -> str:
    """Says everything that goes into an image: packages, wheels, and what makes one of them."""
    sources = [(HERE / name).read_text() for name in SOURCES]
    facts = [[(one.file, one.digest) for one in chosen], pins, sources]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _forget_old_ones(cache: Path) -> None:
    images = sorted(cache.glob("*/base.cpio"), key=lambda base: base.parent.stat().st_mtime)
    for base in images[:-KEPT]:
        shutil.rmtree(base.parent, ignore_errors=True)


def _build(image: Image, linux: str, pins: dict[str, str], scratch: Path) -> None:
    image.folder.mkdir()
    with contextlib.ExitStack() as stack:
        # pip works while apt does; it needs to know only which Python the guest will have.
        kernel_file, *files = packages.fetch(linux, scratch / "packages")
        packages.unpack(files, image.root)
        stack.callback(shutil.rmtree, scratch / "packages")
        kernel.unpack(kernel_file, image.kernel, image.root / "modules")
    wheels.install(pins, image.root / "site", python_version(image))
    for name, text in FILES.items():
        (image.root / name).parent.mkdir(parents=True, exist_ok=True)
        (image.root / name).write_text(text)
    shutil.copyfile(HERE / "init", image.root / "init")
    (image.root / "init").chmod(0o755)
    for applet in APPLETS:
        (image.root / "bin" / applet).unlink(missing_ok=True)
        (image.root / "bin" / applet).symlink_to("busybox")
    compile_for_guest(image, image.root / "usr/lib" / _python(image).name, image.root / "site", under=image.root)
    with image.base.open("wb") as out:
        archive.write(archive.tree(image.root), out)


def _python(image: Image) -> Path:
    """The guest's Python, such as `…/usr/bin/python3.11`."""
    return image.root / "usr/bin" / (image.root / "usr/bin/python3").readlink().name


def python_version(image: Image) -> str:
    """Such as "3.11"."""
    return _python(image).name.removeprefix("python")


def compile_for_guest(image: Image, *folders: Path, under: Path) -> None:
    """Compile modules to bytecode with the guest's own Python, which saves the slow guest seconds.

    `under` is the folder that is the guest's root. Raises `MachineError` if that Python does not run here.
    """
    library = image.root / "usr/lib/x86_64-linux-gnu"
    loader: list[str | Path] = [image.root / "lib64/ld-linux-x86-64.so.2", "--library-path", library, _python(image)]
    # Nobody changes a source in the guest: a bytecode file is not compared with it. No jobs: they need /dev/shm.
    options = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(under), "-p", "/"]
    # What it imports itself it must not leave there in the usual form, which would be out of date in the guest.
    environment = {
        "PYTHONHOME": str(image.root / "usr"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PATH": os.environ["PATH"],
    }
    done = subprocess.run(
        [*loader, "-m", "compileall", *options, *folders], env=environment, capture_output=True, text=True, check=False
    )
    # Status 1 is a file that is no Python of this version, such as a template: not needed before somebody imports it.
    if done.returncode not in {0, 1} or "Traceback" in done.stderr:
        raise MachineError(f"the guest's Python does not run on this host: {done.stderr.strip()[-500:]}")
