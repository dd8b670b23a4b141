/* SPDX-License-Identifier: Apache-2.0 */
/*
 * track.h - who may still hold an old translation of a page (private to model/cpu)
 */
#ifndef MODEL_CPU_TRACK_H
#define MODEL_CPU_TRACK_H

#include "cpu/cpu.h"

/* The page changed just now: processors inside may know it as it was. */
void cpu_track_stamp(const struct enclave_state *state, struct epcm *entry);

/* Nobody can know the page as it was before its stamp. */
bool cpu_track_settled(const struct enclave_state *state, const struct epcm *entry);

/* A processor enters: returns the epoch it joins. And leaves again. */
uint64_t cpu_track_join(struct enclave_state *state);
void cpu_track_leave(struct enclave_state *state, uint64_t epoch);

#endif
