/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure.h - the running MRENCLAVE of the enclave in an EPC (private to model/cpu)
 */
#ifndef MODEL_CPU_MEASURE_H
#define MODEL_CPU_MEASURE_H

#include "arch/measure.h"
#include "cpu/cpu.h"

/* Start afresh with the ECREATE record. */
void cpu_measure_ecreate(struct enclave_state *state, const struct sgx_secs *secs);

/* Append the EADD record of a page at this offset from the base. */
void cpu_measure_eadd(struct enclave_state *state, uint64_t offset, const struct sgx_secinfo *info);

/* Append `chunks` (up to 16) EEXTEND records with their data; offset and data are of the first. */
void cpu_measure_eextend(struct enclave_state *state, uint64_t offset, const uint8_t *data,
                         size_t chunks);

/* The digest as it would be now. The state stays, so that a refused EINIT can be repeated. */
void cpu_measure_digest(const struct enclave_state *state, uint8_t ret_digest[static 32]);

#endif
