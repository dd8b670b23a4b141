/* SPDX-License-Identifier: Apache-2.0 */
/* gen_header.c - X_t.h, X_u.h and the marshalling structures */
#include <ctype.h>
#include <string.h>

#include "generate.h"

void generate_title(struct emit *e)
{
    emit(e, "/* Made by ap-edl from %s.edl: change that, not this. */", e->interface->ident);
}

static const char *upper(struct emit *e, const char *name)
{
    char *copy = arena_copy(e->arena, name, strlen(name));

    for (char *p = copy; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    return copy;
}

/* ------------------------------------------------------------------ types */

static void enumeration(struct emit *e, const struct composite *c)
{
    if (c->tag)
        emit_open(e, "typedef enum %s {", c->tag);
    else
        emit_open(e, "enum {");
    for (const struct enumerator *n = c->enumerators; n; n = n->next) {
        if (n->value)
            emit(e, "%s = %s,", n->name, n->value);
        else
            emit(e, "%s,", n->name);
    }
    emit_close(e, c->tag ? arena_format(e->arena, "} %s;", c->tag) : "};");
}

/* Guarded: two enclaves of one host may import the same types. */
static void composite(struct emit *e, const struct composite *c)
{
    const char *kind = c->kind == TYPE_STRUCT ? "struct" : c->kind == TYPE_UNION ? "union" : "enum";
    const char *mark = c->tag ? c->tag : c->enumerators->name;

    emit(e, "#ifndef _%s_%s", kind, mark);
    emit(e, "#define _%s_%s", kind, mark);
    if (c->kind == TYPE_ENUM) {
        enumeration(e, c);
    } else {
        emit_open(e, "typedef %s %s {", kind, c->tag);
        for (const struct variable *v = c->members; v; v = v->next)
            emit(e, "%s;", spell_variable(e, v));
        emit_close(e, arena_format(e->arena, "} %s;", c->tag));
    }
    emit(e, "#endif");
    emit_blank(e);
}

/* ------------------------------------------------------------------ prototypes */

const char *generate_parameters(struct emit *e, const struct function *f, const char *first,
                                bool result)
{
    const char *list = first ? first : "";

    if (result && !type_is_void(&f->result)) {
        const char *type = spell_type(e, &f->result);

        list = arena_format(e->arena, "%s%s%s%s*retval", list, *list ? ", " : "", type,
                            f->result.stars ? "" : " ");
    }
    for (const struct variable *v = f->parameters; v; v = v->next)
        list = arena_format(e->arena, "%s%s%s", list, *list ? ", " : "", spell_variable(e, v));
    return arena_format(e->arena, "(%s)", *list ? list : "void");
}

/* The function as its author writes it. */
static const char *own_prototype(struct emit *e, const struct function *f)
{
    const char *type = spell_type(e, &f->result);

    return arena_format(e->arena, "%s%s%s%s", type, f->result.stars ? "" : " ", f->name,
                        generate_parameters(e, f, NULL, false));
}

static const char *convention(const struct function *f)
{
    if (attr_has(&f->attributes, ATTR_CDECL))
        return "SGX_CDECL";
    if (attr_has(&f->attributes, ATTR_STDCALL))
        return "SGX_STDCALL";
    return attr_has(&f->attributes, ATTR_FASTCALL) ? "SGX_FASTCALL" : "SGX_NOCONVENTION";
}

static void ocall_prototype(struct emit *e, const struct function *f)
{
    const char *guard = arena_format(e->arena, "%s_DEFINED__", upper(e, f->name));

    emit(e, "#ifndef %s", guard);
    emit(e, "#define %s", guard);
    emit(e, "%s%s SGX_UBRIDGE(%s, %s, %s);",
         attr_has(&f->attributes, ATTR_DLLIMPORT) ? "SGX_DLLIMPORT " : "",
         spell_type(e, &f->result), convention(f), f->name, generate_parameters(e, f, NULL, false));
    emit(e, "#endif");
}

/* ------------------------------------------------------------------ files */

static void beginning(struct emit *e, const char *side, bool trusted)
{
    const char *guard = arena_format(e->arena, "%s_%s_H__", upper(e, e->interface->ident), side);

    generate_title(e);
    emit(e, "#ifndef %s", guard);
    emit(e, "#define %s", guard);
    emit_blank(e);
    emit(e, "#include <stddef.h>");
    emit(e, "#include <stdint.h>");
    emit(e, "#include <stdlib.h>");
    if (!trusted)
        emit(e, "#include <string.h>");
    emit(e, "#include <wchar.h>");
    emit(e, "#include \"sgx_edger8r.h\"");
    emit_blank(e);
    for (const struct include *i = e->interface->includes; i; i = i->next) {
        if (trusted ? i->for_trusted : i->for_untrusted)
            emit(e, "#include \"%s\"", i->name);
    }
    emit_blank(e);
    emit(e, "#ifdef __cplusplus");
    emit(e, "extern \"C\" {");
    emit(e, "#endif");
    emit_blank(e);
    for (const struct composite *c = e->interface->composites; c; c = c->next_merged)
        composite(e, c);
}

static void ending(struct emit *e)
{
    emit_blank(e);
    emit(e, "#ifdef __cplusplus");
    emit(e, "}");
    emit(e, "#endif");
    emit(e, "#endif");
}

void generate_trusted_header(struct emit *e)
{
    beginning(e, "T", true);
    emit(e, "/* The ecalls: the enclave's author writes these. */");
    for (const struct function *f = e->interface->ecalls; f; f = f->next_merged)
        emit(e, "%s;", own_prototype(e, f));
    emit_blank(e);
    emit(e, "/* The ocalls: call these. retval may be NULL. */");
    for (const struct function *f = e->interface->ocalls; f; f = f->next_merged)
        emit(e, "sgx_status_t SGX_CDECL %s%s;", f->name, generate_parameters(e, f, NULL, true));
    ending(e);
}

void generate_untrusted_header(struct emit *e)
{
    beginning(e, "U", false);
    emit(e, "/* The ocalls: the host's author writes these. */");
    for (const struct function *f = e->interface->ocalls; f; f = f->next_merged)
        ocall_prototype(e, f);
    emit_blank(e);
    emit(e, "/* The ecalls: call these. retval may be NULL. */");
    for (const struct function *f = e->interface->ecalls; f; f = f->next_merged)
        emit(e, "sgx_status_t %s%s%s%s;", e->use_prefix ? e->interface->ident : "",
             e->use_prefix ? "_" : "", f->name,
             generate_parameters(e, f, "sgx_enclave_id_t eid", true));
    ending(e);
}

/* ------------------------------------------------------------------ marshalling structures */

static void ms_structure(struct emit *e, const struct function *f)
{
    if (!function_has_ms(f))
        return;
    emit_open(e, "typedef struct ms_%s_t {", f->name);
    if (!type_is_void(&f->result))
        emit(e, "%s%sms_retval;", spell_type(e, &f->result), f->result.stars ? "" : " ");
    if (f->propagates_errno)
        emit(e, "int ocall_errno;");
    for (const struct variable *v = f->parameters; v; v = v->next) {
        emit(e, "%s;", spell_ms_member(e, v));
        if (f->is_trusted && variable_is_string(v))
            emit(e, "size_t %s;", spell_length_member(e, f, v));
    }
    emit_close(e, arena_format(e->arena, "} ms_%s_t;", f->name));
    emit_blank(e);
}

void generate_ms_structures(struct emit *e)
{
    for (const struct function *f = e->interface->ecalls; f; f = f->next_merged)
        ms_structure(e, f);
    for (const struct function *f = e->interface->ocalls; f; f = f->next_merged)
        ms_structure(e, f);
}
