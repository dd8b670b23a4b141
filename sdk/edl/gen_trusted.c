/* SPDX-License-Identifier: Apache-2.0 */
/* gen_trusted.c - X_t.c as a whole, and the tables by which the runtime finds its way */
#include "generate.h"

static void ecall_table(struct emit *e)
{
    emit_open(e, "SGX_EXTERNC const struct {");
    emit(e, "size_t nr_ecall;");
    emit_open(e, "struct {");
    emit(e, "void *ecall_addr;");
    emit(e, "uint8_t is_priv;");
    emit(e, "uint8_t is_switchless;");
    emit_close(e, arena_format(e->arena, "} ecall_table[%u];", e->interface->ecall_count));
    emit_close(e, "} g_ecall_table = {");
    e->indent++;
    emit(e, "%u,", e->interface->ecall_count);
    emit_open(e, "{");
    for (const struct function *f = e->interface->ecalls; f; f = f->next_merged)
        emit(e, "{(void *)(uintptr_t)sgx_%s, %d, %d},", f->name, !f->is_public, f->is_switchless);
    emit_close(e, "},");
    emit_close(e, "};");
    emit_blank(e);
}

static bool allows(const struct function *ocall, const struct function *ecall)
{
    for (const struct name_list *n = ocall->allow; n; n = n->next) {
        if (n->name == ecall->name)
            return true;
    }
    return false;
}

static void entry_row(struct emit *e, const struct function *ocall)
{
    fprintf(e->out, "%*s{", (int)e->indent * 4, "");
    for (const struct function *f = e->interface->ecalls; f; f = f->next_merged)
        fprintf(e->out, "%s%d", f->index ? ", " : "", allows(ocall, f));
    fprintf(e->out, "}, /* %s */\n", ocall->name);
}

static void entry_table(struct emit *e)
{
    unsigned ocalls = e->interface->ocall_count;

    emit_open(e, "SGX_EXTERNC const struct {");
    emit(e, "size_t nr_ocall;");
    if (ocalls)
        emit(e, "uint8_t entry_table[%u][%u];", ocalls, e->interface->ecall_count);
    emit_close(e, "} g_dyn_entry_table = {");
    e->indent++;
    emit(e, "%u,", ocalls);
    if (ocalls) {
        emit_open(e, "{");
        for (const struct function *f = e->interface->ocalls; f; f = f->next_merged)
            entry_row(e, f);
        emit_close(e, "},");
    }
    emit_close(e, "};");
    emit_blank(e);
}

void generate_trusted_source(struct emit *e)
{
    generate_title(e);
    /* Before the author's types, whose names its functions could otherwise shadow. */
    emit(e, "#include \"aperture/edl.h\"");
    emit(e, "#include \"%s_t.h\"", e->interface->name);
    emit_blank(e);
    emit(e, "#include <errno.h>");
    emit_blank(e);
    generate_ms_structures(e);
    generate_deep_functions(e);
    for (const struct function *f = e->interface->ecalls; f; f = f->next_merged)
        generate_ecall_bridge(e, f);
    ecall_table(e);
    entry_table(e);
    for (const struct function *f = e->interface->ocalls; f; f = f->next_merged)
        generate_ocall_proxy(e, f);
}
