/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions that the host invents, repeats, keeps to itself, or makes happen where they hurt. What
 * counts is what the processor wrote into the save area.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "talk.h"

TestSuite(exception, .init = host_open, .fini = host_close);

static uint64_t tcs;

/* ------------------------------------------------------------------ invented */

static void expect_forgery_refused(unsigned vector)
{
    struct basic_addresses at = host_addresses();
    uint64_t n;

    /* PEEK's handler is ready to take anything. */
    for (n = 20;; n += 60) {
        struct basic_access ms = {.address = at.rodata};
        struct talk exit;

        host_interrupt(n, vector);
        exit = talk_ecall(tcs, BASIC_PEEK, &ms);
        if (exit.kind != TALK_EXCEPTION)
            break;
        TALK_ANSWERS(talk_enter(tcs, vector, SGX_EXITINFO_VALID | vector, vector, 0),
                     SGX_ERROR_UNEXPECTED);
        TALK_RETURNS(talk_on(tcs, talk_resume(tcs)), SGX_SUCCESS);
        cr_assert_eq(ms.exception.caught, 0, "the handler was fooled");
        cr_assert_neq(ms.value, 0);
    }
    cr_assert_gt(n, 300);
    host_interrupt(0, 0);
}

Test(exception, that_the_host_invents_reaches_no_handler)
{
    tcs = host_tcs(0);
    for (unsigned vector = 0; vector < 32; vector++)
        expect_forgery_refused(vector);
    expect_forgery_refused(128); /* INT 80h */
    expect_forgery_refused(29);  /* #VC of another vendor */
    expect_forgery_refused(255);
    host_check_sane();
}

Test(exception, entry_without_any_interruption_is_an_ordinary_call)
{
    struct basic_add ms = {.a = 1, .b = 2};

    TALK_RETURNS(talk_ecall(host_tcs(0), BASIC_ADD, &ms), SGX_SUCCESS);
    cr_assert_eq(ms.sum, 3);
}

/* ------------------------------------------------------------------ stale */

Test(exception, that_was_told_is_not_told_twice)
{
    struct basic_resume ms = {0};

    tcs = host_tcs(0);
    cr_assert_eq(talk_ecall(tcs, BASIC_RESUME, &ms).kind, TALK_EXCEPTION);
    TALK_ANSWERS(talk_enter(tcs, 0, 0, 0, 0), SGX_SUCCESS);
    for (int i = 0; i < 5; i++)
        TALK_ANSWERS(talk_enter(tcs, 0, 0, 0, 0), SGX_ERROR_UNEXPECTED);
    TALK_RETURNS(talk_on(tcs, talk_resume(tcs)), SGX_SUCCESS);
    cr_assert_eq(ms.registers_kept + ms.flags_kept, 2);
}

Test(exception, of_the_past_does_not_colour_a_later_interrupt)
{
    struct basic_resume first = {0};
    struct basic_add ms = {.a = 1, .b = 2};

    tcs = host_tcs(0);
    TALK_RETURNS(talk_on(tcs, talk_ecall(tcs, BASIC_RESUME, &first)), SGX_SUCCESS);
    host_interrupt(60, SGX_VECTOR_UD);
    TALK_INTERRUPTED(talk_ecall(tcs, BASIC_ADD, &ms));
    TALK_ANSWERS(talk_enter(tcs, 0, 0, 0, 0), SGX_ERROR_UNEXPECTED);
    TALK_RETURNS(talk_resume(tcs), SGX_SUCCESS);
    cr_assert_eq(ms.sum, 3);
}

/* Never told, only resumed: the instruction faults again, and the next one sees the truth. */
Test(exception, that_the_host_keeps_to_itself_comes_again)
{
    struct basic_catch ms = {.provocation = BASIC_DIVIDE};
    struct talk exit;

    tcs = host_tcs(0);
    exit = talk_ecall(tcs, BASIC_CATCH, &ms);
    for (int i = 0; i < 10; i++) {
        cr_assert_eq(exit.kind, TALK_EXCEPTION);
        cr_assert_eq(exit.vector, SGX_VECTOR_DE);
        exit = talk_resume(tcs);
    }
    TALK_RETURNS(talk_on(tcs, exit), SGX_SUCCESS);
    cr_assert_eq(ms.exception.caught, 1);
    cr_assert_eq(ms.exception.vector, SGX_VECTOR_DE);
}

/* A real exception replaced by an interrupt right after: what is told is nothing. */
Test(exception, that_was_told_and_then_interrupted_is_not_told_again)
{
    struct basic_catch ms = {.provocation = BASIC_UD2};

    tcs = host_tcs(0);
    cr_assert_eq(talk_ecall(tcs, BASIC_CATCH, &ms).kind, TALK_EXCEPTION);
    TALK_ANSWERS(talk_enter(tcs, 0, 0, 0, 0), SGX_SUCCESS);
    for (int i = 0; i < 5; i++) {
        host_interrupt(1, SGX_VECTOR_UD);
        TALK_INTERRUPTED(talk_resume(tcs));
        TALK_ANSWERS(talk_enter(tcs, 0, 0, 0, 0), SGX_ERROR_UNEXPECTED);
    }
    TALK_RETURNS(talk_on(tcs, talk_resume(tcs)), SGX_SUCCESS);
    cr_assert_eq(ms.exception.vector, SGX_VECTOR_UD);
    cr_assert_eq(ms.exception.caught, 1);
}

/* ------------------------------------------------------------------ real, where they hurt */

static void protect(uint64_t address, int prot)
{
    cr_assert_eq(os_model()->mprotect((void *)(address & SGX_PAGE_MASK), PAGE, prot), 0);
}

static void expect_crashed_for_good(void)
{
    struct basic_add ms = {.a = 1};

    for (unsigned slot = 0; slot < 4; slot++) {
        TALK_RETURNS(talk_ecall(host_tcs(slot), BASIC_ADD, &ms), SGX_ERROR_ENCLAVE_CRASHED);
        TALK_RETURNS(talk_ecall(host_tcs(slot), AP_ENTER_INIT, &ms), SGX_ERROR_ENCLAVE_CRASHED);
        TALK_RETURNS(talk_oret(host_tcs(slot), SGX_SUCCESS), SGX_ERROR_ENCLAVE_CRASHED);
    }
    cr_assert_eq(ms.sum, 0);
}

/* The host takes away the stack: the door's own first push faults. */
Test(exception, within_the_door_itself_ends_the_enclave)
{
    uint64_t stack = host_tcs(0) - host.layout.slots.tcs_from_stack - PAGE;
    struct basic_add ms = {.a = 1, .b = 2};
    struct talk exit;

    tcs = host_tcs(0);
    protect(stack, PROT_NONE);
    exit = talk_ecall(tcs, BASIC_ADD, &ms);
    cr_assert_eq(exit.kind, TALK_EXCEPTION);
    cr_assert_eq(exit.vector, SGX_VECTOR_PF);
    TALK_ANSWERS(talk_enter(tcs, 0, 0, 0, 0), SGX_ERROR_ENCLAVE_CRASHED);
    protect(stack, PROT_READ | PROT_WRITE);
    cr_assert_eq(ms.sum, 0);
    for (unsigned slot = 1; slot < 4; slot++)
        TALK_RETURNS(talk_ecall(host_tcs(slot), BASIC_ADD, &ms), SGX_ERROR_ENCLAVE_CRASHED);
}

/* A lock is held when the page map turns out to be gone. */
Test(exception, while_a_lock_is_held_ends_the_enclave)
{
    uint64_t map = host.base + host_region("pagemap")->offset;
    struct basic_commit ms = {.region = "pool", .pages = 1};
    struct talk exit;

    tcs = host_tcs(0);
    protect(map, PROT_NONE);
    exit = talk_ecall(tcs, BASIC_COMMIT, &ms);
    cr_assert_eq(exit.kind, TALK_EXCEPTION);
    TALK_ANSWERS(talk_enter(tcs, 0, 0, 0, 0), SGX_ERROR_ENCLAVE_CRASHED);
    protect(map, PROT_READ | PROT_WRITE);
    TALK_RETURNS(talk_ecall(host_tcs(1), BASIC_ADD, &ms), SGX_ERROR_ENCLAVE_CRASHED);
}

/* Phase one cannot write where the frame goes: it faults itself, and is resumed when it can. */
Test(exception, during_the_telling_of_another_one_is_refused_and_can_be_resumed)
{
    struct basic_catch ms = {.provocation = BASIC_UD2};
    struct talk exit;
    uint64_t stack;

    tcs = host_tcs(0);
    stack = tcs - host.layout.slots.tcs_from_stack - 2 * PAGE;
    cr_assert_eq(talk_ecall(tcs, BASIC_CATCH, &ms).kind, TALK_EXCEPTION);
    protect(stack, PROT_NONE);
    protect(stack + PAGE, PROT_NONE);
    exit = talk_enter(tcs, 0, 0, 0, 0);
    cr_assert_eq(exit.kind, TALK_EXCEPTION, "at CSSA 1");
    cr_assert_eq(exit.vector, SGX_VECTOR_PF);
    exit = talk_enter(tcs, 0, 0, 0, 0);
    cr_assert(exit.kind == TALK_REFUSED || exit.rsi == SGX_ERROR_UNEXPECTED);
    protect(stack, PROT_READ | PROT_WRITE);
    protect(stack + PAGE, PROT_READ | PROT_WRITE);
    TALK_ANSWERS(talk_resume(tcs), SGX_SUCCESS);
    TALK_RETURNS(talk_on(tcs, talk_resume(tcs)), SGX_SUCCESS);
    cr_assert_eq(ms.exception.vector, SGX_VECTOR_UD);
}

Test(exception, with_no_stack_left_for_its_handlers_ends_the_enclave)
{
    struct talk exit;

    tcs = host_tcs(0);
    exit = talk_ecall(tcs, BASIC_OVERFLOW, NULL);
    cr_assert_eq(exit.kind, TALK_EXCEPTION);
    TALK_ANSWERS(talk_enter(tcs, 0, 0, 0, 0), SGX_ERROR_STACK_OVERRUN);
    for (unsigned slot = 1; slot < 4; slot++)
        TALK_RETURNS(talk_ecall(host_tcs(slot), BASIC_NOP, NULL), SGX_ERROR_ENCLAVE_CRASHED);
}

/* ------------------------------------------------------------------ after a crash */

Test(exception, that_nobody_handles_shuts_every_way_in)
{
    struct basic_provoke ms = {.provocation = BASIC_UD2};

    tcs = host_tcs(0);
    TALK_RETURNS(talk_on(tcs, talk_ecall(tcs, BASIC_PROVOKE, &ms)), SGX_ERROR_ENCLAVE_CRASHED);
    expect_crashed_for_good();
}

Test(exception, that_ends_the_enclave_also_ends_calls_that_are_out_on_an_ocall)
{
    struct basic_provoke ud2 = {.provocation = BASIC_UD2};
    struct basic_recurse out = {.depth = 1};

    TALK_OCALLS(talk_ecall(host_tcs(1), BASIC_RECURSE, &out), BASIC_OCALL_RECURSE);
    tcs = host_tcs(0);
    TALK_RETURNS(talk_on(tcs, talk_ecall(tcs, BASIC_PROVOKE, &ud2)), SGX_ERROR_ENCLAVE_CRASHED);
    TALK_RETURNS(talk_oret(host_tcs(1), SGX_SUCCESS), SGX_ERROR_ENCLAVE_CRASHED);
    cr_assert_eq(out.reached, 0);
    expect_crashed_for_good();
}
