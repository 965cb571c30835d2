/*
 * vmi_init, and the state's first moments.
 */
#include "platform.h"
#include "apic.h"
#include "offsets.h"

_Static_assert(offsetof(struct rom_state, magic) == rom_state_OFF_magic, "offsets.h");
_Static_assert(offsetof(struct rom_state, counters_gva) == rom_state_OFF_counters_gva, "offsets.h");
_Static_assert(offsetof(struct rom_state, counters_entries) == rom_state_OFF_counters_entries, "offsets.h");
#ifndef ROM_HOST
_Static_assert(sizeof(struct rom_state) <= 4 * PAGE_SIZE, "the state has four pages");
#endif

void rom_state_init(void)
{
	struct rom_state *rom = state();

	memset(rom, 0, sizeof(*rom));
	rom->magic = ROM_STATE_MAGIC;
	rom->uart.received = -1;
	rom->uart.dll = 12; /* 9600 baud */
	for (u32 n = 0; n < 2; n++) {
		rom->pic.chips[n].imr = 0xff;
		rom->pic.chips[n].base = n ? 0x28 : 0x20;
		rom->pic.chips[n].lowest = 7;
	}
	apic_reset(rom->apic.registers);
}

/*
 * vmi_init (header, offset 0x80). A bundle's boot stub has made the state already; a guest that found the ROM by
 * scanning has not, and the state pages may not be memory at all: then the guest stays native.
 */
int ROMCALL rom_init(void)
{
	volatile struct rom_state *rom = state();

	if (rom->magic != ROM_STATE_MAGIC) {
		rom->magic = ROM_STATE_MAGIC;
		if (rom->magic != ROM_STATE_MAGIC)
			return -1;
		rom_state_init();
	}
	if (backend_init() != 0)
		return -1;
	if (rom->init_done == 0)
		rom->stolen_base[0] = platform_stolen();
	rom->init_done++;
	return 0;
}
