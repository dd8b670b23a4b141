/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large enclaves, many pages, many threads: what they cost beside the pages themselves.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "driver/enclave.h"
#include "model.h"
#include "raw.h"

#define RW_PENDING (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_PENDING)
#define KIB        UINT64_C(1024)

TestSuite(scale, .timeout = 240);

static struct raw raw;

/* ------------------------------------------------------------------ memory */

/* A line of /proc/self/status, in bytes. */
static uint64_t status(const char *name)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    unsigned long long kib = 0;

    cr_assert_not_null(file);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
            cr_assert_eq(sscanf(line + strlen(name) + 1, "%llu", &kib), 1);
    fclose(file);
    return kib * KIB;
}

/*
 * What this process and its enclave take: the memory file, whose pages are mapped twice and counted
 * once here; the process's own; and the page tables of all its mappings.
 */
static uint64_t memory(void)
{
    struct stat st;

    cr_assert_eq(fstat(raw.fd, &st), 0);
    return (uint64_t)st.st_blocks * 512 + status("RssAnon") + status("VmPTE");
}

/* Of the processor, whoever else wants it. */
static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void map_free(uint64_t offset, uint64_t size, int prot)
{
    cr_assert_gt(sgx2_mmap(raw.base + offset, size, prot, MAP_SHARED | MAP_FIXED, raw.fd, 0), 0);
}

static void operand(uint64_t secinfo)
{
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = raw_address(&raw, RAW_OPERAND), .b = secinfo});
}

/* From inside, one EACCEPT a page. */
static void commit(uint64_t offset, uint64_t pages)
{
    const struct op op = {.op = OP_COMMIT,
                          .b = raw_address(&raw, RAW_OPERAND),
                          .c = raw_address(&raw, offset),
                          .n = pages};

    cr_assert_eq(raw_do(&raw, 0, op).ret, 0);
}

#define GIB_PAGES (UINT64_C(1) << 18)

Test(scale, a_gibibyte_page_by_page_takes_less_than_two_percent_beside_the_pages)
{
    const uint64_t pages = GIB_PAGES, size = pages * SGX_PAGE_SIZE;
    uint64_t before, taken;

    raw_open(&raw);
    map_free(RAW_FREE, size, PROT_READ | PROT_WRITE);
    operand(RW_PENDING);
    before = memory();
    commit(RAW_FREE, pages);
    taken = memory() - before;
    cr_assert_eq(raw_counters(&raw).eaug_faults, pages);
    cr_assert_geq(taken, size);
    cr_assert_lt((double)(taken - size), 0.02 * (double)size, "%.2f %% beside the pages",
                 100 * (double)(taken - size) / (double)size);
    raw_close(&raw);
}

Test(scale, each_page_takes_one_trap_and_one_mprotect_however_many_there_are)
{
    raw_open(&raw);
    map_free(RAW_FREE, 0x10000 * SGX_PAGE_SIZE, PROT_READ | PROT_WRITE);
    operand(RW_PENDING);
    for (uint64_t pages = 0x100, at = RAW_FREE; pages <= 0x8000; pages *= 8) {
        const struct sgx2_counters a = raw_counters(&raw);
        struct sgx2_counters b;

        commit(at, pages);
        b = raw_counters(&raw);
        at += pages * SGX_PAGE_SIZE;
        cr_expect_eq(b.host_mprotects - a.host_mprotects, pages);
        cr_expect_eq(b.traps - a.traps, pages + 1, "and the exit");
        cr_expect_eq(b.page_faults - a.page_faults, pages);
    }
    raw_close(&raw);
}

/* How many maps the process has: the pages of one permission are one of them. */
Test(scale, pages_of_one_permission_are_one_mapping_of_the_hosts)
{
    char line[512];
    unsigned maps = 0;
    FILE *file;

    raw_open(&raw);
    map_free(RAW_FREE, 0x4000 * SGX_PAGE_SIZE, PROT_READ | PROT_WRITE);
    operand(RW_PENDING);
    commit(RAW_FREE, 0x2000);
    file = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, file))
        maps += strstr(line, "memfd:sgx_enclave") != NULL;
    fclose(file);
    cr_assert_leq(maps, 12, "%u", maps);
    raw_close(&raw);
}

Test(scale, an_empty_range_of_64_gib_costs_next_to_nothing)
{
    static struct sgx_secs secs __attribute__((aligned(4096)));
    const uint64_t size = UINT64_C(64) << 30;
    uint64_t before;
    double start;

    memset(&raw, 0, sizeof raw);
    raw.fd = sgx2_open("/dev/sgx_enclave", O_RDWR);
    raw.base = raw_reserve(size);
    secs = (struct sgx_secs){
        .size = size,
        .base = raw_address(&raw, 0),
        .ssa_frame_size = 1,
        .attributes = {.flags = SGX_ATTR_MODE64BIT, .xfrm = SGX_XFRM_LEGACY},
    };
    before = memory();
    start = seconds();
    cr_assert_eq(raw_ioctl_create(&raw, &secs), 0);
    map_free(0, size, PROT_READ | PROT_WRITE | PROT_EXEC);
    cr_assert_lt(seconds() - start, 0.1, "%.3f s", seconds() - start);
    cr_assert_lt(memory() - before, 256 * KIB, "%llu bytes",
                 (unsigned long long)(memory() - before));
    sgx2_close(raw.fd);
    sgx2_munmap(raw.base, size);
}

/* ------------------------------------------------------------------ mprotects */

static uint64_t mprotects_of(uint64_t leaf, uint64_t secinfo, uint64_t page)
{
    const uint64_t before = raw_counters(&raw).host_mprotects;

    cr_assert_eq(raw_leaf(&raw, 0, (uint32_t)leaf, secinfo, raw.base + page, NULL),
                 leaf == SGX_EMODPE ? SGX_EMODPE : SGX_OK);
    return raw_counters(&raw).host_mprotects - before;
}

Test(scale, a_leaf_that_changes_a_permission_costs_one_mprotect_and_another_none)
{
    const uint64_t reg = SGX_SECINFO_REG, r = SGX_SECINFO_R, w = SGX_SECINFO_W;
    struct sgx_enclave_restrict_permissions restricted;
    struct sgx_enclave_modify_types modified;
    uint64_t before;

    raw_open(&raw);
    map_free(RAW_FREE, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);
    operand(0);
    cr_expect_eq(mprotects_of(SGX_EACCEPT, RW_PENDING, RAW_FREE), 1, "EAUG and EACCEPT");
    before = raw_counters(&raw).host_mprotects;
    cr_assert_eq(raw_restrict(&raw, RAW_FREE, SGX_PAGE_SIZE, SGX_SECINFO_R, &restricted), 0);
    cr_expect_eq(raw_counters(&raw).host_mprotects - before, 1, "EMODPR");
    cr_expect_eq(mprotects_of(SGX_EACCEPT, reg | r | SGX_SECINFO_PR, RAW_FREE), 0);
    cr_expect_eq(mprotects_of(SGX_EMODPE, reg | r, RAW_FREE), 0, "nothing to extend");
    cr_expect_eq(mprotects_of(SGX_EMODPE, reg | r | w, RAW_FREE), 1);
    before = raw_counters(&raw).host_mprotects;
    cr_assert_eq(raw_restrict(&raw, RAW_FREE, SGX_PAGE_SIZE, r | w, &restricted), 0);
    cr_expect_eq(raw_counters(&raw).host_mprotects - before, 0, "EMODPR that takes nothing");
    cr_assert_eq(raw_modify(&raw, RAW_FREE, SGX_PAGE_SIZE, SGX_PT_TRIM, &modified), 0);
    cr_expect_eq(raw_counters(&raw).host_mprotects - before, 1, "EMODT");
    cr_expect_eq(mprotects_of(SGX_EACCEPT, SGX_SECINFO_TRIM | SGX_SECINFO_MODIFIED, RAW_FREE), 0);
    raw_close(&raw);
}

/* ------------------------------------------------------------------ vm.max_map_count */

static uint64_t most_maps(void)
{
    FILE *file = fopen("/proc/sys/vm/max_map_count", "r");
    unsigned long count = 0;

    if (!file || fscanf(file, "%lu", &count) != 1)
        count = 65530;
    if (file)
        fclose(file);
    return count;
}

/* Every second page of a range: two mappings of the host's for each. */
Test(scale, more_permissions_than_the_host_has_mappings_are_mirrored_all_the_same)
{
    const uint64_t pages = most_maps() / 2 + 2000;
    const uint64_t range = 2 * pages * SGX_PAGE_SIZE;
    struct op op;

    if (RAW_FREE + range > RAW_SIZE)
        cr_skip_test("vm.max_map_count is too large for this");
    raw_open(&raw);
    map_free(RAW_FREE, range, PROT_READ | PROT_WRITE);
    operand(RW_PENDING);
    for (uint64_t i = 0; i < pages; i++)
        commit(RAW_FREE + 2 * i * SGX_PAGE_SIZE, 1);
    for (uint64_t i = 0; i < pages; i += 997) {
        const uint64_t at = raw_address(&raw, RAW_FREE + 2 * i * SGX_PAGE_SIZE);

        raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = at, .b = i});
        cr_assert_eq(raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = at}).ret, i);
    }
    op = (struct op){.op = OP_STORE, .a = raw_address(&raw, RAW_FREE + SGX_PAGE_SIZE)};
    cr_assert_eq(raw_call(&raw, 0, SGX_EENTER, &op), 0);
    cr_assert_eq(raw.run.function, SGX_ERESUME, "between them there is still nothing accepted");
    cr_assert_eq(raw.run.exception_error_code, 0x8007);
    raw_close(&raw);
}

/* ------------------------------------------------------------------ threads */

#define THREADS 64u

static volatile uint64_t go;
static struct op spinning[THREADS];

/* Thread i's TCS is page 2 i of the free range, its SSA the page behind it. */
static void make_threads(void)
{
    struct sgx_enclave_modify_types modified;
    struct sgx_tcs tcs;

    map_free(RAW_FREE, 2 * THREADS * SGX_PAGE_SIZE, PROT_READ | PROT_WRITE);
    operand(RW_PENDING);
    commit(RAW_FREE, 2 * THREADS);
    for (uint64_t i = 0; i < THREADS; i++) {
        const uint64_t at = RAW_FREE + 2 * i * SGX_PAGE_SIZE;

        memset(&tcs, 0, sizeof tcs);
        tcs.ossa = at + SGX_PAGE_SIZE;
        tcs.nssa = 1;
        tcs.oentry = RAW_CODE;
        tcs.ofsbase = RAW_DATA;
        tcs.ogsbase = RAW_OPERAND;
        tcs.fslimit = tcs.gslimit = ~UINT32_C(0);
        for (size_t word = 0; word < 80; word += 8) {
            struct op op = {.op = OP_STORE, .a = raw_address(&raw, at + word)};

            memcpy(&op.b, (const uint8_t *)&tcs + word, sizeof op.b);
            raw_do(&raw, 0, op);
        }
        cr_assert_eq(raw_modify(&raw, at, SGX_PAGE_SIZE, SGX_PT_TCS, &modified), 0);
        cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, SGX_SECINFO_TCS | SGX_SECINFO_MODIFIED,
                              raw.base + at, NULL),
                     SGX_OK);
    }
}

static void *spin(void *arg)
{
    const uint64_t i = (uint64_t)(uintptr_t)arg;
    struct sgx_enclave_run run = {.tcs = raw_address(&raw, RAW_FREE + 2 * i * SGX_PAGE_SIZE)};

    return (void *)(intptr_t)(raw_enter(&spinning[i], SGX_EENTER, &run) == 0 &&
                              run.function == SGX_EEXIT);
}

Test(scale, sixty_four_threads_are_inside_at_once_and_an_ipi_reaches_each)
{
    struct sgx_enclave_restrict_permissions restricted;
    pthread_t threads[THREADS];
    uint64_t ipis;

    raw_open(&raw);
    make_threads();
    for (uint64_t i = 0; i < THREADS; i++) {
        spinning[i] = (struct op){.op = OP_SPIN, .a = (uint64_t)(uintptr_t)&go};
        spinning[i].ret2 = ~UINT64_C(0);
        cr_assert_eq(pthread_create(&threads[i], NULL, spin, (void *)(uintptr_t)i), 0);
    }
    for (uint64_t i = 0; i < THREADS; i++)
        while (*(volatile uint64_t *)&spinning[i].ret2 == ~UINT64_C(0))
            sched_yield();
    cr_assert_eq(enclave_by_fd(raw.fd)->file->state.active, THREADS);
    ipis = raw_counters(&raw).ipis;
    cr_assert_eq(raw_restrict(&raw, RAW_DATA, SGX_PAGE_SIZE, SGX_SECINFO_R, &restricted), 0);
    cr_assert_geq(raw_counters(&raw).ipis - ipis, THREADS);
    go = 1;
    for (uint64_t i = 0; i < THREADS; i++) {
        void *done = NULL;

        pthread_join(threads[i], &done);
        cr_assert_not_null(done, "thread %llu", (unsigned long long)i);
    }
    raw_close(&raw);
}

/* ------------------------------------------------------------------ processes */

/* All other places taken: by the locks that say that their processes live. */
Test(scale, one_process_too_many_ends_with_a_message)
{
    struct flock lives = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char path[64], said[256] = "";
    int fd, ends[2], status = 0;
    pid_t pid;

    raw_open(&raw);
    snprintf(path, sizeof path, "/proc/self/fd/%d", raw.fd);
    fd = open(path, O_RDWR);
    lives.l_start = enclave_by_fd(raw.fd)->process; /* the places after our own */
    lives.l_len = EPC_PROCESSES - lives.l_start;
    cr_assert_eq(fcntl(fd, F_OFD_SETLK, &lives), 0);
    cr_assert_eq(pipe(ends), 0);
    pid = fork();
    if (pid == 0) {
        dup2(ends[1], 2);
        signal(SIGABRT, SIG_DFL);
        raw_do(&raw, 0, (struct op){.op = OP_NOP});
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "status %#x", status);
    cr_assert_gt(read(ends[0], said, sizeof said - 1), 0);
    cr_assert(strstr(said, "256 processes have it"), "it said '%s'", said);
    raw_close(&raw);
}
