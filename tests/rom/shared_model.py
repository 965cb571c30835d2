"""The shared C of the ROMs on the host: time, an interrupt flag and a console in the place of a backend.

``Host``'s attributes are what the platform answers, and what it was told.
"""

from __future__ import annotations

from typing import Any

from tests.rom.hostc import compile_sources

__all__ = ["Host"]

_PLATFORM = """
extern "Python+C" {
    uint64_t platform_real(void);
    uint64_t platform_stolen(void);
    uint64_t platform_hz(void);
    uint64_t platform_wallclock(void);
    void platform_arm(uint64_t);
    uint32_t platform_irq_save(void);
    void platform_irq_restore(uint32_t);
    void platform_interrupt_pending(void);
    void platform_console(const uint8_t *, uint32_t);
    int platform_console_read(void);
    void platform_exit(uint32_t);
}
"""
_CALLS = """
static void reset(void);
static unsigned char *guest_memory(void);
static uint32_t wild(void);
static uint64_t host_mod(uint64_t, uint64_t);
static uint64_t host_div(uint64_t, uint32_t);
static uint64_t host_mul_div(uint64_t, uint32_t, uint32_t);
static uint64_t host_mul_shift32(uint64_t, uint32_t);
static uint64_t host_pvclock(uint64_t, uint32_t, int);
static uint32_t host_pvclock_khz(uint32_t, int);
void alarm_tick(void);
void pic_raise(uint32_t);
void pic_lower(uint32_t);
bool pic_has(void);
int pic_next(void);
bool interrupt_has(void);
int interrupt_next(void);
void apic_raise_lvtt(void);
void uart_poll(void);
void uart_flush(void);
uint32_t port_in(uint32_t, uint32_t);
void port_out(uint32_t, uint32_t, uint32_t);
void vmi_SetAlarm(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
uint32_t vmi_CancelAlarm(uint32_t);
uint64_t vmi_GetCycleCounter(uint32_t);
uint64_t vmi_GetCycleFrequency(void);
uint64_t vmi_GetWallclockTime(void);
uint32_t vmi_WallclockUpdated(void);
void vmi_APICWrite(uint32_t, uint32_t);
uint32_t vmi_APICRead(uint32_t);
int32_t vmi_SetCounters(uint32_t, uint32_t);
struct boot_plan {
    uint32_t base, mem_pages, command_line, initrd_gpa, initrd_length;
    uint32_t reserve_pages, reserved_pfn, held_pages;
    bool no_nx;
    uint32_t root_gpa, entry, first_free_pfn;
};
int boot_prepare(struct boot_plan *);
"""


class Host:
    """A machine under the shared C: time, an interrupt flag, a console."""

    def __init__(self) -> None:
        self.lib = compile_sources(_PLATFORM + _CALLS, "struct backend_state { u32 nothing; };\n")
        self.ffi = self.lib.ffi
        self.start()
        for name in (
            *("real", "stolen", "hz", "wallclock", "arm", "irq_save", "irq_restore"),
            *("interrupt_pending", "console", "console_read", "exit"),
        ):
            self.lib.answer(f"platform_{name}", self._answer(name))

    def _answer(self, name: str) -> Any:
        return lambda *arguments: getattr(self, f"_{name}")(*arguments)

    def start(self) -> None:
        """A fresh state and machine."""
        self.real = self.stolen = 0
        self.hz = 1_000_000_000
        self.wallclock = 0
        self.deadline = (1 << 64) - 1
        self.saved = 0
        self.enabled = True
        self.pending = 0
        self.text = bytearray()
        self.input = bytearray()
        self.exits: list[int] = []
        self.lib.reset()

    def _real(self) -> int:
        return self.real

    def _stolen(self) -> int:
        return self.stolen

    def _hz(self) -> int:
        return self.hz

    def _wallclock(self) -> int:
        return self.wallclock

    def _arm(self, deadline: int) -> None:
        assert self.saved, "armed without interrupts saved"
        self.deadline = deadline

    def _irq_save(self) -> int:
        self.saved += 1
        return 0x200

    def _irq_restore(self, saved: int) -> None:
        assert saved == 0x200
        self.saved -= 1

    def _interrupt_pending(self) -> None:
        self.pending += 1

    def _console(self, text: Any, n: int) -> None:
        self.text += bytes(self.ffi.buffer(text, n))

    def _console_read(self) -> int:
        return self.input.pop(0) if self.input else -1

    def _exit(self, status: int) -> None:
        self.exits.append(status)
