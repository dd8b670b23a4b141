/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first entry: before it no call runs, after it none initialises again, and of two at once one
 * does it.
 */
#include <pthread.h>
#include <stdlib.h>

#include "gate.h"
#include "talk.h"

static void open_uninitialised(void)
{
    talk_create_uninitialised(basic_file);
}

TestSuite(init, .init = open_uninitialised, .fini = host_close, .timeout = 120);

static struct talk start(unsigned slot)
{
    return talk_ecall(host_tcs(slot), AP_ENTER_INIT, NULL);
}

static void initialise(unsigned slot)
{
    TALK_RETURNS(talk_on(host_tcs(slot), start(slot)), SGX_SUCCESS);
    host_check_sane();
}

static void expect_no_call(unsigned slot)
{
    static uint8_t ms[512];

    for (int index = 0; index < BASIC_ECALL_COUNT; index++)
        TALK_RETURNS(talk_ecall(host_tcs(slot), index, ms), SGX_ERROR_ECALL_NOT_ALLOWED);
}

Test(init, no_ecall_runs_before_it)
{
    for (unsigned slot = 0; slot < 4; slot++) {
        expect_no_call(slot);
        TALK_RETURNS(talk_oret(host_tcs(slot), SGX_SUCCESS), SGX_ERROR_UNEXPECTED);
    }
    cr_assert_eq(host_counters().enclu[SGX_EACCEPT], 0);
    initialise(2);
}

Test(init, happens_once)
{
    initialise(0);
    for (unsigned slot = 0; slot < 4; slot++)
        TALK_RETURNS(start(slot), SGX_ERROR_ECALL_NOT_ALLOWED);
    host_check_sane();
}

Test(init, does_not_happen_again_from_within_an_ocall)
{
    struct basic_recurse ms = {.depth = 1};

    initialise(0);
    TALK_OCALLS(talk_ecall(host_tcs(0), BASIC_RECURSE, &ms), BASIC_OCALL_RECURSE);
    TALK_RETURNS(start(0), SGX_ERROR_ECALL_NOT_ALLOWED);
    TALK_RETURNS(talk_oret(host_tcs(0), SGX_SUCCESS), SGX_SUCCESS);
    cr_assert_eq(ms.canary, 1);
}

/* It asks the host for something: while it is out, nobody else gets in. */
Test(init, lets_no_call_in_while_it_is_out_on_an_ocall)
{
    struct talk exit = start(0);

    TALK_OCALLS(exit, AP_OCALL_RESTRICT);
    for (unsigned slot = 0; slot < 4; slot++) {
        expect_no_call(slot);
        TALK_RETURNS(start(slot), SGX_ERROR_ECALL_NOT_ALLOWED);
    }
    TALK_RETURNS(talk_on(host_tcs(0), exit), SGX_SUCCESS);
    host_check_sane();
}

Test(init, without_memory_for_its_ocall_fails_for_good)
{
    TALK_RETURNS(talk_enter(host_tcs(0), AP_ENTER_INIT, 0, 0, 0), SGX_ERROR_HOST);
    TALK_RETURNS(start(0), SGX_ERROR_ENCLAVE_CRASHED);
    TALK_RETURNS(talk_ecall(host_tcs(1), BASIC_NOP, NULL), SGX_ERROR_ENCLAVE_CRASHED);
}

Test(init, refuses_memory_for_its_ocall_that_lies_inside)
{
    TALK_RETURNS(talk_enter(host_tcs(0), AP_ENTER_INIT, 0, host.base, 4096),
                 SGX_ERROR_INVALID_PARAMETER);
    TALK_RETURNS(talk_enter(host_tcs(0), AP_ENTER_INIT, 0, host.base - 8, 16),
                 SGX_ERROR_INVALID_PARAMETER);
    initialise(0);
}

Test(init, whose_ocall_is_answered_without_doing_anything_fails_for_good)
{
    TALK_OCALLS(start(0), AP_OCALL_RESTRICT);
    TALK_RETURNS(talk_oret(host_tcs(0), SGX_SUCCESS), SGX_ERROR_HOST);
    TALK_RETURNS(start(0), SGX_ERROR_ENCLAVE_CRASHED);
    TALK_RETURNS(talk_ecall(host_tcs(1), BASIC_NOP, NULL), SGX_ERROR_ENCLAVE_CRASHED);
}

Test(init, whose_pages_are_restricted_to_more_than_was_asked_fails_for_good)
{
    struct talk exit = start(0);
    const struct ap_ocall_pages *p = (const struct ap_ocall_pages *)(uintptr_t)exit.rdx;
    struct sgx_enclave_restrict_permissions wider = {
        .offset = p->offset, .length = p->size, .permissions = SGX_SECINFO_R | SGX_SECINFO_W};

    cr_assert_eq(p->perm, SGX_SECINFO_R);
    cr_assert_eq(p->offset, host.layout.relro_offset);
    cr_assert_eq(p->size, host.layout.relro_pages * PAGE);
    cr_assert_eq(os_model()->ioctl(host.fd, SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS, &wider), 0);
    TALK_RETURNS(talk_oret(host_tcs(0), SGX_SUCCESS), SGX_ERROR_HOST);
    TALK_RETURNS(talk_ecall(host_tcs(1), BASIC_NOP, NULL), SGX_ERROR_ENCLAVE_CRASHED);
}

/* ------------------------------------------------------------------ interrupted */

/* On a slot that was never entered there is no thread data yet. Each round needs a new enclave. */
static void interrupt_first_entry(uint64_t n)
{
    struct talk exit;

    host_interrupt(n, SGX_VECTOR_UD);
    exit = start(0);
    if (exit.kind == TALK_EXCEPTION) {
        TALK_ANSWERS(talk_enter(host_tcs(0), 0, 0, 0, 0), SGX_ERROR_UNEXPECTED);
        TALK_ANSWERS(start(0), SGX_ERROR_UNEXPECTED);
        expect_no_call(1);
        exit = talk_resume(host_tcs(0));
    }
    TALK_RETURNS(talk_on(host_tcs(0), exit), SGX_SUCCESS);
    host_check_sane();
    TALK_RETURNS(start(1), SGX_ERROR_ECALL_NOT_ALLOWED);
}

Test(init, interrupted_anywhere_goes_on_as_if_nothing_had_happened)
{
    interrupt_first_entry(1);
    for (uint64_t n = 2; n < 40000; n += n < 60 ? 2 : n / 4) {
        host_close();
        open_uninitialised();
        interrupt_first_entry(n);
    }
}

/* ------------------------------------------------------------------ at once */

#define RACERS 2
#define ROUNDS 25

static pthread_barrier_t line;
static sgx_status_t results[RACERS];

/*
 * A new thread has the stack of one that ended, and AddressSanitizer's marks on it can be stale:
 * that one left by way of an enclave. This removes them.
 */
#ifdef __SANITIZE_ADDRESS__
void __asan_handle_no_return(void);
#else
#define __asan_handle_no_return() ((void)0)
#endif

static void *race(void *arg)
{
    unsigned slot = (unsigned)(uintptr_t)arg;
    struct talk exit;

    __asan_handle_no_return();
    pthread_barrier_wait(&line);
    exit = talk_on(host_tcs(slot), start(slot));
    results[slot] = exit.kind == TALK_EXIT ? (sgx_status_t)exit.rsi : SGX_ERROR_UNEXPECTED;
    return NULL;
}

Test(init, of_two_threads_at_once_happens_in_one)
{
    pthread_t threads[RACERS];

    pthread_barrier_init(&line, NULL, RACERS);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned won = 0, refused = 0;

        for (unsigned i = 0; i < RACERS; i++)
            pthread_create(&threads[i], NULL, race, (void *)(uintptr_t)i);
        for (unsigned i = 0; i < RACERS; i++)
            pthread_join(threads[i], NULL);
        for (unsigned i = 0; i < RACERS; i++) {
            won += results[i] == SGX_SUCCESS;
            refused += results[i] == SGX_ERROR_ECALL_NOT_ALLOWED;
        }
        cr_assert_eq(won, 1, "round %u: %#x %#x", round, results[0], results[1]);
        cr_assert_eq(refused, RACERS - 1);
        cr_assert_eq(host_counters().enclu[SGX_EACCEPT], host.layout.relro_pages);
        host_check_sane();
        host_close();
        open_uninitialised();
    }
}
