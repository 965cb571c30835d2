"""What a declaration becomes: plain rows, of which every generated file is a view."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EnumRow", "FieldRow", "StructRow", "upper_snake"]


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field. ``offset`` and ``size`` are in bytes; ``size`` covers the whole array.

    ``ctype`` is the element's C type (``u32``, ``char``, ``struct xen_vcpu_info``), ``count`` the
    number of elements or None. ``const`` is what a correct writer stores, if that is fixed. ``values``
    names the enumeration or flag class, ``labels`` its members.
    """

    name: str
    offset: int
    size: int
    ctype: str
    count: int | None = None
    doc: str = ""
    const: int | bytes | None = None
    values: str | None = None
    labels: tuple[tuple[str, int], ...] = ()
    flags: bool = False
    reserved: bool = False
    zero: bool = False
    nested: StructRow | None = None

    @property
    def end(self) -> int:
        """Offset of the first byte after the field."""
        return self.offset + self.size


@dataclass(frozen=True, slots=True)
class StructRow:
    """One struct, packed: ``fields`` follow each other without a gap."""

    name: str
    size: int
    fields: tuple[FieldRow, ...]
    doc: str = ""

    def field(self, name: str) -> FieldRow:
        """The field of that name. Raises KeyError."""
        for row in self.fields:
            if row.name == name:
                return row
        raise KeyError(f"struct {self.name} has no field {name}")


@dataclass(frozen=True, slots=True)
class EnumRow:
    """One enumeration or, with ``flags``, one set of bits; members in declaration order."""

    name: str
    members: tuple[tuple[str, int], ...]
    flags: bool = False
    doc: str = ""

    def c_name(self, family: str, member: str) -> str:
        """The C and assembler name of a member, e.g. ``XEN_HYPERCALL_MMU_UPDATE``."""
        return f"{family.upper()}_{upper_snake(self.name)}_{member}"


def upper_snake(name: str) -> str:
    """``CallbackType`` -> ``CALLBACK_TYPE``."""
    out = []
    for at, letter in enumerate(name):
        if letter.isupper() and at and not name[at - 1].isupper():
            out.append("_")
        out.append(letter.upper())
    return "".join(out)
