/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events as readable lines.
 */
#include <string.h>
#include <sys/mman.h>

#include "instrument/line.h"

static const char *const kinds[] = {
    [TRACE_ENCLS] = "ENCLS", [TRACE_ENCLU] = "ENCLU",    [TRACE_EXIT] = "exit",
    [TRACE_FAULT] = "fault", [TRACE_EXCEPTION] = "exc",  [TRACE_IOCTL] = "ioctl",
    [TRACE_MMAP] = "mmap",   [TRACE_MPROTECT] = "mprot", [TRACE_MUNMAP] = "munmap",
    [TRACE_OPEN] = "open",   [TRACE_CLOSE] = "close",    [TRACE_ATTACH] = "attach",
    [TRACE_COUNT] = "count", [TRACE_PROCESS] = "proc",   [TRACE_NOTE] = "note",
};

static void add_value(struct trace_line *line, const struct trace_field *field)
{
    const uint64_t n = field->number;

    switch (field->form) {
    case TRACE_DECIMAL:
        line_add(line, "%llu", (unsigned long long)n);
        break;
    case TRACE_HEX:
        line_add(line, "%#llx", (unsigned long long)n);
        break;
    case TRACE_SIGNED:
    case TRACE_ERRNO:
        line_add(line, "%lld", (long long)field->sign);
        break;
    case TRACE_STRING:
        line_bytes(line, field->string, strlen(field->string));
        break;
    case TRACE_SECINFO:
        line_add(line, "%s", trace_secinfo(n).buf);
        break;
    case TRACE_PROT:
        line_add(line, "%c%c%c", n & PROT_READ ? 'r' : '-', n & PROT_WRITE ? 'w' : '-',
                 n & PROT_EXEC ? 'x' : '-');
        break;
    case TRACE_PFEC:
        line_add(line, "%s", trace_pfec((uint32_t)n).buf);
        break;
    case TRACE_OUTCOME:
        line_add(line, "%s", trace_outcome(field->outcome).buf);
        break;
    case TRACE_NOTHING:
    case TRACE_FLAG:
        break;
    }
}

static void add_field(struct trace_line *line, const struct trace_field *field)
{
    const char *at;

    if (!field->text || (field->form == TRACE_FLAG && !field->number))
        return;
    at = strchr(field->text, '%');
    line_add(line, " ");
    line_bytes(line, field->text, at ? (size_t)(at - field->text) : strlen(field->text));
    if (!at)
        return;
    add_value(line, field);
    line_bytes(line, at + 1, strlen(at + 1));
}

void trace_as_text(struct trace_line *line, const struct trace_event *event)
{
    line_add(line, "%-6s", event->label ? event->label : kinds[event->kind]);
    if (event->name)
        line_add(line, " %-12s", event->name);
    for (size_t i = 0; i < event->count; i++)
        add_field(line, &event->fields[i]);
}
