"""What a command fails with: one line for its user, and exit code 1."""

from __future__ import annotations


class CommandError(Exception):
    """The command cannot be done; the text is for its user."""


class ServerError(CommandError):
    """The server refused. `code` is the HTTP status, `reason` and the text those of its Status, as far as it sent one.

    `generic` is the text that Kubernetes' clients give a refusal whose body they do not read, as in discovery.
    """

    def __init__(self, code: int, reason: str, message: str, continuation: str = "") -> None:
        super().__init__(message or _generic(code, message))
        self.code = code
        self.reason = reason
        self.generic = _generic(code, message)
        self.continuation = continuation
        """Where an expired list goes on, or empty."""


_GENERIC = {
    400: "the server rejected our request for an unknown reason",
    401: "the server has asked for the client to provide credentials",
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    406: "the server was unable to respond with a content type that the client supports",
    409: "the server reported a conflict",
    422: "the server rejected our request due to an error in our request",
    429: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
    504: "the server was unable to return a response in the time allotted, but may still be processing the request",
}


def _generic(code: int, message: str) -> str:
    if code == 403 and message:
        return message
    known = _GENERIC.get(code)
    if known:
        return known
    if code >= 500:
        return f'an error on the server ("{message}") has prevented the request from succeeding'
    return f"the server responded with the status code {code} but did not return more information"
