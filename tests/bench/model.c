/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model: what the software SGX2 itself costs - per leaf, per page, per thread
 *
 * Everything is given as a ratio to something measured in the same run: the bare trap, the smallest
 * size, one thread.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aperture/urts.h"
#include "arch/key.h"
#include "arch/report.h"
#include "ecalls.h"
#include "raw.h"
#include "table.h"
#include "trap.h"

#include "model.h"

#define ROUNDS     10000u
#define RW_PENDING (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_PENDING)

static struct raw raw;

static void row(const char *name, double seconds, double trap, uint64_t traps, uint64_t mprotects)
{
    table_cell("%s", name);
    table_cell("%.2f", seconds * 1e6);
    table_cell("%.2f", seconds / trap);
    table_cell("%llu", (unsigned long long)traps);
    table_cell("%llu", (unsigned long long)mprotects);
    table_row_end();
}

/* The same ENCLU again and again, inside. */
static void repeat(const char *name, uint64_t leaf, uint64_t rbx, uint64_t rcx, uint64_t rdx,
                   double trap)
{
    struct sgx2_counters a = raw_counters(&raw), b;
    double start = table_now();

    raw_do(&raw, 0,
           (struct op){.op = OP_REPEAT, .a = leaf, .b = rbx, .c = rcx, .d = rdx, .n = ROUNDS});
    start = (table_now() - start) / ROUNDS;
    b = raw_counters(&raw);
    row(name, start, trap, (b.traps - a.traps) / ROUNDS,
        (b.host_mprotects - a.host_mprotects) / ROUNDS);
}

static void measure_leaves(double trap)
{
    static const char *columns[] = {"operation", "microseconds", "ratio",
                                    "traps",     "mprotects",    NULL};
    const uint64_t data = raw_address(&raw, RAW_DATA), operand = raw_address(&raw, RAW_OPERAND);
    double start;

    table_begin("Leaves, against one bare trap (UD2, signal, return)", columns);
    raw_do(&raw, 0, (struct op){.op = OP_NOP});
    start = table_now();
    for (unsigned i = 0; i < ROUNDS; i++)
        raw_do(&raw, 0, (struct op){.op = OP_NOP});
    row("EENTER and EEXIT", (table_now() - start) / ROUNDS, trap, 1, 0);

    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = operand, .b = RW_PENDING});
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = data, .b = 0});
    repeat("EACCEPT, refused", SGX_EACCEPT, operand, data, 0, trap);
    raw_do(&raw, 0,
           (struct op){.op = OP_STORE, .a = operand, .b = SGX_SECINFO_REG | SGX_SECINFO_R});
    repeat("EMODPE, nothing to extend", SGX_EMODPE, operand, data, 0, trap);
    repeat("EREPORT", SGX_EREPORT, data, data + 512, data + 1024, trap);
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = data, .b = SGX_KEY_SEAL});
    repeat("EGETKEY", SGX_EGETKEY, data, data + 2048, 0, trap);
    table_end();
}

/* ------------------------------------------------------------------ a page's life */

#define CYCLE UINT64_C(4096) /* pages */

static void operand(uint64_t secinfo)
{
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = raw_address(&raw, RAW_OPERAND), .b = secinfo});
}

/* EACCEPT of the operand for n pages, one by one, from inside. */
static void commit(uint64_t at, uint64_t n)
{
    const struct op op = {
        .op = OP_COMMIT, .b = raw_address(&raw, RAW_OPERAND), .c = raw_address(&raw, at), .n = n};

    if (raw_do(&raw, 0, op).ret != 0)
        exit(1);
}

static struct sgx2_counters counters_then;
static double then;

static void cycle_start(void)
{
    counters_then = raw_counters(&raw);
    then = table_now();
}

static void cycle_row(const char *name, double trap)
{
    const double seconds = (table_now() - then) / (double)CYCLE;
    const struct sgx2_counters now = raw_counters(&raw);

    row(name, seconds, trap, (now.traps - counters_then.traps) / CYCLE,
        (now.host_mprotects - counters_then.host_mprotects) / CYCLE);
}

static void must(int r)
{
    if (r != 0)
        exit(1);
}

/* From the fault that adds it to its removal, each step for all of CYCLE pages. */
static void measure_cycle(double trap)
{
    static const char *columns[] = {"step",  "microseconds a page", "ratio",
                                    "traps", "mprotects",           NULL};
    const uint64_t size = CYCLE * SGX_PAGE_SIZE, end = RAW_FREE + size;
    struct sgx_enclave_restrict_permissions restricted;
    struct sgx_enclave_modify_types modified;
    struct sgx_enclave_remove_pages removed;

    table_begin("The life of a page, each step against one bare trap", columns);
    operand(RW_PENDING);
    cycle_start();
    commit(RAW_FREE, CYCLE);
    cycle_row("EACCEPT of an absent page: fault, EAUG", trap);
    cycle_start();
    must(raw_restrict(&raw, RAW_FREE, size, SGX_SECINFO_R, &restricted));
    cycle_row("RESTRICT_PERMISSIONS: EMODPR, ETRACK", trap);
    operand(SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_PR);
    cycle_start();
    commit(RAW_FREE, CYCLE);
    cycle_row("EACCEPT of the restriction", trap);
    operand(SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W);
    cycle_start();
    for (uint64_t at = RAW_FREE; at < end; at += SGX_PAGE_SIZE)
        raw_do(&raw, 0,
               (struct op){.op = OP_ENCLU,
                           .a = SGX_EMODPE,
                           .b = raw_address(&raw, RAW_OPERAND),
                           .c = raw_address(&raw, at)});
    cycle_row("EENTER, EMODPE that extends, EEXIT", trap);
    cycle_start();
    must(raw_modify(&raw, RAW_FREE, size, SGX_PT_TRIM, &modified));
    cycle_row("MODIFY_TYPES to TRIM: EMODT, ETRACK", trap);
    operand(SGX_SECINFO_TRIM | SGX_SECINFO_MODIFIED);
    cycle_start();
    commit(RAW_FREE, CYCLE);
    cycle_row("EACCEPT of the trimming", trap);
    cycle_start();
    must(raw_remove(&raw, RAW_FREE, size, &removed));
    cycle_row("REMOVE_PAGES: EMODPR, EREMOVE", trap);
    table_end();
}

/* ------------------------------------------------------------------ scaling */

/*
 * The floor: what the host takes for as many pages of a memory file that is mapped twice, one page
 * at a time, cleared by one mapping and then allowed by the other. The second round counts: the
 * first touch of memory that a virtual machine has given back to its host may take several times as
 * long, which is nothing of the model's.
 */
static double bare_seconds(uint64_t pages)
{
    double seconds = 0;

    for (int round = 0; round < 2; round++) {
        const int fd = memfd_create("bare", MFD_CLOEXEC);
        const size_t size = pages * SGX_PAGE_SIZE;
        uint8_t *window, *range;

        if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
            exit(1);
        window = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        range = mmap(NULL, size, PROT_NONE, MAP_SHARED, fd, 0);
        if (window == MAP_FAILED || range == MAP_FAILED)
            exit(1);
        seconds = table_now();
        for (size_t at = 0; at < size; at += SGX_PAGE_SIZE) {
            memset(window + at, 0, SGX_PAGE_SIZE);
            must(mprotect(range + at, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE));
        }
        seconds = table_now() - seconds;
        munmap(window, size);
        munmap(range, size);
        close(fd);
    }
    return seconds;
}

/* Bytes: the memory file, the process's own, and the page tables of all its mappings. */
static uint64_t memory(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    unsigned long long kib, sum = 0;
    struct stat st;
    char line[256];

    if (!file || fstat(raw.fd, &st) < 0)
        exit(1);
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "RssAnon: %llu", &kib) == 1 || sscanf(line, "VmPTE: %llu", &kib) == 1)
            sum += kib << 10;
    fclose(file);
    return sum + (uint64_t)st.st_blocks * 512;
}

/* Commit n pages one by one from inside: a fault, EAUG and EACCEPT each. */
static void measure_scaling(void)
{
    static const char *columns[] = {"pages",           "milliseconds",      "microseconds a page",
                                    "of the smallest", "bare microseconds", "traps",
                                    "mprotects",       "memory beside, %",  NULL};
    uint64_t at = RAW_FREE;
    double smallest = 0;

    operand(RW_PENDING);
    table_begin("Committing pages from inside, one EACCEPT each", columns);
    for (unsigned bits = 8; bits <= 18; bits += 2) {
        const uint64_t pages = UINT64_C(1) << bits, size = pages * SGX_PAGE_SIZE;
        const double bare = bare_seconds(pages);
        const uint64_t before = memory();
        struct sgx2_counters a = raw_counters(&raw), b;
        double seconds = table_now();

        commit(at, pages);
        seconds = table_now() - seconds;
        b = raw_counters(&raw);
        if (smallest == 0)
            smallest = seconds / (double)pages;
        at += size;
        table_cell("%llu", (unsigned long long)pages);
        table_cell("%.1f", seconds * 1e3);
        table_cell("%.2f", seconds / (double)pages * 1e6);
        table_cell("%.2f", seconds / (double)pages / smallest);
        table_cell("%.2f", bare / (double)pages * 1e6);
        table_cell("%.2f", (double)(b.traps - a.traps) / (double)pages);
        table_cell("%.2f", (double)(b.host_mprotects - a.host_mprotects) / (double)pages);
        table_cell("%.2f", 100.0 * (double)(memory() - before - size) / (double)size);
        table_row_end();
    }
    table_end();
}

/* ------------------------------------------------------------------ threads */

#define CALLS 32000u

static struct ap_enclave *enclave;
static unsigned thread_count;

static void *caller(void *arg)
{
    static const struct ap_ocall_table none;

    (void)arg;
    for (unsigned i = 0; i < CALLS / thread_count; i++)
        if (ap_ecall(enclave, BASIC_NOP, &none, NULL) != SGX_SUCCESS)
            exit(1);
    return NULL;
}

static void measure_threads(void)
{
    static const char *columns[] = {"threads", "calls a second", "of one thread", NULL};
    struct ap_options options = {.device = AP_DEVICE_MODEL};
    struct ap_error error;
    double one = 0;

    if (ap_enclave_create(BENCH_ENCLAVE, &options, &enclave, &error) != SGX_SUCCESS) {
        fprintf(stderr, "bench-model: %s\n", error.text);
        exit(1);
    }
    table_begin("Ecalls from several threads, each through a slot of its own", columns);
    for (thread_count = 1; thread_count <= 64; thread_count *= 2) {
        pthread_t threads[64];
        double start = table_now(), rate;

        for (unsigned i = 0; i < thread_count; i++)
            if (pthread_create(&threads[i], NULL, caller, NULL) != 0)
                exit(1);
        for (unsigned i = 0; i < thread_count; i++)
            pthread_join(threads[i], NULL);
        rate = CALLS / (table_now() - start);
        if (one == 0)
            one = rate;
        table_cell("%u", thread_count);
        table_cell("%.0f", rate);
        table_cell("%.2f", rate / one);
        table_row_end();
    }
    table_end();
    ap_enclave_destroy(enclave);
}

int main(int argc, char **argv)
{
    double trap = trap_seconds();

    table_mode(argc > 1 && strcmp(argv[1], "--csv") == 0);
    raw_open(&raw);
    measure_leaves(trap);
    if (sgx2_mmap(raw.base + RAW_FREE, RAW_SIZE - RAW_FREE, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_FIXED, raw.fd, 0) < 0)
        return 1;
    measure_cycle(trap);
    measure_scaling();
    raw_close(&raw);
    measure_threads();
    return 0;
}
