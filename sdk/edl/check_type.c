/* SPDX-License-Identifier: Apache-2.0 */
/* check_type.c - what types mean, and the structures that a file defines */
#include <string.h>

#include "check.h"

static const char *kind_name(enum type_kind kind)
{
    return kind == TYPE_STRUCT ? "struct" : kind == TYPE_UNION ? "union" : "enum";
}

void check_type(struct checker *c, struct type *type, bool may_be_void, const char *what)
{
    struct composite *meant = type->tag ? map_get(&c->composites, type->tag) : NULL;

    if (type_is_void(type) && !may_be_void)
        report_error(&c->edl->report, type->place, "%s cannot be void", what);
    if (!meant)
        return; /* a header explains it, or C will complain */
    if (type->kind == TYPE_FOREIGN) {
        report_warning(&c->edl->report, WARN_FOREIGN_STRUCT, type->place,
                       "'%s' is defined as %s %s: call it so", type->tag, kind_name(meant->kind),
                       type->tag);
    } else if (type->kind != meant->kind) {
        report_error(&c->edl->report, type->place, "'%s' is not %s %s", type->tag,
                     type->kind == TYPE_ENUM ? "an" : "a", kind_name(type->kind));
        report_note(&c->edl->report, meant->place, "it is defined here");
        return;
    }
    type->composite = meant;
}

static bool has_pointers(const struct composite *c)
{
    for (const struct variable *v = c->members; v; v = v->next) {
        if (v->type.stars)
            return true;
    }
    return false;
}

void check_by_value(struct checker *c, const struct type *type, struct place place)
{
    const struct composite *meant = type->stars ? NULL : type->composite;

    if (!meant)
        return;
    if (meant->is_deep) {
        report_error(&c->edl->report, place,
                     "%s %s is copied with what it points to, so it cannot be passed by value",
                     kind_name(meant->kind), meant->tag);
        report_hint(&c->edl->report, "pass [in] or [in, out] struct %s *", meant->tag);
    } else if (has_pointers(meant)) {
        report_warning(&c->edl->report, WARN_STRUCT_POINTER, place,
                       "%s %s is passed by value: what its pointers lead to is not copied",
                       kind_name(meant->kind), meant->tag);
    }
}

static void check_member(struct checker *c, struct variable *v, struct composite *composite)
{
    const struct composite *meant;

    check_type(c, &v->type, false, "a member");
    check_member_attributes(c, v, composite);
    meant = v->type.composite;
    if (!meant)
        return;
    if (!v->type.stars && !meant->is_checked) {
        report_error(&c->edl->report, v->type.place, "%s %s must be defined before it is a member",
                     kind_name(meant->kind), meant->tag);
        report_note(&c->edl->report, meant->place, "it is defined here");
    } else if (meant->is_deep && (!v->type.stars || member_is_deep(v))) {
        report_warning(&c->edl->report, WARN_NESTED_DEEP_COPY, v->type.place,
                       "only one level is copied: the pointers of the inner struct %s stay as is",
                       meant->tag);
    }
}

static void check_enumerators(struct checker *c, const struct composite *composite)
{
    for (const struct enumerator *e = composite->enumerators; e; e = e->next)
        check_declaration(c, e->name, e->place, "a constant");
}

static void check_composite(struct checker *c, struct composite *composite)
{
    check_distinct(c, composite->members, "a member");
    for (struct variable *v = composite->members; v; v = v->next)
        check_member(c, v, composite);
    composite->is_checked = true;
}

static void count_deep_members(struct composite *composite)
{
    for (const struct variable *v = composite->members; v; v = v->next) {
        if (composite->kind == TYPE_STRUCT && member_is_deep(v))
            composite->deep_members++;
    }
    composite->is_deep = composite->deep_members > 0;
}

/* All tags first: a pointer may lead to what is defined below. */
void check_composites(struct checker *c)
{
    for (struct composite *m = c->interface->composites; m; m = m->next_merged) {
        if (m->tag) {
            check_declaration(c, m->tag, m->place, "a type");
            map_set(&c->composites, &c->edl->arena, m->tag, m);
        }
        check_enumerators(c, m);
        count_deep_members(m);
    }
    for (struct composite *m = c->interface->composites; m; m = m->next_merged)
        check_composite(c, m);
}
