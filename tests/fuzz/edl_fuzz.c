/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edl_fuzz.c - any bytes as an interface, from the lexer through the generators
 *
 * What stands behind the first zero byte is the file that every import and #include finds. A
 * refusal has said why; what is accepted gives four texts.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"

static const char *imported;
static size_t imported_size;

static struct source *read_imported(struct arena *arena, const char *path, const char **ret_why)
{
    struct source *source = arena_alloc(arena, sizeof *source);

    if (!imported) {
        *ret_why = "there is none";
        return NULL;
    }
    source->name = arena_copy(arena, path, strlen(path));
    source->text = arena_copy(arena, imported, imported_size);
    source->size = imported_size;
    return source;
}

static const uint8_t *main_data;
static size_t main_size;

static struct source *read_file(struct arena *arena, const char *path, const char **ret_why)
{
    struct source *source;

    if (strcmp(path, "fuzz.edl") != 0)
        return read_imported(arena, path, ret_why);
    source = arena_alloc(arena, sizeof *source);
    source->name = "fuzz.edl";
    source->text = arena_copy(arena, (const char *)main_data, main_size);
    source->size = main_size;
    return source;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
    struct compile_options options = {.wanted = {true, true, true, true}};
    struct compiled compiled = {0};
    struct edl edl;
    char *said = NULL;
    size_t said_size = 0;
    FILE *out = open_memstream(&said, &said_size);

    main_data = data;
    main_size = zero ? (size_t)(zero - data) : size;
    imported = zero ? (const char *)zero + 1 : NULL;
    imported_size = zero ? size - main_size - 1 : 0;

    edl_init(&edl, out);
    edl.read = read_file;
    report_option(&edl.report, "all");
    if (compile(&edl, "fuzz.edl", &options, &compiled)) {
        assert(edl.report.errors == 0);
        for (int i = 0; i < OUTPUT_COUNT; i++)
            assert(compiled.text[i] && strlen(compiled.text[i]) == compiled.size[i]);
    } else {
        fflush(out);
        assert(edl.report.errors > 0 && strstr(said, "error"));
        assert(!compiled.name);
    }
    edl_free(&edl);
    fclose(out);
    free(said);
    return 0;
}
