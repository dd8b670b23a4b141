/* SPDX-License-Identifier: Apache-2.0 */
/* import.c - see import.h */
#include "import.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

struct merger {
    struct edl *edl;
    struct interface *interface;
    struct include **includes;
    struct composite **composites;
    struct function **ecalls, **ocalls;
    struct map include_names;
};

/* The same file is the same module, however its name is spelt. */
static struct module *load(struct edl *edl, const char *name, const struct source *from,
                           struct place place)
{
    struct source *source = edl_open(edl, name, from, place);
    struct module *module;
    char real[PATH_MAX];
    const char *key;

    if (!source)
        return NULL;
    source->is_main = !from;
    key = edl->read == source_read && realpath(source->name, real) ? real : source->name;
    module = map_get(&edl->modules, key);
    if (!module) {
        if (edl->modules.used == EDL_MODULES_MAX) {
            report_error(&edl->report, place, "these are too many files");
            return NULL;
        }
        module = parse(edl, source, preprocess(edl, source));
        map_set(&edl->modules, &edl->arena, key, module);
    }
    return module;
}

/* ------------------------------------------------------------------ reading, depth first */

static bool resolve(struct edl *edl, struct module *module, unsigned depth)
{
    module->state = MODULE_OPEN;
    for (struct import *i = module->imports; i; i = i->next) {
        if (depth == EDL_IMPORT_DEPTH_MAX) {
            report_error(&edl->report, i->place, "imports are nested too deeply");
            return false;
        }
        i->module = load(edl, i->path, module->source, i->place);
        if (!i->module)
            continue;
        if (i->module->state == MODULE_OPEN) {
            report_error(&edl->report, i->place,
                         "this import leads in a circle: '%s' is being read",
                         i->module->source->name);
            return false;
        }
        if (i->module->state == MODULE_NEW && !resolve(edl, i->module, depth + 1))
            return false;
    }
    module->state = MODULE_DONE;
    return true;
}

/* ------------------------------------------------------------------ bringing together */

static void merge_include(struct merger *m, const struct include *include)
{
    struct map_entry *place =
        map_place(&m->include_names, &m->edl->arena, include->name, strlen(include->name));
    struct include *merged = place->value;

    if (!merged) {
        merged = arena_alloc(&m->edl->arena, sizeof *merged);
        merged->name = include->name;
        place->value = merged;
        *m->includes = merged;
        m->includes = &merged->next;
    }
    merged->for_trusted |= include->for_trusted;
    merged->for_untrusted |= include->for_untrusted;
}

static void merge_types(struct merger *m, struct module *module)
{
    if (module->types_merged)
        return;
    module->types_merged = true;
    for (struct import *i = module->imports; i; i = i->next) {
        if (i->module)
            merge_types(m, i->module);
    }
    for (const struct include *i = module->includes; i; i = i->next)
        merge_include(m, i);
    for (struct composite *c = module->composites; c; c = c->next) {
        *m->composites = c;
        m->composites = &c->next_merged;
    }
}

static void merge_function(struct merger *m, struct function *f)
{
    struct function ***end = f->is_trusted ? &m->ecalls : &m->ocalls;

    if (f->is_merged)
        return;
    f->is_merged = true;
    f->index = f->is_trusted ? m->interface->ecall_count++ : m->interface->ocall_count++;
    **end = f;
    *end = &f->next_merged;
}

/* Each module is looked at once, on however many ways it can be reached. */
static struct function *find(struct module *module, const char *name, unsigned visit)
{
    struct function *f;

    if (module->visit == visit)
        return NULL;
    module->visit = visit;
    for (f = module->functions; f; f = f->next) {
        if (f->name == name)
            return f;
    }
    for (struct import *i = module->imports; i; i = i->next) {
        f = i->module ? find(i->module, name, visit) : NULL;
        if (f)
            return f;
    }
    return NULL;
}

static void merge_functions(struct merger *m, struct module *module);

static void merge_import(struct merger *m, const struct import *i)
{
    if (!i->module)
        return;
    if (!i->names)
        merge_functions(m, i->module);
    for (const struct name_list *n = i->names; n; n = n->next) {
        struct function *f = find(i->module, n->name, ++m->edl->visits);

        if (f)
            merge_function(m, f);
        else
            report_error(&m->edl->report, n->place, "'%s' declares no function '%s'", i->path,
                         n->name);
    }
}

static void merge_functions(struct merger *m, struct module *module)
{
    if (module->functions_merged)
        return;
    module->functions_merged = true;
    for (struct function *f = module->functions; f; f = f->next)
        merge_function(m, f);
    for (const struct import *i = module->imports; i; i = i->next)
        merge_import(m, i);
}

/* ------------------------------------------------------------------ names */

static const char *short_name(struct edl *edl, const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');

    return arena_copy(&edl->arena, base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
}

static const char *as_identifier(struct edl *edl, const char *name)
{
    char *ident = arena_copy(&edl->arena, name, strlen(name));

    for (char *p = ident; *p; p++) {
        if (!isalnum((unsigned char)*p) || (p == ident && isdigit((unsigned char)*p)))
            *p = '_';
    }
    return ident;
}

struct interface *import_file(struct edl *edl, const char *name)
{
    struct interface *interface = arena_alloc(&edl->arena, sizeof *interface);
    struct module *module = load(edl, name, NULL, (struct place){0});
    struct merger m = {
        .edl = edl,
        .interface = interface,
        .includes = &interface->includes,
        .composites = &interface->composites,
        .ecalls = &interface->ecalls,
        .ocalls = &interface->ocalls,
    };

    if (!module || !resolve(edl, module, 0))
        return NULL;
    merge_types(&m, module);
    merge_functions(&m, module);
    interface->name = short_name(edl, name);
    if (strpbrk(interface->name, "\"\\\n"))
        report_error(&edl->report, (struct place){0}, "'%s' cannot name a C file", name);
    interface->ident = as_identifier(edl, interface->name);
    return interface;
}
