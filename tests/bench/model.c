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

#include "aperture/urts.h"
#include "arch/key.h"
#include "arch/report.h"
#include "ecalls.h"
#include "raw.h"
#include "table.h"
#include "trap.h"

#include "model.h"

#define ROUNDS     20000u
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

/* Commit n pages one by one from inside: a fault, EAUG and EACCEPT each. */
static void measure_scaling(double trap)
{
    static const char *columns[] = {"pages",        "milliseconds",    "microseconds a page",
                                    "traps a page", "of the smallest", NULL};
    const uint64_t operand = raw_address(&raw, RAW_OPERAND);
    uint64_t at = RAW_FREE;
    double smallest = 0;

    (void)trap;
    if (sgx2_mmap(raw.base + RAW_FREE, RAW_SIZE - RAW_FREE, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_FIXED, raw.fd, 0) < 0)
        exit(1);
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = operand, .b = RW_PENDING});
    table_begin("Committing pages from inside, one EACCEPT each", columns);
    for (unsigned bits = 8; bits <= 18; bits += 2) {
        const uint64_t pages = UINT64_C(1) << bits;
        struct sgx2_counters a = raw_counters(&raw), b;
        double start = table_now();
        struct op op = raw_do(
            &raw, 0,
            (struct op){.op = OP_COMMIT, .b = operand, .c = raw_address(&raw, at), .n = pages});

        start = table_now() - start;
        b = raw_counters(&raw);
        if (op.ret != 0)
            exit(1);
        if (smallest == 0)
            smallest = start / (double)pages;
        at += pages * SGX_PAGE_SIZE;
        table_cell("%llu", (unsigned long long)pages);
        table_cell("%.1f", start * 1e3);
        table_cell("%.2f", start / (double)pages * 1e6);
        table_cell("%.2f", (double)(b.traps - a.traps) / (double)pages);
        table_cell("%.2f", start / (double)pages / smallest);
        table_row_end();
    }
    table_end();
}

/* ------------------------------------------------------------------ threads */

#define CALLS 64000u

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
    for (thread_count = 1; thread_count <= 64; thread_count *= 4) {
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
    measure_scaling(trap);
    raw_close(&raw);
    measure_threads();
    return 0;
}
