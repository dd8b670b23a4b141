/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.h - the text of a file, and places in it
 */
#ifndef EDL_SOURCE_H
#define EDL_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"

/* No EDL file of a sane project is this big; offsets stay within 32 bits. */
#define SOURCE_SIZE_MAX (16u << 20)

struct source {
    const char *name; /* as the user would write it; in every diagnostic */
    const char *text; /* NUL behind the last byte; may hold NULs before */
    size_t size;
    bool is_main;        /* named on the command line */
    struct source *next; /* all files of a compilation, the latest first */
};

/* A stretch of a file that a diagnostic can point at. {0} is nowhere. */
struct place {
    const struct source *source;
    unsigned offset, size; /* bytes */
};

/* From the start of `a` to the end of `b`, which follows it in the same file; else `a`. */
struct place place_join(struct place a, struct place b);

/* Where the line of a place begins, and its number and column, both from 1. Columns count bytes. */
struct line {
    unsigned number, column;
    const char *text;
    size_t size;
};
struct line place_line(struct place place);

/*
 * source_read() - a whole file
 *
 * The source, or NULL with a sentence in ret_why (in the arena).
 */
struct source *source_read(struct arena *arena, const char *path, const char **ret_why);

/* The folder of a path, "." if it names none. */
const char *path_folder(struct arena *arena, const char *path);

#endif
