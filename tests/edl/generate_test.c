/* SPDX-License-Identifier: Apache-2.0 */
/* generate_test.c - names, signatures and tables, as authors know them */
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

Test(generate, ecalls_are_declared_on_both_sides)
{
    const struct outcome *o = compile_ecalls("public int f([in, string] const char *s, size_t n);\n"
                                             "public void *g([in] int m[2][3]);");

    assert_has(o, OUTPUT_TRUSTED_HEADER, "\nint f(const char *s, size_t n);\n");
    assert_has(o, OUTPUT_TRUSTED_HEADER, "\nvoid *g(int m[2][3]);\n");
    assert_has(o, OUTPUT_TRUSTED_HEADER, "\nvoid way_in(void);\n");
    assert_has(o, OUTPUT_UNTRUSTED_HEADER,
               "\nsgx_status_t f(sgx_enclave_id_t eid, int *retval, const char *s, size_t n);\n");
    assert_has(o, OUTPUT_UNTRUSTED_HEADER,
               "\nsgx_status_t g(sgx_enclave_id_t eid, void **retval, int m[2][3]);\n");
    assert_has(o, OUTPUT_UNTRUSTED_HEADER, "\nsgx_status_t way_in(sgx_enclave_id_t eid);\n");
}

Test(generate, ocalls_are_declared_on_both_sides)
{
    const struct outcome *o = compile_ocalls("int f([in, string] const char *s);\n"
                                             "[cdecl, dllimport] void *g(void);\n"
                                             "[stdcall] void h(int a); [fastcall] void i(void);");

    assert_has(o, OUTPUT_TRUSTED_HEADER,
               "\nsgx_status_t SGX_CDECL f(int *retval, const char *s);\n");
    assert_has(o, OUTPUT_TRUSTED_HEADER, "\nsgx_status_t SGX_CDECL g(void **retval);\n");
    assert_has(o, OUTPUT_TRUSTED_HEADER, "\nsgx_status_t SGX_CDECL h(int a);\n");
    assert_has(o, OUTPUT_TRUSTED_HEADER, "\nsgx_status_t SGX_CDECL i(void);\n");
    assert_has(o, OUTPUT_UNTRUSTED_HEADER,
               "#ifndef F_DEFINED__\n#define F_DEFINED__\n"
               "int SGX_UBRIDGE(SGX_NOCONVENTION, f, (const char *s));\n#endif\n");
    assert_has(o, OUTPUT_UNTRUSTED_HEADER,
               "SGX_DLLIMPORT void * SGX_UBRIDGE(SGX_CDECL, g, (void));");
    assert_has(o, OUTPUT_UNTRUSTED_HEADER, "void SGX_UBRIDGE(SGX_STDCALL, h, (int a));");
    assert_has(o, OUTPUT_UNTRUSTED_HEADER, "void SGX_UBRIDGE(SGX_FASTCALL, i, (void));");
}

Test(generate, calls_go_through_the_functions_that_runtimes_know)
{
    const struct outcome *o = compile_body(
        "trusted { public int f(int a); public void g(void) transition_using_threads; };\n"
        "untrusted { void o(int a); void p(void) transition_using_threads; };");

    assert_has(o, OUTPUT_UNTRUSTED_SOURCE, "sgx_ecall(eid, 1, &ocall_table_test, &_ap_ms);");
    assert_has(o, OUTPUT_UNTRUSTED_SOURCE,
               "sgx_ecall_switchless(eid, 2, &ocall_table_test, NULL);");
    assert_has(o, OUTPUT_TRUSTED_SOURCE, "sgx_ocall(0, _ap_frame);");
    assert_has(o, OUTPUT_TRUSTED_SOURCE, "sgx_ocall_switchless(1, NULL);");
    assert_has(o, OUTPUT_TRUSTED_SOURCE, "static sgx_status_t SGX_CDECL sgx_f(void *pms)");
    assert_has(o, OUTPUT_UNTRUSTED_SOURCE, "static sgx_status_t SGX_CDECL test_o(void *pms)");
    assert_has(o, OUTPUT_TRUSTED_SOURCE,
               "typedef struct ms_f_t {\n    int ms_retval;\n    int ms_a;\n}");
}

Test(generate, tables_say_who_may_call_whom)
{
    const struct outcome *o =
        compile_body("trusted { void f(void); public void g(void) transition_using_threads; };\n"
                     "untrusted { void o(void) allow(f, way_in); void p(void); };");

    assert_has(o, OUTPUT_TRUSTED_SOURCE,
               "    } ecall_table[3];\n} g_ecall_table = {\n    3,\n    {\n"
               "        {(void *)(uintptr_t)sgx_way_in, 0, 0},\n"
               "        {(void *)(uintptr_t)sgx_f, 1, 0},\n"
               "        {(void *)(uintptr_t)sgx_g, 0, 1},\n    },\n};\n");
    assert_has(o, OUTPUT_TRUSTED_SOURCE,
               "    uint8_t entry_table[2][3];\n} g_dyn_entry_table = {\n    2,\n    {\n"
               "        {1, 1, 0}, /* o */\n        {0, 0, 0}, /* p */\n    },\n};\n");
    assert_has(
        o, OUTPUT_UNTRUSTED_SOURCE,
        "    void *table[2];\n} ocall_table_test = {\n    2,\n    {\n"
        "        (void *)(uintptr_t)test_o,\n        (void *)(uintptr_t)test_p,\n    },\n};\n");
}

Test(generate, enclave_without_ocalls_has_empty_tables)
{
    const struct outcome *o = compile_ecalls("");

    assert_has(o, OUTPUT_TRUSTED_SOURCE,
               "    size_t nr_ocall;\n} g_dyn_entry_table = {\n    0,\n};\n");
    assert_has(o, OUTPUT_UNTRUSTED_SOURCE, "    0,\n    {\n        NULL,\n    },\n};\n");
}

Test(generate, checks_stand_before_a_barrier_and_copies_behind_it)
{
    const struct outcome *o = compile_ecalls("public void f([in, size=n] void *p, size_t n);");
    const char *text, *ms_check, *ms_copy, *check, *fence, *copy, *call;

    assert_accepted(o);
    text = strstr(o->compiled.text[OUTPUT_TRUSTED_SOURCE], "SGX_CDECL sgx_f(");
    ms_check = strstr(text, "sgx_is_outside_enclave(pms, sizeof(_ap_ms))");
    fence = strstr(text, "sgx_lfence();");
    ms_copy = strstr(text, "ap_copy_in(&_ap_ms, pms, sizeof(_ap_ms));");
    cr_assert(ms_check && fence && ms_copy && ms_check < fence && fence < ms_copy);
    check = strstr(text, "ap_edl_is_outside(_ap_ms.ms_p, _len_p)");
    fence = strstr(ms_copy, "sgx_lfence();");
    copy = strstr(text, "ap_edl_bring(_ap_ms.ms_p, _len_p, &_in_p)");
    call = strstr(text, "f((void *)_in_p, _ap_ms.ms_n);");
    cr_assert(check && fence && copy && call && check < fence && fence < copy && copy < call);
}

Test(generate, name_of_the_enclave_becomes_an_identifier)
{
    struct edl edl;
    struct compiled compiled;
    struct compile_options options = {.wanted = {true, true, true, true}};

    given_file("/x/my-enclave.v2.edl", "enclave { trusted { public void f(void); }; };");

    edl_init(&edl, stderr);
    edl.read = read_given;
    cr_assert(compile(&edl, "/x/my-enclave.v2.edl", &options, &compiled));
    cr_assert_str_eq(compiled.name, "my-enclave.v2");
    cr_assert(strstr(compiled.text[OUTPUT_UNTRUSTED_HEADER], "#ifndef MY_ENCLAVE_V2_U_H__") !=
              NULL);
    cr_assert(strstr(compiled.text[OUTPUT_UNTRUSTED_SOURCE], "ocall_table_my_enclave_v2") != NULL);
    edl_free(&edl);
}

Test(generate, prefix_keeps_two_enclaves_of_one_host_apart)
{
    struct edl edl;
    struct compiled compiled;
    struct compile_options options = {.wanted = {true, true, true, true}, .use_prefix = true};

    given_file("vault.edl", "enclave { trusted { public int f(int a); }; };");
    edl_init(&edl, stderr);
    edl.read = read_given;
    cr_assert(compile(&edl, "vault.edl", &options, &compiled));
    cr_assert(strstr(compiled.text[OUTPUT_UNTRUSTED_HEADER],
                     "sgx_status_t vault_f(sgx_enclave_id_t eid, int *retval, int a);") != NULL);
    cr_assert(strstr(compiled.text[OUTPUT_TRUSTED_HEADER], "\nint f(int a);") != NULL);
    edl_free(&edl);
}

Test(generate, only_what_is_wanted_is_made)
{
    const struct outcome *o;

    given_headers_only();
    o = compile_ecalls("");
    cr_assert(o->ok);
    cr_assert_null((void *)o->compiled.text[OUTPUT_TRUSTED_SOURCE]);
    cr_assert_null((void *)o->compiled.text[OUTPUT_UNTRUSTED_SOURCE]);
    cr_assert_not_null((void *)o->compiled.text[OUTPUT_TRUSTED_HEADER]);
}

Test(generate, same_text_gives_the_same_files)
{
    const struct outcome *o = compile_ecalls("public void f([in, string] const char *s);");
    char *first = strdup(o->compiled.text[OUTPUT_TRUSTED_SOURCE]);

    o = compile_ecalls("public void f([in, string] const char *s);");
    cr_assert_str_eq(first, o->compiled.text[OUTPUT_TRUSTED_SOURCE]);
    free(first);
}
