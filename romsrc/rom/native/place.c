/*
 * Brings what a loader has put behind the guest's image to its place, before there is a guest: struct vmi_bundle to the
 * first state page, the ROM to where option ROMs live.
 *
 * A loader can't do that. On a PC C0000h is not simply memory: the firmware has put the video BIOS and the loader's own
 * code there and locked the area, or it leads to the bus. So the ROM executes this where the loader left it. Runs
 * without paging. Where the host bridge is a known one the area is left as a BIOS leaves it, read-only; any other
 * machine has plain memory there, or none.
 */
#include "io.h"
#include "native.h"
#include "platform.h"

/* The state pages: zero but for the first, and for the stack now in use. */
static void place_state(u32 bundle)
{
	for (u32 at = 0; at < PAGE_SIZE * VMI_LAYOUT_STATE_PAGES; at += 4)
		if (at >> PAGE_SHIFT != VMI_LAYOUT_STATE_STACK)
			AT(u32, VMI_LAYOUT_STATE_GPA + at) = at < PAGE_SIZE ? AT(u32, bundle + at) : 0;
}

static bool same(u32 from, u32 length)
{
	for (u32 at = 0; at < length; at += 4)
		if (AT(u32, from + at) != AT(u32, VMI_LAYOUT_ROM_GPA + at))
			return false;
	return true;
}

static void copy(u32 from, u32 length)
{
	for (u32 at = 0; at < length; at += 4)
		AT(u32, VMI_LAYOUT_ROM_GPA + at) = AT(u32, from + at);
}

/* The register of the host bridge that rules the area; 0 where the bridge is none that is known (or there is no PCI). */
static u32 lock_register(void)
{
	io_out32(NATIVE_PORT_PCI_ADDRESS, NATIVE_HOST_BRIDGE_CONFIG_ENABLE);
	switch (io_in32(NATIVE_PORT_PCI_DATA)) {
	case NATIVE_HOST_BRIDGE_I440FX:
		return NATIVE_HOST_BRIDGE_I440FX_PAM1;
	case NATIVE_HOST_BRIDGE_Q35:
		return NATIVE_HOST_BRIDGE_Q35_PAM1;
	default:
		return 0;
	}
}

static void write_lock(u32 where, u32 value)
{
	io_out32(NATIVE_PORT_PCI_ADDRESS, NATIVE_HOST_BRIDGE_CONFIG_ENABLE | (where & ~3u));
	io_out8(NATIVE_PORT_PCI_DATA + (where & 3), value);
}

void ROMCALL native_place(u32 from);

/* The ROM at gpa from, and the page before it. */
void ROMCALL native_place(u32 from)
{
	u32 length = AT(u8, from + vmi_rom_header_OFF_rom_length) * (u32)VMI_ROM_HEADER_LENGTH_UNIT, where;

	place_state(from - PAGE_SIZE);
	where = lock_register();
	if (where != 0)
		write_lock(where, NATIVE_HOST_BRIDGE_PAM_READ_WRITE);
	copy(from, length);
	if (where != 0)
		write_lock(where, NATIVE_HOST_BRIDGE_PAM_READ);
	if (!same(from, length))
		native_die("vmirom: no memory at C0000h, and no host bridge that could put some there\n");
}
