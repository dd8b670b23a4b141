/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.h - from names to anything
 *
 * Lives in an arena; nothing is ever removed, a value may be set to NULL instead. {0} is empty.
 */
#ifndef EDL_MAP_H
#define EDL_MAP_H

#include <stddef.h>

#include "arena.h"

struct map_entry {
    const char *name; /* owned by the arena; the same pointer for the same name */
    void *value;
    unsigned hash;
    struct map_entry *next;
};

struct map {
    struct map_entry **buckets;
    size_t bucket_count, used;
};

/* The value of a name; NULL if it has none. */
void *map_get(const struct map *map, const char *name);

/* The place of the value of a name, made if there was none; good until the arena goes. */
struct map_entry *map_place(struct map *map, struct arena *arena, const char *name, size_t size);

/* Sets the value of a name. */
void map_set(struct map *map, struct arena *arena, const char *name, void *value);

#endif
