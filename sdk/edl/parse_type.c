/* SPDX-License-Identifier: Apache-2.0 */
/* parse_type.c - types, variables, and the definitions of struct, union and enum */
#include <inttypes.h>
#include <string.h>

#include "parse.h"

/* So that no product of dimensions can overflow what the generated code computes with. */
#define ELEMENTS_MAX (1u << 30)
#define STARS_MAX    8

/* Types that are one word. */
static const struct {
    const char *word;
    enum type_kind kind;
    bool is_signed;
} words[] = {
    {"int8_t", TYPE_INTEGER, true},    {"int16_t", TYPE_INTEGER, true},
    {"int32_t", TYPE_INTEGER, true},   {"int64_t", TYPE_INTEGER, true},
    {"uint8_t", TYPE_INTEGER, false},  {"uint16_t", TYPE_INTEGER, false},
    {"uint32_t", TYPE_INTEGER, false}, {"uint64_t", TYPE_INTEGER, false},
    {"size_t", TYPE_INTEGER, false},   {"wchar_t", TYPE_WCHAR, true},
    {"float", TYPE_FLOAT, true},       {"double", TYPE_FLOAT, true},
    {"void", TYPE_VOID, false},        {"char", TYPE_CHAR, true},
    {"int", TYPE_INTEGER, true},
};

static bool word(struct parser *p, struct type *type)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (parse_accept(p, words[i].word)) {
            type->kind = words[i].kind;
            type->base = words[i].word;
            type->is_signed = words[i].is_signed;
            return true;
        }
    }
    return false;
}

/* tagged = ("struct" | "union" | "enum") NAME */
static bool tagged(struct parser *p, struct type *type)
{
    static const char *const keywords[] = {"struct", "union", "enum"};
    static const enum type_kind kinds[] = {TYPE_STRUCT, TYPE_UNION, TYPE_ENUM};

    for (size_t i = 0; i < 3; i++) {
        if (!parse_accept(p, keywords[i]))
            continue;
        type->kind = kinds[i];
        type->tag = parse_name(p, "a tag", NULL);
        if (type->tag)
            type->base = arena_format(&p->edl->arena, "%s %s", keywords[i], type->tag);
        return true;
    }
    return false;
}

/* integer = "unsigned"? ("char" | ("short" | "long" "long"?)? "int"?) | "long" "double" */
static bool integer(struct parser *p, struct type *type)
{
    bool is_unsigned = parse_accept(p, "unsigned"), is_char = false;
    const char *size = "";

    type->kind = TYPE_INTEGER;
    type->is_signed = !is_unsigned;
    if (is_unsigned && parse_accept(p, "char"))
        is_char = true;
    else if (parse_accept(p, "short"))
        size = "short";
    else if (parse_accept(p, "long"))
        size = parse_accept(p, "long") ? "long long" : "long";
    else if (!is_unsigned)
        return false;
    if (!is_unsigned && strcmp(size, "long") == 0 && parse_accept(p, "double")) {
        type->kind = TYPE_FLOAT;
        type->base = "long double";
        return true;
    }
    if (is_char) {
        type->base = "unsigned char";
        return true;
    }
    if (parse_accept(p, "int") && !*size)
        size = "int";
    type->base = arena_format(&p->edl->arena, "%s%s%s", is_unsigned ? "unsigned" : "",
                              is_unsigned && *size ? " " : "", size);
    return true;
}

static void stars(struct parser *p, struct type *type)
{
    while (parse_accept(p, "*"))
        type->stars++;
    if (type->stars > STARS_MAX)
        parse_fail(p, p->last, "that is a pointer to too many pointers");
}

/* type = "const"? (word | tagged | integer | NAME) "*"*, and const only with a star */
struct type parse_type(struct parser *p)
{
    struct type type = {.place = p->at->place, .base = ""};
    struct place place_of_const = p->at->place;
    const char *name;

    type.is_const = parse_accept(p, "const");
    if (!word(p, &type) && !tagged(p, &type) && !integer(p, &type)) {
        name = parse_name(p, "a type", NULL);
        type.kind = TYPE_FOREIGN;
        type.is_signed = true;
        if (name)
            type.base = type.tag = name;
        if (name && strcmp(name, "signed") == 0) {
            parse_fail(p, p->last, "EDL has no 'signed'");
            report_hint(&p->edl->report, "int8_t is what 'signed char' is; all others are signed");
        }
    }
    stars(p, &type);
    if (!p->failed && token_is(p->at, "const")) {
        parse_fail(p, p->at->place, "'const' stands in front of the type");
    } else if (type.is_const && !type.stars && !p->failed) {
        parse_fail(p, place_of_const, "'const' is for pointers: a value is copied anyhow");
        report_hint(&p->edl->report, "a foreign pointer type is made const by [isptr, readonly]");
    }
    type.place = place_join(type.place, p->last);
    return type;
}

static void dimensions(struct parser *p, struct variable *v)
{
    uint64_t elements = 1, sizes[16] = {0};

    while (parse_accept(p, "[")) {
        uint64_t size = p->at->number;

        if (token_is(p->at, "]")) {
            parse_fail(p, p->at->place, "an array needs all its dimensions");
            report_hint(&p->edl->report, "for a size known at run time use a pointer and count=");
        } else if (p->at->kind != TOKEN_NUMBER) {
            parse_unexpected(p, "the number of elements");
        } else if (size == 0) {
            parse_fail(p, p->at->place, "an array cannot have no elements");
        } else if (size > ELEMENTS_MAX || (elements *= size) > ELEMENTS_MAX ||
                   v->dimension_count == sizeof sizes / sizeof *sizes) {
            parse_fail(p, p->at->place, "this array is too big");
        }
        if (p->failed)
            return;
        sizes[v->dimension_count++] = size;
        p->last = p->at->place;
        p->at = p->at->next;
        parse_expect(p, "]");
    }
    v->dimension = arena_alloc(&p->edl->arena, sizeof sizes[0] * (v->dimension_count + 1));
    memcpy(v->dimension, sizes, sizeof sizes[0] * v->dimension_count);
}

/* variable = attributes? type NAME ("[" NUMBER "]")* */
struct variable *parse_variable(struct parser *p, const char *what)
{
    struct variable *v = arena_alloc(&p->edl->arena, sizeof *v);

    v->attributes = parse_attributes(p);
    v->type = parse_type(p);
    v->name = parse_name(p, what, &v->place);
    if (!p->failed)
        dimensions(p, v);
    return v;
}

/* enumerator = NAME ("=" (NUMBER | NAME))? */
static struct enumerator *enumerator(struct parser *p)
{
    struct enumerator *e = arena_alloc(&p->edl->arena, sizeof *e);

    e->name = parse_name(p, "a constant's name", &e->place);
    if (!parse_accept(p, "="))
        return e;
    if (p->at->kind == TOKEN_NUMBER) {
        if (p->at->number > INT32_MAX)
            parse_fail(p, p->at->place, "a constant of an enum is an int, and this is too big");
        e->value = arena_format(&p->edl->arena, "%" PRIu64, p->at->number);
        p->last = p->at->place;
        p->at = p->at->next;
    } else {
        e->value = parse_name(p, "a number or the name of a constant", NULL);
    }
    return e;
}

/* enumerators = enumerator ("," enumerator)* ","? */
static void enumerators(struct parser *p, struct composite *c)
{
    struct enumerator **end = &c->enumerators;

    if (token_is(p->at, "}"))
        parse_fail(p, p->at->place, "an enum needs at least one constant");
    while (!p->failed && !token_is(p->at, "}")) {
        *end = enumerator(p);
        end = &(*end)->next;
        if (!parse_accept(p, ","))
            break;
    }
}

/* members = (variable ";")+ */
static void members(struct parser *p, struct composite *c)
{
    struct variable **end = &c->members;

    if (token_is(p->at, "}"))
        parse_fail(p, p->at->place, "a structure needs at least one member");
    while (!p->failed && !token_is(p->at, "}")) {
        struct variable *v = parse_variable(p, "a member's name");

        if (!parse_expect(p, ";"))
            return;
        *end = v;
        end = &v->next;
    }
}

/* composite = ("struct" | "union") NAME "{" members "}" | "enum" NAME? "{" enumerators "}" */
struct composite *parse_composite(struct parser *p)
{
    struct composite *c = arena_alloc(&p->edl->arena, sizeof *c);

    c->place = p->at->place;
    if (parse_accept(p, "enum"))
        c->kind = TYPE_ENUM;
    else
        c->kind = parse_accept(p, "union") ? TYPE_UNION : TYPE_STRUCT;
    if (c->kind == TYPE_STRUCT)
        parse_expect(p, "struct");
    if (c->kind != TYPE_ENUM || !token_is(p->at, "{"))
        c->tag = parse_name(p, "a tag", &c->place);
    parse_expect(p, "{");
    if (c->kind == TYPE_ENUM)
        enumerators(p, c);
    else
        members(p, c);
    parse_expect(p, "}");
    return c;
}
