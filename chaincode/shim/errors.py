"""The one error of the shim."""


class ShimError(Exception):
    """A peer refused or broke off a request of the chaincode, or the request itself was not allowed.

    It is never a business outcome: the invocation in which it is raised ends with status 500, and the
    client may propose again. The text comes from the peer or from the shim and holds no value of any key.
    """
