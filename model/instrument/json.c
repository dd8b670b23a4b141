/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events as JSON objects (RFC 8259). The fields are in docs/instrument.md.
 */
#include <string.h>
#include <sys/mman.h>

#include "arch/secinfo.h"
#include "instrument/line.h"

#define STRING_ROOM 1024u

static const char *const kinds[] = {
    [TRACE_ENCLS] = "encls", [TRACE_ENCLU] = "enclu",         [TRACE_EXIT] = "exit",
    [TRACE_FAULT] = "fault", [TRACE_EXCEPTION] = "exception", [TRACE_IOCTL] = "ioctl",
    [TRACE_MMAP] = "mmap",   [TRACE_MPROTECT] = "mprotect",   [TRACE_MUNMAP] = "munmap",
    [TRACE_OPEN] = "open",   [TRACE_CLOSE] = "close",         [TRACE_ATTACH] = "attach",
    [TRACE_COUNT] = "count", [TRACE_PROCESS] = "process",     [TRACE_NOTE] = "note",
};

/* ------------------------------------------------------------------ strings */

/*
 * The length of the character of UTF-8 that stands here, 0 if none does (RFC 3629): neither
 * overlong, nor a surrogate, nor beyond U+10FFFF.
 */
static size_t utf8_length(const unsigned char *s)
{
    const size_t length = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

    if (s[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return length;
}

/* One character, quoted where JSON wants it; a byte that is no UTF-8 becomes U+FFFD. */
static size_t add_character(struct trace_line *line, const char *s)
{
    const unsigned char c = (unsigned char)*s;
    const size_t length = utf8_length((const unsigned char *)s);

    if (!length) {
        line_add(line, "\\ufffd");
        return 1;
    }
    if (c == '"' || c == '\\')
        line_add(line, "\\%c", c);
    else if (c < 0x20 || c == 0x7f)
        line_add(line, "\\u%04x", c);
    else
        line_bytes(line, s, length);
    return length;
}

void json_string(struct trace_line *line, const char *string, size_t room)
{
    const size_t start = line->used;

    line_add(line, "\"");
    while (*string && line->used - start + 8 <= room)
        string += add_character(line, string);
    line_add(line, "\"");
}

/* ------------------------------------------------------------------ values */

static const char *truth(uint64_t yes)
{
    return yes ? "true" : "false";
}

static void add_secinfo(struct trace_line *line, uint64_t flags)
{
    static const char *const types[] = {"SECS", "TCS", "REG", "VA", "TRIM", "SS_FIRST", "SS_REST"};
    const uint64_t pt = (flags & SGX_SECINFO_PT_MASK) >> SGX_SECINFO_PT_SHIFT;

    if (pt < sizeof types / sizeof *types)
        line_add(line, "{\"type\":\"%s\"", types[pt]);
    else
        line_add(line, "{\"type\":%llu", (unsigned long long)pt);
    line_add(line, ",\"permissions\":\"%c%c%c\",\"pending\":%s,\"modified\":%s,\"pr\":%s}",
             flags & SGX_SECINFO_R ? 'r' : '-', flags & SGX_SECINFO_W ? 'w' : '-',
             flags & SGX_SECINFO_X ? 'x' : '-', truth(flags & SGX_SECINFO_PENDING),
             truth(flags & SGX_SECINFO_MODIFIED), truth(flags & SGX_SECINFO_PR));
}

static void add_outcome(struct trace_line *line, struct outcome outcome)
{
    switch (outcome.kind) {
    case LEAF_DONE:
        line_add(line, "{\"fault\":null,\"code\":%u,\"name\":\"%s\"}", outcome.code,
                 trace_outcome(outcome).buf);
        break;
    case LEAF_UD:
        line_add(line, "{\"fault\":\"#UD\",\"code\":0,\"name\":\"#UD\"}");
        break;
    case LEAF_GP:
        line_add(line, "{\"fault\":\"#GP\",\"code\":0,\"name\":\"#GP(0)\"}");
        break;
    case LEAF_PF:
        line_add(line, "{\"fault\":\"#PF\",\"code\":%u,\"name\":\"#PF(%#x)\",\"address\":%llu}",
                 outcome.pfec, outcome.pfec, (unsigned long long)outcome.addr);
        break;
    }
}

static void add_errno(struct trace_line *line, int64_t result)
{
    const char *name = result < 0 ? strerrorname_np((int)-result) : "ok";

    line_add(line, "{\"fault\":null,\"code\":%lld,\"name\":\"%s\"}", (long long)result,
             name ? name : "error");
}

/* Two fields: what was tried, and who refused it. The key is the first one's. */
static void add_pfec(struct trace_line *line, uint64_t pfec)
{
    line_add(line, "\"%s\",\"refused_by\":\"%s\"",
             pfec & SGX_PFEC_I   ? "fetch"
             : pfec & SGX_PFEC_W ? "write"
                                 : "read",
             pfec & SGX_PFEC_SGX ? "EPCM"
             : pfec & SGX_PFEC_P ? "page table"
                                 : "not present");
}

static void add_field(struct trace_line *line, const struct trace_field *field)
{
    const uint64_t n = field->number;

    if (!field->key)
        return;
    line_add(line, ",\"%s\":", field->key);
    switch (field->form) {
    case TRACE_NOTHING:
    case TRACE_DECIMAL:
    case TRACE_HEX:
        line_add(line, "%llu", (unsigned long long)n);
        break;
    case TRACE_SIGNED:
        line_add(line, "%lld", (long long)field->sign);
        break;
    case TRACE_STRING:
        json_string(line, field->string, STRING_ROOM);
        break;
    case TRACE_FLAG:
        line_add(line, "%s", truth(n));
        break;
    case TRACE_SECINFO:
        add_secinfo(line, n);
        break;
    case TRACE_PROT:
        line_add(line, "\"%c%c%c\"", n & PROT_READ ? 'r' : '-', n & PROT_WRITE ? 'w' : '-',
                 n & PROT_EXEC ? 'x' : '-');
        break;
    case TRACE_PFEC:
        add_pfec(line, n);
        break;
    case TRACE_OUTCOME:
        add_outcome(line, field->outcome);
        break;
    case TRACE_ERRNO:
        add_errno(line, field->sign);
        break;
    }
}

void trace_as_json(struct trace_line *line, const struct trace_stamp *stamp,
                   const struct trace_event *event)
{
    size_t whole;

    line_add(line, "{\"time\":%llu,\"pid\":%d,\"tid\":%d,\"enclave\":", stamp->time, stamp->pid,
             stamp->tid);
    line_add(line, event->enclave ? "%llu" : "null", (unsigned long long)event->enclave);
    line_add(line, ",\"kind\":\"%s\"", kinds[event->kind]);
    if (event->name) {
        line_add(line, ",\"name\":");
        json_string(line, event->name, STRING_ROOM);
    }
    for (size_t i = 0; i < event->count; i++) {
        whole = line->used;
        add_field(line, &event->fields[i]);
        if (line->full || sizeof line->buf - line->used < 32) {
            line->full = false;
            line->used = whole;
            line_add(line, ",\"truncated\":true");
            break;
        }
    }
    line_add(line, "}");
}
