/* SPDX-License-Identifier: Apache-2.0 */
/* check_attributes.c - pointers and what is said about them */
#include <string.h>

#include "check.h"

/* One rule that a variable breaks. */
#define FAIL(c, place, ...) report_error(&(c)->edl->report, place, __VA_ARGS__)
#define HINT(c, ...)        report_hint(&(c)->edl->report, __VA_ARGS__)

static struct place where(const struct variable *v, enum attribute which)
{
    return v->attributes.where[which];
}

static bool has(const struct variable *v, enum attribute which)
{
    return attr_has(&v->attributes, which);
}

static void excludes(struct checker *c, const struct variable *v, enum attribute a,
                     enum attribute b)
{
    if (has(v, a) && has(v, b))
        FAIL(c, where(v, b), "'%s' and '%s' exclude each other", attribute_names[a],
             attribute_names[b]);
}

/* ------------------------------------------------------------------ size= and count= */

static const char *nearest_variable(struct checker *c, const char *name,
                                    const struct variable *list)
{
    size_t count = 0;
    const char **names;

    for (const struct variable *v = list; v; v = v->next)
        count++;
    names = arena_alloc(&c->edl->arena, (count + 1) * sizeof *names);
    count = 0;
    for (const struct variable *v = list; v; v = v->next)
        names[count++] = v->name;
    return report_nearest(name, names);
}

static bool is_countable(const struct variable *v)
{
    return !variable_is_pointer(v) && (v->type.kind == TYPE_INTEGER || v->type.kind == TYPE_CHAR ||
                                       v->type.kind == TYPE_WCHAR || v->type.kind == TYPE_ENUM ||
                                       (v->type.kind == TYPE_FOREIGN && !v->type.composite));
}

static void check_amount(struct checker *c, struct variable *v, enum attribute which,
                         struct amount *amount, struct variable *list, const char *owner)
{
    struct variable *named = list;

    if (!has(v, which))
        return;
    if (!amount->name) {
        if (amount->number == 0)
            FAIL(c, amount->place, "'%s' is zero: nothing would be copied", attribute_names[which]);
        else if (amount->number > INT64_MAX)
            FAIL(c, amount->place, "no memory is that big");
        return;
    }
    while (named && named->name != amount->name)
        named = named->next;
    if (!named) {
        const char *nearest = nearest_variable(c, amount->name, list);

        FAIL(c, amount->place, "'%s' names '%s', which is no %s", attribute_names[which],
             amount->name, owner);
        if (nearest)
            HINT(c, "did you mean '%s'?", nearest);
    } else if (!is_countable(named)) {
        FAIL(c, amount->place, "'%s' names '%s', which is no integer", attribute_names[which],
             amount->name);
        report_note(&c->edl->report, named->place, "it is declared here");
    }
    amount->names = named;
}

/* ------------------------------------------------------------------ parameters */

static void check_direction(struct checker *c, const struct variable *v)
{
    bool direction = has(v, ATTR_IN) || has(v, ATTR_OUT);

    if (direction && has(v, ATTR_USER_CHECK)) {
        FAIL(c, where(v, ATTR_USER_CHECK), "'user_check' excludes 'in' and 'out'");
        return;
    }
    if (!direction && !has(v, ATTR_USER_CHECK)) {
        FAIL(c, v->place, "'%s' is %s: in which direction is its memory copied?", v->name,
             v->dimension_count ? "an array" : "a pointer");
        HINT(c, "[in], [out], [in, out], or [user_check] to copy and check nothing");
    }
    if (has(v, ATTR_OUT) && v->type.is_const)
        FAIL(c, where(v, ATTR_OUT), "'%s' points to const and cannot be 'out'", v->name);
    if (has(v, ATTR_OUT) && has(v, ATTR_READONLY))
        FAIL(c, where(v, ATTR_OUT), "'%s' is 'readonly' and cannot be 'out'", v->name);
}

static void check_string(struct checker *c, const struct variable *v, enum attribute which,
                         enum type_kind kind)
{
    if (!has(v, which))
        return;
    excludes(c, v, which, ATTR_SIZE);
    excludes(c, v, which, ATTR_COUNT);
    if (v->type.kind != kind || v->type.stars != 1 || v->dimension_count)
        FAIL(c, where(v, which), "'%s' is for %s", attribute_names[which],
             kind == TYPE_CHAR ? "char *" : "wchar_t *");
    if (!has(v, ATTR_IN)) {
        FAIL(c, where(v, which), "'%s' needs 'in': nobody knows how long it will be",
             attribute_names[which]);
        HINT(c, "for a text that comes back, use a buffer: [out, size=...]");
    }
}

static void check_foreign(struct checker *c, const struct variable *v, enum attribute which)
{
    bool bare = v->type.kind == TYPE_FOREIGN && !v->type.stars;

    if (!has(v, which))
        return;
    if (!bare || v->dimension_count)
        FAIL(c, where(v, which), "'%s' is for a type of yours that is %s, not for '%s%s%s'",
             attribute_names[which], which == ATTR_ISPTR ? "a pointer" : "an array", v->type.base,
             v->type.stars ? " *" : "", v->dimension_count ? " []" : "");
}

/* Attributes that say how much, on something that says so itself, or that cannot. */
static void check_sizes(struct checker *c, const struct variable *v)
{
    static const enum attribute amounts[] = {ATTR_SIZE, ATTR_COUNT};
    bool is_void_pointer = v->type.kind == TYPE_VOID && v->type.stars == 1;

    for (int i = 0; i < 2; i++) {
        if (!has(v, amounts[i]))
            continue;
        excludes(c, v, ATTR_ISARY, amounts[i]);
        if (has(v, ATTR_USER_CHECK))
            FAIL(c, where(v, amounts[i]), "'%s' has no use with 'user_check': nothing is copied",
                 attribute_names[amounts[i]]);
        if (v->dimension_count)
            FAIL(c, where(v, amounts[i]), "an array says itself how big it is");
    }
    if (is_void_pointer && variable_is_copied(v) && !has(v, ATTR_SIZE)) {
        FAIL(c, v->place, "'%s' points to void: how much is there?", v->name);
        HINT(c, "give it size=, in bytes");
    }
    if (has(v, ATTR_SIZEFUNC)) {
        FAIL(c, where(v, ATTR_SIZEFUNC), "'sizefunc' is gone: it had to run on unchecked memory");
        HINT(c, "pass the size as a parameter and name it by size=");
    }
}

static void check_plain(struct checker *c, const struct variable *v)
{
    if (!v->attributes.set)
        return;
    FAIL(c, v->attributes.place, "'%s' is passed by value, so there is nothing to copy", v->name);
    if (v->type.kind == TYPE_FOREIGN)
        HINT(c, "if '%s' is a pointer or an array, say 'isptr' or 'isary'", v->type.base);
}

/* What the pointer leads to is a structure that EDL defines. */
static void check_structure(struct checker *c, const struct variable *v)
{
    const struct composite *meant = v->type.composite;

    if (!meant || !variable_is_copied(v))
        return;
    if (v->type.stars + (v->dimension_count ? 1 : 0) == 1 && meant->is_deep) {
        if (v->type.kind == TYPE_FOREIGN) {
            FAIL(c, v->type.place, "'%s' is copied with what it points to", meant->tag);
            HINT(c, "say so: struct %s", meant->tag);
        }
        if (!has(v, ATTR_IN)) {
            FAIL(c, where(v, ATTR_OUT),
                 "struct %s is copied with what it points to, which 'out' alone does not know",
                 meant->tag);
            HINT(c, "[in, out]: the caller's structure says where the memory is");
        }
    }
    for (const struct variable *m = meant->members; m; m = m->next) {
        if (m->type.stars && !member_is_deep(m)) {
            report_warning(&c->edl->report, WARN_SHALLOW_COPY, v->place,
                           "what %s's '%s' points to is not copied with '%s'", meant->tag, m->name,
                           v->name);
            return;
        }
    }
}

static void check_function_words(struct checker *c, const struct variable *v)
{
    for (int i = ATTR_CDECL; i < ATTR_COUNT_OF; i++) {
        if (has(v, i))
            FAIL(c, where(v, i), "'%s' is an attribute of functions", attribute_names[i]);
    }
}

static void check_pointer(struct checker *c, struct variable *v)
{
    if (v->type.stars && v->dimension_count)
        FAIL(c, v->place, "'%s' is an array of pointers, which cannot be copied", v->name);
    excludes(c, v, ATTR_ISPTR, ATTR_ISARY);
    excludes(c, v, ATTR_STRING, ATTR_WSTRING);
    check_foreign(c, v, ATTR_ISPTR);
    check_foreign(c, v, ATTR_ISARY);
    check_sizes(c, v);
    check_direction(c, v);
    check_string(c, v, ATTR_STRING, TYPE_CHAR);
    check_string(c, v, ATTR_WSTRING, TYPE_WCHAR);
    if (has(v, ATTR_READONLY) && !has(v, ATTR_ISPTR)) {
        FAIL(c, where(v, ATTR_READONLY), "'readonly' is for foreign pointers, with 'isptr'");
        HINT(c, "in front of '%s' write 'const'", v->type.base);
    }
    check_structure(c, v);
    if (has(v, ATTR_USER_CHECK))
        report_warning(&c->edl->report, WARN_USER_CHECK, v->place,
                       "'%s' is not checked: that is left to the code that uses it", v->name);
}

void check_parameter(struct checker *c, struct variable *v, struct function *f)
{
    check_type(c, &v->type, false, "a parameter");
    check_function_words(c, v);
    if (variable_is_pointer(v)) {
        check_pointer(c, v);
    } else {
        check_plain(c, v);
        check_by_value(c, &v->type, v->place);
    }
    check_amount(c, v, ATTR_SIZE, &v->attributes.size, f->parameters, "parameter");
    check_amount(c, v, ATTR_COUNT, &v->attributes.count, f->parameters, "parameter");
}

/* ------------------------------------------------------------------ members */

void check_member_attributes(struct checker *c, struct variable *v, struct composite *composite)
{
    struct attributes *a = &v->attributes;

    if (!a->set)
        return;
    if (composite->kind == TYPE_UNION) {
        FAIL(c, a->place, "members of a union have no attributes");
        HINT(c, "nobody knows which of them is in use");
        return;
    }
    for (int i = 0; i < ATTR_COUNT_OF; i++) {
        if (has(v, i) && i != ATTR_SIZE && i != ATTR_COUNT) {
            FAIL(c, where(v, i), "a member cannot be '%s'", attribute_names[i]);
            HINT(c, "members have size= and count= only; the parameter says in and out");
        }
    }
    if (!member_is_deep(v))
        return;
    if (!v->type.stars || v->dimension_count)
        FAIL(c, a->place, "'%s' is no pointer: it is copied with its structure", v->name);
    if (v->type.is_const)
        FAIL(c, v->type.place, "'%s' cannot be const: its copy is written", v->name);
    if (v->type.kind == TYPE_VOID && v->type.stars == 1 && !has(v, ATTR_SIZE))
        FAIL(c, v->place, "'%s' points to void: how much is there?", v->name);
    check_amount(c, v, ATTR_SIZE, &a->size, composite->members, "member of the structure");
    check_amount(c, v, ATTR_COUNT, &a->count, composite->members, "member of the structure");
}
