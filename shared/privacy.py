"""Marks that classify every table column by what it says of a person."""

from typing import Final

PERSONAL: Final = {"personal": "personal"}  # says who somebody is or what they wrote
PSEUDONYMOUS: Final = {"personal": "pseudonymous"}  # an id that only another table ties to a person
NONE: Final = {"personal": "none"}
