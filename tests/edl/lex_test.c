/* SPDX-License-Identifier: Apache-2.0 */
/* lex_test.c - words, numbers, strings, comments */
#include "support.h"
#include "token.h"

Test(lex, comments_of_both_kinds_are_blank)
{
    assert_accepted(compile_ecalls("public/* a */void/**/f(// b\n);/* c\n * d */"));
}

Test(lex, lines_may_end_as_on_windows)
{
    assert_accepted(compile_ecalls("public void f(int a,\r\n              int b);\r\n"));
}

Test(lex, comment_without_end)
{
    assert_refused(compile_file_text("enclave { trusted { public void f(void); }; }; /* on and on"),
                   "test.edl:1:48: error: this comment has no end");
}

Test(lex, string_without_end_on_its_line)
{
    assert_refused(
        compile_body("include \"a.h\"\ntrusted { public void f(void); };\n#define X \"abc\n"),
        "4:11: error: this string has no end on its line");
}

Test(lex, hexadecimal_and_decimal_numbers)
{
    const struct outcome *o = compile_ecalls("public void f([in] int a[0x10], [in] int b[16]);");

    assert_has(o, OUTPUT_TRUSTED_HEADER, "void f(int a[16], int b[16]);");
}

Test(lex, leading_zero_is_decimal_and_warned_of)
{
    const struct outcome *o = compile_ecalls("public void f([in] int a[010]);");

    assert_warned(o, "2:26: warning [-Woctal]");
    assert_has(o, OUTPUT_TRUSTED_HEADER, "int a[10]");
}

Test(lex, number_that_no_integer_holds)
{
    assert_refused(compile_ecalls("public void f([in, size=99999999999999999999] void *p);"),
                   "2:25: error: this number does not fit 64 bits");
}

Test(lex, number_with_letters)
{
    assert_refused(compile_ecalls("public void f([in, size=12ab] void *p);"),
                   "2:25: error: this is neither a number nor a name");
}

Test(lex, marks_that_the_language_does_not_know)
{
    assert_refused(compile_ecalls("public void f(int a) @;"), "2:22: error: unexpected '@'");
    assert_refused(compile_ecalls("public void f(int \xff);"), "error: unexpected");
}

Test(lex, byte_of_zero_is_a_mark_and_no_end)
{
    static const char text[] = "enclave\0{";
    struct source source = {.name = "zero", .text = text, .size = sizeof text - 1};
    const struct token *token;
    struct edl edl;

    edl_init(&edl, NULL);
    token = lex(&edl, &source);
    cr_assert_str_eq(token->text, "enclave");
    cr_assert_eq(token->next->kind, TOKEN_MARK);
    cr_assert_str_eq(token->next->next->text, "{");
    cr_assert_eq(token->next->next->next->kind, TOKEN_END);
    edl_free(&edl);
}
