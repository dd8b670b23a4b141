/* SPDX-License-Identifier: Apache-2.0 */
/* enter_test.c - sibling of trts/enter.c and trts/state.c */
#include <criterion/criterion.h>
#include <string.h>

#include "abi/call.h"
#include "aperture/trts.h"
#include "fake.h"
#include "init.h"
#include "state.h"

sgx_status_t trts_enter(int64_t index, uint64_t ms, uint64_t memory, uint64_t size);

static uint64_t memory[8], ms_seen;
static struct ecall_frame frame_seen;
static unsigned inits;

static sgx_status_t body(uint64_t ms)
{
    ms_seen = ms;
    frame_seen = *fake_thread()->ecall;
    return SGX_ERROR_FEATURE_NOT_SUPPORTED; /* anything that nothing else returns */
}

static sgx_status_t nest(uint64_t ms)
{
    struct ocall_frame ocall = {.index = 0};
    struct ecall_frame *mine = fake_thread()->ecall;
    sgx_status_t status;

    fake_thread()->frame = &ocall;
    status = trts_enter(0, ms + 1, (uintptr_t)memory, 16);
    fake_thread()->frame = NULL;
    cr_assert(frame_seen.outer == mine);
    cr_assert(fake_thread()->ecall == mine, "the outer call has its memory back");
    return status;
}

static const struct ap_ecall ecalls[] = {{body, false}, {nest, false}};
static const uint8_t allowed[] = {1, 0};
const struct ap_ecall_table ap_ecalls = {2, ecalls, 1, allowed};

sgx_status_t init_enclave(void)
{
    inits++;
    return SGX_SUCCESS;
}

static void setup(void)
{
    fake_reset();
    cr_assert(state_move(STATE_UNINIT, STATE_RUNNING));
    cr_assert(state_move(STATE_RUNNING, STATE_READY));
}
TestSuite(enter, .init = setup);
TestSuite(early, .init = fake_reset);

static sgx_status_t call(uint64_t address, uint64_t size)
{
    return trts_enter(0, 0x1234, address, size);
}

Test(enter, an_ecall_gets_its_structure_and_the_hosts_memory)
{
    cr_assert(call((uintptr_t)memory, 63) == SGX_ERROR_FEATURE_NOT_SUPPORTED);
    cr_assert(ms_seen == 0x1234);
    cr_assert(frame_seen.memory == (uintptr_t)memory && frame_seen.size == 56);
    cr_assert(frame_seen.used == 0 && frame_seen.outer == NULL);
    cr_assert(fake_thread()->ecall == NULL);
}

Test(enter, no_memory_at_all_is_fine)
{
    cr_assert(call(0, 0) == SGX_ERROR_FEATURE_NOT_SUPPORTED);
    cr_assert(frame_seen.size == 0);
    cr_assert(call((uintptr_t)fake_base(), 0) == SGX_ERROR_FEATURE_NOT_SUPPORTED);
    cr_assert(frame_seen.memory == 0);
}

Test(enter, memory_that_is_not_wholly_outside_refuses_the_ecall)
{
    uint64_t base = (uintptr_t)fake_base();

    cr_assert(call(0, 64) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(call(base + 64, 64) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(call(base - 8, 16) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(call(base + FAKE_SIZE - 8, 16) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(call((uintptr_t)memory + 4, 16) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(call(UINT64_MAX - 7, 16) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(call((uintptr_t)memory, UINT64_MAX) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(ms_seen == 0, "no ecall ran");
}

Test(enter, nested_ecalls_have_memory_of_their_own)
{
    cr_assert(trts_enter(1, 7, (uintptr_t)memory, 64) == SGX_ERROR_FEATURE_NOT_SUPPORTED);
    cr_assert(ms_seen == 8);
    cr_assert(fake_thread()->ecall == NULL);
}

Test(enter, indices_that_mean_nothing_are_refused)
{
    cr_assert(trts_enter(2, 0, 0, 0) == SGX_ERROR_INVALID_FUNCTION);
    cr_assert(trts_enter(-3, 0, 0, 0) == SGX_ERROR_INVALID_FUNCTION);
    cr_assert(trts_enter(INT64_MIN, 0, 0, 0) == SGX_ERROR_INVALID_FUNCTION);
    cr_assert(inits == 0);
}

Test(enter, a_crashed_enclave_refuses_everything)
{
    state_crash();
    cr_assert(call(0, 0) == SGX_ERROR_ENCLAVE_CRASHED);
    cr_assert(trts_enter(AP_ENTER_INIT, 0, 0, 0) == SGX_ERROR_ENCLAVE_CRASHED);
    cr_assert(trts_enter(99, 0, 0, 0) == SGX_ERROR_ENCLAVE_CRASHED);
    cr_assert(ms_seen == 0 && inits == 0);
    cr_assert(!state_move(STATE_READY, STATE_RUNNING) && state_now() == STATE_CRASHED);
}

Test(enter, tls_is_set_up_before_the_first_ecall_and_then_left_alone)
{
    struct ap_layout *l = fake_layout();
    uint8_t *td = (uint8_t *)fake_thread();

    l->tls_template = 0x3000;
    l->tls_template_size = 5;
    l->tls_size = 48;
    l->tls_align = 32; /* the block begins 64 bytes below the thread data */
    memcpy(fake_base() + 0x3000, "tdata", 5);
    memset(td - 80, 0xee, 80);
    (void)call(0, 0);
    cr_assert(memcmp(td - 64, "tdata", 5) == 0);
    for (ptrdiff_t i = -59; i < -16; i++)
        cr_assert(td[i] == 0);
    cr_assert(td[-65] == 0xee, "nothing below the block is touched");
    td[-64] = 'T';
    (void)call(0, 0);
    cr_assert(td[-64] == 'T');
}

Test(early, ecalls_before_initialisation_are_refused)
{
    cr_assert(call(0, 0) == SGX_ERROR_ECALL_NOT_ALLOWED);
    cr_assert(state_move(STATE_UNINIT, STATE_RUNNING));
    cr_assert(call(0, 0) == SGX_ERROR_ECALL_NOT_ALLOWED, "also while it goes on");
    cr_assert(ms_seen == 0 && !fake_thread()->tls_ready);
}

Test(early, initialisation_is_passed_on)
{
    cr_assert(trts_enter(AP_ENTER_INIT, 0, (uintptr_t)memory, 64) == SGX_SUCCESS);
    cr_assert(inits == 1);
}

Test(early, of_two_threads_that_start_one_wins)
{
    cr_assert(state_move(STATE_UNINIT, STATE_RUNNING));
    cr_assert(!state_move(STATE_UNINIT, STATE_RUNNING));
    cr_assert(state_now() == STATE_RUNNING);
}
