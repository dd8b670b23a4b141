/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line.h - a line of a trace while it is put together (private to the trace)
 *
 * Lines are made in signal handlers: no allocation, no stdio, no locks.
 */
#ifndef MODEL_INSTRUMENT_LINE_H
#define MODEL_INSTRUMENT_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "trace.h"

/* One byte is kept for the line's end. What does not fit is left out, and full says so. */
struct trace_line {
    size_t used;
    bool full;
    char buf[TRACE_LINE];
};

void line_bytes(struct trace_line *line, const char *bytes, size_t size);
void line_add(struct trace_line *line, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* An event as a readable line, after the thread: kind, name, fields. text.c */
void trace_as_text(struct trace_line *line, const struct trace_event *event);

/*
 * An event as a JSON object, whole and valid whatever its strings hold, and however long they are:
 * "truncated" says that fields are missing. json.c
 */
struct trace_stamp {
    unsigned long long time; /* CLOCK_MONOTONIC, ns */
    int pid, tid;
};

void trace_as_json(struct trace_line *line, const struct trace_stamp *stamp,
                   const struct trace_event *event);

/* A string as JSON has it, quotes and all, at most room bytes long. */
void json_string(struct trace_line *line, const char *string, size_t room);

#endif
