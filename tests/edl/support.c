/* SPDX-License-Identifier: Apache-2.0 */
/* support.c - see support.h */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

#define LIST_MAX 128

static const char *files[LIST_MAX][2], *warnings[LIST_MAX], *defines[LIST_MAX], *search[LIST_MAX];
static size_t file_count, warning_count, define_count, search_count;
static bool headers_only;

void given_file(const char *name, const char *text)
{
    for (size_t i = 0; i < file_count; i++) {
        if (strcmp(files[i][0], name) == 0) {
            files[i][1] = text;
            return;
        }
    }
    files[file_count][0] = name;
    files[file_count++][1] = text;
}

void given_warning(const char *option)
{
    warnings[warning_count++] = option;
}

void given_define(const char *define)
{
    defines[define_count++] = define;
}

void given_search_path(const char *folder)
{
    search[search_count++] = folder;
}

void given_headers_only(void)
{
    headers_only = true;
}

struct source *read_given(struct arena *arena, const char *path, const char **ret_why)
{
    for (size_t i = 0; i < file_count; i++) {
        if (strcmp(files[i][0], path) == 0) {
            struct source *source = arena_alloc(arena, sizeof *source);

            source->name = files[i][0];
            source->text = files[i][1];
            source->size = strlen(files[i][1]);
            return source;
        }
    }
    *ret_why = "not given";
    return NULL;
}

const struct outcome *compile_file_text(const char *text)
{
    static struct edl edl; /* its arena holds the outcome's texts until the next */
    static struct outcome o;
    struct compile_options options = {.wanted = {true, !headers_only, true, !headers_only}};
    char *said;
    size_t size;
    FILE *out = open_memstream(&said, &size);

    given_file("test.edl", text);
    edl_free(&edl);
    edl_init(&edl, out);
    edl.read = read_given;
    edl.defines = defines;
    edl.define_count = define_count;
    edl.search = search;
    edl.search_count = search_count;
    for (size_t i = 0; i < warning_count; i++)
        cr_assert(report_option(&edl.report, warnings[i]), "%s", warnings[i]);
    o = (struct outcome){0};
    o.ok = compile(&edl, "test.edl", &options, &o.compiled);
    fclose(out);
    o.said = arena_copy(&edl.arena, said, size);
    free(said);
    o.errors = edl.report.errors;
    o.warnings = edl.report.warnings;
    return &o;
}

static const struct outcome *compile_around(const char *before, const char *text, const char *after)
{
    static char *whole;

    free(whole);
    if (asprintf(&whole, "%s\n%s\n%s", before, text, after) < 0)
        abort();
    return compile_file_text(whole);
}

const struct outcome *compile_body(const char *body)
{
    return compile_around("enclave { trusted { public void way_in(void); };", body, "};");
}

const struct outcome *compile_ecalls(const char *declarations)
{
    return compile_around("enclave { trusted { public void way_in(void);", declarations, "}; };");
}

const struct outcome *compile_ocalls(const char *declarations)
{
    return compile_around("enclave { trusted { public void way_in(void); }; untrusted {",
                          declarations, "}; };");
}

void assert_refused(const struct outcome *o, const char *error)
{
    cr_assert_not(o->ok, "accepted, but expected: %s", error);
    cr_assert(strstr(o->said, error) != NULL, "expected: %s\nbut it said:\n%s", error, o->said);
    cr_assert_eq(o->errors, 1, "one error expected (%s), but it said:\n%s", error, o->said);
}

void assert_accepted(const struct outcome *o)
{
    cr_assert(o->ok, "it said:\n%s", o->said);
    cr_assert_str_eq(o->said, "");
}

void assert_warned(const struct outcome *o, const char *warning)
{
    cr_assert(o->ok, "it said:\n%s", o->said);
    cr_assert(strstr(o->said, warning) != NULL, "expected: %s\nbut it said:\n%s", warning, o->said);
    cr_assert_eq(o->warnings, 1, "it said:\n%s", o->said);
}

void assert_has(const struct outcome *o, enum output which, const char *text)
{
    cr_assert(o->ok, "it said:\n%s", o->said);
    cr_assert(strstr(o->compiled.text[which], text) != NULL, "expected: %s\nin:\n%s", text,
              o->compiled.text[which]);
}
