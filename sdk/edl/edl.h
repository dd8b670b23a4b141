/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edl.h - one compilation: what all stages share
 *
 *     source -> lex -> preprocess -> parse -> import -> check -> generate
 *
 * Memory comes from one arena and goes with it. Nothing is global, so that tests and the fuzzer can
 * compile as often as they like.
 */
#ifndef EDL_EDL_H
#define EDL_EDL_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "map.h"
#include "report.h"
#include "source.h"

/* Bounds that keep hostile input from using up stack, memory or time. */
#define EDL_IMPORT_DEPTH_MAX  64
#define EDL_INCLUDE_DEPTH_MAX 32
#define EDL_MODULES_MAX       1000
#define EDL_MACRO_DEPTH_MAX   64
#define EDL_PAREN_DEPTH_MAX   64
#define EDL_TOKENS_MAX        1000000u

/* Reads a file: as source_read(). The fuzzer has one that knows no files. */
typedef struct source *edl_read_fn(struct arena *arena, const char *path, const char **ret_why);

struct edl {
    struct arena arena;
    struct report report;
    edl_read_fn *read;
    const char *const *search; /* folders, the first is looked at first */
    size_t search_count;
    const char *const *defines; /* NAME or NAME=VALUE */
    size_t define_count;

    struct source *sources; /* every file read, the latest first */
    struct map names;       /* every identifier once, so that equal names are equal pointers */
    struct map modules;     /* path -> struct module, see import.h */
    size_t tokens;          /* made so far */
    unsigned visits;        /* searches through modules so far */
};

/*
 * edl_init() - an empty compilation
 * @out: where diagnostics go; NULL for nowhere
 *
 * edl_free() releases all that came from it.
 */
void edl_init(struct edl *edl, FILE *out);
void edl_free(struct edl *edl);

/* The one copy of a name. */
const char *edl_name(struct edl *edl, const char *text, size_t size);

/*
 * edl_open() - find and read a file
 * @name:  as written
 * @from:  the file that asks for it, or NULL for the command line
 * @place: where it asks
 *
 * An absolute name is taken as it is. Others are looked for in the search path, in the current
 * folder, and at last beside the file that asks. NULL after an error was reported.
 */
struct source *edl_open(struct edl *edl, const char *name, const struct source *from,
                        struct place place);

#endif
