/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen_ecall.c - the bridges of X_t.c: from the host's marshalling structure to the author's
 * function
 *
 * Each bridge reads: copy the structure; sizes and places, all of them; a barrier; private copies;
 * the call; results out. Nothing is written outside before the function has returned.
 */
#include "generate.h"

static const char *in(struct emit *e, const struct variable *v)
{
    return arena_format(e->arena, "_in_%s", v->name);
}

static const char *len(struct emit *e, const struct variable *v)
{
    return arena_format(e->arena, "_len_%s", v->name);
}

static void refuse_if(struct emit *e, const char *condition)
{
    emit_open(e, "if (%s)", condition);
    emit(e, "return SGX_ERROR_INVALID_PARAMETER;");
    e->indent--;
}

static void leave_unless_success(struct emit *e)
{
    emit_open(e, "if (_ap_status != SGX_SUCCESS)");
    emit(e, "goto _ap_done;");
    e->indent--;
}

/* ------------------------------------------------------------------ steps of a bridge */

static bool copies_any(const struct function *f)
{
    for (const struct variable *v = f->parameters; v; v = v->next) {
        if (variable_is_copied(v))
            return true;
    }
    return false;
}

static void declare(struct emit *e, const struct function *f)
{
    emit(e, "ms_%s_t _ap_ms;", f->name);
    if (copies_any(f))
        emit(e, "sgx_status_t _ap_status;");
    for (const struct variable *v = f->parameters; v; v = v->next) {
        if (!variable_is_copied(v))
            continue;
        emit(e, "void *%s = NULL;", in(e, v));
        emit(e, "size_t %s = 0;", len(e, v));
        if (variable_is_deep(v)) {
            emit(e, "struct ap_edl_inner *_inner_%s = NULL;", v->name);
            emit(e, "size_t _n_%s = 0;", v->name);
        }
    }
    emit_blank(e);
}

static void copy_ms(struct emit *e)
{
    refuse_if(e, "pms == NULL || !sgx_is_outside_enclave(pms, sizeof(_ap_ms))");
    emit(e, "sgx_lfence();");
    emit(e, "ap_copy_in(&_ap_ms, pms, sizeof(_ap_ms));");
}

static void check_string(struct emit *e, const struct function *f, const struct variable *v)
{
    emit(e, "%s = _ap_ms.%s;", len(e, v), spell_length_member(e, f, v));
    refuse_if(e, arena_format(e->arena, "_ap_ms.ms_%s != NULL && %s == 0", v->name, len(e, v)));
    if (attr_has(&v->attributes, ATTR_WSTRING))
        refuse_if(e, arena_format(e->arena, "%s %% sizeof(wchar_t) != 0", len(e, v)));
}

/* Of what size= may give part of the last element. */
static bool may_end_within_element(const struct variable *v)
{
    return attr_has(&v->attributes, ATTR_SIZE) &&
           (v->type.stars > 1 ||
            (v->type.stars == 1 && (v->type.kind == TYPE_INTEGER || v->type.kind == TYPE_WCHAR ||
                                    v->type.kind == TYPE_FLOAT)));
}

static void check_place(struct emit *e, const struct function *f, const struct variable *v)
{
    const char *one = arena_format(e->arena, "*_ap_ms.ms_%s", v->name);

    if (variable_is_string(v))
        check_string(e, f, v);
    else
        refuse_if(e, spell_bytes(e, v, "_ap_ms.ms_", one, len(e, v)));
    if (may_end_within_element(v) || variable_is_deep(v))
        refuse_if(e, arena_format(e->arena, "%s %% sizeof(%s) != 0", len(e, v), one));
    if (variable_is_deep(v))
        emit(e, "_n_%s = _ap_ms.ms_%s != NULL ? %s / sizeof(%s) : 0;", v->name, v->name, len(e, v),
             one);
    refuse_if(e,
              arena_format(e->arena, "!ap_edl_is_outside(_ap_ms.ms_%s, %s)", v->name, len(e, v)));
}

static void bring(struct emit *e, const struct variable *v)
{
    emit(e, "_ap_status = %s(_ap_ms.ms_%s, %s, &%s);",
         attr_has(&v->attributes, ATTR_IN) ? "ap_edl_bring" : "ap_edl_make", v->name, len(e, v),
         in(e, v));
    leave_unless_success(e);
    if (variable_is_string(v)) {
        emit(e, "_ap_status = %s(%s, %s);",
             attr_has(&v->attributes, ATTR_STRING) ? "ap_edl_end_string" : "ap_edl_end_wstring",
             in(e, v), len(e, v));
        leave_unless_success(e);
    }
    if (variable_is_deep(v)) {
        emit(e, "_ap_status = ap_enter_%s((struct %s *)%s, _n_%s, &_inner_%s);", v->type.tag,
             v->type.tag, in(e, v), v->name, v->name);
        leave_unless_success(e);
    }
}

static const char *argument(struct emit *e, const struct variable *v)
{
    const char *member = arena_format(e->arena, "_ap_ms.ms_%s", v->name);

    if (variable_is_copied(v))
        return spell_argument(e, v, in(e, v));
    if (attr_has(&v->attributes, ATTR_ISARY) || v->dimension_count > 1)
        return spell_argument(e, v, member);
    return member;
}

static void call(struct emit *e, const struct function *f)
{
    const char *arguments = "";

    for (const struct variable *v = f->parameters; v; v = v->next)
        arguments =
            arena_format(e->arena, "%s%s%s", arguments, *arguments ? ", " : "", argument(e, v));
    emit(e, "%s%s(%s);", type_is_void(&f->result) ? "" : "_ap_ms.ms_retval = ", f->name, arguments);
}

/* A string may have become shorter, never longer. */
static void shorten_string(struct emit *e, const struct variable *v)
{
    const char *wide = attr_has(&v->attributes, ATTR_WSTRING) ? "w" : "";

    emit(e, "(void)ap_edl_end_%sstring(%s, %s);", wide, in(e, v), len(e, v));
    emit(e, "%s = ap_edl_%sstring_size((const %s *)%s, %s);", len(e, v), wide,
         *wide ? "wchar_t" : "char", in(e, v), len(e, v));
}

static void give_back(struct emit *e, const struct variable *v)
{
    emit_open(e, "if (%s != NULL) {", in(e, v));
    if (variable_is_string(v))
        shorten_string(e, v);
    if (variable_is_deep(v))
        emit(e, "ap_leave_%s((struct %s *)%s, _n_%s, _inner_%s);", v->type.tag, v->type.tag,
             in(e, v), v->name, v->name);
    emit(e, "ap_copy_out(_ap_ms.ms_%s, %s, %s);", v->name, in(e, v), len(e, v));
    emit_close(e, "}");
}

static void give_result(struct emit *e, const struct function *f)
{
    if (type_is_void(&f->result))
        return;
    if (!f->result.stars && (f->result.kind == TYPE_STRUCT || f->result.kind == TYPE_UNION ||
                             f->result.kind == TYPE_FOREIGN))
        emit(e, "AP_EDL_CLEAR_PADDING(&_ap_ms.ms_retval);");
    emit(e,
         "ap_copy_out(ap_edl_at(pms, offsetof(ms_%s_t, ms_retval)), &_ap_ms.ms_retval, "
         "sizeof(_ap_ms.ms_retval));",
         f->name);
}

static void clean_up(struct emit *e, const struct function *f)
{
    emit(e, "_ap_status = SGX_SUCCESS;");
    e->indent--;
    emit(e, "_ap_done:");
    e->indent++;
    for (const struct variable *v = f->parameters; v; v = v->next) {
        if (variable_is_deep(v))
            emit(e, "ap_edl_inner_free(_inner_%s, _n_%s * %u);", v->name, v->name,
                 v->type.composite->deep_members);
        if (variable_is_copied(v))
            emit(e, "free(%s);", in(e, v));
    }
    emit(e, "return _ap_status;");
}

static void body(struct emit *e, const struct function *f)
{
    declare(e, f);
    copy_ms(e);
    for (const struct variable *v = f->parameters; v; v = v->next) {
        if (variable_is_copied(v))
            check_place(e, f, v);
    }
    if (copies_any(f))
        emit(e, "sgx_lfence();");
    emit_blank(e);
    for (const struct variable *v = f->parameters; v; v = v->next) {
        if (variable_is_copied(v))
            bring(e, v);
    }
    call(e, f);
    for (const struct variable *v = f->parameters; v; v = v->next) {
        if (variable_is_copied(v) && attr_has(&v->attributes, ATTR_OUT))
            give_back(e, v);
    }
    give_result(e, f);
    if (copies_any(f))
        clean_up(e, f);
    else
        emit(e, "return SGX_SUCCESS;");
}

void generate_ecall_bridge(struct emit *e, const struct function *f)
{
    emit(e, "static sgx_status_t SGX_CDECL sgx_%s(void *pms)", f->name);
    emit_open(e, "{");
    if (function_has_ms(f)) {
        body(e, f);
    } else {
        refuse_if(e, "pms != NULL");
        emit(e, "%s();", f->name);
        emit(e, "return SGX_SUCCESS;");
    }
    emit_close(e, "}");
    emit_blank(e);
}
