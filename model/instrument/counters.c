/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters: reading, arithmetic, printing. See aperture/counters.h.
 */
#include "aperture/counters.h"

#include <errno.h>
#include <string.h>

/* Absent from programs that are not linked with the model. */
extern __typeof__(sgx2_ioctl) sgx2_ioctl __attribute__((weak));

static int ask(int fd, unsigned long request, void *argument)
{
    int r = sgx2_ioctl ? sgx2_ioctl(fd, request, argument) : -ENOTTY;

    if (r == -ENOTTY && ioctl(fd, request, argument) < 0)
        r = -errno;
    else if (r == -ENOTTY)
        r = 0;
    return r;
}

int sgx2_counters_read(int fd, struct sgx2_counters *ret)
{
    struct sgx2_counters counters;
    const int r = ask(fd, SGX2_MODEL_COUNTERS, &counters);

    if (r == 0)
        *ret = counters;
    return r;
}

int sgx2_counters_read_thread(int fd, int tid, struct sgx2_counters *ret)
{
    struct sgx2_thread_counters thread = {.tid = tid};
    const int r = ask(fd, SGX2_MODEL_THREAD_COUNTERS, &thread);

    if (r == 0)
        *ret = thread.counters;
    return r;
}

int sgx2_counters_threads(int fd, int *tids, size_t room)
{
    int64_t tid = 0;
    int count = 0;

    for (;;) {
        const int r = ask(fd, SGX2_MODEL_NEXT_THREAD, &tid);

        if (r < 0)
            return r;
        if (!tid)
            return count;
        if ((size_t)count < room)
            tids[count] = (int)tid;
        count++;
    }
}

/* All counters are of one type, as the header promises. */
#define COUNTERS (sizeof(struct sgx2_counters) / sizeof(uint64_t))

struct sgx2_counters sgx2_counters_since(const struct sgx2_counters *now,
                                         const struct sgx2_counters *then)
{
    uint64_t a[COUNTERS], b[COUNTERS];
    struct sgx2_counters since;

    memcpy(a, then, sizeof a);
    memcpy(b, now, sizeof b);
    for (size_t i = 0; i < COUNTERS; i++)
        b[i] -= a[i];
    memcpy(&since, b, sizeof since);
    since.epc_pages = now->epc_pages;
    since.epc_pages_max = now->epc_pages_max;
    return since;
}

void sgx2_counters_add(struct sgx2_counters *sum, const struct sgx2_counters *more)
{
    uint64_t a[COUNTERS], b[COUNTERS];

    memcpy(a, sum, sizeof a);
    memcpy(b, more, sizeof b);
    for (size_t i = 0; i < COUNTERS; i++)
        a[i] += b[i];
    memcpy(sum, a, sizeof a);
}

#define NAME_WIDTH   18
#define NUMBER_WIDTH 10

static void print_row(FILE *to, const struct sgx2_counter *counter,
                      const struct sgx2_counters *columns, size_t count)
{
    uint64_t any = 0;

    for (size_t i = 0; i < count; i++)
        any |= sgx2_counter_value(&columns[i], counter);
    if (!any)
        return;
    fprintf(to, "  %-*s", NAME_WIDTH, counter->name);
    for (size_t i = 0; i < count; i++)
        fprintf(to, " %*llu", NUMBER_WIDTH,
                (unsigned long long)sgx2_counter_value(&columns[i], counter));
    if (counter->meaning)
        fprintf(to, "  %s", counter->meaning);
    fputc('\n', to);
}

void sgx2_counters_print(FILE *to, const struct sgx2_counters *columns, const char *const *titles,
                         size_t count)
{
    const struct sgx2_counter *counter;

    fprintf(to, "  %-*s", NAME_WIDTH, "");
    for (size_t i = 0; i < count; i++)
        fprintf(to, " %*s", NUMBER_WIDTH, titles[i]);
    fputc('\n', to);
    for (size_t i = 0; (counter = sgx2_counter_at(i)); i++)
        print_row(to, counter, columns, count);
}
