/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel interrupts the enclave at any instruction it likes and, instead of resuming it, enters
 * again on the same thread slot: as an exception that never was, as an ocall's return, as a call.
 */
#include <stdlib.h>

#include "talk.h"

TestSuite(reentry, .init = host_open, .fini = host_close, .timeout = 120);

/* The lie about why: a page fault. No scene below has a real one that reaches the host. */
#define LIE SGX_VECTOR_PF

/* An ecall with a known result, and what a host does meanwhile. */
struct scene {
    int index;
    void *ms;
    size_t size;
    const void *initial;
    const void *expected;
};

/* Where a conversation is disturbed: in its passage-th entry, after so many instructions. */
struct plan {
    unsigned passage;
    uint64_t after;
    unsigned at; /* passages so far */
    bool interrupted;
};

static uint64_t tcs;

static void count_passage(struct plan *plan)
{
    if (plan->at++ == plan->passage)
        host_interrupt(plan->after, LIE);
}

/* Nothing but ERESUME gets anywhere. */
static void attack(void)
{
    static uint8_t ms[64];

    TALK_ANSWERS(talk_ecall(tcs, AP_ENTER_ORET, NULL), SGX_ERROR_UNEXPECTED);
    TALK_ANSWERS(talk_ecall(tcs, BASIC_ADD, ms), SGX_ERROR_UNEXPECTED);
    TALK_ANSWERS(talk_ecall(tcs, AP_ENTER_INIT, ms), SGX_ERROR_UNEXPECTED);
    TALK_ANSWERS(talk_enter(tcs, -99, host.base, host.base, ~UINT64_C(0)), SGX_ERROR_UNEXPECTED);
}

static bool is_lie(const struct plan *plan, const struct talk *exit)
{
    return !plan->interrupted && exit->kind == TALK_EXCEPTION && exit->vector == LIE &&
           plan->at > plan->passage;
}

/* The enclave was in phase one of an exception: its one exception stack is in use. */
static void attack_phase_one(void)
{
    for (int64_t rdi = AP_ENTER_INIT; rdi < 2; rdi++) {
        struct talk exit = talk_ecall(tcs, rdi, NULL);

        if (exit.kind == TALK_REFUSED)
            cr_assert_eq(exit.vector, SGX_VECTOR_GP, "no SSA frame is free");
        else
            TALK_ANSWERS(exit, SGX_ERROR_UNEXPECTED);
    }
}

/* A real exception: told once, and stale after that. */
static struct talk deliver(struct plan *plan)
{
    struct talk exit;

    count_passage(plan);
    exit = talk_enter(tcs, 0, 0, 0, 0);
    if (is_lie(plan, &exit)) {
        plan->interrupted = true;
        attack_phase_one();
        exit = talk_resume(tcs);
    }
    TALK_ANSWERS(exit, SGX_SUCCESS);
    attack();
    count_passage(plan);
    return talk_resume(tcs);
}

static void converse(const struct scene *scene, struct plan *plan)
{
    struct talk exit;

    memcpy(scene->ms, scene->initial, scene->size);
    count_passage(plan);
    exit = talk_ecall(tcs, scene->index, scene->ms);
    for (;;) {
        if (is_lie(plan, &exit)) {
            plan->interrupted = true;
            attack();
            exit = talk_resume(tcs);
        } else if (exit.kind == TALK_EXCEPTION) {
            exit = deliver(plan);
        } else if (exit.kind == TALK_EXIT && exit.rdi == AP_EXIT_OCALL) {
            count_passage(plan);
            exit = talk_oret(tcs, SGX_SUCCESS);
        } else {
            break;
        }
    }
    TALK_RETURNS(exit, SGX_SUCCESS);
    cr_assert(!memcmp(scene->ms, scene->expected, scene->size),
              "another result when interrupted in passage %u after %llu instructions",
              plan->passage, (unsigned long long)plan->after);
}

/* Every instruction at first, then ever fewer; the total stays within seconds. */
static uint64_t next(uint64_t n)
{
    return n < 400 ? n + 1 : n + 1 + n / 50;
}

/* Every passage of the conversation; returns how many interruptions there were. */
static unsigned disturb_everywhere(const struct scene *scene)
{
    struct plan undisturbed = {.passage = ~0u};
    unsigned interruptions = 0;

    tcs = host_tcs(0);
    converse(scene, &undisturbed); /* first touches are over now */
    for (unsigned passage = 0; passage < undisturbed.at; passage++) {
        for (uint64_t n = 1;; n = next(n)) {
            struct plan plan = {.passage = passage, .after = n};

            converse(scene, &plan);
            if (!plan.interrupted)
                break;
            interruptions++;
        }
        host_interrupt(0, 0); /* what the last round armed and did not reach */
    }
    return interruptions;
}

#define SCENE(i, type, initial_, expected_)                                                        \
    (struct scene)                                                                                 \
    {                                                                                              \
        .index = (i), .ms = &(type){0}, .size = sizeof(type), .initial = (initial_),               \
        .expected = (expected_)                                                                    \
    }

Test(reentry, at_any_instruction_of_an_ecall_is_refused_and_resuming_is_as_if_nothing_happened)
{
    const struct basic_add initial = {.a = 1000, .b = 1}, expected = {1000, 1, 1001};
    struct scene scene = SCENE(BASIC_ADD, struct basic_add, &initial, &expected);

    cr_assert_gt(disturb_everywhere(&scene), 100);
    host_check_sane();
}

Test(reentry, at_any_instruction_around_an_ocall_is_refused)
{
    const struct basic_recurse initial = {.depth = 1, .reached = 5};
    const struct basic_recurse expected = {.depth = 1, .reached = 6, .status = 0, .canary = 1};
    struct scene scene = SCENE(BASIC_RECURSE, struct basic_recurse, &initial, &expected);

    cr_assert_gt(disturb_everywhere(&scene), 300);
    host_check_sane();
}

Test(reentry, at_any_instruction_of_an_exception_and_its_handler_is_refused)
{
    const struct basic_resume initial = {0}, expected = {1, 1, 1, 1, 1, 1};
    struct scene scene = SCENE(BASIC_RESUME, struct basic_resume, &initial, &expected);

    cr_assert_gt(disturb_everywhere(&scene), 600);
    host_check_sane();
}

static struct basic_catch caught_before;

Test(reentry, at_any_instruction_of_a_handler_that_calls_out_and_faults_is_refused)
{
    const struct basic_catch initial = {.provocation = BASIC_DIVIDE,
                                        .flags = BASIC_CATCH_OCALL | BASIC_CATCH_NESTED};
    struct basic_catch ms = initial;
    struct scene scene = SCENE(BASIC_CATCH, struct basic_catch, &initial, &caught_before);

    tcs = host_tcs(0);
    TALK_RETURNS(talk_on(tcs, talk_ecall(tcs, BASIC_CATCH, &ms)), SGX_SUCCESS);
    cr_assert_eq(ms.exception.vector, SGX_VECTOR_DE);
    cr_assert_eq(ms.nested, 1);
    caught_before = ms;
    cr_assert_gt(disturb_everywhere(&scene), 1000);
    host_check_sane();
}

/* Publication leaves its mark, so each round publishes elsewhere: only the counts are compared. */
Test(reentry, during_a_publication_is_refused_and_accepts_no_page_twice)
{
    struct sgx2_counters before, after;
    unsigned rounds = 0;

    tcs = host_tcs(0);
    before = host_counters();
    for (uint64_t n = 1; n < 4000; n += 97, rounds++) {
        struct basic_publish ms = {.region = "jit", .pages = 1, .value = n};
        struct plan plan = {.passage = rounds % 2, .after = n};
        struct talk exit;

        count_passage(&plan);
        exit = talk_ecall(tcs, BASIC_PUBLISH, &ms);
        while (exit.kind != TALK_EXIT || exit.rdi != AP_EXIT_RETURN) {
            if (exit.kind == TALK_EXCEPTION) {
                attack();
                exit = talk_resume(tcs);
                continue;
            }
            TALK_OCALLS(exit, AP_OCALL_TOUCH);
            cr_assert_eq(
                *(volatile uint8_t *)(uintptr_t)(host.base +
                                                 ((struct ap_ocall_pages *)(uintptr_t)exit.rdx)
                                                     ->offset),
                0xff, "what a host reads of an enclave");
            count_passage(&plan);
            exit = talk_oret(tcs, SGX_SUCCESS);
        }
        cr_assert_eq(ms.status, SGX_SUCCESS);
        cr_assert_eq(ms.correct, 1);
        host_interrupt(0, 0);
    }
    after = host_counters();
    cr_assert_eq(HOST_DELTA(after, before, enclu[SGX_EACCEPTCOPY]), rounds);
}

/* ------------------------------------------------------------------ on other slots meanwhile */

Test(reentry, an_interrupted_slot_does_not_keep_the_others_from_working)
{
    for (uint64_t n = 1; n < 300; n += 7) {
        struct basic_add stopped = {.a = n, .b = 1}, other = {.a = n, .b = 2};

        host_interrupt(n, LIE);
        TALK_INTERRUPTED(talk_ecall(host_tcs(0), BASIC_ADD, &stopped));
        TALK_RETURNS(talk_ecall(host_tcs(1), BASIC_ADD, &other), SGX_SUCCESS);
        cr_assert_eq(other.sum, n + 2);
        TALK_RETURNS(talk_oret(host_tcs(1), SGX_SUCCESS), SGX_ERROR_UNEXPECTED);
        TALK_RETURNS(talk_resume(host_tcs(0)), SGX_SUCCESS);
        cr_assert_eq(stopped.sum, n + 1);
    }
}

/* enter_enclave reports a refused ERESUME as it reports an exception inside; the counters differ.
 */
static void expect_resume_refused(void)
{
    struct sgx2_counters before = host_counters();
    struct talk exit = talk_resume(host_tcs(0));

    cr_assert_eq(exit.kind, TALK_EXCEPTION);
    cr_assert_eq(exit.vector, SGX_VECTOR_GP);
    cr_assert_eq(host_counters().aex, before.aex, "nobody was inside");
}

Test(reentry, eresume_without_an_interrupted_context_is_refused_by_the_processor)
{
    struct basic_recurse ms = {.depth = 1};

    expect_resume_refused();
    TALK_OCALLS(talk_ecall(host_tcs(0), BASIC_RECURSE, &ms), BASIC_OCALL_RECURSE);
    expect_resume_refused();
    TALK_RETURNS(talk_oret(host_tcs(0), SGX_SUCCESS), SGX_SUCCESS);
    expect_resume_refused();
}

Test(reentry, a_context_is_resumed_once)
{
    struct basic_add ms = {.a = 1, .b = 1};

    host_interrupt(50, LIE);
    TALK_INTERRUPTED(talk_ecall(host_tcs(0), BASIC_ADD, &ms));
    TALK_RETURNS(talk_resume(host_tcs(0)), SGX_SUCCESS);
    expect_resume_refused();
    cr_assert_eq(ms.sum, 2);
}
