/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enclu.h - the bodies of the ENCLU leaves (private to model/cpu)
 *
 * Each is one row of the table in enclu.c, which has already seen to enclave mode and afterwards
 * sees to RAX, the flags and RIP, as the row says.
 */
#ifndef MODEL_CPU_ENCLU_H
#define MODEL_CPU_ENCLU_H

#include "cpu/cpu.h"

typedef struct outcome enclu_leaf(struct cpu *cpu);

enclu_leaf enclu_ereport, enclu_egetkey, enclu_eenter, enclu_eresume, enclu_eexit;
enclu_leaf enclu_eaccept, enclu_emodpe, enclu_eacceptcopy, enclu_edeccssa;

#endif
