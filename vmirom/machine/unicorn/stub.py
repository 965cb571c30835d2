"""What stands in the place of five functions of unicorn, for processors of the host that are x86-64.

STUB, in the translator's place; see ``translation``. Entry: as gen_intermediate_code's in the System V ABI:
RDI = CPUState, RSI = TranslationBlock, EDX = most instructions. It calls that, with 64 of them at most, has
the address of the block's first byte from tlb_vaddr_to_host, and goes over its bytes. If one is LOCK's, it
asks the callback (CPUState, TranslationBlock, that address); so it does, with 0 for the address, for a block
that lies in two pages, or on a processor with SMAP. If the answer is not 0, it leaves by cpu_loop_exit, else
it returns. That, and faults of the translator's, unwind it by longjmp, which does no harm: it owns nothing.

ASKED, in the place of check_exit_request; see ``boundaries``. Entry: RDI = TCGContext. It goes on to that
function, and if the operation before was a load or store of the guest's, it puts FAILED in the place of the
helper that the new last operation calls. Clobbers what a function may.

FAILED, in that helper's place. Entry: RDI = uc_struct, ESI = 0, the return address in translated code. It
returns unless an access has failed, and then goes on to the helper with everything as it was. Clobbers RAX
and flags.

STORED, in the place of tb_invalidate_phys_page_fast; see ``stores``. Entry: RDI = uc_struct, RSI = pages,
RDX = address in RAM, ECX = length, R8 = a return address; called from notdirty_write, RBP = the CPUTLBEntry
stored through. It goes on to that function and counts the store. Where the page has never held code, nothing
may be fetched through the entry any more (-1), and stores need not be looked at (TLB_NOTDIRTY). Called from
elsewhere it only goes on. Clobbers what a function may.

PROTECTED, in the place of tlb_protect_code. Entry: RDI = uc_struct, RSI = address in RAM of a page that gets
its first block. It notes the page, has the TLB flushed, and goes on to that function.

Each line is an instruction, and what a disassembler says of it: a test holds that.
"""

from __future__ import annotations

import struct
from typing import Final

__all__ = [
    "ASKED",
    "FAILED",
    "PROTECTED",
    "STORED",
    "STUB",
    "asked",
    "failed",
    "filled",
    "protected",
    "stored",
]

STUB: Final = bytes.fromhex(
    "53"  # push rbx
    "4154"  # push r12
    "4883ec08"  # sub rsp, 8
    "4889fb"  # mov rbx, rdi
    "4989f4"  # mov r12, rsi
    "83fa40"  # cmp edx, 0x40
    "7605"  # jbe 0x17
    "ba40000000"  # mov edx, 0x40
    "48b81111111111111111"  # movabs rax, 0x1111111111111111
    "ffd0"  # call rax
    "488dbb22222222"  # lea rdi, [rbx + 0x22222222]
    "8b8733333333"  # mov eax, dword ptr [rdi + 0x33333333]
    "a900008000"  # test eax, 0x800000
    "7560"  # jne 0x97
    "83e003"  # and eax, 3
    "b902000000"  # mov ecx, 2
    "83f803"  # cmp eax, 3
    "7505"  # jne 0x49
    "b901000000"  # mov ecx, 1
    "498b3424"  # mov rsi, qword ptr [r12]
    "410fb7442414"  # movzx eax, word ptr [r12 + 0x14]
    "89f2"  # mov edx, esi
    "81e2ff0f0000"  # and edx, 0xfff
    "01c2"  # add edx, eax
    "81fa00100000"  # cmp edx, 0x1000
    "7732"  # ja 0x97
    "ba02000000"  # mov edx, 2
    "48b84444444444444444"  # movabs rax, 0x4444444444444444
    "ffd0"  # call rax
    "4885c0"  # test rax, rax
    "741c"  # je 0x97
    "4889c2"  # mov rdx, rax
    "410fb74c2414"  # movzx ecx, word ptr [r12 + 0x14]
    "4801c1"  # add rcx, rax
    "4839c8"  # cmp rax, rcx
    "7332"  # jae 0xbe
    "8038f0"  # cmp byte ptr [rax], 0xf0
    "488d4001"  # lea rax, [rax + 1]
    "75f2"  # jne 0x87
    "eb02"  # jmp 0x99
    "31d2"  # xor edx, edx
    "4889df"  # mov rdi, rbx
    "4c89e6"  # mov rsi, r12
    "48b85555555555555555"  # movabs rax, 0x5555555555555555
    "ffd0"  # call rax
    "85c0"  # test eax, eax
    "740f"  # je 0xbe
    "4889df"  # mov rdi, rbx
    "48b86666666666666666"  # movabs rax, 0x6666666666666666
    "ffd0"  # call rax
    "4883c408"  # add rsp, 8
    "415c"  # pop r12
    "5b"  # pop rbx
    "c3"  # ret
)

ASKED: Final = bytes.fromhex(
    "488b8722222222"  # mov rax, qword ptr [rdi + 0x22222222]
    "0fb640f8"  # movzx eax, byte ptr [rax - 8]
    "2d33333333"  # sub eax, 0x33333333
    "83f803"  # cmp eax, 3
    "48b81111111111111111"  # movabs rax, 0x1111111111111111
    "772a"  # ja 0x49
    "57"  # push rdi
    "ffd0"  # call rax
    "5f"  # pop rdi
    "488b8722222222"  # mov rax, qword ptr [rdi + 0x22222222]
    "48b94444444444444444"  # movabs rcx, 0x4444444444444444
    "48394820"  # cmp qword ptr [rax + 0x20], rcx
    "750e"  # jne 0x48
    "48b95555555555555555"  # movabs rcx, 0x5555555555555555
    "48894820"  # mov qword ptr [rax + 0x20], rcx
    "c3"  # ret
    "ffe0"  # jmp rax
)
FAILED: Final = bytes.fromhex(
    "83bf2222222200"  # cmp dword ptr [rdi + 0x22222222], 0
    "7501"  # jne 0xa
    "c3"  # ret
    "48b81111111111111111"  # movabs rax, 0x1111111111111111
    "ffe0"  # jmp rax
)

STORED: Final = bytes.fromhex(
    "48b81111111111111111"  # movabs rax, 0x1111111111111111
    "48390424"  # cmp qword ptr [rsp], rax
    "48b82222222222222222"  # movabs rax, 0x2222222222222222
    "7536"  # jne 0x50
    "52"  # push rdx
    "ffd0"  # call rax
    "5a"  # pop rdx
    "48b83333333333333333"  # movabs rax, 0x3333333333333333
    "48ff00"  # inc qword ptr [rax]
    "48c1ea0c"  # shr rdx, 0xc
    "4881fa44444444"  # cmp rdx, 0x44444444
    "7317"  # jae 0x4f
    "807c100800"  # cmp byte ptr [rax + rdx + 8], 0
    "7510"  # jne 0x4f
    "48c74510ffffffff"  # mov qword ptr [rbp + 0x10], 0xffffffffffffffff
    "48816508fffbffff"  # and qword ptr [rbp + 8], 0xfffffffffffffbff
    "c3"  # ret
    "ffe0"  # jmp rax
)

PROTECTED: Final = bytes.fromhex(
    "57"  # push rdi
    "56"  # push rsi
    "4883ec08"  # sub rsp, 8
    "48c1ee0c"  # shr rsi, 0xc
    "4881fe44444444"  # cmp rsi, 0x44444444
    "730f"  # jae 0x22
    "48b83333333333333333"  # movabs rax, 0x3333333333333333
    "c644300801"  # mov byte ptr [rax + rsi + 8], 1
    "48b81111111111111111"  # movabs rax, 0x1111111111111111
    "ffd0"  # call rax
    "4883c408"  # add rsp, 8
    "5e"  # pop rsi
    "5f"  # pop rdi
    "48b82222222222222222"  # movabs rax, 0x2222222222222222
    "ffe0"  # jmp rax
)

_TRANSLATE, _TO_HOST, _CALLBACK, _LEAVE = (bytes([mark]) * 8 for mark in (0x11, 0x44, 0x55, 0x66))
_ORIGINAL, _NOTES = (bytes([mark]) * 8 for mark in (0x22, 0x33))
_PAGES = b"\x44" * 4
_STATE, _HFLAGS = (bytes([mark]) * 4 for mark in (0x22, 0x33))


def filled(translate: int, to_host: int, callback: int, leave: int, state: int, hflags: int) -> bytes:
    """The stub with the addresses of what it calls, and the offsets of CPUX86State in CPUState and of hflags
    in the former."""
    code = STUB
    for mark, address in (
        (_TRANSLATE, translate),
        (_TO_HOST, to_host),
        (_CALLBACK, callback),
        (_LEAVE, leave),
    ):
        code = code.replace(mark, struct.pack("<Q", address))
    return code.replace(_STATE, struct.pack("<I", state)).replace(_HFLAGS, struct.pack("<I", hflags))


def asked(ask: int, helper: int, failed: int, last: int, accesses: int) -> bytes:
    """ASKED with the addresses of check_exit_request, of its helper and of FAILED, the offset in TCGContext
    of the pointer to the last operation's link, and the first of the four numbers of loads and stores."""
    code = ASKED.replace(_STATE, struct.pack("<I", last)).replace(_HFLAGS, struct.pack("<I", accesses))
    for mark, address in ((_TRANSLATE, ask), (_TO_HOST, helper), (_CALLBACK, failed)):
        code = code.replace(mark, struct.pack("<Q", address))
    return code


def failed(helper: int, error: int) -> bytes:
    """FAILED with the address of that helper and the offset of invalid_error in uc_struct."""
    return FAILED.replace(_TRANSLATE, struct.pack("<Q", helper)).replace(_STATE, struct.pack("<I", error))


def stored(behind: int, original: int, notes: int, pages: int) -> bytes:
    """STORED with the address behind notdirty_write's call, those of the function that it stands for and of a
    counter of 64 bits with a byte for each of ``pages`` pages behind it."""
    return _noting(STORED, behind, original, notes, pages)


def protected(flush: int, original: int, notes: int, pages: int) -> bytes:
    """PROTECTED with the addresses of what flushes a TLB and of the function that it stands for, and the
    notes of ``stored``."""
    return _noting(PROTECTED, flush, original, notes, pages)


def _noting(code: bytes, first: int, original: int, notes: int, pages: int) -> bytes:
    for mark, address in ((_TRANSLATE, first), (_ORIGINAL, original), (_NOTES, notes)):
        code = code.replace(mark, struct.pack("<Q", address))
    return code.replace(_PAGES, struct.pack("<I", pages))
