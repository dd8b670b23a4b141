/* SPDX-License-Identifier: Apache-2.0 */
/* parse_attributes.c - what stands in brackets; whether it makes sense is checked later */
#include <string.h>

#include "parse.h"

const char *const attribute_names[ATTR_COUNT_OF + 1] = {
    [ATTR_IN] = "in",           [ATTR_OUT] = "out",           [ATTR_USER_CHECK] = "user_check",
    [ATTR_STRING] = "string",   [ATTR_WSTRING] = "wstring",   [ATTR_SIZE] = "size",
    [ATTR_COUNT] = "count",     [ATTR_SIZEFUNC] = "sizefunc", [ATTR_ISPTR] = "isptr",
    [ATTR_ISARY] = "isary",     [ATTR_READONLY] = "readonly", [ATTR_CDECL] = "cdecl",
    [ATTR_STDCALL] = "stdcall", [ATTR_FASTCALL] = "fastcall", [ATTR_DLLIMPORT] = "dllimport",
};

/* What stands behind "=": a number or a name. */
static struct amount amount(struct parser *p)
{
    struct amount a = {.place = p->at->place};

    if (p->at->kind == TOKEN_NUMBER) {
        a.number = p->at->number;
        p->last = p->at->place;
        p->at = p->at->next;
    } else {
        a.name = parse_name(p, "a number or a name", &a.place);
    }
    return a;
}

static void take_value(struct parser *p, struct attributes *attributes, int which,
                       struct place place)
{
    bool wants = which == ATTR_SIZE || which == ATTR_COUNT || which == ATTR_SIZEFUNC;
    struct amount value = {0};

    if (parse_accept(p, "=")) {
        value = amount(p);
        if (!wants)
            parse_fail(p, value.place, "'%s' takes no value", attribute_names[which]);
    } else if (wants) {
        parse_fail(p, place, "'%s' needs a value", attribute_names[which]);
        report_hint(&p->edl->report, "write %s=, and a number or a parameter's name behind it",
                    attribute_names[which]);
    }
    if (which == ATTR_SIZE)
        attributes->size = value;
    if (which == ATTR_COUNT)
        attributes->count = value;
}

/* attribute = NAME ("=" (NUMBER | NAME))? */
static void attribute(struct parser *p, struct attributes *attributes)
{
    struct place place;
    const char *name = parse_name(p, "an attribute", &place), *nearest;
    int which = 0;

    if (!name)
        return;
    while (attribute_names[which] && strcmp(attribute_names[which], name) != 0)
        which++;
    if (!attribute_names[which]) {
        parse_fail(p, place, "there is no attribute '%s'", name);
        nearest = report_nearest(name, attribute_names);
        if (nearest)
            report_hint(&p->edl->report, "did you mean '%s'?", nearest);
        return;
    }
    if (attributes->set & ATTR_BIT(which)) {
        parse_fail(p, place, "'%s' is said twice", name);
        return;
    }
    attributes->set |= ATTR_BIT(which);
    attributes->where[which] = place;
    take_value(p, attributes, which, place);
}

/* attributes = "[" attribute ("," attribute)* "]" */
struct attributes parse_attributes(struct parser *p)
{
    struct attributes attributes = {.place = p->at->place};

    if (!parse_accept(p, "["))
        return (struct attributes){0};
    do
        attribute(p, &attributes);
    while (parse_accept(p, ","));
    parse_expect(p, "]");
    attributes.place = place_join(attributes.place, p->last);
    return attributes;
}
