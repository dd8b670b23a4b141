/* SPDX-License-Identifier: Apache-2.0 */
/* report_test.c - how diagnostics look, and which of them are printed */
#include <stdio.h>

#include "support.h"

Test(report, error_shows_file_line_column_and_caret)
{
    const struct outcome *o =
        compile_ecalls("    public void f([in, size=lenn] void *p, int len);");

    cr_assert_str_eq(o->said, "test.edl:2:29: error: 'size' names 'lenn', which is no parameter\n"
                              "    2 |     public void f([in, size=lenn] void *p, int len);\n"
                              "      |                             ^~~~\n"
                              "hint: did you mean 'len'?\n");
}

Test(report, tabs_do_not_move_the_caret)
{
    const struct outcome *o = compile_ecalls("\tpublic void f(\tint *p);");

    cr_assert(strstr(o->said, "    2 |  public void f( int *p);\n"
                              "      |                      ^\n") != NULL,
              "%s", o->said);
}

Test(report, long_lines_are_cut_around_the_place)
{
    char text[4000];
    const struct outcome *o;

    memset(text, ' ', sizeof text);
    memcpy(text + 3000, "public void f(int *p);", 23);
    o = compile_ecalls(text);
    assert_refused(o, "test.edl:2:3020: error:");
    cr_assert_lt(strlen(o->said), 600);
    cr_assert(strstr(o->said, "public void f(int *p);") != NULL);
}

Test(report, control_characters_stay_off_the_terminal)
{
    const struct outcome *o = compile_ecalls("public void f(int *p); // \x1b[31m");

    cr_assert(strchr(o->said, '\x1b') == NULL);
}

Test(report, errors_beyond_a_bound_are_counted_only)
{
    char text[6000] = "";
    const struct outcome *o;
    unsigned shown = 0;

    for (int i = 0; i < 100; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "public void f%d(int *p);\n", i);
    o = compile_ecalls(text);
    cr_assert_eq(o->errors, 100);
    for (const char *p = o->said; (p = strstr(p, "error:")); p++)
        shown++;
    cr_assert_eq(shown, REPORT_ERRORS_MAX);
}

Test(report, warnings_can_be_switched_off_and_on)
{
    given_warning("no-unused-private");
    assert_accepted(compile_ecalls("void hidden(void);"));
    given_warning("unused-private");
    assert_warned(compile_ecalls("void hidden(void);"), "[-Wunused-private]");
    given_warning("no-all");
    assert_accepted(compile_ecalls("void hidden(void);"));
}

Test(report, all_warnings_can_be_errors)
{
    given_warning("error");
    assert_refused(compile_ecalls("void hidden(void);"), "error [-Werror=unused-private]");
}

Test(report, one_warning_can_be_an_error)
{
    given_warning("error=octal");
    assert_warned(compile_ecalls("void hidden(void);"), "warning [-Wunused-private]");
    assert_refused(compile_ecalls("public void f([in] int a[07]);"), "error [-Werror=octal]");
}

Test(report, one_warning_can_be_spared)
{
    given_warning("error");
    given_warning("no-error=unused-private");
    assert_warned(compile_ecalls("void hidden(void);"), "warning [-Wunused-private]");
    given_warning("no-error");
    assert_warned(compile_ecalls("public void f([in] int a[07]);"), "warning [-Woctal]");
}

Test(report, making_a_warning_an_error_switches_it_on)
{
    given_warning("error=user-check");
    assert_refused(compile_ecalls("public void f([user_check] int *p);"), "[-Werror=user-check]");
}

Test(report, unknown_warnings_are_refused)
{
    struct report report;

    report_init(&report, NULL);
    cr_assert_not(report_option(&report, "nonsense"));
    cr_assert_not(report_option(&report, "no-nonsense"));
    cr_assert_not(report_option(&report, "error=nonsense"));
    cr_assert(report_option(&report, "no-error=octal"));
}

Test(report, nearest_word)
{
    static const char *const words[] = {"size", "count", "user_check", NULL};

    cr_assert_str_eq(report_nearest("siz", words), "size");
    cr_assert_str_eq(report_nearest("conut", words), "count");
    cr_assert_str_eq(report_nearest("usercheck", words), "user_check");
    cr_assert_null((void *)report_nearest("elephant", words));
    cr_assert_null((void *)report_nearest("", words));
}
