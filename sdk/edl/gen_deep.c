/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen_deep.c - structures that are copied with what their pointers lead to
 *
 * For each such structure, as far as it is used:
 *   ap_enter_X    ecall: replace the pointers of a private copy by private copies of what is there
 *   ap_leave_X    ecall, in and out: write these back, restore the host's pointers in the copy
 *   ap_measure_X  ocall: check the pointers, set memory outside aside
 *   ap_send_X     ocall: copy out
 *   ap_check_X    ocall, in and out: what came back says no more than what went out
 */
#include "generate.h"

/* Which of these some function needs. */
struct uses {
    bool enter, leave, measure, check;
};

static void note_uses(const struct function *f, const struct composite *c, struct uses *uses)
{
    for (const struct variable *v = f->parameters; v; v = v->next) {
        bool both = attr_has(&v->attributes, ATTR_OUT);

        if (!variable_is_deep(v) || v->type.composite != c)
            continue;
        uses->enter |= f->is_trusted;
        uses->leave |= f->is_trusted && both;
        uses->measure |= !f->is_trusted;
        uses->check |= !f->is_trusted && both;
    }
}

/* The size of what a member of *item leads to, in the variable `size`. */
static const char *member_bytes(struct emit *e, const struct variable *m)
{
    return spell_bytes(e, m, "_ap_item->", arena_format(e->arena, "*_ap_item->%s", m->name),
                       "_ap_size");
}

static void begin_loop(struct emit *e)
{
    emit_open(e, "for (_ap_i = 0; _ap_i < _ap_count; _ap_i++, _ap_item++) {");
}

static void end_function(struct emit *e)
{
    emit_close(e, "}");
    emit_blank(e);
}

static void enter_function(struct emit *e, const struct composite *c)
{
    emit(e,
         "static sgx_status_t ap_enter_%s(struct %s *_ap_item, size_t _ap_count, "
         "struct ap_edl_inner **_ap_ret)",
         c->tag, c->tag);
    emit_open(e, "{");
    emit(e, "struct ap_edl_inner *_ap_inner;");
    emit(e, "sgx_status_t _ap_status = ap_edl_inner_new(_ap_count, %u, _ap_ret);", c->deep_members);
    emit(e, "size_t _ap_i, _ap_size;");
    emit_blank(e);
    emit_open(e, "if (_ap_status != SGX_SUCCESS)");
    emit(e, "return _ap_status;");
    e->indent--;
    emit(e, "_ap_inner = *_ap_ret;");
    begin_loop(e);
    for (const struct variable *m = c->members; m; m = m->next) {
        if (!member_is_deep(m))
            continue;
        emit_open(e, "if (%s)", member_bytes(e, m));
        emit(e, "return SGX_ERROR_INVALID_PARAMETER;");
        e->indent--;
        emit(e, "_ap_status = ap_edl_inner_enter(_ap_inner, _ap_item->%s, _ap_size);", m->name);
        emit_open(e, "if (_ap_status != SGX_SUCCESS)");
        emit(e, "return _ap_status;");
        e->indent--;
        emit(e, "_ap_item->%s = (%s)_ap_inner->trusted;", m->name, spell_type(e, &m->type));
        emit(e, "_ap_inner++;");
    }
    emit_close(e, "}");
    emit(e, "return SGX_SUCCESS;");
    end_function(e);
}

static void leave_function(struct emit *e, const struct composite *c)
{
    emit(e,
         "static void ap_leave_%s(struct %s *_ap_item, size_t _ap_count, "
         "const struct ap_edl_inner *_ap_inner)",
         c->tag, c->tag);
    emit_open(e, "{");
    emit(e, "size_t _ap_i;");
    emit_blank(e);
    begin_loop(e);
    for (const struct variable *m = c->members; m; m = m->next) {
        if (!member_is_deep(m))
            continue;
        emit(e, "ap_edl_inner_leave(_ap_inner);");
        emit(e, "_ap_item->%s = (%s)_ap_inner->host;", m->name, spell_type(e, &m->type));
        emit(e, "_ap_inner++;");
    }
    emit_close(e, "}");
    end_function(e);
}

static void measure_function(struct emit *e, const struct composite *c)
{
    emit(e,
         "static sgx_status_t ap_measure_%s(const struct %s *_ap_item, size_t _ap_count, size_t "
         "*_ap_total, "
         "struct ap_edl_inner **_ap_ret)",
         c->tag, c->tag);
    emit_open(e, "{");
    emit(e, "struct ap_edl_inner *_ap_inner;");
    emit(e, "sgx_status_t _ap_status = ap_edl_inner_new(_ap_count, %u, _ap_ret);", c->deep_members);
    emit(e, "size_t _ap_i, _ap_size;");
    emit_blank(e);
    emit_open(e, "if (_ap_status != SGX_SUCCESS)");
    emit(e, "return _ap_status;");
    e->indent--;
    emit(e, "_ap_inner = *_ap_ret;");
    begin_loop(e);
    for (const struct variable *m = c->members; m; m = m->next) {
        if (!member_is_deep(m))
            continue;
        emit_open(e, "if (%s)", member_bytes(e, m));
        emit(e, "return SGX_ERROR_INVALID_PARAMETER;");
        e->indent--;
        emit(e, "_ap_status = ap_edl_inner_measure(_ap_inner, _ap_item->%s, _ap_size, _ap_total);",
             m->name);
        emit_open(e, "if (_ap_status != SGX_SUCCESS)");
        emit(e, "return _ap_status;");
        e->indent--;
        emit(e, "_ap_inner++;");
    }
    emit_close(e, "}");
    emit(e, "return SGX_SUCCESS;");
    end_function(e);
}

static void send_function(struct emit *e, const struct composite *c)
{
    emit(e,
         "static void ap_send_%s(const struct %s *_ap_item, size_t _ap_count, "
         "struct ap_edl_inner *_ap_inner, void *_ap_frame, size_t _ap_place)",
         c->tag, c->tag);
    emit_open(e, "{");
    emit(e, "struct %s _ap_copy;", c->tag);
    emit(e, "size_t _ap_i;");
    emit_blank(e);
    begin_loop(e);
    emit(e, "_ap_copy = *_ap_item;");
    for (const struct variable *m = c->members; m; m = m->next) {
        if (!member_is_deep(m))
            continue;
        emit(e, "ap_edl_inner_send(_ap_inner, _ap_frame);");
        emit(e, "_ap_copy.%s = (%s)_ap_inner->host;", m->name, spell_type(e, &m->type));
        emit(e, "_ap_inner++;");
    }
    emit(e, "AP_EDL_CLEAR_PADDING(&_ap_copy);");
    emit(e, "ap_copy_out(ap_edl_at(_ap_frame, _ap_place + _ap_i * sizeof(_ap_copy)), &_ap_copy, "
            "sizeof(_ap_copy));");
    emit_close(e, "}");
    end_function(e);
}

static void check_function(struct emit *e, const struct composite *c)
{
    emit(e,
         "static sgx_status_t ap_check_%s(struct %s *_ap_item, size_t _ap_count, "
         "const struct ap_edl_inner *_ap_inner)",
         c->tag, c->tag);
    emit_open(e, "{");
    emit(e, "size_t _ap_i, _ap_size;");
    emit_blank(e);
    begin_loop(e);
    for (const struct variable *m = c->members; m; m = m->next) {
        if (!member_is_deep(m))
            continue;
        emit_open(e, "if (%s || _ap_size > _ap_inner->size)", member_bytes(e, m));
        emit(e, "return SGX_ERROR_HOST;");
        e->indent--;
        emit(e, "_ap_item->%s = (%s)_ap_inner->trusted;", m->name, spell_type(e, &m->type));
        emit(e, "_ap_inner++;");
    }
    emit_close(e, "}");
    emit(e, "sgx_lfence();");
    emit(e, "return SGX_SUCCESS;");
    end_function(e);
}

void generate_deep_functions(struct emit *e)
{
    for (const struct composite *c = e->interface->composites; c; c = c->next_merged) {
        struct uses uses = {0};

        if (!c->is_deep)
            continue;
        for (const struct function *f = e->interface->ecalls; f; f = f->next_merged)
            note_uses(f, c, &uses);
        for (const struct function *f = e->interface->ocalls; f; f = f->next_merged)
            note_uses(f, c, &uses);
        if (uses.enter)
            enter_function(e, c);
        if (uses.leave)
            leave_function(e, c);
        if (uses.measure) {
            measure_function(e, c);
            send_function(e, c);
        }
        if (uses.check)
            check_function(e, c);
    }
}
