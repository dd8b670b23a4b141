/* SPDX-License-Identifier: Apache-2.0 */
/* parse_test.c - the grammar: what it accepts, where it complains, how it goes on */
#include <stdio.h>

#include "support.h"

Test(parse, every_type_is_spelt_as_c_does)
{
    static const char *const types[] = {
        "char",
        "short",
        "int",
        "long",
        "long long",
        "unsigned char",
        "unsigned short",
        "unsigned int",
        "unsigned",
        "unsigned long",
        "unsigned long long",
        "float",
        "double",
        "long double",
        "int8_t",
        "int16_t",
        "int32_t",
        "int64_t",
        "uint8_t",
        "uint16_t",
        "uint32_t",
        "uint64_t",
        "size_t",
        "wchar_t",
        "struct s",
        "union u",
        "enum e",
        "foreign_t",
        "unsigned long int",
        "long int",
        "short int",
        "unsigned long long int",
        "long long int",
    };
    static const char *const spelt[] = {
        "unsigned long", "long", "short", "unsigned long long", "long long",
    };
    size_t same = sizeof types / sizeof *types - 5;
    char text[100], expected[100];

    for (size_t i = 0; i < same + 5; i++) {
        snprintf(text, sizeof text, "public %s f(%s a);", types[i], types[i]);
        snprintf(expected, sizeof expected, "\n%s f(%s a);", i < same ? types[i] : spelt[i - same],
                 i < same ? types[i] : spelt[i - same]);
        assert_has(compile_ecalls(text), OUTPUT_TRUSTED_HEADER, expected);
    }
}

Test(parse, pointers_of_several_levels_and_const)
{
    const struct outcome *o = compile_ecalls("public const char **f([in] const int ***p);");

    assert_accepted(o);
    assert_has(o, OUTPUT_TRUSTED_HEADER, "const char **f(const int ***p);");
}

Test(parse, includes_go_where_they_stand)
{
    const struct outcome *o =
        compile_body("include \"both.h\" include \"two.h\";\n"
                     "trusted { include \"inside.h\" public void f(void); include \"late.h\" };\n"
                     "untrusted { include \"outside.h\" void g(void); };");

    assert_accepted(o);
    for (int i = OUTPUT_TRUSTED_HEADER; i <= OUTPUT_UNTRUSTED_HEADER; i += 2) {
        assert_has(o, i, "#include \"both.h\"\n#include \"two.h\"\n");
        cr_assert((strstr(o->compiled.text[i], "inside.h") != NULL) ==
                  (i == OUTPUT_TRUSTED_HEADER));
        cr_assert((strstr(o->compiled.text[i], "late.h") != NULL) == (i == OUTPUT_TRUSTED_HEADER));
        cr_assert((strstr(o->compiled.text[i], "outside.h") != NULL) ==
                  (i == OUTPUT_UNTRUSTED_HEADER));
    }
}

Test(parse, several_blocks_of_a_kind_are_one)
{
    const struct outcome *o = compile_body("trusted { void f(void); }; untrusted { };\n"
                                           "untrusted { void g(void) allow(f); }; trusted { };");

    assert_accepted(o);
}

Test(parse, postfixes_of_ocalls_in_either_order)
{
    assert_accepted(compile_ocalls("int f(void) propagate_errno transition_using_threads;\n"
                                   "int g(void) transition_using_threads propagate_errno;\n"
                                   "[cdecl, dllimport] int h(void) allow();\n"
                                   "[stdcall] int i(void) allow() propagate_errno;\n"
                                   "[fastcall] int j(void);"));
}

Test(parse, enums_with_and_without_tag_and_values)
{
    const struct outcome *o = compile_body("enum e { A, B = 5, C = B, D, };\nenum { E = 0x10 };");

    assert_accepted(o);
    assert_has(o, OUTPUT_UNTRUSTED_HEADER,
               "typedef enum e {\n    A,\n    B = 5,\n    C = B,\n    D,\n} e;\n");
    assert_has(o, OUTPUT_UNTRUSTED_HEADER, "enum {\n    E = 16,\n};\n");
}

Test(parse, structures_and_unions)
{
    const struct outcome *o =
        compile_body("struct s { int a; char *p; long m[2][3]; struct s *next;\n"
                     "[count=a] int *q; [size=8] void *r; };\n"
                     "union u { int a; float b[2]; };");

    assert_accepted(o);
    assert_has(
        o, OUTPUT_TRUSTED_HEADER,
        "#ifndef _struct_s\n#define _struct_s\ntypedef struct s {\n    int a;\n    char *p;\n"
        "    long m[2][3];\n    struct s *next;\n    int *q;\n    void *r;\n} s;\n#endif\n");
    assert_has(o, OUTPUT_TRUSTED_HEADER, "typedef union u {\n    int a;\n    float b[2];\n} u;\n");
}

/* ------------------------------------------------------------------ complaints */

Test(parse, something_else_than_an_enclave)
{
    assert_refused(compile_file_text(""),
                   "1:1: error: unexpected end of the file, expected 'enclave'");
    assert_refused(compile_file_text("int main(void);"), "1:1: error: unexpected 'int'");
    assert_refused(compile_file_text("enclave { trusted { public void f(void); }; }"),
                   "error: unexpected end of the file, expected ';'");
    assert_refused(compile_file_text("enclave { trusted { public void f(void); }; }; more"),
                   "1:48: error: nothing may follow");
}

Test(parse, missing_words_are_missed_where_they_should_stand)
{
    assert_refused(compile_ecalls("public void f(void)\npublic void g(void);"),
                   "2:20: error: expected ';' or 'transition_using_threads' here");
    assert_refused(compile_ecalls("public void f(int);"),
                   "2:18: error: unexpected ')', expected a parameter's name");
    assert_refused(compile_ecalls("public void (void);"),
                   "2:13: error: unexpected '(', expected a function's name");
    assert_refused(compile_ecalls("public void f(int a int b);"),
                   "2:21: error: unexpected 'int', expected ',' or ')'");
    assert_refused(compile_ecalls("public f(void);"), "2:9: error: unexpected '('");
    assert_refused(compile_body("trusted { public void f(void); }"), "error: expected ';' here");
    assert_refused(compile_body("struct s { int a }; "), "error: unexpected '}', expected ';'");
    assert_refused(compile_body("struct { int a; };"), "error: unexpected '{', expected a tag");
    assert_refused(compile_body("int f(void);"),
                   "2:1: error: unexpected 'int', expected 'trusted'");
    assert_refused(compile_body("include a"), "error: unexpected 'a', expected a header's name");
    assert_refused(compile_body("include \"\""), "error: this name is empty");
    assert_refused(compile_body("include \"a\\b.h\""), "error: a header's name cannot hold");
    assert_refused(compile_body("from \"a.edl\" *;"), "error: unexpected '*', expected 'import'");
    assert_refused(compile_body("from \"a.edl\" import ;"),
                   "error: unexpected ';', expected a func");
}

Test(parse, one_error_does_not_hide_the_next)
{
    const struct outcome *o = compile_ecalls("public void f(int);\npublic void g([in int *p);\n"
                                             "public void ok(int a);\npublic h(void);");

    cr_assert_eq(o->errors, 3, "it said:\n%s", o->said);
    cr_assert(strstr(o->said, "2:18: error:") != NULL);
    cr_assert(strstr(o->said, "3:19: error:") != NULL);
    cr_assert(strstr(o->said, "5:9: error:") != NULL);
}

Test(parse, error_in_one_block_does_not_hide_the_next_block)
{
    const struct outcome *o =
        compile_body("struct s { int; int b; };\nuntrusted { void f(int); };");

    cr_assert_eq(o->errors, 2, "it said:\n%s", o->said);
}

Test(parse, words_of_the_language_are_no_names)
{
    assert_refused(compile_ecalls("public void allow(void);"), "2:13: error: 'allow' is a word");
    assert_refused(compile_ecalls("public void f(int import);"), "2:19: error: 'import' is a word");
    assert_refused(compile_body("struct enclave { int a; };"), "2:8: error: 'enclave' is a word");
}

Test(parse, const_and_signed_where_edl_has_none)
{
    assert_refused(compile_ecalls("public void f(const int a);"),
                   "2:15: error: 'const' is for point");
    assert_refused(compile_ecalls("public void f(int const *a);"),
                   "2:19: error: 'const' stands in");
    assert_refused(compile_ecalls("public void f(signed char a);"),
                   "2:15: error: EDL has no 'signed'");
}

Test(parse, pointer_to_too_many_pointers)
{
    assert_refused(compile_ecalls("public void f([in] int *********p);"),
                   "error: that is a pointer");
}

Test(parse, arrays_that_cannot_be)
{
    assert_refused(compile_ecalls("public void f([in] int a[]);"),
                   "2:26: error: an array needs all");
    assert_refused(compile_ecalls("public void f([in] int a[0]);"), "2:26: error: an array cannot");
    assert_refused(compile_ecalls("public void f([in] int a[n]);"),
                   "2:26: error: unexpected 'n', expected the number of elements");
    assert_refused(compile_ecalls("public void f([in] int a[65536][65536]);"),
                   "2:33: error: this array is too big");
    assert_refused(compile_ecalls("public void f([in] int a[18446744073709551615]);"),
                   "2:26: error: this array is too big");
    assert_refused(compile_ecalls("public int[4] f(void);"),
                   "2:11: error: a function cannot return");
}

Test(parse, attributes_that_are_not_well_formed)
{
    assert_refused(compile_ecalls("public void f([] int *p);"), "2:16: error: unexpected ']'");
    assert_refused(compile_ecalls("public void f([inn] int *p);"),
                   "2:16: error: there is no attribute");
    assert_refused(compile_ecalls("public void f([in, in] int *p);"),
                   "2:20: error: 'in' is said twice");
    assert_refused(compile_ecalls("public void f([in=3] int *p);"),
                   "2:19: error: 'in' takes no value");
    assert_refused(compile_ecalls("public void f([in, size] int *p);"),
                   "2:20: error: 'size' needs a");
    assert_refused(compile_ecalls("public void f([in, size=] int *p);"),
                   "2:25: error: unexpected ']'");
    assert_refused(compile_ecalls("public void f([in, size=*n] int *p);"),
                   "2:25: error: unexpected '*'");
}

Test(parse, misspelt_attribute_is_recognised)
{
    const struct outcome *o = compile_ecalls("public void f([user_chek] int *p);");

    assert_refused(o, "there is no attribute 'user_chek'");
    cr_assert(strstr(o->said, "hint: did you mean 'user_check'?") != NULL);
}

Test(parse, words_on_the_wrong_side)
{
    assert_refused(compile_ocalls("public void f(void);"),
                   "2:1: error: an ocall cannot be 'public'");
    assert_refused(compile_ecalls("public void f(void) allow(f);"),
                   "2:21: error: only an ocall has");
    assert_refused(compile_ecalls("public int f(void) propagate_errno;"),
                   "2:20: error: only an ocall");
    assert_refused(compile_ocalls("int f(void) propagate_errno propagate_errno;"),
                   "2:29: error: 'propagate_errno' is said twice");
    assert_refused(compile_ocalls("int f(void) propagate_errno allow();"),
                   "2:29: error: unexpected 'allow'");
}

Test(parse, definitions_without_content)
{
    assert_refused(compile_body("struct s { };"),
                   "2:12: error: a structure needs at least one member");
    assert_refused(compile_body("enum e { };"), "2:10: error: an enum needs at least one constant");
    assert_refused(compile_body("enum e { A = 2147483648 };"),
                   "2:14: error: a constant of an enum");
    assert_refused(compile_body("enum e { A B };"), "2:12: error: unexpected 'B', expected '}'");
}
