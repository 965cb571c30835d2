/*
 * What every C file of a ROM starts from: types, the calling convention of VMI calls, and the one way to
 * touch guest memory.
 *
 * The same sources are compiled three times: by the pinned toolchain and by GNU for the ROM (i686,
 * freestanding, position independent, everything regparm(3)), and by the host's compiler under cffi, where
 * guest memory is a buffer and the platform is Python (ROM_HOST).
 */
#ifndef ROM_H
#define ROM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int32_t s32;
typedef int64_t s64;

#include "vmi.h"
#include "vmi_asm.h"

#ifndef ROM_HOST
#pragma GCC visibility push(hidden) /* for declarations too: nothing is reached through a GOT */
#endif

#define PAGE_SHIFT 12
#define PAGE_SIZE 0x1000u
#define PAGE_MASK 0xFFFFF000u
#define NEVER (~(u64)0) /* a deadline that does not come */

/*
 * ROMCALL: a std call of the ABI. Arguments in EAX, EDX, ECX, then stack words that the caller removes; result
 * in EAX or EDX:EAX. A 64-bit argument takes two registers only if both are free: pass 32-bit words instead.
 *
 * AT(type, gva): the object of that type at a guest-virtual address. The address is the guest's word: a caller
 * that takes one from a hostile place checks it first.
 */
#ifdef ROM_HOST
#define ROMCALL
void *host_at(u32 gva, u32 length);
#define AT(type, gva) (*(volatile type *)host_at((u32)(gva), (u32)sizeof(type)))
#else
#define ROMCALL __attribute__((regparm(3)))
#define AT(type, gva) (*(volatile type *)(uintptr_t)(gva))
#endif

/* gva of the first byte of the ROM, in the alias it is now executing in. shared/reloc.S; changes EAX, flags. */
u32 ROMCALL rom_base(void);

/*
 * gva of struct rom_state in the alias now in use; changes EAX and flags only, needs CS and SS only.
 * Backends whose state lies beside the ROM (private.state_gpa, pages STATE_ROM) take shared/beside.S; others
 * supply their own.
 */
u32 ROMCALL state_gva(void);

/* the backend's folder: defines struct backend_state and whatever else its own files share. It is included
 * here, after the types and before struct rom_state. */
#include "backend.h"

#include "state.h"

#ifdef ROM_HOST
struct rom_state *state(void);
#else
static inline struct rom_state *state(void)
{
	return (struct rom_state *)(uintptr_t)state_gva();
}
#endif

/* shared/memory.S (the compiler may call the first two as well) */
void *ROMCALL memcpy(void *to, const void *from, size_t length);
void *ROMCALL memset(void *to, int value, size_t length);

/* shared/pae_store.S, where backend.toml lists it: an entry stored as one access */
void ROMCALL pae_store(u32 low, u32 high, u32 gva);

#endif
