/*
 * The reference guest: a small kernel whose work is to check what VMI 3.1 promises, one numbered line per promise.
 */
#ifndef REFERENCE_H
#define REFERENCE_H

#include "../checking/checking.h"

/* ---- subjects, in the order in which they run ---- */

void probe(void);
void descriptors(void);
void traps(void);
void cpu(void);
void ports(void);
void clock(void);
void paging(void);
void lazy(void);
void demand(void);
void fork(void);
void user(void);
void interrupts(void);
void pic(void);
void alarms(void);
void threads(void);
void fpu(void);
void halt(void);

#endif
