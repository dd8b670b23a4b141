/* SPDX-License-Identifier: Apache-2.0 */
/* arena.c - see arena.h */
#include "arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE 65536

struct arena_block {
    struct arena_block *next;
    size_t size, used; /* of data */
    _Alignas(max_align_t) unsigned char data[];
};

static struct arena_block *block_new(size_t size)
{
    struct arena_block *block = calloc(1, sizeof *block + size);

    if (!block) {
        fputs("ap-edl: error: out of memory\n", stderr);
        exit(EXIT_FAILURE);
    }
    block->size = size;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    struct arena_block *block = arena->blocks;
    size_t rounded = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    void *memory;

    if (!block || block->size - block->used < rounded) {
        block = block_new(rounded > BLOCK_SIZE ? rounded : BLOCK_SIZE);
        block->next = arena->blocks;
        arena->blocks = block;
    }
    memory = block->data + block->used;
    block->used += rounded;
    return memory;
}

char *arena_copy(struct arena *arena, const char *text, size_t size)
{
    char *copy = arena_alloc(arena, size + 1);

    if (size)
        memcpy(copy, text, size);
    return copy;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    int size;
    char *text;

    va_start(args, format);
    va_copy(again, args);
    size = vsnprintf(NULL, 0, format, args);
    text = arena_alloc(arena, (size_t)size + 1);
    vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    va_end(args);
    return text;
}

void arena_free(struct arena *arena)
{
    struct arena_block *block = arena->blocks, *next;

    for (; block; block = next) {
        next = block->next;
        free(block);
    }
    arena->blocks = NULL;
}
