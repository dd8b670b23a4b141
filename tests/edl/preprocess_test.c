/* SPDX-License-Identifier: Apache-2.0 */
/* preprocess_test.c - directives, macros, and the expressions behind #if */
#include <stdio.h>

#include "support.h"

/* Is the expression true? */
static bool holds(const char *expression)
{
    char text[400];
    const struct outcome *o;

    snprintf(text, sizeof text,
             "#if %s\npublic void yes(void);\n#else\npublic void no(void);\n#endif", expression);
    o = compile_ecalls(text);
    cr_assert(o->ok, "%s: it said:\n%s", expression, o->said);
    return strstr(o->compiled.text[OUTPUT_TRUSTED_HEADER], "void yes(void);") != NULL;
}

Test(preprocess, conditions_choose_what_is_compiled)
{
    const struct outcome *o =
        compile_ecalls("#define A\n"
                       "#ifdef A\npublic void a(void);\n#else\nnonsense\n#endif\n"
                       "#ifndef A\nnonsense\n#elif 1\npublic void b(void);\n"
                       "#else\nnonsense\n#endif\n"
                       "#if 0\n#if 1\nnonsense\n#else\nnonsense\n#endif\n#endif");

    assert_accepted(o);
    assert_has(o, OUTPUT_TRUSTED_HEADER, "void a(void);\nvoid b(void);\n");
}

Test(preprocess, branch_that_is_left_out_may_hold_anything_that_has_an_end)
{
    assert_accepted(compile_ecalls("#if 0\n don't @ ` ' #what\n#unknown\n#error no\n#endif"));
}

Test(preprocess, only_the_first_true_branch_counts)
{
    const struct outcome *o =
        compile_ecalls("#if 0\nnonsense\n#elif 1\npublic void b(void);\n#elif "
                       "1/0\nnonsense\n#else\nnonsense\n#endif");

    assert_accepted(o);
}

Test(preprocess, definitions_of_the_command_line_are_seen)
{
    given_define("DEBUG");
    given_define("LEVEL=3");
    cr_assert(holds("DEBUG && LEVEL == 3"));
    cr_assert(holds("defined(LEVEL) && !defined NOTHING"));
    cr_assert(holds("__EDL__ && __x86_64__ && __linux__"));
}

Test(preprocess, macros_stand_for_their_text)
{
    const struct outcome *o = compile_ecalls("#define SIZE 16\n#define BOTH in, out\n"
                                             "#define TWICE SIZE\n"
                                             "public void f([BOTH, size=TWICE] void *p);\n"
                                             "#undef SIZE\n#define SIZE 8\n"
                                             "public void g([in] int a[SIZE]);");

    assert_accepted(o);
    assert_has(o, OUTPUT_TRUSTED_HEADER, "void g(int a[8]);");
    assert_has(o, OUTPUT_TRUSTED_SOURCE, "AP_EDL_PRODUCT((size_t)16, 1, &_len_p)");
}

Test(preprocess, macro_that_names_itself_ends)
{
    const struct outcome *o = compile_ecalls("#define loop loop\n#define a b\n#define b a\n"
                                             "public void loop(int a);");

    assert_accepted(o);
    assert_has(o, OUTPUT_TRUSTED_HEADER, "void loop(int a);");
}

Test(preprocess, lines_go_on_behind_a_backslash)
{
    const struct outcome *o =
        compile_ecalls("#define FUNCTION \\\n    public void \\\n    f(void)\n"
                       "FUNCTION;");

    assert_accepted(o);
}

Test(preprocess, operators_as_in_c)
{
    cr_assert(holds("1 + 2 * 3 == 7"));
    cr_assert(holds("(1 + 2) * 3 == 9"));
    cr_assert(holds("7 / 2 == 3 && 7 % 2 == 1"));
    cr_assert(holds("-1 < 0 && !0 && ~0 == -1"));
    cr_assert(holds("1 << 4 == 16 && 16 >> 2 == 4"));
    cr_assert(holds("(6 & 3) == 2 && (6 | 3) == 7 && (6 ^ 3) == 5"));
    cr_assert(holds("0 || 2 > 1 && 2 >= 2 && 1 <= 1 && 1 != 2"));
    cr_assert(holds("1 ? 1 : 0"));
    cr_assert(holds("0 ? 0 : 1 ? 2 : 0"));
    cr_assert(holds("0x10 == 16UL"));
    cr_assert(holds("10 - 3 - 2 == 5"));
    cr_assert_not(holds("unknown"));
    cr_assert(holds("-9223372036854775807 - 1 < 0"));
    cr_assert(holds("(-9223372036854775807 - 1) / -1 < 0"));
}

Test(preprocess, wrong_expressions)
{
    assert_refused(compile_ecalls("#if\n#endif"), "2:2: error: expected a number, a name or '('");
    assert_refused(compile_ecalls("#if (1\n#endif"), "error: expected ')'");
    assert_refused(compile_ecalls("#if 1 2\n#endif"), "2:7: error: the expression should end here");
    assert_refused(compile_ecalls("#if 1 ? 2\n#endif"), "error: expected ':'");
    assert_refused(compile_ecalls("#if 1 / 0\n#endif"), "error: division by zero");
    assert_refused(compile_ecalls("#if 1 % 0\n#endif"), "error: division by zero");
    assert_refused(compile_ecalls("#if defined\n#endif"),
                   "error: expected a name behind 'defined'");
    assert_refused(compile_ecalls("#if \"a\"\n#endif"), "error: expected a number");
}

Test(preprocess, expression_nested_without_end_is_refused)
{
    char text[1000] = "#if ";

    strcpy(text + 504, "\n#endif");
    memset(text + 4, '(', 500);
    assert_refused(compile_ecalls(text), "error: this expression is nested too deeply");
    memset(text + 4, '!', 500);
    assert_refused(compile_ecalls(text), "error: this expression is nested too deeply");
}

Test(preprocess, conditions_that_do_not_match)
{
    assert_refused(compile_ecalls("#endif"), "2:2: error: #endif without #if");
    assert_refused(compile_ecalls("#else"), "2:2: error: #else without #if");
    assert_refused(compile_ecalls("#elif 1"), "2:2: error: #elif without #if");
    assert_refused(compile_ecalls("#if 1\n#else\n#else\n#endif"), "4:2: error: #else behind #else");
    assert_refused(compile_ecalls("#if 1\n#else\n#elif 1\n#endif"),
                   "4:2: error: #elif behind #else");
    assert_refused(compile_file_text("enclave { trusted { public void f(void); }; };\n#if 1"),
                   "2:2: error: this condition has no #endif");
}

Test(preprocess, directives_that_do_not_exist_or_lack_something)
{
    assert_refused(compile_ecalls("#frobnicate"), "2:2: error: unknown directive '#frobnicate'");
    assert_refused(compile_ecalls("#define"), "2:2: error: expected the name of a macro");
    assert_refused(compile_ecalls("#define 3"), "2:9: error: expected the name of a macro");
    assert_refused(compile_ecalls("#undef"), "2:2: error: expected the name of a macro");
    assert_refused(compile_ecalls("#ifdef\n#endif"), "2:2: error: expected the name of a macro");
    assert_refused(compile_ecalls("#ifdef A B\n#endif"), "2:10: error: the directive should end");
    assert_refused(compile_ecalls("#define F(x) x"), "2:9: error: macros with parameters");
}

Test(preprocess, messages_of_the_author)
{
    const struct outcome *o;

    assert_refused(compile_ecalls("#error pick a  level"), "2:2: error: #error pick a  level\n");
    o = compile_ecalls("#warning take care");
    cr_assert(o->ok);
    cr_assert(strstr(o->said, "note: #warning take care") != NULL);
    assert_accepted(compile_ecalls("#pragma once\n#"));
}

Test(preprocess, files_are_included_as_text)
{
    const struct outcome *o;

    given_file("sizes.h", "#define SIZE 24\n");
    o = compile_ecalls("#include \"sizes.h\"\npublic void f([in] char a[SIZE]);");
    assert_accepted(o);
    assert_has(o, OUTPUT_TRUSTED_HEADER, "char a[24]");
}

Test(preprocess, files_that_cannot_be_included)
{
    assert_refused(compile_ecalls("#include \"nowhere.h\""),
                   "2:10: error: cannot read 'nowhere.h'");
    assert_refused(compile_ecalls("#include <stdio.h>"), "2:2: error: #include takes a file name");
    given_file("itself.h", "#include \"itself.h\"\n");
    assert_refused(compile_ecalls("#include \"itself.h\""), "error: files include each other too");
}

Test(preprocess, macros_that_explode_are_stopped)
{
    char text[2000] = "#define m0 x x x x\n";
    size_t at = strlen(text);

    for (int i = 1; i < 30; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "#define m%d m%d m%d m%d\n", i, i - 1,
                               i - 1, i - 1);
    snprintf(text + at, sizeof text - at, "m29");
    cr_assert_not(compile_ecalls(text)->ok);
    cr_assert(strstr(compile_ecalls(text)->said, "error: this macro expands to too much") != NULL);
}

Test(preprocess, macros_that_explode_into_nothing_are_stopped)
{
    char text[2000] = "#define m0\n";
    size_t at = strlen(text);

    for (int i = 1; i < 40; i++)
        at +=
            (size_t)snprintf(text + at, sizeof text - at, "#define m%d m%d m%d\n", i, i - 1, i - 1);
    snprintf(text + at, sizeof text - at, "#if m39\n#endif");
    cr_assert(strstr(compile_ecalls(text)->said, "error: this macro expands to too much") != NULL);
}
