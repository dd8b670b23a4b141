/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - see source.h */
#include "source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct place place_join(struct place a, struct place b)
{
    if (a.source && a.source == b.source && b.offset + b.size >= a.offset + a.size)
        a.size = b.offset + b.size - a.offset;
    return a;
}

struct line place_line(struct place place)
{
    const char *text = place.source->text, *at = text + place.offset, *end;
    struct line line = {.number = 1};

    line.text = text;
    for (const char *p = text; p < at; p++) {
        if (*p == '\n') {
            line.number++;
            line.text = p + 1;
        }
    }
    line.column = (unsigned)(at - line.text) + 1;
    end = memchr(line.text, '\n', (size_t)(text + place.source->size - line.text));
    if (!end)
        end = text + place.source->size;
    if (end > line.text && end[-1] == '\r')
        end--;
    line.size = (size_t)(end - line.text);
    return line;
}

static const char *read_stream(struct arena *arena, FILE *f, struct source *source)
{
    size_t room = 65536, size = 0, got;
    char *text = malloc(room + 1), *more;

    while (text && (got = fread(text + size, 1, room - size, f)) > 0) {
        size += got;
        if (size > SOURCE_SIZE_MAX)
            break;
        if (size == room) {
            room *= 2;
            more = realloc(text, room + 1);
            if (!more)
                free(text);
            text = more;
        }
    }
    if (!text)
        return "out of memory";
    source->text = arena_copy(arena, text, size);
    source->size = size;
    free(text);
    if (size > SOURCE_SIZE_MAX)
        return "the file is too big";
    return ferror(f) ? strerror(errno) : NULL;
}

struct source *source_read(struct arena *arena, const char *path, const char **ret_why)
{
    struct source *source = arena_alloc(arena, sizeof *source);
    struct stat st;
    const char *why;
    FILE *f = fopen(path, "re");

    if (!f) {
        *ret_why = arena_format(arena, "%s", strerror(errno));
        return NULL;
    }
    if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode))
        why = "is a folder";
    else
        why = read_stream(arena, f, source);
    fclose(f);
    if (why) {
        *ret_why = arena_format(arena, "%s", why);
        return NULL;
    }
    source->name = arena_copy(arena, path, strlen(path));
    return source;
}

const char *path_folder(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return ".";
    return slash == path ? "/" : arena_copy(arena, path, (size_t)(slash - path));
}
