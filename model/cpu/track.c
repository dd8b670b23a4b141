/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tracking. A processor drops its translations whenever it leaves the enclave, so an old view of a
 * page is gone once every processor that was inside at the change has left. ETRACK opens a new
 * epoch; who enters later joins it, and the old epoch drains.
 *
 * Two counters are enough. ETRACK refuses to open epoch e + 1 while anyone from before e is inside.
 * So at any time the processors inside have entered in the current epoch or in the one before it,
 * and the slot that a new epoch takes over (its number less two) is empty.
 */
#include "cpu/track.h"

#include "cpu/operand.h"

static uint64_t inside(const struct enclave_state *state, uint64_t epoch)
{
    return state->inside[epoch % EPOCH_SLOTS];
}

void cpu_track_stamp(const struct enclave_state *state, struct epcm *entry)
{
    entry->epoch = state->epoch;
    entry->tracked = false;
}

bool cpu_track_settled(const struct enclave_state *state, const struct epcm *entry)
{
    if (entry->tracked)
        return true;
    /* No ETRACK since the stamp: whether anyone is inside is not even known. */
    if (state->epoch == entry->epoch)
        return false;
    /* Two ETRACKs since: the second was granted only because the stamp's epoch had drained. */
    return state->epoch > entry->epoch + 1 || inside(state, entry->epoch) == 0;
}

uint64_t cpu_track_join(struct enclave_state *state)
{
    state->inside[state->epoch % EPOCH_SLOTS]++;
    state->active++;
    return state->epoch;
}

void cpu_track_leave(struct enclave_state *state, uint64_t epoch)
{
    state->inside[epoch % EPOCH_SLOTS]--;
    state->active--;
}

bool cpu_tracking_incomplete(const struct epc *epc)
{
    return inside(epc->state, epc->state->epoch + 1) > 0; /* the slot of the epoch before, too */
}

struct outcome cpu_etrack(struct epc *epc, uint64_t rcx_secs)
{
    uint64_t frame;

    NEED(aligned(rcx_secs, SGX_PAGE_SIZE), leaf_gp());
    NEED(cpu_epc_find(epc, rcx_secs, &frame), cpu_encls_pf(rcx_secs));
    NEED(epc_is_secs(epc, frame), cpu_encls_pf(rcx_secs));
    NEED(!cpu_tracking_incomplete(epc), leaf_done(SGX_PREV_TRK_INCMPL));

    epc->state->epoch++;
    return leaf_done(SGX_OK);
}
