/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages that leave the EPC under threads that use them, of one process and of several.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver/reclaim.h"
#include "driver/share.h"
#include "model.h"
#include "raw.h"

#define RW         (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W)
#define RW_PENDING (RW | SGX_SECINFO_PENDING)
#define MAGIC      UINT64_C(0x1122334455667788)

TestSuite(reclaim_race, .timeout = 120);

static struct raw raw;
static volatile bool stop;

/* What two processes tell each other. */
static struct board {
    volatile uint64_t stop;
    struct op op; /* of a thread that spins inside: it has shown its CSSA in ret2 */
} * board;

static void open_board(void)
{
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(board, MAP_FAILED);
    board->op = (struct op){.op = OP_SPIN, .a = (uint64_t)(uintptr_t)&board->stop, .ret2 = ~0ul};
}

static void await_spinning(void)
{
    while (*(volatile uint64_t *)&board->op.ret2 != 0)
        sched_yield();
}

static int evict(uint64_t offset)
{
    struct sgx2_hostile act = {.act = SGX2_HOSTILE_EVICT, .offset = offset};

    return sgx2_ioctl(raw.fd, SGX2_MODEL_HOSTILE, &act);
}

static void store(uint64_t offset, uint64_t value)
{
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = raw_address(&raw, offset), .b = value});
}

static uint64_t load(uint64_t offset)
{
    return raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = raw_address(&raw, offset)}).ret;
}

static void map_free(uint64_t pages)
{
    cr_assert_gt(sgx2_mmap(raw.base + RAW_FREE, pages * SGX_PAGE_SIZE, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_FIXED, raw.fd, 0),
                 0);
}

/* In a thread or a child: true if op came back by EEXIT. */
static bool enter(unsigned tcs_page, struct op *op)
{
    struct sgx_enclave_run run = {.tcs = raw_address(&raw, tcs_page * SGX_PAGE_SIZE)};

    return raw_enter(op, SGX_EENTER, &run) == 0 && run.function == SGX_EEXIT;
}

static void *spin_at_tcs_9(void *arg)
{
    return enter(9, &board->op) ? NULL : arg;
}

static pthread_t spin_in_thread(void)
{
    pthread_t thread;

    open_board();
    raw_open(&raw);
    cr_assert_eq(pthread_create(&thread, NULL, spin_at_tcs_9, &raw), 0);
    await_spinning();
    return thread;
}

static void stop_thread(pthread_t thread)
{
    void *failed;

    board->stop = 1;
    pthread_join(thread, &failed);
    cr_assert_null(failed);
}

/* ------------------------------------------------------------------ threads */

Test(reclaim_race, the_pages_that_a_thread_inside_stands_on_are_evicted_and_it_goes_on)
{
    static const uint64_t used[] = {9 * SGX_PAGE_SIZE, 10 * SGX_PAGE_SIZE, RAW_CODE};
    const pthread_t thread = spin_in_thread();
    struct sgx2_counters c;

    for (unsigned round = 0; round < 50; round++)
        for (unsigned i = 0; i < 3; i++)
            cr_assert_eq(evict(used[i]), 0);
    c = raw_counters(&raw);
    cr_assert_gt(c.ipis, 0);
    stop_thread(thread);
    cr_assert_gt(raw_counters(&raw).reloaded, 3);
    cr_assert_eq(raw_counters(&raw).exceptions, 0);
    raw_close(&raw);
}

Test(reclaim_race, a_thread_inside_costs_one_more_write_and_an_ipi)
{
    const pthread_t thread = spin_in_thread();
    struct sgx2_counters before = raw_counters(&raw), after;

    cr_assert_eq(evict(RAW_DATA), 0); /* which the thread does not use */
    after = raw_counters(&raw);
    cr_assert_eq(after.encls[SGX_EWB] - before.encls[SGX_EWB], 3);
    cr_assert_eq(after.encls[SGX_ETRACK] - before.encls[SGX_ETRACK], 1);
    cr_assert_eq(after.encls[SGX_EBLOCK] - before.encls[SGX_EBLOCK], 1);
    cr_assert_eq(after.ipis - before.ipis, 1);
    stop_thread(thread);
    raw_close(&raw);
}

/* A leaf traps, and its page of code is gone before the trap is looked at. */
static void *enclu_all_the_time(void *arg)
{
    const uint64_t mismatch = raw_address(&raw, RAW_DATA);

    while (!stop) {
        struct op op = {.op = OP_REPEAT,
                        .a = SGX_EACCEPT,
                        .b = raw_address(&raw, RAW_OPERAND),
                        .c = mismatch,
                        .n = 200};

        if (!enter(3, &op) || op.ret != SGX_PAGE_ATTRIBUTES_MISMATCH)
            return arg;
    }
    return NULL;
}

Test(reclaim_race, leaves_go_on_while_their_code_and_operands_come_and_go)
{
    static const uint64_t used[] = {RAW_CODE, RAW_OPERAND, RAW_DATA, 3 * SGX_PAGE_SIZE,
                                    4 * SGX_PAGE_SIZE};
    pthread_t thread;
    void *failed;

    raw_open(&raw);
    store(RAW_OPERAND, RW_PENDING);
    pthread_create(&thread, NULL, enclu_all_the_time, &raw);
    for (unsigned i = 0; i < 3000; i++)
        cr_assert_eq(evict(used[i % 5]), 0);
    stop = true;
    pthread_join(thread, &failed);
    cr_assert_null(failed);
    cr_assert_eq(raw_counters(&raw).exceptions, 0);
    raw_close(&raw);
}

static void *evict_all_the_time(void *arg)
{
    while (!stop)
        if (evict(RAW_DATA) < 0 || evict(RAW_DATA + SGX_PAGE_SIZE) < 0)
            return arg;
    return NULL;
}

/* The moment at which a reclaimer has given up the lock, so that others leave. */
Test(reclaim_race, an_ioctl_that_finds_tracking_under_way_tracks_after_it)
{
    const pthread_t spinner = spin_in_thread();
    struct enclave *e = enclave_by_fd(raw.fd);
    struct sgx_enclave_restrict_permissions r;
    struct sgx2_counters c;

    enclave_lock(e);
    cr_assert_eq(reclaim_etrack(e).code, SGX_OK);
    cr_assert_eq(reclaim_etrack(e).code, SGX_PREV_TRK_INCMPL);
    enclave_unlock(e);
    c = raw_counters(&raw);
    cr_assert_eq(raw_restrict(&raw, RAW_DATA, SGX_PAGE_SIZE, SGX_SECINFO_R, &r), 0);
    cr_assert_eq(raw_counters(&raw).encls[SGX_ETRACK], c.encls[SGX_ETRACK] + 2);
    cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_PR,
                          raw.base + RAW_DATA, NULL),
                 SGX_OK);
    stop_thread(spinner);
    raw_close(&raw);
}

Test(reclaim_race, what_an_ioctl_restricts_meanwhile_is_tracked)
{
    const uint64_t accept = SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_PR;
    const pthread_t spinner = spin_in_thread();
    struct sgx_enclave_restrict_permissions r;
    pthread_t evictor;
    void *failed;

    map_free(1);
    cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, RW_PENDING, raw.base + RAW_FREE, NULL), SGX_OK);
    pthread_create(&evictor, NULL, evict_all_the_time, &raw);
    for (unsigned i = 0; i < 200; i++) {
        cr_assert_eq(raw_restrict(&raw, RAW_FREE, SGX_PAGE_SIZE, SGX_SECINFO_R, &r), 0);
        cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, accept, raw.base + RAW_FREE, NULL), SGX_OK);
        load(RAW_DATA);
    }
    stop = true;
    pthread_join(evictor, &failed);
    cr_assert_null(failed);
    stop_thread(spinner);
    raw_close(&raw);
}

/* ------------------------------------------------------------------ sixty-four threads */

#define THREADS 64u
#define ROUNDS  40u

/* Three pages each: TCS, SSA, data. */
static uint64_t tcs_page(unsigned i)
{
    return 16 + 3 * i;
}

static void make_tcs(unsigned i)
{
    const uint64_t at = tcs_page(i) * SGX_PAGE_SIZE;
    const struct {
        size_t offset;
        uint64_t value;
    } fields[] = {
        {offsetof(struct sgx_tcs, ossa), at + SGX_PAGE_SIZE},
        {offsetof(struct sgx_tcs, cssa), UINT64_C(1) << 32}, /* and NSSA: 1 */
        {offsetof(struct sgx_tcs, oentry), RAW_CODE},
        {offsetof(struct sgx_tcs, ofsbase), RAW_DATA},
        {offsetof(struct sgx_tcs, ogsbase), RAW_DATA},
        {offsetof(struct sgx_tcs, fslimit), ~UINT64_C(0)}, /* and GSLIMIT */
    };
    struct sgx_enclave_modify_types m;

    for (size_t k = 0; k < sizeof fields / sizeof *fields; k++)
        store(at + fields[k].offset, fields[k].value);
    cr_assert_eq(raw_modify(&raw, at, SGX_PAGE_SIZE, SGX_PT_TCS, &m), 0);
    cr_assert_eq(
        raw_leaf(&raw, 0, SGX_EACCEPT, SGX_SECINFO_TCS | SGX_SECINFO_MODIFIED, raw.base + at, NULL),
        SGX_OK);
}

static void *count_up(void *arg)
{
    const unsigned i = (unsigned)(uintptr_t)arg;
    const uint64_t data = raw_address(&raw, (tcs_page(i) + 2) * SGX_PAGE_SIZE);

    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct op put = {.op = OP_STORE, .a = data, .b = MAGIC * i + round};
        struct op get = {.op = OP_LOAD, .a = data};

        if (!enter((unsigned)tcs_page(i), &put) || !enter((unsigned)tcs_page(i), &get) ||
            get.ret != MAGIC * i + round)
            return &raw;
    }
    return NULL;
}

Test(reclaim_race, sixty_four_threads_in_an_epc_that_holds_a_third_of_their_pages)
{
    pthread_t thread[THREADS];
    struct op op;

    setenv("APERTURE_EPC_SIZE", "256K", 1);
    raw_open(&raw);
    map_free(3 * THREADS);
    store(RAW_OPERAND, RW_PENDING);
    op = raw_do(&raw, 0,
                (struct op){.op = OP_COMMIT,
                            .b = raw_address(&raw, RAW_OPERAND),
                            .c = raw_address(&raw, RAW_FREE),
                            .n = 3 * THREADS});
    cr_assert_eq(op.ret, 0);
    for (unsigned i = 0; i < THREADS; i++)
        make_tcs(i);
    for (unsigned i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&thread[i], NULL, count_up, (void *)(uintptr_t)i), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        void *failed;

        pthread_join(thread[i], &failed);
        cr_assert_null(failed, "thread %u", i);
    }
    cr_assert_leq(raw_counters(&raw).epc_pages_max, 64);
    cr_assert_eq(raw_counters(&raw).exceptions, 0);
    raw_close(&raw);
}

/* ------------------------------------------------------------------ processes */

static pid_t child(bool (*body)(void))
{
    const pid_t pid = fork();

    if (pid == 0)
        _exit(body() ? 0 : 1);
    cr_assert_gt(pid, 0);
    return pid;
}

static void expect_success(pid_t pid)
{
    int status = -1;

    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child's status is %#x", status);
}

static bool load_and_evict(void)
{
    struct op op = {.op = OP_LOAD, .a = raw_address(&raw, RAW_DATA)};

    if (!enter(3, &op) || op.ret != MAGIC)
        return false;
    op = (struct op){.op = OP_STORE, .a = op.a, .b = MAGIC + 1};
    return enter(3, &op) && evict(RAW_DATA) == 0;
}

Test(reclaim_race, a_page_that_one_process_evicts_comes_back_to_another)
{
    struct sgx2_counters c;

    raw_open(&raw);
    store(RAW_DATA, MAGIC);
    cr_assert_eq(evict(RAW_DATA), 0);
    expect_success(child(load_and_evict));
    cr_assert_eq(load(RAW_DATA), MAGIC + 1);
    c = raw_counters(&raw);
    cr_assert_eq(c.evicted, 2);
    cr_assert_eq(c.reloaded, 2);
    raw_close(&raw);
}

static bool evict_what_the_parent_spins_on(void)
{
    for (unsigned i = 0; i < 20; i++)
        if (evict(RAW_CODE) < 0 || evict(9 * SGX_PAGE_SIZE) < 0 || evict(RAW_DATA) < 0)
            return false;
    return true;
}

Test(reclaim_race, a_page_that_one_process_evicts_is_taken_from_a_thread_of_another_inside)
{
    const pthread_t thread = spin_in_thread();

    store(RAW_DATA, MAGIC);
    expect_success(child(evict_what_the_parent_spins_on));
    cr_assert_gt(raw_counters(&raw).ipis, 0);
    stop_thread(thread);
    cr_assert_eq(load(RAW_DATA), MAGIC);
    cr_assert_eq(raw_counters(&raw).exceptions, 0);
    raw_close(&raw);
}

static bool spin(void)
{
    return enter(9, &board->op);
}

Test(reclaim_race, a_thread_that_is_stopped_inside_finds_its_tcs_and_frame_when_it_goes_on)
{
    pid_t inside;

    open_board();
    raw_open(&raw);
    inside = child(spin);
    await_spinning();
    kill(inside, SIGSTOP);
    waitpid(inside, NULL, WUNTRACED);
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < 11; i++)
            cr_assert_eq(evict(i * SGX_PAGE_SIZE), 0);
    cr_assert_eq(raw_counters(&raw).epc_pages, 4, "version array, SECS, its TCS and frame");
    kill(inside, SIGCONT);
    board->stop = 1;
    expect_success(inside);
    cr_assert_eq(raw_counters(&raw).exceptions, 0);
    raw_close(&raw);
}

/* What is left of a process that dies while it waits for others to leave. */
static bool begin_to_evict_data(void)
{
    struct enclave *e = enclave_by_fd(raw.fd);
    const uint64_t page = RAW_DATA >> SGX_PAGE_SHIFT;
    struct epc_reclaim *r = &e->file->reclaim;

    enclave_lock(e);
    pagetable_zap(e, page, page + 1);
    share_page_changed(e, page);
    cpu_eblock(&e->epc, epc_address(&e->epc, e->records[page].frame));
    e->records[page].where = RECORD_LEAVING;
    r->leaving[r->leaving_count++] = page;
    enclave_unlock(e);
    return true;
}

Test(reclaim_race, what_a_process_that_dies_has_begun_to_evict_the_next_one_finishes)
{
    raw_open(&raw);
    store(RAW_DATA, MAGIC);
    expect_success(child(begin_to_evict_data));
    cr_assert_eq(raw_counters(&raw).evicted, 0);
    cr_assert_eq(load(RAW_DATA), MAGIC);
    cr_assert_eq(raw_counters(&raw).evicted, 1);
    cr_assert_eq(raw_counters(&raw).reloaded, 1);
    expect_success(child(begin_to_evict_data));
    cr_assert_eq(evict(RAW_OPERAND), 0);
    cr_assert_eq(raw_counters(&raw).evicted, 3);
    raw_close(&raw);
}
