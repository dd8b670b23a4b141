/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen_ocall.c - the proxies of X_t.c: from the enclave's call to the host's function
 *
 * Each proxy reads: sizes and places, all of them; memory outside; arguments out; the exit; what
 * the host says, read once and judged; results in. The enclave's memory changes only at the end.
 */
#include "generate.h"

static const char *len(struct emit *e, const struct variable *v)
{
    return arena_format(e->arena, "_len_%s", v->name);
}

/* Where a parameter's memory lies outside. */
static const char *outside(struct emit *e, const struct variable *v)
{
    return arena_format(e->arena, "ap_edl_at(_ap_frame, _at_%s)", v->name);
}

static bool comes_back(const struct variable *v)
{
    return variable_is_copied(v) && attr_has(&v->attributes, ATTR_OUT);
}

static void leave_if(struct emit *e, const char *condition, const char *status)
{
    emit_open(e, "if (%s)%s", condition, status ? " {" : "");
    if (status)
        emit(e, "_ap_status = %s;", status);
    emit(e, "goto _ap_done;");
    e->indent--;
    if (status)
        emit(e, "}");
}

static void leave_unless_success(struct emit *e)
{
    leave_if(e, "_ap_status != SGX_SUCCESS", NULL);
}

/* ------------------------------------------------------------------ steps of a proxy */

static void declare(struct emit *e, const struct function *f)
{
    emit(e, "sgx_status_t _ap_status;");
    emit(e, "ms_%s_t _ap_ms;", f->name);
    emit(e, "void *_ap_frame = NULL;");
    emit(e, "size_t _ap_size = 0, _ap_place = 0;");
    for (const struct variable *v = f->parameters; v; v = v->next) {
        if (!variable_is_copied(v))
            continue;
        emit(e, "size_t _len_%s = 0, _at_%s = 0;", v->name, v->name);
        if (variable_is_deep(v)) {
            emit(e, "struct ap_edl_inner *_inner_%s = NULL;", v->name);
            emit(e, "size_t _n_%s = 0;", v->name);
            if (comes_back(v))
                emit(e, "void *_in_%s = NULL;", v->name);
        }
    }
    emit_blank(e);
}

static void measure(struct emit *e, const struct variable *v)
{
    const char *one = arena_format(e->arena, "*_ap_ms.ms_%s", v->name);

    emit_open(e, "if (%s != NULL) {", v->name);
    if (attr_has(&v->attributes, ATTR_STRING))
        emit(e, "%s = __builtin_strlen(%s) + 1;", len(e, v), v->name);
    else if (attr_has(&v->attributes, ATTR_WSTRING))
        emit(e, "%s = (wcslen(%s) + 1) * sizeof(wchar_t);", len(e, v), v->name);
    else
        leave_if(e, spell_bytes(e, v, "", one, len(e, v)), "SGX_ERROR_INVALID_PARAMETER");
    emit_close(e, "}");
    leave_if(e,
             arena_format(e->arena,
                          "!ap_edl_is_within(%s, %s) || ap_edl_place(&_ap_size, %s, &_at_%s)",
                          v->name, len(e, v), len(e, v), v->name),
             "SGX_ERROR_INVALID_PARAMETER");
    if (!variable_is_deep(v))
        return;
    leave_if(e, arena_format(e->arena, "%s %% sizeof(%s) != 0", len(e, v), one),
             "SGX_ERROR_INVALID_PARAMETER");
    emit(e, "_n_%s = %s / sizeof(%s);", v->name, len(e, v), one);
    emit(e, "_ap_status = ap_measure_%s((const struct %s *)%s, _n_%s, &_ap_size, &_inner_%s);",
         v->type.tag, v->type.tag, v->name, v->name, v->name);
    leave_unless_success(e);
}

static void set_memory_aside(struct emit *e, const struct function *f)
{
    leave_if(e, "ap_edl_place(&_ap_size, sizeof(_ap_ms), &_ap_place)",
             "SGX_ERROR_INVALID_PARAMETER");
    for (const struct variable *v = f->parameters; v; v = v->next) {
        if (variable_is_copied(v))
            measure(e, v);
    }
    emit_blank(e);
    emit(e, "_ap_frame = %s(_ap_size);", spell_runtime(e, f, "sgx_ocalloc"));
    emit(e, "_ap_status = ap_edl_check_frame(_ap_frame, _ap_size);");
    leave_unless_success(e);
}

static void send_copied(struct emit *e, const struct variable *v)
{
    emit_open(e, "if (%s != 0) {", len(e, v));
    emit(e, "_ap_ms.ms_%s = (%s)%s;", v->name, spell_pointer(e, v), outside(e, v));
    if (variable_is_deep(v))
        emit(e, "ap_send_%s((const struct %s *)%s, _n_%s, _inner_%s, _ap_frame, _at_%s);",
             v->type.tag, v->type.tag, v->name, v->name, v->name, v->name);
    else if (attr_has(&v->attributes, ATTR_IN))
        emit(e, "ap_copy_out(%s, %s, %s);", outside(e, v), v->name, len(e, v));
    else
        emit(e, "ap_clear_out(%s, %s);", outside(e, v), len(e, v));
    emit_close(e, "}");
}

static void send_value(struct emit *e, const struct variable *v)
{
    enum type_kind kind = v->type.kind;

    if (attr_has(&v->attributes, ATTR_ISARY) || v->dimension_count > 1)
        emit(e, "_ap_ms.ms_%s = (%s)(void *)%s;", v->name, spell_pointer(e, v), v->name);
    else
        emit(e, "_ap_ms.ms_%s = %s;", v->name, v->name);
    if (!variable_is_pointer(v) &&
        (kind == TYPE_STRUCT || kind == TYPE_UNION || kind == TYPE_FOREIGN))
        emit(e, "AP_EDL_CLEAR_PADDING(&_ap_ms.ms_%s);", v->name);
}

static void send(struct emit *e, const struct function *f)
{
    emit(e, "__builtin_memset(&_ap_ms, 0, sizeof(_ap_ms));");
    for (const struct variable *v = f->parameters; v; v = v->next) {
        if (variable_is_copied(v))
            send_copied(e, v);
        else
            send_value(e, v);
    }
    emit(e, "ap_copy_out(_ap_frame, &_ap_ms, sizeof(_ap_ms));");
}

/* Everything the host says is in private memory after this, and judged. */
static void judge(struct emit *e, const struct function *f)
{
    if (!type_is_void(&f->result) || f->propagates_errno)
        emit(e, "ap_copy_in(&_ap_ms, _ap_frame, sizeof(_ap_ms));");
    if (f->result.stars) {
        emit(e, "_ap_status = ap_edl_check_result(_ap_ms.ms_retval, %s);",
             f->result.stars == 1 && f->result.kind != TYPE_VOID &&
                     (f->result.kind < TYPE_STRUCT || f->result.composite)
                 ? "sizeof(*_ap_ms.ms_retval)"
                 : "1");
        leave_unless_success(e);
    }
    if (f->propagates_errno)
        leave_if(e, "_ap_ms.ocall_errno < 0 || _ap_ms.ocall_errno > AP_EDL_ERRNO_MAX",
                 "SGX_ERROR_HOST");
    for (const struct variable *v = f->parameters; v; v = v->next) {
        if (!variable_is_deep(v) || !comes_back(v))
            continue;
        emit(e, "_ap_status = ap_edl_bring(%s, %s, &_in_%s);", outside(e, v), len(e, v), v->name);
        leave_unless_success(e);
        emit(e, "_ap_status = ap_check_%s((struct %s *)_in_%s, _n_%s, _inner_%s);", v->type.tag,
             v->type.tag, v->name, v->name, v->name);
        leave_unless_success(e);
    }
}

static void take_back(struct emit *e, const struct variable *v)
{
    emit_open(e, "if (%s != 0) {", len(e, v));
    if (variable_is_deep(v)) {
        emit(e, "ap_edl_inner_receive(_inner_%s, _n_%s * %u);", v->name, v->name,
             v->type.composite->deep_members);
        emit(e, "__builtin_memcpy(%s, _in_%s, %s);", v->name, v->name, len(e, v));
    } else {
        emit(e, "ap_copy_in(%s, %s, %s);", v->name, outside(e, v), len(e, v));
    }
    if (attr_has(&v->attributes, ATTR_STRING))
        emit(e, "%s[%s - 1] = '\\0';", v->name, len(e, v));
    if (attr_has(&v->attributes, ATTR_WSTRING))
        emit(e, "%s[%s / sizeof(wchar_t) - 1] = L'\\0';", v->name, len(e, v));
    emit_close(e, "}");
}

static void results(struct emit *e, const struct function *f)
{
    for (const struct variable *v = f->parameters; v; v = v->next) {
        if (comes_back(v))
            take_back(e, v);
    }
    if (!type_is_void(&f->result)) {
        emit_open(e, "if (retval != NULL)");
        emit(e, "*retval = _ap_ms.ms_retval;");
        e->indent--;
    }
    if (f->propagates_errno)
        emit(e, "errno = _ap_ms.ocall_errno;");
}

static void clean_up(struct emit *e, const struct function *f)
{
    e->indent--;
    emit(e, "_ap_done:");
    e->indent++;
    for (const struct variable *v = f->parameters; v; v = v->next) {
        if (!variable_is_deep(v))
            continue;
        emit(e, "free(_inner_%s);", v->name);
        if (comes_back(v))
            emit(e, "free(_in_%s);", v->name);
    }
    emit_open(e, "if (_ap_frame != NULL)");
    emit(e, "%s();", spell_runtime(e, f, "sgx_ocfree"));
    e->indent--;
    emit(e, "return _ap_status;");
}

void generate_ocall_proxy(struct emit *e, const struct function *f)
{
    const char *exit = spell_runtime(e, f, "sgx_ocall");

    emit(e, "sgx_status_t SGX_CDECL %s%s", f->name, generate_parameters(e, f, NULL, true));
    emit_open(e, "{");
    if (function_has_ms(f)) {
        declare(e, f);
        set_memory_aside(e, f);
        send(e, f);
        emit_blank(e);
        emit(e, "_ap_status = %s(%u, _ap_frame);", exit, f->index);
        leave_unless_success(e);
        judge(e, f);
        results(e, f);
        clean_up(e, f);
    } else {
        emit(e, "return %s(%u, NULL);", exit, f->index);
    }
    emit_close(e, "}");
    emit_blank(e);
}
