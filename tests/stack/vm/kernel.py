"""The kernel out of its Debian package, uncompressed, and the modules of a virtual Bluetooth controller in order."""

from __future__ import annotations

import lzma
import re
import struct
from collections.abc import Mapping
from pathlib import Path

from tests.stack.vm import packages
from tests.stack.vm.needs import MachineError

MODULES = (
    *(
        "sha512_generic",
        "ctr",
        "drbg",
        "ecdh_generic",
        "ecb",
        "cmac",
    ),  # pairing's arithmetic; bluetooth refuses without
    *("algif_hash", "algif_skcipher"),  # bluetoothd asks the kernel for AES
    "hci_vhci",
)
"""What is loaded, in this order, each after what it depends on. Found by trying."""

NEEDED = "hci_vhci"
"""The module without which there is no controller; any other may be built into a newer kernel."""

SETUP_SECTORS, PAYLOAD_OFFSET, PAYLOAD_LENGTH = 0x1F1, 0x248, 0x24C
"""Where a bzImage's header has them; Linux, Documentation/arch/x86/boot.rst."""

SECTOR_BYTES = 512

XZ, ELF = b"\xfd7zXZ\x00", b"\x7fELF"


def unpack(package: Path, kernel: Path, modules: Path) -> None:
    """Write the kernel, and a folder of modules with the file `order`. Raises `MachineError` if a part is missing."""
    found: dict[str, bytes] = {}
    with packages.contents(package) as archive:
        for member in archive:
            name = Path(member.name).name
            if not (name.startswith("vmlinuz-") or ".ko" in name):
                continue
            source = archive.extractfile(member)
            if source is not None:
                found[re.sub(r"(\.ko).*|(vmlinuz)-.*", r"\1\2", name).replace("-", "_")] = source.read()
    if "vmlinuz" not in found or f"{NEEDED}.ko" not in found:
        raise MachineError(f"{package.name} has no kernel or no {NEEDED}.ko inside")
    kernel.write_bytes(uncompressed(found["vmlinuz"]))
    modules.mkdir(parents=True)
    names = order(found)
    for name in names:
        data = found[f"{name}.ko"]
        (modules / f"{name}.ko").write_bytes(lzma.decompress(data) if data.startswith(XZ) else data)
    (modules / "order").write_text("".join(f"{name}\n" for name in names))


def order(files: Mapping[str, bytes]) -> list[str]:
    """The modules to load, each after what its file says it depends on."""
    names: list[str] = []

    def add(name: str) -> None:
        data = files.get(f"{name}.ko")
        if data is None or name in names:
            return
        told = re.search(rb"\0depends=([^\0]*)\0", lzma.decompress(data) if data.startswith(XZ) else data)
        for other in told[1].decode().split(",") if told else ():
            add(other.replace("-", "_"))
        names.append(name)

    for name in MODULES:
        add(name)
    return names


def uncompressed(image: bytes) -> bytes:
    """The ELF file inside a bzImage, which QEMU starts at once where the guest would unpack it for seconds.

    A kernel that is packed in another way than xz is returned as it is: it starts too, only later.
    """
    setup = (image[SETUP_SECTORS] or 4) + 1  # boot.rst: for 0 read 4
    (start,) = struct.unpack_from("<I", image, PAYLOAD_OFFSET)
    (length,) = struct.unpack_from("<I", image, PAYLOAD_LENGTH)
    payload = image[setup * SECTOR_BYTES + start :][:length]
    if not payload.startswith(XZ):
        return image
    elf = lzma.LZMADecompressor().decompress(payload)
    if not elf.startswith(ELF):
        raise MachineError("the kernel's package has something else than a kernel inside")
    return elf
