/* SPDX-License-Identifier: Apache-2.0 */
/* emit.c - see emit.h */
#include "emit.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

__attribute__((format(printf, 2, 0))) static void line(struct emit *e, const char *format,
                                                       va_list args)
{
    if (*format != '#')
        fprintf(e->out, "%*s", (int)e->indent * 4, "");
    vfprintf(e->out, format, args);
    fputc('\n', e->out);
}

void emit(struct emit *e, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    line(e, format, args);
    va_end(args);
}

void emit_blank(struct emit *e)
{
    fputc('\n', e->out);
}

void emit_open(struct emit *e, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    line(e, format, args);
    va_end(args);
    e->indent++;
}

void emit_close(struct emit *e, const char *text)
{
    e->indent--;
    emit(e, "%s", text);
}

static const char *star_string(unsigned stars)
{
    static const char all[] = "********************";

    return all + sizeof all - 1 - stars;
}

static const char *spelt(struct emit *e, const struct type *type, unsigned more_stars)
{
    unsigned stars = type->stars + more_stars;

    return arena_format(e->arena, "%s%s%s%s", type->is_const ? "const " : "", type->base,
                        stars ? " " : "", star_string(stars));
}

const char *spell_type(struct emit *e, const struct type *type)
{
    return spelt(e, type, 0);
}

/* A star clings to the name. */
static const char *declared(struct emit *e, const char *type, const char *before, const char *name)
{
    return arena_format(e->arena, "%s%s%s%s", type, type[strlen(type) - 1] == '*' ? "" : " ",
                        before, name);
}

static const char *dimension_string(struct emit *e, const struct variable *v, unsigned from)
{
    const char *all = "";

    for (unsigned i = from; i < v->dimension_count; i++)
        all = arena_format(e->arena, "%s[%" PRIu64 "]", all, v->dimension[i]);
    return all;
}

const char *spell_variable(struct emit *e, const struct variable *v)
{
    return arena_format(e->arena, "%s%s", declared(e, spell_type(e, &v->type), "", v->name),
                        dimension_string(e, v, 0));
}

const char *spell_pointer(struct emit *e, const struct variable *v)
{
    bool by_address = v->dimension_count || attr_has(&v->attributes, ATTR_ISARY);

    return spelt(e, &v->type, by_address ? 1 : 0);
}

const char *spell_ms_member(struct emit *e, const struct variable *v)
{
    return declared(e, spell_pointer(e, v), "ms_", v->name);
}

const char *spell_argument(struct emit *e, const struct variable *v, const char *value)
{
    if (attr_has(&v->attributes, ATTR_ISARY))
        return arena_format(e->arena, "SGX_ARRAY_ARGUMENT(%s, %s)", v->type.base, value);
    if (v->dimension_count > 1)
        return arena_format(e->arena, "(%s (*)%s)%s", spell_type(e, &v->type),
                            dimension_string(e, v, 1), value);
    return arena_format(e->arena, "(%s)%s", spell_pointer(e, v), value);
}

const char *spell_elements(struct emit *e, const struct variable *v)
{
    uint64_t elements = 1;

    if (!v->dimension_count)
        return NULL;
    for (unsigned i = 0; i < v->dimension_count; i++)
        elements *= v->dimension[i];
    return arena_format(e->arena, "(size_t)%" PRIu64, elements);
}

static bool has_parameter(const struct function *f, const char *ms_name)
{
    for (const struct variable *v = f->parameters; v; v = v->next) {
        if (strcmp(v->name, ms_name + strlen("ms_")) == 0)
            return true;
    }
    return false;
}

const char *spell_length_member(struct emit *e, const struct function *f, const struct variable *v)
{
    const char *name = arena_format(e->arena, "ms_%s_len", v->name);

    while (has_parameter(f, name))
        name = arena_format(e->arena, "%s_", name);
    return name;
}

static const char *spell_amount(struct emit *e, const struct amount *amount, const char *before)
{
    if (amount->name)
        return arena_format(e->arena, "%s%s", before, amount->name);
    return arena_format(e->arena, "(size_t)%" PRIu64, amount->number);
}

const char *spell_bytes(struct emit *e, const struct variable *v, const char *before,
                        const char *one, const char *to)
{
    const struct attributes *a = &v->attributes;
    const char *first, *second = arena_format(e->arena, "sizeof(%s)", one);

    if (spell_elements(e, v)) {
        first = spell_elements(e, v);
    } else if (attr_has(a, ATTR_SIZE)) {
        first = spell_amount(e, &a->size, before);
        second = attr_has(a, ATTR_COUNT) ? spell_amount(e, &a->count, before) : "1";
    } else {
        first = attr_has(a, ATTR_COUNT) ? spell_amount(e, &a->count, before) : "1";
    }
    return arena_format(e->arena, "AP_EDL_PRODUCT(%s, %s, &%s)", first, second, to);
}

bool function_has_ms(const struct function *f)
{
    return f->parameters || !type_is_void(&f->result) || f->propagates_errno;
}

const char *spell_runtime(struct emit *e, const struct function *f, const char *name)
{
    return arena_format(e->arena, "%s%s", name, f->is_switchless ? "_switchless" : "");
}
