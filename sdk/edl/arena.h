/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.h - memory that lives as long as one compilation
 *
 * Nothing is freed on its own. Running out of memory ends the program with a sentence: a compiler
 * that cannot hold its input has nothing better to do.
 */
#ifndef EDL_ARENA_H
#define EDL_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* NULL in an empty arena, which {0} is */
};

/* Zeroed memory, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);

/* A copy of `size` bytes with a NUL behind them. */
char *arena_copy(struct arena *arena, const char *text, size_t size);

/* printf() into the arena. */
__attribute__((format(printf, 2, 3))) char *arena_format(struct arena *arena, const char *format,
                                                         ...);

/* Everything at once; the arena is empty afterwards and may be used again. */
void arena_free(struct arena *arena);

#endif
