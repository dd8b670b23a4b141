/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - functions and what they refer to; see check.h */
#include "check.h"

#include <string.h>

#define CONVENTIONS (ATTR_BIT(ATTR_CDECL) | ATTR_BIT(ATTR_STDCALL) | ATTR_BIT(ATTR_FASTCALL))

static void check_function_attributes(struct checker *c, const struct function *f)
{
    const struct attributes *a = &f->attributes;
    unsigned conventions = a->set & CONVENTIONS;

    for (int i = 0; i < ATTR_CDECL; i++) {
        if (attr_has(a, i))
            report_error(&c->edl->report, a->where[i], "'%s' is no attribute of a function",
                         attribute_names[i]);
    }
    if (f->is_trusted && a->set) {
        report_error(&c->edl->report, a->place, "an ecall has no attributes");
        report_hint(&c->edl->report, "calling conventions and dllimport are for ocalls");
    }
    if (conventions & (conventions - 1))
        report_error(&c->edl->report, a->place, "cdecl, stdcall and fastcall exclude each other");
}

static void check_reserved_parameters(struct checker *c, const struct function *f)
{
    static const char *const prefixes[] = {"_ap_", "_at_", "_in_", "_inner_", "_len_", "_n_"};

    for (const struct variable *v = f->parameters; v; v = v->next) {
        if (f->is_trusted && strcmp(v->name, "eid") == 0)
            report_error(&c->edl->report, v->place,
                         "'eid' is the first parameter of every generated '%s'", f->name);
        if (!type_is_void(&f->result) && strcmp(v->name, "retval") == 0)
            report_error(&c->edl->report, v->place,
                         "'retval' is the parameter that takes the result of the generated '%s'",
                         f->name);
        for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
            if (strncmp(v->name, prefixes[i], strlen(prefixes[i])) == 0)
                report_error(&c->edl->report, v->place,
                             "names that begin with '%s' belong to the generated code",
                             prefixes[i]);
        }
    }
}

/* The bridge of an ecall `x` is called sgx_x; these are taken. */
static void check_bridge_name(struct checker *c, const struct function *f)
{
    static const char *const taken[] = {
        "ecall",
        "ecall_switchless",
        "ocall",
        "ocall_switchless",
        "ocalloc",
        "ocalloc_switchless",
        "ocfree",
        "ocfree_switchless",
        "lfence",
        "is_within_enclave",
        "is_outside_enclave",
        "enclave_id_t",
        "status_t",
    };

    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        if (f->is_trusted && strcmp(f->name, taken[i]) == 0)
            report_error(&c->edl->report, f->place,
                         "an ecall '%s' would be reached through sgx_%s(), which the runtime has",
                         f->name, f->name);
    }
}

static void check_function(struct checker *c, struct function *f)
{
    const char *what = f->is_trusted ? "an ecall" : "an ocall";

    check_declaration(c, f->name, f->place, what);
    check_bridge_name(c, f);
    check_function_attributes(c, f);
    check_type(c, &f->result, true, "a result");
    check_by_value(c, &f->result, f->place);
    check_distinct(c, f->parameters, "a parameter");
    check_reserved_parameters(c, f);
    for (struct variable *v = f->parameters; v; v = v->next)
        check_parameter(c, v, f);

    if (f->is_trusted && f->result.stars)
        report_warning(&c->edl->report, WARN_POINTER_RESULT, f->result.place,
                       "'%s' gives the host an address, which it can keep but not use", f->name);
    if (f->is_trusted && f->is_switchless && !f->is_public)
        report_warning(&c->edl->report, WARN_SWITCHLESS, f->place,
                       "'%s' is private: no worker thread can ever run it", f->name);
    if (!f->is_trusted && f->is_switchless && f->allow)
        report_warning(&c->edl->report, WARN_SWITCHLESS, f->place,
                       "'%s' may run on a worker thread, from where no ecall is nested", f->name);
}

static const char *nearest_ecall(struct checker *c, const char *name)
{
    const char **names =
        arena_alloc(&c->edl->arena, (c->interface->ecall_count + 1) * sizeof *names);
    size_t count = 0;

    for (const struct function *f = c->interface->ecalls; f; f = f->next_merged)
        names[count++] = f->name;
    return report_nearest(name, names);
}

static void check_allow(struct checker *c, const struct function *ocall)
{
    struct map seen = {0};

    for (const struct name_list *n = ocall->allow; n; n = n->next) {
        struct function *ecall = map_get(&c->ecalls, n->name);

        if (map_get(&seen, n->name))
            report_error(&c->edl->report, n->place, "'%s' is allowed twice", n->name);
        map_set(&seen, &c->edl->arena, n->name, (void *)n);
        if (ecall) {
            ecall->allowed = true;
            continue;
        }
        report_error(&c->edl->report, n->place,
                     "'%s' allows '%s', which is no ecall of this enclave", ocall->name, n->name);
        if (nearest_ecall(c, n->name))
            report_hint(&c->edl->report, "did you mean '%s'?", nearest_ecall(c, n->name));
    }
}

static void check_entrances(struct checker *c, bool headers_only)
{
    bool has_public = false;

    for (const struct function *f = c->interface->ecalls; f; f = f->next_merged) {
        has_public |= f->is_public;
        if (!f->is_public && !f->allowed) {
            report_warning(&c->edl->report, WARN_UNUSED_PRIVATE, f->place,
                           "no ocall allows the private ecall '%s', so nobody can call it",
                           f->name);
            report_hint(&c->edl->report, "say 'public', or name it in an ocall's allow()");
        }
    }
    /* After other errors the one that is missing may just not have been understood. */
    if (!has_public && !headers_only && !c->edl->report.errors) {
        report_error(&c->edl->report, (struct place){0},
                     "'%s' has no public ecall: nobody could enter the enclave",
                     c->interface->name);
        report_hint(&c->edl->report, "a file that is only imported needs no code of its own");
    }
}

void check(struct edl *edl, struct interface *interface, bool headers_only)
{
    struct checker c = {.edl = edl, .interface = interface};

    check_composites(&c);
    for (struct function *f = interface->ecalls; f; f = f->next_merged)
        map_set(&c.ecalls, &edl->arena, f->name, f);
    for (struct function *f = interface->ecalls; f; f = f->next_merged)
        check_function(&c, f);
    for (struct function *f = interface->ocalls; f; f = f->next_merged) {
        check_function(&c, f);
        check_allow(&c, f);
    }
    check_entrances(&c, headers_only);
}
