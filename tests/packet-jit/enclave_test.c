/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The enclave's ecalls against a host that sends what it likes.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "double/runtime.h"
#include "shared/filter.h"
#include "shared/opcodes.h"

static sgx_status_t call(unsigned index, void *ms)
{
    return ap_ecalls.ecall[index].body((uintptr_t)ms);
}

static struct filter_load load(const struct filter_insn *insns, uint32_t count)
{
    struct filter_load ms = {.program = (uintptr_t)insns, .count = count, .reason = ~0u};

    cr_assert(call(FILTER_ECALL_LOAD, &ms) == SGX_SUCCESS);
    return ms;
}

/* Packets whose first byte is `first` match, with their length for a verdict. */
static struct filter_load load_first(uint8_t first)
{
    const struct filter_insn insns[] = {{OP_LD_B_ABS, 0, 0, 0},
                                        {OP_JEQ_K, 0, 2, first},
                                        {OP_LD_LEN, 0, 0, 0},
                                        {OP_RET_A, 0, 0, 0},
                                        {OP_RET_K, 0, 0, 0}};

    return load(insns, 5);
}

struct host {
    struct filter_packet packets[FILTER_BATCH_PACKETS + 1];
    uint8_t data[FILTER_BATCH_BYTES + 1];
    uint32_t verdicts[FILTER_BATCH_PACKETS + 1];
    struct filter_run run;
};

/* Three packets of 10 bytes: 1..., 2..., 1... In heap memory, which the double calls outside. */
static struct host *host;

static void set_up(void)
{
    double_reset();
    host = calloc(1, sizeof *host);
    cr_assert(host);
    for (unsigned i = 0; i < 3; i++) {
        host->packets[i] = (struct filter_packet){10 * i, 10, 100 + i};
        host->data[10 * i] = i == 1 ? 2 : 1;
    }
    memset(host->verdicts, 0xee, sizeof host->verdicts);
    host->run = (struct filter_run){
        .packets = (uintptr_t)host->packets,
        .data = (uintptr_t)host->data,
        .verdicts = (uintptr_t)host->verdicts,
        .packet_count = 3,
        .data_size = 30,
        .repeat = 1,
        .matches = ~0u,
    };
}

static void tear_down(void)
{
    free(host);
}

TestSuite(enclave, .init = set_up, .fini = tear_down);

static void expect_refused(sgx_status_t reason)
{
    const struct filter_run before = host->run;

    for (uint32_t engine = FILTER_JIT; engine <= FILTER_INTERPRETER; engine++) {
        if (host->run.engine <= FILTER_INTERPRETER)
            host->run.engine = engine;
        cr_expect(call(FILTER_ECALL_RUN, &host->run) == reason);
        cr_expect(host->run.matches == before.matches);
        cr_expect(host->verdicts[0] == 0xeeeeeeee);
    }
}

Test(enclave, both_engines_give_the_same_verdicts_and_write_no_further)
{
    cr_expect(load_first(1).reason == FILTER_OK);
    for (uint32_t engine = FILTER_JIT; engine <= FILTER_INTERPRETER; engine++) {
        host->run.engine = engine;
        host->run.repeat = 3;
        cr_assert(call(FILTER_ECALL_RUN, &host->run) == SGX_SUCCESS);
        cr_expect(host->run.matches == 2);
        cr_expect(host->verdicts[0] == 100 && host->verdicts[1] == 0 && host->verdicts[2] == 102);
        cr_expect(host->verdicts[3] == 0xeeeeeeee);
        memset(host->verdicts, 0xee, sizeof host->verdicts);
    }
}

Test(enclave, running_before_anything_is_loaded_is_refused)
{
    expect_refused(SGX_ERROR_INVALID_STATE);
}

Test(enclave, each_load_goes_to_fresh_pages_and_replaces_the_filter)
{
    const struct filter_load first = load_first(1);

    cr_expect(first.code_size > 0 && double_published_pages == 1);
    cr_expect(load_first(2).reason == FILTER_OK && double_published_pages == 2);
    cr_assert(call(FILTER_ECALL_RUN, &host->run) == SGX_SUCCESS);
    cr_expect(host->run.matches == 1 && host->verdicts[1] == 101);
}

Test(enclave, an_invalid_program_is_refused_with_its_reason_and_the_old_filter_stays)
{
    const struct filter_insn invalid[] = {
        {OP_LD_LEN, 0, 0, 0}, {OP_DIV_K, 0, 0, 0}, {OP_RET_A, 0, 0, 0}};
    struct filter_load answer;

    load_first(1);
    answer = load(invalid, 3);
    cr_expect(answer.reason == FILTER_DIVIDE_BY_ZERO && answer.index == 1);
    cr_expect(answer.code_size == 0 && double_published_pages == 1);
    cr_assert(call(FILTER_ECALL_RUN, &host->run) == SGX_SUCCESS);
    cr_expect(host->run.matches == 2);
}

Test(enclave, a_program_of_a_hostile_size_is_refused_without_being_read)
{
    cr_expect(load((const struct filter_insn *)16, 0).reason == FILTER_EMPTY);
    cr_expect(load((const struct filter_insn *)16, FILTER_INSNS_MAX + 1).reason == FILTER_TOO_LONG);
    cr_expect(load((const struct filter_insn *)16, ~0u).reason == FILTER_TOO_LONG);
    cr_expect(load((const struct filter_insn *)16, 0x20000001).reason == FILTER_TOO_LONG);
}

Test(enclave, a_program_that_lies_inside_is_not_taken)
{
    static struct filter_insn inside[] = {{OP_RET_K, 0, 0, 1}};
    struct filter_load ms = {.program = (uintptr_t)inside, .count = 1};

    cr_expect(call(FILTER_ECALL_LOAD, &ms) == SGX_ERROR_INVALID_PARAMETER);
    ms.program = 0;
    cr_expect(call(FILTER_ECALL_LOAD, &ms) == SGX_ERROR_INVALID_PARAMETER);
    expect_refused(SGX_ERROR_INVALID_STATE);
}

Test(enclave, a_request_that_lies_inside_or_nowhere_is_not_taken)
{
    static struct filter_load load_inside;
    static struct filter_run run_inside;

    cr_expect(call(FILTER_ECALL_LOAD, &load_inside) == SGX_ERROR_INVALID_PARAMETER);
    cr_expect(call(FILTER_ECALL_RUN, &run_inside) == SGX_ERROR_INVALID_PARAMETER);
    cr_expect(call(FILTER_ECALL_LOAD, NULL) == SGX_ERROR_INVALID_PARAMETER);
    cr_expect(call(FILTER_ECALL_RUN, NULL) == SGX_ERROR_INVALID_PARAMETER);
}

Test(enclave, no_room_or_no_pages_for_the_code_is_an_error_and_the_old_filter_stays)
{
    const struct filter_insn other[] = {{OP_RET_K, 0, 0, 9}};
    struct filter_load ms = {.program = (uintptr_t)other, .count = 1};

    load_first(1);
    double_reserve_status = SGX_ERROR_OUT_OF_MEMORY;
    cr_expect(call(FILTER_ECALL_LOAD, &ms) == SGX_ERROR_OUT_OF_MEMORY);
    double_reset();
    double_publish_status = SGX_ERROR_HOST;
    cr_expect(call(FILTER_ECALL_LOAD, &ms) == SGX_ERROR_HOST);
    double_reset();
    for (uint32_t engine = FILTER_JIT; engine <= FILTER_INTERPRETER; engine++) {
        host->run.engine = engine;
        cr_assert(call(FILTER_ECALL_RUN, &host->run) == SGX_SUCCESS);
        cr_expect(host->run.matches == 2 && host->verdicts[1] == 0);
    }
}

Test(enclave, a_full_region_is_an_error_and_the_last_filter_still_runs)
{
    struct filter_load ms = {0};
    struct filter_insn accept = {OP_RET_K, 0, 0, 7};
    sgx_status_t status;

    do {
        ms = (struct filter_load){.program = (uintptr_t)&accept, .count = 1};
        status = call(FILTER_ECALL_LOAD, &ms);
    } while (status == SGX_SUCCESS);
    cr_expect(status == SGX_ERROR_OUT_OF_MEMORY);
    cr_assert(call(FILTER_ECALL_RUN, &host->run) == SGX_SUCCESS);
    cr_expect(host->run.matches == 3 && host->verdicts[0] == 7);
}

/* While the host has control, inside the publish, another thread comes in. */
static void enter_again(void)
{
    struct filter_insn accept = {OP_RET_K, 0, 0, 7};
    struct filter_load ms = {.program = (uintptr_t)&accept, .count = 1};

    cr_expect(call(FILTER_ECALL_LOAD, &ms) == SGX_ERROR_DEVICE_BUSY);
    cr_expect(call(FILTER_ECALL_RUN, &host->run) == SGX_ERROR_DEVICE_BUSY);
}

Test(enclave, a_second_call_during_the_first_is_turned_away_and_changes_nothing)
{
    double_during_publish = enter_again;
    cr_expect(load_first(2).reason == FILTER_OK);
    cr_assert(call(FILTER_ECALL_RUN, &host->run) == SGX_SUCCESS);
    cr_expect(host->run.matches == 1 && host->verdicts[1] == 101);
}

Test(enclave, batches_beyond_their_limits_are_refused)
{
    load_first(1);
    host->run.packet_count = FILTER_BATCH_PACKETS + 1;
    expect_refused(SGX_ERROR_INVALID_PARAMETER);
    host->run.packet_count = ~0u;
    expect_refused(SGX_ERROR_INVALID_PARAMETER);
    host->run.packet_count = 3;

    host->run.data_size = FILTER_BATCH_BYTES + 1;
    expect_refused(SGX_ERROR_INVALID_PARAMETER);
    host->run.data_size = ~0u;
    expect_refused(SGX_ERROR_INVALID_PARAMETER);
}

Test(enclave, the_largest_batch_is_taken)
{
    load_first(1);
    for (unsigned i = 0; i < FILTER_BATCH_PACKETS; i++)
        host->packets[i] = (struct filter_packet){FILTER_BATCH_BYTES - 1, 1, 5};
    host->data[FILTER_BATCH_BYTES - 1] = 1;
    host->run.packet_count = FILTER_BATCH_PACKETS;
    host->run.data_size = FILTER_BATCH_BYTES;
    cr_assert(call(FILTER_ECALL_RUN, &host->run) == SGX_SUCCESS);
    cr_expect(host->run.matches == FILTER_BATCH_PACKETS);
    cr_expect(host->verdicts[FILTER_BATCH_PACKETS - 1] == 5);
    cr_expect(host->verdicts[FILTER_BATCH_PACKETS] == 0xeeeeeeee);
}

Test(enclave, an_unknown_engine_or_no_repetition_is_refused)
{
    load_first(1);
    host->run.engine = FILTER_INTERPRETER + 1;
    expect_refused(SGX_ERROR_INVALID_PARAMETER);
    host->run.engine = FILTER_JIT;
    host->run.repeat = 0;
    expect_refused(SGX_ERROR_INVALID_PARAMETER);
}

Test(enclave, a_packet_that_leaves_its_batch_is_refused)
{
    static const struct filter_packet bad[] = {
        {21, 10, 10}, {30, 1, 1}, {31, 0, 0}, {~0u, 1, 1}, {~0u, ~0u, 1}, {1, ~0u, 1}, {0, 31, 31},
    };

    load_first(1);
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        host->packets[2] = bad[i];
        expect_refused(SGX_ERROR_INVALID_PARAMETER);
    }
    host->packets[2] = (struct filter_packet){30, 0, 0};
    cr_expect(call(FILTER_ECALL_RUN, &host->run) == SGX_SUCCESS);
}

Test(enclave, a_packet_longer_than_the_limit_is_refused_though_the_batch_holds_it)
{
    load_first(1);
    host->run.data_size = FILTER_BATCH_BYTES;
    host->packets[0].caplen = FILTER_PACKET_MAX + 1;
    expect_refused(SGX_ERROR_INVALID_PARAMETER);
    host->packets[0].caplen = FILTER_PACKET_MAX;
    cr_expect(call(FILTER_ECALL_RUN, &host->run) == SGX_SUCCESS);
}

Test(enclave, batch_addresses_that_lie_inside_are_refused)
{
    static uint64_t inside[16];

    load_first(1);
    host->run.packets = (uintptr_t)inside;
    expect_refused(SGX_ERROR_INVALID_PARAMETER);
    host->run.packets = (uintptr_t)host->packets;
    host->run.data = (uintptr_t)inside;
    expect_refused(SGX_ERROR_INVALID_PARAMETER);
    host->run.data = (uintptr_t)host->data;
    host->run.verdicts = (uintptr_t)inside;
    expect_refused(SGX_ERROR_INVALID_PARAMETER);
    cr_expect(inside[0] == 0);
}
