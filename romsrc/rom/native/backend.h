/* The native backend's part of struct rom_state. */
#ifndef BACKEND_H
#define BACKEND_H

#include "machine.h"

struct backend_state {
	struct native_state native;
};

#endif
