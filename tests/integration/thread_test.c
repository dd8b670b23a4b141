/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thread slots: one thread in each, found by the processor and not by what the host says.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "talk.h"

TestSuite(thread, .init = host_open, .fini = host_close, .timeout = 120);

/* ------------------------------------------------------------------ one slot, two threads */

static uint8_t *lots_of_memory;
#define LOTS (UINT64_C(48) << 20)

static void *stay_inside(void *arg)
{
    static struct basic_echo ms;

    (void)arg;
    ms = (struct basic_echo){
        .from = (uintptr_t)lots_of_memory, .to = (uintptr_t)lots_of_memory, .size = LOTS};
    TALK_RETURNS(talk_ecall(host_tcs(0), BASIC_ECHO, &ms), SGX_SUCCESS);
    cr_assert_eq(ms.status, SGX_SUCCESS);
    return NULL;
}

Test(thread, a_slot_that_is_in_use_is_refused_to_a_second_thread)
{
    struct sgx2_counters before;
    struct basic_add ms = {.a = 1, .b = 1};
    unsigned refused = 0;
    struct talk exit;
    pthread_t thread;

    lots_of_memory =
        mmap(NULL, LOTS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    before = host_counters();
    pthread_create(&thread, NULL, stay_inside, NULL);
    while (host_counters().enclu[SGX_EENTER] == before.enclu[SGX_EENTER])
        sched_yield();
    for (;;) {
        exit = talk_ecall(host_tcs(0), BASIC_ADD, &ms);
        if (exit.kind != TALK_REFUSED)
            break;
        cr_assert_eq(exit.vector, SGX_VECTOR_GP);
        cr_assert_eq(ms.sum, 0);
        refused++;
    }
    TALK_RETURNS(exit, SGX_SUCCESS);
    cr_assert_gt(refused, 0);
    pthread_join(thread, NULL);
    cr_assert_eq(ms.sum, 2);
}

Test(thread, a_slot_whose_frames_are_used_up_is_refused)
{
    uint64_t tcs = host_tcs(0);
    struct basic_add ms = {.a = 1, .b = 1};

    host_interrupt(40, 3);
    TALK_INTERRUPTED(talk_ecall(tcs, BASIC_ADD, &ms));
    for (uint32_t frame = 1; frame < host.layout.slots.nssa; frame++) {
        host_interrupt(10, 3);
        TALK_INTERRUPTED(talk_enter(tcs, 0, 0, 0, 0));
    }
    TALK_REFUSES(talk_enter(tcs, 0, 0, 0, 0), SGX_VECTOR_GP);
    for (uint32_t frame = 1; frame < host.layout.slots.nssa; frame++)
        TALK_ANSWERS(talk_resume(tcs), SGX_ERROR_UNEXPECTED);
    TALK_RETURNS(talk_resume(tcs), SGX_SUCCESS);
    cr_assert_eq(ms.sum, 2);
}

/* ------------------------------------------------------------------ not a slot at all */

static void expect_no_entry(uint64_t tcs)
{
    struct basic_add ms = {.a = 1, .b = 1};
    struct talk exit = talk_ecall(tcs, BASIC_ADD, &ms);

    cr_assert_eq(exit.kind, TALK_REFUSED, "%#llx", (unsigned long long)tcs);
    cr_assert(exit.vector == SGX_VECTOR_GP || exit.vector == SGX_VECTOR_PF);
    cr_assert_eq(ms.sum, 0);
}

Test(thread, no_page_but_a_thread_control_structure_lets_anybody_in)
{
    const struct ap_slots *s = &host.layout.slots;
    struct basic_addresses at = host_addresses();

    expect_no_entry(at.data & SGX_PAGE_MASK);
    expect_no_entry(at.text & SGX_PAGE_MASK);
    expect_no_entry(at.stack & SGX_PAGE_MASK);
    expect_no_entry(host.base + host_region("heap")->offset);
    expect_no_entry(host_tcs(0) + s->ssa_from_tcs);
    expect_no_entry(host_tcs(0) + s->td_from_tcs);
    expect_no_entry(host.base + host_dynamic("pool", 0)); /* EAUG on the way, and still none */
    expect_no_entry(host.base + s->offset);               /* a guard */
    expect_no_entry(host_tcs(0) + 8);
    expect_no_entry(host_tcs(0) + 2048);
    expect_no_entry(0);
    expect_no_entry((uintptr_t)talk_area());
    host_check_sane();
}

/* The enclave writes what looks like a TCS into its own memory, for the host to enter by. */
Test(thread, data_that_looks_like_a_thread_control_structure_is_none)
{
    uint64_t page = host.base + host_dynamic("pool", 0);

    cr_assert_eq(host_commit("pool", 0, 1).status, SGX_SUCCESS);
    for (unsigned word = 0; word < 9; word++)
        cr_assert_eq(host_poke(page + 8 * word, word == 4 ? host.layout.entry : 0).caught, 0);
    cr_assert_eq(host_poke(page + 24, UINT64_C(2) << 32).caught, 0); /* NSSA */
    expect_no_entry(page);
}

Test(thread, a_page_that_the_host_declares_a_slot_is_none_until_the_enclave_agrees)
{
    struct sgx_enclave_modify_types tcs = {
        .offset = host_dynamic("pool", 0), .length = PAGE, .page_type = SGX_PT_TCS};

    cr_assert_eq(host_commit("pool", 0, 1).status, SGX_SUCCESS);
    cr_assert_eq(os_model()->ioctl(host.fd, SGX_IOC_ENCLAVE_MODIFY_TYPES, &tcs), 0);
    expect_no_entry(host.base + tcs.offset);
    cr_assert(host_epcm(tcs.offset).secinfo & SGX_SECINFO_MODIFIED);
    cr_assert(host_peek(host.base + tcs.offset, NULL).caught, "nor data any more");
    host_check_sane();
}

Test(thread, the_host_can_neither_read_nor_change_a_slot)
{
    volatile uint64_t *tcs = (volatile uint64_t *)host_tcs(2);
    struct basic_add ms = {.a = 1, .b = 1};

    cr_assert_eq(tcs[4], UINT64_MAX, "OENTRY");
    tcs[4] = 0;
    tcs[6] = 0; /* FS base */
    TALK_RETURNS(talk_ecall(host_tcs(2), BASIC_ADD, &ms), SGX_SUCCESS);
    cr_assert_eq(ms.sum, 2);
}

/* ------------------------------------------------------------------ another enclave's */

Test(thread, slots_of_two_enclaves_do_not_mix)
{
    struct host first = host;
    struct basic_tls tls = {.add = 7};
    uint64_t our_tcs = host_tcs(0);
    struct os os = *os_model();

    host_must(BASIC_TLS, &tls);
    cr_assert_eq(tls.counter, 1007);
    host_open();
    host_must(BASIC_TLS, &tls);
    cr_assert_eq(tls.counter, 1007, "the second one's own");
    cr_assert_eq(
        os.mmap((void *)our_tcs, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, host.fd, 0),
        -EACCES, "its pages stand in its own range only");
    TALK_RETURNS(talk_ecall(our_tcs, BASIC_TLS, &tls), SGX_SUCCESS);
    cr_assert_eq(tls.counter, 1014);
    TALK_RETURNS(talk_ecall(host_tcs(0), BASIC_TLS, &tls), SGX_SUCCESS);
    cr_assert_eq(tls.counter, 1014);

    /* Neither can be told to work on the other's memory. */
    TALK_RETURNS(talk_ecall(our_tcs, BASIC_ADD, (void *)(first.base + 64)),
                 SGX_ERROR_INVALID_PARAMETER);
    host_close();
    host = first;
    host_check_sane();
}

/* ------------------------------------------------------------------ many threads */

#define THREADS 8
#define CALLS   200

struct worker {
    pthread_t thread;
    unsigned number, busy;
    bool ok;
};

static sgx_status_t patient_ecall(int index, void *ms, unsigned *busy)
{
    sgx_status_t status;

    while ((status = host_ecall(index, ms)) == SGX_ERROR_OUT_OF_TCS) {
        ++*busy;
        sched_yield();
    }
    return status;
}

static void *work(void *arg)
{
    struct worker *w = arg;

    w->ok = true;
    for (uint64_t i = 0; i < CALLS; i++) {
        struct basic_add add = {.a = w->number * 1000, .b = i};
        struct basic_recurse recurse = {.depth = i % 4};

        w->ok &= patient_ecall(BASIC_ADD, &add, &w->busy) == SGX_SUCCESS;
        w->ok &= add.sum == w->number * 1000 + i;
        w->ok &= patient_ecall(BASIC_RECURSE, &recurse, &w->busy) == SGX_SUCCESS;
        w->ok &= recurse.reached == i % 4 + 1 && recurse.canary == 1;
    }
    return NULL;
}

static void run_all(struct worker workers[static THREADS], void *(*body)(void *))
{
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.number = i};
        pthread_create(&workers[i].thread, NULL, body, &workers[i]);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    for (unsigned i = 0; i < THREADS; i++)
        cr_assert(workers[i].ok, "thread %u: %s", i, ap_enclave_crash(host.enclave));
}

Test(thread, eight_threads_share_four_slots)
{
    struct worker workers[THREADS];

    run_all(workers, work);
    host_check_sane();
}

static void *commit_and_publish(void *arg)
{
    struct worker *w = arg;

    w->ok = true;
    for (uint64_t i = 0; i < 10; i++) {
        struct basic_catch caught = {.provocation = BASIC_DIVIDE, .flags = BASIC_CATCH_NESTED};
        struct basic_commit commit = {.region = "pool", .first = i * 8 + w->number, .pages = 1};
        /* All of one value: the buffer that the code is built in belongs to everybody. */
        struct basic_publish publish = {.region = "jit", .pages = 2, .value = 12};

        w->ok &= patient_ecall(BASIC_COMMIT, &commit, &w->busy) == SGX_SUCCESS;
        w->ok &= commit.status == SGX_SUCCESS && commit.zero == 1;
        w->ok &= patient_ecall(BASIC_PUBLISH, &publish, &w->busy) == SGX_SUCCESS;
        w->ok &= publish.status == SGX_SUCCESS && publish.correct == 2;
        w->ok &= patient_ecall(BASIC_CATCH, &caught, &w->busy) == SGX_SUCCESS;
        w->ok &= caught.exception.caught && caught.exception.vector == SGX_VECTOR_DE;
    }
    return NULL;
}

Test(thread, eight_threads_commit_publish_and_fault_at_once)
{
    struct sgx2_counters before = host_counters(), after;
    struct worker workers[THREADS];

    run_all(workers, commit_and_publish);
    after = host_counters();
    /* A leaf that finds its page missing faults, and runs again: those are not accepted twice. */
    cr_assert_geq(HOST_DELTA(after, before, enclu[SGX_EACCEPTCOPY]), 160);
    cr_assert_leq(HOST_DELTA(after, before, enclu[SGX_EACCEPTCOPY]) +
                      HOST_DELTA(after, before, enclu[SGX_EACCEPT]),
                  240 + HOST_DELTA(after, before, eaug_faults));
    host_check_sane();
}

static pthread_barrier_t out, back;

static sgx_status_t wait_outside(void *ms)
{
    (void)ms;
    pthread_barrier_wait(&out);
    pthread_barrier_wait(&back);
    return SGX_SUCCESS;
}

static void *occupy(void *arg)
{
    struct basic_ocall *ms = arg;

    host_ecall(BASIC_OCALL, ms);
    return NULL;
}

Test(thread, when_every_slot_is_taken_a_call_is_told_so)
{
    struct basic_ocall ms[4];
    pthread_t threads[4];
    struct basic_add add = {.a = 1, .b = 1};

    host_on_note = wait_outside;
    pthread_barrier_init(&out, NULL, 5);
    pthread_barrier_init(&back, NULL, 5);
    for (unsigned i = 0; i < 4; i++) {
        ms[i] =
            (struct basic_ocall){.index = BASIC_OCALL_NOTE, .size = 8, .inside = 1, .status = 1};
        pthread_create(&threads[i], NULL, occupy, &ms[i]);
    }
    pthread_barrier_wait(&out);
    cr_assert_eq(host_ecall(BASIC_ADD, &add), SGX_ERROR_OUT_OF_TCS);
    cr_assert_eq(add.sum, 0);
    pthread_barrier_wait(&back);
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        cr_assert_eq(ms[i].status, SGX_SUCCESS);
    }
    host_check_sane();
}

Test(thread, local_storage_belongs_to_the_slot)
{
    struct basic_tls tls = {.add = 1};

    for (unsigned slot = 0; slot < 4; slot++) {
        for (unsigned i = 1; i <= slot + 1; i++) {
            TALK_RETURNS(talk_ecall(host_tcs(slot), BASIC_TLS, &tls), SGX_SUCCESS);
            cr_assert_eq(tls.counter, 1000 + i);
            cr_assert_eq(tls.zero, i);
            cr_assert_eq(tls.aligned, 0);
            cr_assert_eq(tls.text, 1);
        }
    }
}
