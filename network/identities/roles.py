"""Roles of an identity within its organisation, stated by the certificate's OU (Fabric's NodeOUs)."""

from enum import StrEnum


class Role(StrEnum):
    """The four NodeOUs of Fabric; every certificate of an MSP here carries exactly one of them."""

    CLIENT = "client"
    PEER = "peer"
    ADMIN = "admin"
    ORDERER = "orderer"
