/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aperture/counters.h"
#include "driver/share.h"
#include "instrument/cost.h"
#include "model.h"
#include "trace.h"

/* So many columns fit on a line. */
#define COLUMNS 5

/* An environment variable that is set, and not to nothing or 0. */
static const char *wanted(const char *variable)
{
    const char *value = getenv(variable);

    return value && *value && strcmp(value, "0") != 0 ? value : NULL;
}

/* ------------------------------------------------------------------ in the trace */

static void trace_total(const struct sgx2_counters *counters, const struct sgx2_counter *counter)
{
    const uint64_t n = sgx2_counter_value(counters, counter);
    const bool encls = counter->offset < offsetof(struct sgx2_counters, enclu);
    char leaf[32];
    const struct trace_field fields[] = {
        counter->meaning ? trace_string(NULL, "%:", counter->meaning)
                         : trace_string(NULL, encls ? "ENCLS %" : "ENCLU %", leaf),
        trace_number(NULL, "%", n),
    };
    const struct trace_event event = {
        .kind = TRACE_COUNT, .reader = TRACE_FOR_PEOPLE, .fields = fields, .count = 2};

    snprintf(leaf, sizeof leaf, "%-12s", counter->name);
    if (n || counter->meaning)
        trace_emit(&event);
}

/* One object with all counters by name: of a thread, or in all if tid is 0. */
static void trace_row(const struct enclave *e, int32_t tid, const struct sgx2_counters *counters)
{
    struct trace_field fields[1 + sizeof *counters / sizeof(uint64_t)];
    const struct sgx2_counter *counter;
    struct trace_event event = {
        .kind = TRACE_COUNT,
        .name = tid ? "thread" : "enclave",
        .enclave = e->inode,
        .reader = TRACE_FOR_PROGRAMS,
        .fields = fields,
        .count = 1,
    };

    fields[0] = trace_signed("thread", NULL, tid);
    while ((counter = sgx2_counter_at(event.count - 1)))
        fields[event.count++] =
            trace_number(counter->name, NULL, sgx2_counter_value(counters, counter));
    trace_emit(&event);
}

static void trace_totals(const struct enclave *e)
{
    const struct sgx2_counter *counter;

    for (size_t i = 0; (counter = sgx2_counter_at(i)); i++)
        trace_total(&e->file->counters, counter);
    trace_row(e, 0, &e->file->counters);
    for (int32_t tid = 0; (tid = count_next(e->file, tid));)
        trace_row(e, tid, count_look(e->file, tid));
}

/* ------------------------------------------------------------------ tables */

static void print_threads(FILE *to, const struct epc_file *file)
{
    struct sgx2_counters columns[COLUMNS];
    char titles[COLUMNS][16];
    const char *title[COLUMNS];
    int32_t tid = 0;
    size_t used;

    do {
        columns[0] = file->counters;
        title[0] = "enclave";
        used = 1;
        while (used < COLUMNS && (tid = count_next(file, tid))) {
            columns[used] = *count_look(file, tid);
            if (tid == SGX2_THREADS_REST)
                snprintf(titles[used], sizeof titles[used], "others");
            else
                snprintf(titles[used], sizeof titles[used], "%d", tid);
            title[used] = titles[used];
            used++;
        }
        if (used > 1)
            sgx2_counters_print(to, columns, title, used);
    } while (tid);
}

static void print_count(FILE *to, const struct enclave *e)
{
    unsigned threads = 0;

    for (int32_t tid = 0; (tid = count_next(e->file, tid));)
        threads++;
    fprintf(to, "aperture: counters of enclave %llu: in all, and of %u thread%s\n",
            (unsigned long long)e->inode, threads, threads == 1 ? "" : "s");
    print_threads(to, e->file);
}

static void print_cost(FILE *to, const struct enclave *e, const char *platform)
{
    const char *path = wanted("APERTURE_COST_FILE");
    struct cost_estimate *estimate = malloc(sizeof *estimate);
    struct cost_table *table = malloc(sizeof *table);
    struct cost_error error;

    if (!path)
        path = COST_FILE;
    if (strcmp(platform, "1") == 0)
        platform = NULL;
    if (!table || !estimate) {
        fputs("aperture: no memory for an estimate\n", to);
    } else if (cost_load(path, table, &error) < 0) {
        fprintf(to, "aperture: %s:%u: %s\n", path, error.line, error.text);
    } else if (platform && !cost_has_platform(table, platform)) {
        fprintf(to, "aperture: APERTURE_COST: %s has no figures of '%s', but of: ", path, platform);
        cost_print_platforms(to, table);
        fputc('\n', to);
    } else {
        cost_estimate(table, platform, &e->file->counters, estimate);
        fprintf(to, "aperture: enclave %llu on hardware, by %s figures in %s\n",
                (unsigned long long)e->inode, platform ? platform : "the first", path);
        cost_print(to, estimate);
    }
    free(estimate);
    free(table);
}

/* One write(2), or as many as it takes: reports of several processes do not mix. */
static void write_report(const char *text, size_t size)
{
    const char *to = wanted("APERTURE_COUNT");
    int fd = STDERR_FILENO;
    ssize_t part;

    if (to && strcmp(to, "1") != 0) {
        fd = open(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (fd < 0) {
            fprintf(stderr, "aperture: APERTURE_COUNT: cannot write to %s: %s\n", to,
                    strerror(errno));
            fd = STDERR_FILENO;
        }
    }
    for (; size > 0; text += part, size -= (size_t)part) {
        part = write(fd, text, size);
        if (part < 0 && errno != EINTR)
            break;
        if (part < 0)
            part = 0;
    }
    if (fd != STDERR_FILENO)
        close(fd);
}

static void print_report(const struct enclave *e)
{
    const char *platform = wanted("APERTURE_COST");
    char *text = NULL;
    size_t size;
    FILE *to;

    if (!platform && !wanted("APERTURE_COUNT"))
        return;
    to = open_memstream(&text, &size);
    if (!to)
        return;
    print_count(to, e);
    if (platform)
        print_cost(to, e, platform);
    if (fclose(to) == 0)
        write_report(text, size);
    free(text);
}

void report_enclave(struct enclave *e)
{
    struct epc_file *file = e->file;

    if (file->reported &&
        memcmp(&file->reported_counters, &file->counters, sizeof file->counters) == 0)
        return;
    file->reported = true;
    file->reported_counters = file->counters;
    if (trace_enabled)
        trace_totals(e);
    print_report(e);
}

/* ------------------------------------------------------------------ at the process's end */

static void end_with(struct enclave *e, void *arg)
{
    bool last;

    (void)arg;
    enclave_lock(e);
    last = share_end(e);
    enclave_unlock(e);
    if (last)
        report_enclave(e);
}

void sgx2_process_ends(void)
{
    const int error = errno;
    sigset_t saved;

    if (!enclave_any() || !enclave_is_ours() ||
        !(trace_enabled || wanted("APERTURE_COUNT") || wanted("APERTURE_COST")))
        return;
    driver_enter(&saved);
    enclave_each(end_with, NULL);
    driver_leave(&saved);
    errno = error;
}

__attribute__((destructor)) static void process_ends(void)
{
    sgx2_process_ends();
}
