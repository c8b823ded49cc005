"""What a child process does before it becomes its program: give up root, and ask to die with its parent.

It runs as a script of its own (`python -I -S child.py …`), since code between fork and exec is unsafe in a threaded parent.
"""

import ctypes
import os
import sys

SAME_USER, NOBODY, USER_NAMESPACE = "same", "nobody", "namespace"
PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
NAMESPACE_UID = 1000


def child_argv(argv: list[str], death_signal: int, identity: str = SAME_USER) -> list[str]:
    """Return the command that runs `argv` under an identity and gets `death_signal` when this process dies (Linux)."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(death_signal)), identity, *argv]


def main() -> None:
    """Become the program that the command line names."""
    parent, death_signal, identity, *argv = sys.argv[1:]
    take_identity(identity)
    if sys.platform == "linux":  # last: a change of user clears it
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(death_signal))
    if os.getppid() != int(parent):  # the parent died before we asked
        sys.exit(1)
    try:
        os.execvp(argv[0], argv)  # noqa: S606 (to become another program is what this file is for)
    except OSError as error:
        sys.exit(f"cannot run {argv[0]}: {error}")


def take_identity(identity: str) -> None:
    """Stop being root: as user nobody, or as an ordinary user of a namespace of our own (files stay root's)."""
    if identity == NOBODY:
        import pwd  # noqa: PLC0415 (every start pays for it otherwise)

        user = pwd.getpwnam("nobody")
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
        os.chdir("/")
    elif identity == USER_NAMESPACE:
        enter_user_namespace()


def enter_user_namespace() -> None:
    """Enter a new user namespace in which this user is an ordinary one (user_namespaces(7))."""
    uid, gid = os.geteuid(), os.getegid()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER) != 0:
        sys.exit(f"cannot enter a user namespace: {os.strerror(ctypes.get_errno())}")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{NAMESPACE_UID} {uid} 1"),
        ("gid_map", f"{NAMESPACE_UID} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


if __name__ == "__main__":
    main()
