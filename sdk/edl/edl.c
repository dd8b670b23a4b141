/* SPDX-License-Identifier: Apache-2.0 */
/* edl.c - see edl.h */
#include "edl.h"

#include <string.h>

void edl_init(struct edl *edl, FILE *out)
{
    *edl = (struct edl){.read = source_read};
    report_init(&edl->report, out);
}

void edl_free(struct edl *edl)
{
    arena_free(&edl->arena);
    *edl = (struct edl){0};
}

const char *edl_name(struct edl *edl, const char *text, size_t size)
{
    return map_place(&edl->names, &edl->arena, text, size)->name;
}

static struct source *try_folder(struct edl *edl, const char *folder, const char *name,
                                 const char **ret_why)
{
    const char *path = name;
    struct source *source;

    if (strcmp(folder, ".") != 0)
        path = arena_format(&edl->arena, "%s/%s", folder, name);
    source = edl->read(&edl->arena, path, ret_why);
    if (source) {
        source->next = edl->sources;
        edl->sources = source;
    }
    return source;
}

struct source *edl_open(struct edl *edl, const char *name, const struct source *from,
                        struct place place)
{
    const char *why = "no such file";
    struct source *source = NULL;

    if (name[0] == '/') {
        source = try_folder(edl, ".", name, &why);
    } else {
        for (size_t i = 0; i < edl->search_count && !source; i++)
            source = try_folder(edl, edl->search[i], name, &why);
        if (!source)
            source = try_folder(edl, ".", name, &why);
        if (!source && from)
            source = try_folder(edl, path_folder(&edl->arena, from->name), name, &why);
    }
    if (!source) {
        report_error(&edl->report, place, "cannot read '%s': %s", name, why);
        if (from && name[0] != '/')
            report_hint(&edl->report, "--search-path names the folders to look in");
    }
    /* cppcheck-suppress returnDanglingLifetime ; a source keeps no pointer to why there is none */
    return source;
}
