"""Small disks: a tmpfs in a mount namespace of this process, which nobody else sees and which is gone with its last process."""

import ctypes
import os
import sys
from pathlib import Path

CLONE_NEWNS = 0x00020000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
MNT_DETACH = 2
BALLAST = "ballast"


def enter_private_mounts() -> str:
    """Leave the machine's mounts for private ones; returns why that is refused, or nothing (mount_namespaces(7))."""
    if sys.platform != "linux":
        return "there are no mount namespaces here"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None):
        return f"this user may not mount: {os.strerror(ctypes.get_errno())}"
    return ""


def mount_small(folder: Path, size_mb: int) -> str:
    """Mount an empty disk of this size on a folder; returns why that is refused, or nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, f"size={size_mb}m,mode=755".encode()):
        return f"this user may not mount: {os.strerror(ctypes.get_errno())}"
    return ""


def unmount(folder: Path) -> None:
    """Take a disk away, if there is one."""
    ctypes.CDLL(None).umount2(os.fsencode(folder), MNT_DETACH)


def fill(folder: Path) -> None:
    """Take every byte that is free."""
    with (folder / BALLAST).open("wb") as ballast:
        disk = os.statvfs(folder)
        os.posix_fallocate(ballast.fileno(), 0, max(disk.f_bavail * disk.f_frsize, 1))


def free(folder: Path) -> None:
    """Give back what `fill` took."""
    (folder / BALLAST).unlink(missing_ok=True)
