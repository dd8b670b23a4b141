/* SPDX-License-Identifier: Apache-2.0 */
/* gen_untrusted.c - X_u.c: nothing here is trusted, so nothing here is checked */
#include "generate.h"

/* ------------------------------------------------------------------ ocalls arrive */

static const char *ocall_argument(struct emit *e, const struct variable *v)
{
    const char *member = arena_format(e->arena, "ms->ms_%s", v->name);

    if (attr_has(&v->attributes, ATTR_ISARY) || v->dimension_count > 1)
        return spell_argument(e, v, member);
    return member;
}

static void ocall_bridge(struct emit *e, const struct function *f)
{
    const char *arguments = "";

    for (const struct variable *v = f->parameters; v; v = v->next)
        arguments = arena_format(e->arena, "%s%s%s", arguments, *arguments ? ", " : "",
                                 ocall_argument(e, v));
    emit(e, "static sgx_status_t SGX_CDECL %s_%s(void *pms)", e->interface->ident, f->name);
    emit_open(e, "{");
    if (function_has_ms(f))
        emit(e, "ms_%s_t *ms = SGX_CAST(ms_%s_t *, pms);", f->name, f->name);
    else
        emit(e, "(void)pms;");
    emit_blank(e);
    emit(e, "%s%s(%s);", type_is_void(&f->result) ? "" : "ms->ms_retval = ", f->name, arguments);
    if (f->propagates_errno)
        emit(e, "ms->ocall_errno = errno;");
    emit(e, "return SGX_SUCCESS;");
    emit_close(e, "}");
    emit_blank(e);
}

static void ocall_table(struct emit *e)
{
    unsigned count = e->interface->ocall_count;

    emit_open(e, "static const struct {");
    emit(e, "size_t nr_ocall;");
    emit(e, "void *table[%u];", count ? count : 1);
    emit_close(e, arena_format(e->arena, "} ocall_table_%s = {", e->interface->ident));
    e->indent++;
    emit(e, "%u,", count);
    emit_open(e, "{");
    for (const struct function *f = e->interface->ocalls; f; f = f->next_merged)
        emit(e, "(void *)(uintptr_t)%s_%s,", e->interface->ident, f->name);
    if (!count)
        emit(e, "NULL,");
    emit_close(e, "},");
    emit_close(e, "};");
    emit_blank(e);
}

/* ------------------------------------------------------------------ ecalls leave */

static void fill_member(struct emit *e, const struct function *f, const struct variable *v)
{
    if (attr_has(&v->attributes, ATTR_ISARY) || v->dimension_count > 1)
        emit(e, "_ap_ms.ms_%s = (%s)(void *)%s;", v->name, spell_pointer(e, v), v->name);
    else
        emit(e, "_ap_ms.ms_%s = %s;", v->name, v->name);
    if (variable_is_string(v)) {
        const char *length = spell_length_member(e, f, v);

        if (attr_has(&v->attributes, ATTR_WSTRING))
            emit(e, "_ap_ms.%s = %s ? (wcslen(%s) + 1) * sizeof(wchar_t) : 0;", length, v->name,
                 v->name);
        else
            emit(e, "_ap_ms.%s = %s ? strlen(%s) + 1 : 0;", length, v->name, v->name);
    }
}

static void ecall_proxy(struct emit *e, const struct function *f)
{
    const char *call = spell_runtime(e, f, "sgx_ecall"), *ident = e->interface->ident;

    emit(e, "sgx_status_t %s%s%s%s", e->use_prefix ? ident : "", e->use_prefix ? "_" : "", f->name,
         generate_parameters(e, f, "sgx_enclave_id_t eid", true));
    emit_open(e, "{");
    if (!function_has_ms(f)) {
        emit(e, "return %s(eid, %u, &ocall_table_%s, NULL);", call, f->index, ident);
        emit_close(e, "}");
        emit_blank(e);
        return;
    }
    emit(e, "sgx_status_t _ap_status;");
    emit(e, "ms_%s_t _ap_ms;", f->name);
    emit_blank(e);
    for (const struct variable *v = f->parameters; v; v = v->next)
        fill_member(e, f, v);
    emit(e, "_ap_status = %s(eid, %u, &ocall_table_%s, &_ap_ms);", call, f->index, ident);
    if (!type_is_void(&f->result)) {
        emit_open(e, "if (_ap_status == SGX_SUCCESS && retval)");
        emit(e, "*retval = _ap_ms.ms_retval;");
        e->indent--;
    }
    emit(e, "return _ap_status;");
    emit_close(e, "}");
    emit_blank(e);
}

void generate_untrusted_source(struct emit *e)
{
    generate_title(e);
    emit(e, "#include \"%s_u.h\"", e->interface->name);
    emit_blank(e);
    emit(e, "#include <errno.h>");
    emit_blank(e);
    generate_ms_structures(e);
    for (const struct function *f = e->interface->ocalls; f; f = f->next_merged)
        ocall_bridge(e, f);
    ocall_table(e);
    for (const struct function *f = e->interface->ecalls; f; f = f->next_merged)
        ecall_proxy(e, f);
}
