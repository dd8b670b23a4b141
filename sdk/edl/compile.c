/* SPDX-License-Identifier: Apache-2.0 */
/* compile.c - see compile.h */
#include "compile.h"

#include <stdlib.h>

#include "check.h"
#include "generate.h"
#include "import.h"

const char *const output_endings[OUTPUT_COUNT] = {
    [OUTPUT_TRUSTED_HEADER] = "_t.h",
    [OUTPUT_TRUSTED_SOURCE] = "_t.c",
    [OUTPUT_UNTRUSTED_HEADER] = "_u.h",
    [OUTPUT_UNTRUSTED_SOURCE] = "_u.c",
};

static void (*const generators[OUTPUT_COUNT])(struct emit *) = {
    [OUTPUT_TRUSTED_HEADER] = generate_trusted_header,
    [OUTPUT_TRUSTED_SOURCE] = generate_trusted_source,
    [OUTPUT_UNTRUSTED_HEADER] = generate_untrusted_header,
    [OUTPUT_UNTRUSTED_SOURCE] = generate_untrusted_source,
};

static bool generate(struct edl *edl, const struct interface *interface, bool use_prefix,
                     enum output which, struct compiled *compiled)
{
    struct emit e = {.arena = &edl->arena, .interface = interface, .use_prefix = use_prefix};
    char *text = NULL;
    size_t size = 0;
    bool ok;

    e.out = open_memstream(&text, &size);
    if (!e.out)
        return false;
    generators[which](&e);
    ok = !ferror(e.out);
    if (fclose(e.out) != 0 || !ok) {
        free(text);
        return false;
    }
    compiled->text[which] = arena_copy(&edl->arena, text, size);
    compiled->size[which] = size;
    free(text);
    return true;
}

bool compile(struct edl *edl, const char *file, const struct compile_options *options,
             struct compiled *ret_compiled)
{
    const bool *wanted = options->wanted;
    struct interface *interface = import_file(edl, file);
    struct compiled compiled = {0};

    if (interface)
        check(edl, interface, !wanted[OUTPUT_TRUSTED_SOURCE] && !wanted[OUTPUT_UNTRUSTED_SOURCE]);
    if (!interface || edl->report.errors)
        return false;
    compiled.name = interface->name;
    for (int i = 0; i < OUTPUT_COUNT; i++) {
        if (wanted[i] && !generate(edl, interface, options->use_prefix, i, &compiled)) {
            report_error(&edl->report, (struct place){0}, "out of memory");
            return false;
        }
    }
    *ret_compiled = compiled;
    return true;
}
