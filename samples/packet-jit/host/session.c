/* SPDX-License-Identifier: Apache-2.0 */
#include "host/session.h"

#include <time.h>

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

sgx_status_t session_load(struct ap_enclave *enclave, const struct filter_insn *insns,
                          uint32_t count, struct filter_load *ret_load)
{
    *ret_load = (struct filter_load){.program = (uintptr_t)insns, .count = count};
    return ap_ecall(enclave, FILTER_ECALL_LOAD, NULL, ret_load);
}

sgx_status_t session_run(struct ap_enclave *enclave, const struct capture *capture,
                         enum filter_engine engine, uint32_t repeat, uint32_t *verdicts,
                         uint64_t *ret_matches, double *ret_seconds)
{
    const double start = now();
    uint64_t matches = 0;

    for (uint32_t i = 0; i < capture->batch_count; i++) {
        const struct batch *batch = capture->batches[i];
        struct filter_run run = {
            .packets = (uintptr_t)batch->packets,
            .data = (uintptr_t)batch->data,
            .verdicts = (uintptr_t)verdicts,
            .packet_count = batch->packet_count,
            .data_size = batch->data_size,
            .engine = engine,
            .repeat = repeat,
        };
        const sgx_status_t status = ap_ecall(enclave, FILTER_ECALL_RUN, NULL, &run);

        if (status != SGX_SUCCESS)
            return status;
        matches += run.matches;
        verdicts += batch->packet_count;
    }
    *ret_matches = matches;
    *ret_seconds = now() - start;
    return SGX_SUCCESS;
}
