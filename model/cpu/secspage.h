/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secspage.h - a SECS as it travels: with all that the processor keeps of its enclave
 *
 * Hardware has no enclave_state: it keeps these things in bytes of the SECS page that software
 * finds reserved. Here they are put there for the time that the page is out of the EPC. What
 * travels: EID, the running measurement and whether EINIT has ended it, the padding and the
 * identifiers from SIGSTRUCT, the tracking epoch. What does not, because it is zero whenever a SECS
 * may be evicted: the counts of children and of processors inside. (private to model/cpu)
 */
#ifndef MODEL_CPU_SECSPAGE_H
#define MODEL_CPU_SECSPAGE_H

#include "cpu/cpu.h"

/* The page with the state written into it. */
void cpu_secs_pack(const struct sgx_secs *secs, const struct enclave_state *state, void *ret_page);

/* And apart again. What the EPC keeps for itself in the state stays as it is. */
void cpu_secs_unpack(const void *page, struct sgx_secs *ret_secs, struct enclave_state *ret_state);

/* The enclave is gone from the EPC; its numbers are not given out again. */
void cpu_secs_forget(struct enclave_state *state);

#endif
