/* SPDX-License-Identifier: Apache-2.0 */
/*
 * epcm.h - reading and changing EPCM entries (private to model/cpu)
 */
#ifndef MODEL_CPU_EPCM_H
#define MODEL_CPU_EPCM_H

#include "cpu/cpu.h"

/* The SECS of the enclave that owns a page. */
static inline struct sgx_secs *epcm_secs(const struct epc *epc, const struct epcm *entry)
{
    return epc_frame(epc, entry->secs);
}

/* Pages of these types belong to an enclave; a SECS and a version array stand for themselves. */
static inline bool epcm_type_owned(uint8_t type)
{
    return type == SGX_PT_REG || type == SGX_PT_TCS || type == SGX_PT_TRIM;
}

/* The entry as SECINFO.FLAGS would say it: permissions, PENDING, MODIFIED, PR and type. */
uint64_t cpu_epcm_flags(const struct epcm *entry);

/* R, W and X become those of SECINFO.FLAGS. */
void cpu_epcm_set_rwx(struct epcm *entry, uint64_t flags);

/* Enter a page of the enclave `secs` in the EPCM; flags give permissions, PENDING and type. */
void cpu_epcm_insert(struct epc *epc, uint64_t frame, uint64_t secs, uint64_t linear,
                     uint64_t flags);

#endif
