/* SPDX-License-Identifier: Apache-2.0 */
/* output.c - see output.h */
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(struct edl *edl, const char *what, const char *path)
{
    report_error(&edl->report, (struct place){0}, "cannot %s '%s': %s", what, path,
                 strerror(errno));
    return false;
}

static bool make_folders(struct edl *edl, const char *folder)
{
    char *path = arena_copy(&edl->arena, folder, strlen(folder));

    for (char *p = path + 1; *path; p++) {
        char end = *p;

        if (end && end != '/')
            continue;
        *p = '\0';
        if (mkdir(path, 0777) < 0 && errno != EEXIST)
            return fail(edl, "make the folder", path);
        *p = end;
        if (!end)
            break;
    }
    return true;
}

static bool write_all(FILE *f, const char *text, size_t size)
{
    bool ok = fwrite(text, 1, size, f) == size;

    return fclose(f) == 0 && ok;
}

static bool replace(struct edl *edl, const char *path, const char *text, size_t size)
{
    char *fresh = arena_format(&edl->arena, "%s.XXXXXX", path);
    int fd = mkstemp(fresh);
    mode_t mask = umask(0);
    FILE *f;

    umask(mask);
    if (fd < 0)
        return fail(edl, "write", path);
    f = fdopen(fd, "w");
    if (!f) {
        close(fd);
        unlink(fresh);
        return fail(edl, "write", path);
    }
    if (fchmod(fd, 0666 & ~mask) < 0 || !write_all(f, text, size) || rename(fresh, path) < 0) {
        fail(edl, "write", path);
        unlink(fresh);
        return false;
    }
    return true;
}

static const char *output_path(struct edl *edl, const char *folder, const char *name,
                               enum output which)
{
    return arena_format(&edl->arena, "%s/%s%s", folder, name, output_endings[which]);
}

bool output_write(struct edl *edl, const char *folder, const struct compiled *compiled,
                  enum output which)
{
    if (!make_folders(edl, folder))
        return false;
    return replace(edl, output_path(edl, folder, compiled->name, which), compiled->text[which],
                   compiled->size[which]);
}

/* Blanks separate names there, and '$' and '#' mean something. */
static void print_dependency(FILE *out, const char *path)
{
    for (; *path; path++) {
        if (*path == ' ' || *path == '#' || *path == '\\')
            fputc('\\', out);
        if (*path == '$')
            fputc('$', out);
        fputc(*path, out);
    }
}

bool output_write_dependencies(struct edl *edl, const char *path, const struct compiled *compiled,
                               const char *const folders[OUTPUT_COUNT])
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    bool ok;

    if (!out)
        return fail(edl, "write", path);
    for (int i = 0; i < OUTPUT_COUNT; i++) {
        if (!compiled->text[i])
            continue;
        print_dependency(out, output_path(edl, folders[i], compiled->name, i));
        fputc(' ', out);
    }
    fputc(':', out);
    for (const struct source *s = edl->sources; s; s = s->next) {
        fputs(" \\\n  ", out);
        print_dependency(out, s->name);
    }
    fputc('\n', out);
    if (fclose(out) != 0) {
        free(text);
        return fail(edl, "write", path);
    }
    ok = replace(edl, path, text, size);
    free(text);
    return ok;
}
