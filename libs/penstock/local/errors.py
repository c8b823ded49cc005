"""The errors of the local stack."""

from penstock.errors import PenstockError


class LocalStackError(PenstockError):
    """Something of this machine keeps the stack from starting or stopping."""
