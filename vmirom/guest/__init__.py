"""Guests of one's own: built with the kit of ``romsrc/guest/sdk``, looked into, and the shipped ones."""

from vmirom.guest.build import BuiltGuest, build, build_guest
from vmirom.guest.inspect import GuestFile, SectionInfo, inspect

__all__ = ["BuiltGuest", "GuestFile", "SectionInfo", "build", "build_guest", "inspect"]
