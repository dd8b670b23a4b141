/* SPDX-License-Identifier: Apache-2.0 */
#include "trace.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arch/leaf.h"
#include "arch/secinfo.h"
#include "arch/ssa.h"

bool trace_enabled;
static int trace_fd = STDERR_FILENO;

__attribute__((constructor)) static void trace_start(void)
{
    const char *to = getenv("APERTURE_TRACE");

    if (!to || !*to || strcmp(to, "0") == 0)
        return;
    if (strcmp(to, "1") != 0)
        trace_fd = open(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    trace_enabled = trace_fd >= 0;
}

/* One write(2) a line, so that lines of several threads do not mix. */
void trace_write(const char *kind, const char *format, ...)
{
    char line[320];
    va_list args;
    int used = snprintf(line, sizeof line, "sgx2 [%ld] %-6s ", syscall(SYS_gettid), kind);

    va_start(args, format);
    used += vsnprintf(line + used, sizeof line - (size_t)used - 1, format, args);
    va_end(args);
    if (used > (int)sizeof line - 2)
        used = (int)sizeof line - 2;
    line[used] = '\n';
    if (write(trace_fd, line, (size_t)used + 1) < 0)
        trace_enabled = false;
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

    return leaf < sizeof names / sizeof *names ? names[leaf] : "leaf?";
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
