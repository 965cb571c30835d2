/* Places in struct rom_state that assembly knows; rom.c asserts them. */
#ifndef OFFSETS_H
#define OFFSETS_H

#define rom_state_OFF_magic 0
#define rom_state_OFF_counters_gva 4
#define rom_state_OFF_counters_entries 8

#endif
