/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counters as an interface: what counts where, for whom, and how the structure may grow.
 */
#include "aperture/counters.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver/count.h"
#include "model.h"
#include "raw.h"

static struct raw raw;

static void open_raw(void)
{
    raw_open(&raw);
}

static void close_raw(void)
{
    raw_close(&raw);
}

TestSuite(counters, .init = open_raw, .fini = close_raw, .timeout = 60);

static int own_tid(void)
{
    return (int)syscall(SYS_gettid);
}

static struct sgx2_counters of_thread(int tid)
{
    struct sgx2_counters counters;

    cr_assert_eq(sgx2_counters_read_thread(raw.fd, tid, &counters), 0);
    return counters;
}

static struct sgx2_counters in_all(void)
{
    struct sgx2_counters counters;

    cr_assert_eq(sgx2_counters_read(raw.fd, &counters), 0);
    return counters;
}

/* ------------------------------------------------------------------ what counts */

Test(counters, an_exit_is_of_one_of_three_kinds)
{
    const uint64_t data = raw_address(&raw, RAW_DATA);
    struct sgx2_counters a, spent, b;
    struct op op = {.op = OP_UD2};
    struct sgx2_hostile act = {.act = SGX2_HOSTILE_INTERRUPT, .value = 3, .vector = 6};

    raw_do(&raw, 0, (struct op){.op = OP_NOP});
    a = in_all();
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = data, .b = 1});
    b = in_all();
    spent = sgx2_counters_since(&b, &a);
    cr_assert_eq(spent.aex, 1);
    cr_assert_eq(spent.aex_faults, 1);
    cr_assert_eq(spent.page_faults, 1);
    cr_assert_eq(spent.enclu[SGX_ERESUME], 1);
    cr_assert_eq(spent.exceptions, 0);

    a = b;
    cr_assert_eq(raw_call(&raw, 3, SGX_EENTER, &op), 0);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_UD);
    b = in_all();
    spent = sgx2_counters_since(&b, &a);
    cr_assert_eq(spent.aex - spent.aex_faults, 1);
    cr_assert_eq(spent.aex_exceptions, 1);
    cr_assert_eq(spent.aex_interrupts, 0);
    cr_assert_geq(spent.exceptions, 1);

    a = b;
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX2_MODEL_HOSTILE, &act), 0);
    op = (struct op){.op = OP_NOP};
    cr_assert_eq(raw_call(&raw, 9, SGX_EENTER, &op), 0);
    b = in_all();
    spent = sgx2_counters_since(&b, &a);
    cr_assert_eq(spent.aex_interrupts, 1);
    cr_assert_eq(spent.aex, spent.aex_interrupts + spent.aex_faults + spent.aex_exceptions);
}

Test(counters, of_building_are_the_leaves_and_the_ioctls)
{
    const struct sgx2_counters c = in_all();

    cr_assert_eq(c.encls[SGX_EPA], 1);
    cr_assert_eq(c.encls[SGX_ECREATE], 1);
    cr_assert_eq(c.encls[SGX_EADD], 11);
    cr_assert_eq(c.encls[SGX_EEXTEND], 11 * 16);
    cr_assert_eq(c.encls[SGX_EINIT], 1);
    cr_assert_eq(c.ioctl_create, 1);
    cr_assert_eq(c.ioctl_add_pages, 11);
    cr_assert_eq(c.ioctl_init, 1);
    cr_assert_eq(c.mmaps, 3);
    cr_assert_eq(c.epc_pages, 13);
    cr_assert_eq(c.epc_pages_max, 13);
}

/* ------------------------------------------------------------------ threads */

#define THREADS 5

struct worker {
    pthread_t thread;
    unsigned tcs_page, rounds;
    int tid;
};

/* Threads go in one after the other: there are three slots. */
static void *work(void *arg)
{
    struct worker *worker = arg;

    worker->tid = own_tid();
    for (unsigned i = 0; i < worker->rounds; i++)
        raw_do(&raw, worker->tcs_page, (struct op){.op = OP_NOP});
    return NULL;
}

static void sum_rows(struct sgx2_counters *sum)
{
    int tids[64];
    const int count = sgx2_counters_threads(raw.fd, tids, 64);

    cr_assert(count >= 0 && count <= 64);
    memset(sum, 0, sizeof *sum);
    for (int i = 0; i < count; i++) {
        const struct sgx2_counters row = of_thread(tids[i]);

        sgx2_counters_add(sum, &row);
    }
}

Test(counters, of_threads_are_what_each_did_and_add_up)
{
    struct worker workers[THREADS];
    struct sgx2_counters sum, all;
    int tids[64];

    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.tcs_page = 3, .rounds = 10 * (i + 1)};
        cr_assert_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
        pthread_join(workers[i].thread, NULL);
    }
    for (unsigned i = 1; i < THREADS; i++) {
        const struct sgx2_counters c = of_thread(workers[i].tid);

        cr_assert_eq(c.enclu[SGX_EENTER], workers[i].rounds, "thread %u", i);
        cr_assert_eq(c.eexit, workers[i].rounds);
        cr_assert_eq(c.encls[SGX_EADD], 0);
        cr_assert_eq(c.ioctl_init, 0);
        cr_assert_eq(c.epc_pages, 0);
    }
    cr_assert_eq(sgx2_counters_threads(raw.fd, tids, 64), THREADS + 1);

    all = in_all();
    sum_rows(&sum);
    sum.epc_pages = all.epc_pages;
    sum.epc_pages_max = all.epc_pages_max;
    cr_assert_arr_eq(&sum, &all, sizeof all);
}

Test(counters, of_an_ioctl_belong_to_the_thread_that_issued_it)
{
    struct sgx_enclave_restrict_permissions result;
    struct sgx2_counters a = of_thread(0), b;

    cr_assert_eq(raw_restrict(&raw, RAW_DATA, SGX_PAGE_SIZE, SGX_SECINFO_R, &result), 0);
    b = of_thread(own_tid());
    cr_assert_eq(b.ioctl_restrict - a.ioctl_restrict, 1);
    cr_assert_eq(b.encls[SGX_EMODPR] - a.encls[SGX_EMODPR], 1);
    cr_assert_eq(b.encls[SGX_ETRACK] - a.encls[SGX_ETRACK], 1);
}

static struct op spin;

static void *stay(void *arg)
{
    struct sgx_enclave_run run = {.tcs = raw_address(&raw, 3 * SGX_PAGE_SIZE)};

    *(int *)arg = own_tid();
    cr_assert_eq(raw_enter(&spin, SGX_EENTER, &run), 0);
    return NULL;
}

Test(counters, of_an_IPI_belong_to_the_thread_that_it_hits)
{
    static volatile uint64_t stop;
    struct sgx_enclave_restrict_permissions result;
    struct sgx2_counters hit, sender;
    pthread_t thread;
    int tid = 0;

    raw_do(&raw, 3, (struct op){.op = OP_NOP}); /* the slot's pages are there now */
    spin = (struct op){.op = OP_SPIN, .a = (uint64_t)(uintptr_t)&stop, .ret2 = ~0ul};
    cr_assert_eq(pthread_create(&thread, NULL, stay, &tid), 0);
    while (*(volatile uint64_t *)&spin.ret2 != 0) /* CSSA, written inside */
        sched_yield();
    cr_assert_eq(raw_restrict(&raw, RAW_DATA, SGX_PAGE_SIZE, SGX_SECINFO_R, &result), 0);
    stop = 1;
    pthread_join(thread, NULL);
    hit = of_thread(tid);
    sender = of_thread(0);
    cr_assert_eq(hit.ipis, 1);
    cr_assert_eq(hit.aex_interrupts, 1);
    cr_assert_eq(sender.ipis, 0);
    cr_assert_eq(sender.encls[SGX_EMODPR], 1);
}

Test(counters, of_a_forked_child_are_its_own)
{
    int status;
    const pid_t child = fork();

    if (child == 0) {
        struct sgx_enclave_restrict_permissions result;

        _exit(raw_restrict(&raw, RAW_DATA, SGX_PAGE_SIZE, SGX_SECINFO_R, &result) == 0 ? 0 : 1);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    cr_assert_eq(of_thread(child).ioctl_restrict, 1);
    cr_assert_eq(of_thread(0).ioctl_restrict, 0);
}

Test(counters, of_a_thread_that_did_nothing_are_not_there)
{
    struct sgx2_counters counters = {.aex = 77};
    int64_t tid = 1;

    cr_assert_eq(sgx2_counters_read_thread(raw.fd, 1, &counters), -ESRCH);
    cr_assert_eq(sgx2_counters_read_thread(raw.fd, SGX2_THREADS_REST, &counters), -ESRCH);
    cr_assert_eq(sgx2_counters_read_thread(raw.fd, -2, &counters), -ESRCH);
    cr_assert_eq(counters.aex, 77, "written on success only");
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX2_MODEL_NEXT_THREAD, &tid), -ESRCH);
    tid = INT64_C(1) << 32; /* not the low half of it */
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX2_MODEL_NEXT_THREAD, &tid), -ESRCH);
    tid = (INT64_C(1) << 32) + own_tid();
    cr_assert_eq(
        sgx2_ioctl(raw.fd, SGX2_MODEL_THREAD_COUNTERS, &(struct sgx2_thread_counters){.tid = tid}),
        -ESRCH);
}

/* More threads than rows, without more threads than the machine bears. */
Test(counters, of_more_threads_than_there_is_room_for_share_a_row)
{
    struct epc_file *file = epcfile_header(raw.fd);
    const int32_t first = 1000000;
    struct sgx2_counters rest;
    int last = 0, tids[8];

    cr_assert_not_null(file);
    for (int32_t i = 0; i < (int32_t)EPC_THREADS + 100; i++)
        count_row(file, first + i)->aex++;
    rest = of_thread(SGX2_THREADS_REST);
    cr_assert(rest.aex >= 101 && rest.aex < 200, "%d", (int)rest.aex); /* we have a row too */
    cr_assert_eq(sgx2_counters_threads(raw.fd, tids, 8), EPC_THREADS + 1);
    for (int64_t tid = 0; sgx2_ioctl(raw.fd, SGX2_MODEL_NEXT_THREAD, &tid) == 0 && tid;)
        last = (int)tid;
    cr_assert_eq(last, SGX2_THREADS_REST);
    epcfile_unmap_header(file);
}

/* ------------------------------------------------------------------ how it grows */

/* The request of a program that was compiled with another size of the structure. */
static unsigned long request_of_size(unsigned long request, size_t size)
{
    return _IOC(_IOC_DIR(request), _IOC_TYPE(request), _IOC_NR(request), size);
}

Test(counters, are_as_many_as_an_older_program_knows)
{
    const size_t old = offsetof(struct sgx2_counters, aex_interrupts);
    struct sgx2_counters counters;
    uint8_t buffer[sizeof counters];

    memset(buffer, 0x5a, sizeof buffer);
    cr_assert_eq(sgx2_ioctl(raw.fd, request_of_size(SGX2_MODEL_COUNTERS, old), buffer), 0);
    counters = in_all();
    cr_assert_arr_eq(buffer, &counters, old);
    for (size_t i = old; i < sizeof buffer; i++)
        cr_assert_eq(buffer[i], 0x5a, "byte %zu", i);
}

Test(counters, that_only_a_newer_program_knows_are_zero)
{
    struct {
        struct sgx2_counters known;
        uint64_t more[100], beyond;
    } all = {.beyond = 77};
    struct {
        struct sgx2_thread_counters known;
        uint64_t more[100], beyond;
    } thread = {.beyond = 77};
    const size_t size = sizeof all - sizeof(uint64_t),
                 thread_size = sizeof thread - sizeof(uint64_t);

    memset(all.more, 0x5a, sizeof all.more);
    memset(thread.more, 0x5a, sizeof thread.more);
    cr_assert_eq(sgx2_ioctl(raw.fd, request_of_size(SGX2_MODEL_COUNTERS, size), &all), 0);
    cr_assert_eq(
        sgx2_ioctl(raw.fd, request_of_size(SGX2_MODEL_THREAD_COUNTERS, thread_size), &thread), 0);
    cr_assert_eq(all.known.encls[SGX_EADD], 11);
    cr_assert_eq(thread.known.tid, own_tid());
    cr_assert_eq(thread.known.counters.encls[SGX_EADD], 11);
    for (unsigned i = 0; i < 100; i++)
        cr_assert(all.more[i] == 0 && thread.more[i] == 0);
    cr_assert(all.beyond == 77 && thread.beyond == 77);
}

Test(counters, come_in_whole_numbers_only)
{
    static const size_t sizes[] = {0, 4, 8, 9, 17, 100};
    uint8_t buffer[256];

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        cr_assert_eq(sgx2_ioctl(raw.fd, request_of_size(SGX2_MODEL_COUNTERS, sizes[i]), buffer),
                     -ENOTTY);
        cr_assert_eq(
            sgx2_ioctl(raw.fd, request_of_size(SGX2_MODEL_THREAD_COUNTERS, sizes[i]), buffer),
            -ENOTTY);
    }
}

Test(counters, say_how_many_the_model_knows)
{
    struct sgx2_model_abi abi;

    cr_assert_eq(sgx2_ioctl(raw.fd, SGX2_MODEL_ABI, &abi), 0);
    cr_assert_eq(abi.version, SGX2_MODEL_ABI_VERSION);
    cr_assert_eq(abi.counters_size, sizeof(struct sgx2_counters));
}

Test(counters, are_not_written_where_there_is_no_memory)
{
    static const unsigned long requests[] = {SGX2_MODEL_COUNTERS, SGX2_MODEL_THREAD_COUNTERS,
                                             SGX2_MODEL_NEXT_THREAD, SGX2_MODEL_ABI};
    void *nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int64_t *readable = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        cr_assert_eq(sgx2_ioctl(raw.fd, requests[i], nowhere), -EFAULT);
        cr_assert_eq(sgx2_ioctl(raw.fd, requests[i], readable), -EFAULT);
    }
}

/* ------------------------------------------------------------------ the library */

Test(counters, of_what_is_no_enclave_are_refused)
{
    const int fd = open("/dev/null", O_RDWR);
    struct sgx2_counters counters;

    cr_assert_eq(sgx2_counters_read(fd, &counters), -ENOTTY);
    cr_assert_eq(sgx2_counters_read_thread(fd, 0, &counters), -ENOTTY);
    cr_assert_eq(sgx2_counters_threads(fd, NULL, 0), -ENOTTY);
    close(fd);
    cr_assert_eq(sgx2_counters_read(fd, &counters), -EBADF);
}

Test(counters, have_names_each_its_own)
{
    const struct sgx2_counter *counter;
    size_t count = 0;

    for (; (counter = sgx2_counter_at(count)); count++) {
        cr_assert_eq(sgx2_counter_named(counter->name), counter, "%s", counter->name);
        for (size_t i = 0; i < count; i++)
            cr_assert_neq(sgx2_counter_at(i)->offset, counter->offset, "%s", counter->name);
    }
    cr_assert_eq(count * sizeof(uint64_t), sizeof(struct sgx2_counters));
    cr_assert_null(sgx2_counter_named("EJECT"));
    counter = sgx2_counter_named("EACCEPTCOPY");
    cr_assert_eq(counter->offset, offsetof(struct sgx2_counters, enclu[SGX_EACCEPTCOPY]));
    counter = sgx2_counter_named("EAUG");
    cr_assert_eq(counter->offset, offsetof(struct sgx2_counters, encls[SGX_EAUG]));
}

Test(counters, that_may_fall_are_not_subtracted)
{
    const struct sgx2_counters then = {.aex = 3, .epc_pages = 20, .epc_pages_max = 30},
                               now = {.aex = 5, .epc_pages = 10, .epc_pages_max = 30};
    const struct sgx2_counters since = sgx2_counters_since(&now, &then);

    cr_assert_eq(since.aex, 2);
    cr_assert_eq(since.epc_pages, 10);
    cr_assert_eq(since.epc_pages_max, 30);
}

Test(counters, are_printed_if_any_column_has_them)
{
    const struct sgx2_counters columns[] = {{.enclu = {[SGX_EENTER] = 12}}, {.aex = 7}};
    const char *const titles[] = {"one", "two"};
    char text[2048] = "";
    FILE *to = fmemopen(text, sizeof text, "w");

    sgx2_counters_print(to, columns, titles, 2);
    fclose(to);
    cr_assert_str_eq(text,
                     "                            one        two\n"
                     "  EENTER                     12          0\n"
                     "  aex                         0          7  exits: asynchronous (AEX)\n",
                     "%s", text);
}
