/* SPDX-License-Identifier: Apache-2.0 */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "arch/leaf.h"
#include "arch/secinfo.h"
#include "arch/ssa.h"
#include "instrument/line.h"

bool trace_enabled;
static int text_fd = -1, json_fd = -1;
static pid_t introduced; /* the process that the JSON trace knows */
static pid_t beginning;  /* the one that it gets to know */

/* Out of the way of programs that count on low numbers or close them all. */
#define PRIVATE_FD_LEAST 512

static int open_sink(const char *variable)
{
    const char *to = getenv(variable);
    int fd, high;

    if (!to || !*to || strcmp(to, "0") == 0)
        return -1;
    if (strcmp(to, "1") == 0)
        return STDERR_FILENO;
    fd = open(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
        fprintf(stderr, "aperture: %s: cannot write to %s: %s\n", variable, to, strerror(errno));
        return -1;
    }
    high = fcntl(fd, F_DUPFD_CLOEXEC, PRIVATE_FD_LEAST);
    if (high < 0)
        return fd;
    close(fd);
    return high;
}

__attribute__((constructor)) static void trace_start(void)
{
    text_fd = open_sink("APERTURE_TRACE");
    json_fd = open_sink("APERTURE_TRACE_JSON");
    trace_enabled = text_fd >= 0 || json_fd >= 0;
}

/* A sink that fails is given up: half a trace is none. */
static void write_line(int *fd, struct trace_line *line)
{
    ssize_t written;

    line->buf[line->used++] = '\n';
    do
        written = write(*fd, line->buf, line->used);
    while (written < 0 && errno == EINTR);
    if (written != (ssize_t)line->used)
        *fd = -1;
    if (text_fd < 0 && json_fd < 0)
        trace_enabled = false;
}

static struct trace_stamp now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (struct trace_stamp){
        .time = (unsigned long long)time.tv_sec * 1000000000u + (unsigned long long)time.tv_nsec,
        .pid = getpid(),
        .tid = (int)syscall(SYS_gettid),
    };
}

static void emit_text(const struct trace_event *event)
{
    struct trace_line line;

    line.used = 0;
    line.full = false;
    line_add(&line, "sgx2 [%ld] ", syscall(SYS_gettid));
    trace_as_text(&line, event);
    write_line(&text_fd, &line);
}

static void write_json(const struct trace_event *event, const struct trace_stamp *stamp)
{
    struct trace_line line;

    line.used = 0;
    line.full = false;
    trace_as_json(&line, stamp, event);
    write_line(&json_fd, &line);
}

/* The first line of each process says which program it is, and how to read the rest. */
static void introduce(const struct trace_stamp *stamp)
{
    char program[512];
    const ssize_t size = readlink("/proc/self/exe", program, sizeof program - 1);
    const struct trace_field fields[] = {
        trace_number("format", NULL, TRACE_JSON_FORMAT),
        trace_string("path", NULL, program),
    };
    const struct trace_event event = {
        .kind = TRACE_PROCESS, .name = "start", .fields = fields, .count = 2};

    program[size < 0 ? 0 : size] = '\0';
    write_json(&event, stamp);
}

/* A signal in the middle of it waits for nobody: after that long, the order is not worth more. */
#define PATIENCE 10000 /* naps */

/* One thread introduces the process; the lines of the others come behind its line. */
static void begin(const struct trace_stamp *stamp)
{
    static const struct timespec nap = {.tv_nsec = 50000};

    if (__atomic_exchange_n(&beginning, stamp->pid, __ATOMIC_RELAXED) != stamp->pid) {
        introduce(stamp);
        __atomic_store_n(&introduced, stamp->pid, __ATOMIC_RELEASE);
        return;
    }
    for (int i = 0; i < PATIENCE && __atomic_load_n(&introduced, __ATOMIC_ACQUIRE) != stamp->pid;
         i++)
        nanosleep(&nap, NULL);
}

static void emit_json(const struct trace_event *event)
{
    const struct trace_stamp stamp = now();

    if (__atomic_load_n(&introduced, __ATOMIC_ACQUIRE) != stamp.pid)
        begin(&stamp);
    if (json_fd >= 0)
        write_json(event, &stamp);
}

/* errno is the program's, or the model's caller's. */
void trace_emit(const struct trace_event *event)
{
    const int error = errno;

    if (text_fd >= 0 && event->reader != TRACE_FOR_PROGRAMS)
        emit_text(event);
    if (json_fd >= 0 && event->reader != TRACE_FOR_PEOPLE)
        emit_json(event);
    errno = error;
}

void trace_write(const char *kind, const char *format, ...)
{
    char text[320];
    const struct trace_field fields[] = {
        trace_string("about", NULL, kind),
        trace_string("text", "%", text),
    };
    const struct trace_event event = {
        .kind = TRACE_NOTE, .label = kind, .fields = fields, .count = 2};
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    trace_emit(&event);
}

const char *trace_enclu(uint32_t leaf)
{
    static const char *const names[] = {
        [SGX_EREPORT] = "EREPORT", [SGX_EGETKEY] = "EGETKEY",
        [SGX_EENTER] = "EENTER",   [SGX_ERESUME] = "ERESUME",
        [SGX_EEXIT] = "EEXIT",     [SGX_EACCEPT] = "EACCEPT",
        [SGX_EMODPE] = "EMODPE",   [SGX_EACCEPTCOPY] = "EACCEPTCOPY",
        [8] = "EVERIFYREPORT2",    [SGX_EDECCSSA] = "EDECCSSA",
    };

    return leaf < sizeof names / sizeof *names && names[leaf] ? names[leaf] : "leaf?";
}

const char *trace_encls(uint32_t leaf)
{
    static const char *const names[] = {
        "ECREATE", "EADD",   "EINIT", "EREMOVE", "EDBGRD", "EDBGWR", "EEXTEND", "ELDB",
        "ELDU",    "EBLOCK", "EPA",   "EWB",     "ETRACK", "EAUG",   "EMODPR",  "EMODT",
    };

    return leaf < sizeof names / sizeof *names ? names[leaf] : "leaf?";
}

const char *trace_code(uint32_t code)
{
    switch (code) {
    case SGX_OK:
        return "ok";
    case SGX_INVALID_SIG_STRUCT:
        return "INVALID_SIG_STRUCT";
    case SGX_INVALID_ATTRIBUTE:
        return "INVALID_ATTRIBUTE";
    case SGX_INVALID_MEASUREMENT:
        return "INVALID_MEASUREMENT";
    case SGX_INVALID_SIGNATURE:
        return "INVALID_SIGNATURE";
    case SGX_NOT_TRACKED:
        return "NOT_TRACKED";
    case SGX_CHILD_PRESENT:
        return "CHILD_PRESENT";
    case SGX_ENCLAVE_ACT:
        return "ENCLAVE_ACT";
    case SGX_INVALID_EINITTOKEN:
        return "INVALID_EINITTOKEN";
    case SGX_PREV_TRK_INCMPL:
        return "PREV_TRK_INCMPL";
    case SGX_PAGE_ATTRIBUTES_MISMATCH:
        return "PAGE_ATTRIBUTES_MISMATCH";
    case SGX_PAGE_NOT_MODIFIABLE:
        return "PAGE_NOT_MODIFIABLE";
    case SGX_INVALID_CPUSVN:
        return "INVALID_CPUSVN";
    case SGX_INVALID_ISVSVN:
        return "INVALID_ISVSVN";
    case SGX_INVALID_KEYNAME:
        return "INVALID_KEYNAME";
    default:
        return "error";
    }
}

struct trace_text trace_outcome(struct outcome outcome)
{
    struct trace_text text;

    switch (outcome.kind) {
    case LEAF_DONE:
        snprintf(text.buf, sizeof text.buf, "%s%s", outcome.code ? "SGX_" : "",
                 trace_code(outcome.code));
        break;
    case LEAF_UD:
        snprintf(text.buf, sizeof text.buf, "#UD");
        break;
    case LEAF_GP:
        snprintf(text.buf, sizeof text.buf, "#GP(0)");
        break;
    case LEAF_PF:
        snprintf(text.buf, sizeof text.buf, "#PF(%#x) at %#llx", outcome.pfec,
                 (unsigned long long)outcome.addr);
        break;
    }
    return text;
}

struct trace_text trace_secinfo(uint64_t flags)
{
    static const char *const types[] = {"SECS", "TCS", "REG", "VA", "TRIM", "SS_FIRST", "SS_REST"};
    uint64_t pt = (flags & SGX_SECINFO_PT_MASK) >> SGX_SECINFO_PT_SHIFT;
    struct trace_text text;

    snprintf(text.buf, sizeof text.buf, "%s %c%c%c%s%s%s",
             pt < sizeof types / sizeof *types ? types[pt] : "?", flags & SGX_SECINFO_R ? 'r' : '-',
             flags & SGX_SECINFO_W ? 'w' : '-', flags & SGX_SECINFO_X ? 'x' : '-',
             flags & SGX_SECINFO_PENDING ? " PENDING" : "",
             flags & SGX_SECINFO_MODIFIED ? " MODIFIED" : "", flags & SGX_SECINFO_PR ? " PR" : "");
    return text;
}

struct trace_text trace_pfec(uint32_t pfec)
{
    struct trace_text text;

    snprintf(text.buf, sizeof text.buf, "%s, %s",
             pfec & SGX_PFEC_I   ? "fetch"
             : pfec & SGX_PFEC_W ? "write"
                                 : "read",
             pfec & SGX_PFEC_SGX ? "EPCM refuses"
             : pfec & SGX_PFEC_P ? "page table refuses"
                                 : "not present");
    return text;
}
