/* SPDX-License-Identifier: Apache-2.0 */
/* map.c - see map.h; chained, doubled when full */
#include "map.h"

#include <string.h>

#define FIRST_BUCKETS 64

/* FNV-1a */
static unsigned hash_of(const char *name, size_t size)
{
    unsigned hash = 2166136261u;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    return hash;
}

static struct map_entry *find(const struct map *map, const char *name, size_t size, unsigned hash)
{
    struct map_entry *e;

    if (!map->bucket_count)
        return NULL;
    for (e = map->buckets[hash % map->bucket_count]; e; e = e->next) {
        if (e->hash == hash && strncmp(e->name, name, size) == 0 && !e->name[size])
            return e;
    }
    return NULL;
}

static void grow(struct map *map, struct arena *arena)
{
    size_t count = map->bucket_count ? 2 * map->bucket_count : FIRST_BUCKETS;
    struct map_entry **buckets = arena_alloc(arena, count * sizeof *buckets);

    for (size_t i = 0; i < map->bucket_count; i++) {
        for (struct map_entry *e = map->buckets[i], *next; e; e = next) {
            next = e->next;
            e->next = buckets[e->hash % count];
            buckets[e->hash % count] = e;
        }
    }
    map->buckets = buckets;
    map->bucket_count = count;
}

void *map_get(const struct map *map, const char *name)
{
    size_t size = strlen(name);
    const struct map_entry *e = find(map, name, size, hash_of(name, size));

    return e ? e->value : NULL;
}

struct map_entry *map_place(struct map *map, struct arena *arena, const char *name, size_t size)
{
    unsigned hash = hash_of(name, size);
    struct map_entry *e = find(map, name, size, hash);

    if (e)
        return e;
    if (map->used == map->bucket_count)
        grow(map, arena);
    e = arena_alloc(arena, sizeof *e);
    e->name = arena_copy(arena, name, size);
    e->hash = hash;
    e->next = map->buckets[hash % map->bucket_count];
    map->buckets[hash % map->bucket_count] = e;
    map->used++;
    return e;
}

void map_set(struct map *map, struct arena *arena, const char *name, void *value)
{
    map_place(map, arena, name, strlen(name))->value = value;
}
