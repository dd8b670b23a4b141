/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/epcm.h"

static bool usable(const struct epcm *entry)
{
    return entry->valid && entry->pt == SGX_PT_REG && !entry->blocked && !entry->pending &&
           !entry->modified;
}

bool cpu_epcm_permits(const struct epc *epc, uint64_t frame, uint64_t linear, uint32_t secs,
                      enum access access)
{
    const struct epcm *entry = &epc->epcm[frame];

    if (!usable(entry) || entry->secs != secs || entry->enclave_address != (linear & SGX_PAGE_MASK))
        return false;

    switch (access) {
    case ACCESS_READ:
        return entry->r;
    case ACCESS_WRITE:
        return entry->w;
    case ACCESS_FETCH:
        return entry->x;
    }
    return false;
}

uint8_t cpu_epcm_effective(const struct epcm *entry)
{
    return usable(entry) ? (uint8_t)(cpu_epcm_flags(entry) & SGX_SECINFO_RWX) : 0;
}

uint64_t cpu_epcm_flags(const struct epcm *entry)
{
    return (entry->r ? SGX_SECINFO_R : 0) | (entry->w ? SGX_SECINFO_W : 0) |
           (entry->x ? SGX_SECINFO_X : 0) | (entry->pending ? SGX_SECINFO_PENDING : 0) |
           (entry->modified ? SGX_SECINFO_MODIFIED : 0) | (entry->pr ? SGX_SECINFO_PR : 0) |
           SGX_SECINFO_PT(entry->pt);
}

void cpu_epcm_set_rwx(struct epcm *entry, uint64_t flags)
{
    entry->r = flags & SGX_SECINFO_R;
    entry->w = flags & SGX_SECINFO_W;
    entry->x = flags & SGX_SECINFO_X;
}

void cpu_epcm_insert(struct epc *epc, uint64_t frame, uint64_t secs, uint64_t linear,
                     uint64_t flags)
{
    struct epcm *entry = &epc->epcm[frame];

    *entry = (struct epcm){
        .enclave_address = linear,
        .secs = (uint32_t)secs,
        .pt = (uint8_t)(flags >> SGX_SECINFO_PT_SHIFT),
        .valid = true,
        .pending = flags & SGX_SECINFO_PENDING,
        .tracked = true,
    };
    cpu_epcm_set_rwx(entry, flags);
    epc->state->children++;
}
