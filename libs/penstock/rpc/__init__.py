"""gRPC for those who wait for an answer: one way to serve it, and the errors that cross it."""

from penstock.errors import PenstockError


class NotFound(PenstockError):
    """What was asked for is not there (gRPC NOT_FOUND)."""


class Refused(PenstockError):
    """The request is well formed, but the state of things does not allow it (gRPC FAILED_PRECONDITION)."""


class Unavailable(PenstockError):
    """The service did not answer; asking again later may help (gRPC UNAVAILABLE, DEADLINE_EXCEEDED)."""
