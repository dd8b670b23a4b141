/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enclave.c - the packet filter's ecalls
 *
 * Each call copies what it needs into the static buffers below, checks the copy, and works on it.
 * The buffers serve one call at a time; a second one, on another thread, is turned away.
 */
#include <aperture/code.h>
#include <aperture/trts.h>
#include <string.h>

#include "enclave/check.h"
#include "enclave/compile.h"
#include "enclave/interpret.h"
#include "shared/filter.h"

/* The filter that is loaded. Changes only when all of a LOAD has succeeded. */
static struct {
    struct filter_insn insns[FILTER_INSNS_MAX];
    filter_code *code; /* in the region "jit"; NULL while nothing is loaded */
} filter;

static struct filter_insn candidate[FILTER_INSNS_MAX];
static struct filter_work work;
static uint8_t code_buffer[FILTER_CODE_MAX];

static struct filter_packet packets[FILTER_BATCH_PACKETS];
static uint32_t verdicts[FILTER_BATCH_PACKETS];

/* The rest is never written: mispredicted filter code may read it, and finds zeroes. */
static uint8_t batch_data[FILTER_BATCH_BYTES + FILTER_SPECULATION_REACH];

static bool busy;

static bool enter(void)
{
    return !__atomic_test_and_set(&busy, __ATOMIC_ACQUIRE);
}

static void leave(void)
{
    __atomic_clear(&busy, __ATOMIC_RELEASE);
}

/* ------------------------------------------------------------------ LOAD */

/* Where the code was published is never given back: a host that loads for ever fills the region. */
static sgx_status_t publish(size_t size, filter_code **ret_code)
{
    struct ap_code_region *region = ap_code_region("jit");
    void *where;
    sgx_status_t status = ap_code_reserve(region, size, &where);

    if (status != SGX_SUCCESS)
        return status;
    status = ap_code_publish(region, where, code_buffer, size);
    if (status != SGX_SUCCESS)
        return status;
    *ret_code = (filter_code *)where;
    return SGX_SUCCESS;
}

/* SGX_SUCCESS with load->reason set: the program was judged, and is loaded if it is FILTER_OK. */
static sgx_status_t load(struct filter_load *load)
{
    size_t size = 0;
    filter_code *code;
    sgx_status_t status;

    load->index = 0;
    load->code_size = 0;
    if (load->count == 0 || load->count > FILTER_INSNS_MAX) {
        load->reason = load->count == 0 ? FILTER_EMPTY : FILTER_TOO_LONG;
        return SGX_SUCCESS;
    }
    status = ap_host_read(candidate, load->program, load->count * sizeof candidate[0]);
    if (status != SGX_SUCCESS)
        return status;

    load->reason = filter_check(candidate, load->count, &load->index);
    if (load->reason == FILTER_OK)
        load->reason =
            filter_compile(candidate, load->count, &work, code_buffer, sizeof code_buffer, &size);
    if (load->reason != FILTER_OK)
        return SGX_SUCCESS;

    status = publish(size, &code);
    if (status != SGX_SUCCESS)
        return status;
    memcpy(filter.insns, candidate, load->count * sizeof candidate[0]);
    filter.code = code;
    load->code_size = (uint32_t)size;
    return SGX_SUCCESS;
}

static sgx_status_t ecall_load(uint64_t ms)
{
    struct filter_load request;
    sgx_status_t status = ap_host_read(&request, ms, sizeof request);

    if (status != SGX_SUCCESS)
        return status;
    if (!enter())
        return SGX_ERROR_DEVICE_BUSY;
    status = load(&request);
    leave();
    if (status != SGX_SUCCESS)
        return status;
    return ap_host_write(ms, &request, sizeof request);
}

/* ------------------------------------------------------------------ RUN */

static bool packets_lie_within(uint32_t count, uint32_t size)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct filter_packet *p = &packets[i];

        if (p->caplen > FILTER_PACKET_MAX || p->offset > size || p->caplen > size - p->offset)
            return false;
    }
    /* Nobody gets past here, not even speculatively, before the loop above has been decided. */
    __builtin_ia32_lfence();
    return true;
}

/* Copy a batch inside and check it. */
static sgx_status_t take_batch(const struct filter_run *run)
{
    sgx_status_t status;

    if (run->packet_count > FILTER_BATCH_PACKETS || run->data_size > FILTER_BATCH_BYTES ||
        run->repeat == 0 || run->engine > FILTER_INTERPRETER)
        return SGX_ERROR_INVALID_PARAMETER;
    status = ap_host_read(packets, run->packets, run->packet_count * sizeof packets[0]);
    if (status != SGX_SUCCESS)
        return status;
    status = ap_host_read(batch_data, run->data, run->data_size);
    if (status != SGX_SUCCESS)
        return status;
    return packets_lie_within(run->packet_count, run->data_size) ? SGX_SUCCESS
                                                                 : SGX_ERROR_INVALID_PARAMETER;
}

static uint64_t run_jit(uint32_t count)
{
    uint64_t matches = 0;

    for (uint32_t i = 0; i < count; i++) {
        const struct filter_packet *p = &packets[i];

        verdicts[i] = filter.code(batch_data + p->offset, p->caplen, p->len);
        matches += verdicts[i] != 0;
    }
    return matches;
}

static uint64_t run_interpreter(uint32_t count)
{
    uint64_t matches = 0;

    for (uint32_t i = 0; i < count; i++) {
        const struct filter_packet *p = &packets[i];

        verdicts[i] = filter_interpret(filter.insns, batch_data + p->offset, p->caplen, p->len);
        matches += verdicts[i] != 0;
    }
    return matches;
}

static sgx_status_t run(struct filter_run *run)
{
    sgx_status_t status;

    if (!filter.code)
        return SGX_ERROR_INVALID_STATE;
    status = take_batch(run);
    if (status != SGX_SUCCESS)
        return status;

    for (uint32_t i = 0; i < run->repeat; i++)
        run->matches = run->engine == FILTER_JIT ? run_jit(run->packet_count)
                                                 : run_interpreter(run->packet_count);
    return ap_host_write(run->verdicts, verdicts, run->packet_count * sizeof verdicts[0]);
}

static sgx_status_t ecall_run(uint64_t ms)
{
    struct filter_run request;
    sgx_status_t status = ap_host_read(&request, ms, sizeof request);

    if (status != SGX_SUCCESS)
        return status;
    if (!enter())
        return SGX_ERROR_DEVICE_BUSY;
    status = run(&request);
    leave();
    if (status != SGX_SUCCESS)
        return status;
    return ap_host_write(ms, &request, sizeof request);
}

static const struct ap_ecall ecalls[FILTER_ECALLS] = {
    [FILTER_ECALL_LOAD] = {.body = ecall_load},
    [FILTER_ECALL_RUN] = {.body = ecall_run},
};

const struct ap_ecall_table ap_ecalls = {
    .count = FILTER_ECALLS,
    .ecall = ecalls,
};
