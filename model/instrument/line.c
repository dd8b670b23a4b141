/* SPDX-License-Identifier: Apache-2.0 */
#include "instrument/line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void line_bytes(struct trace_line *line, const char *bytes, size_t size)
{
    const size_t room = sizeof line->buf - 1 - line->used;

    if (size > room) {
        line->full = true;
        return;
    }
    memcpy(line->buf + line->used, bytes, size);
    line->used += size;
}

void line_add(struct trace_line *line, const char *format, ...)
{
    char part[512];
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(part, sizeof part, format, args);
    va_end(args);
    if (size < 0 || (size_t)size >= sizeof part)
        line->full = true;
    else
        line_bytes(line, part, (size_t)size);
}
