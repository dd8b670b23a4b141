/* SPDX-License-Identifier: Apache-2.0 */
/* import_test.c - several files, one interface */
#include <stdio.h>

#include "support.h"

static bool declares(const struct outcome *o, const char *function)
{
    char text[100];

    snprintf(text, sizeof text, "void %s(void);\n", function);
    cr_assert(o->ok, "it said:\n%s", o->said);
    return strstr(o->compiled.text[OUTPUT_TRUSTED_HEADER], text) != NULL;
}

static void given_library(void)
{
    given_file("library.edl", "enclave { include \"library.h\" struct l { int a; };\n"
                              "trusted { public void one(void); public void two(void); };\n"
                              "untrusted { void out(void); }; };");
}

Test(import, star_brings_everything)
{
    const struct outcome *o;

    given_library();
    o = compile_body("from \"library.edl\" import *;");
    assert_accepted(o);
    cr_assert(declares(o, "one") && declares(o, "two"));
    assert_has(o, OUTPUT_TRUSTED_HEADER, "sgx_status_t SGX_CDECL out(void);");
}

Test(import, names_bring_themselves_and_all_types)
{
    const struct outcome *o;

    given_library();
    o = compile_body("from \"library.edl\" import two, out;");
    assert_accepted(o);
    cr_assert(declares(o, "two") && !(declares(o, "one")));
    assert_has(o, OUTPUT_UNTRUSTED_HEADER, "typedef struct l {");
    assert_has(o, OUTPUT_UNTRUSTED_HEADER, "#include \"library.h\"");
}

Test(import, own_functions_come_first_in_the_tables)
{
    const struct outcome *o;

    given_library();
    o = compile_body("from \"library.edl\" import *; trusted { public void mine(void); };");
    assert_has(o, OUTPUT_TRUSTED_SOURCE,
               "sgx_way_in, 0, 0},\n        {(void *)(uintptr_t)sgx_mine, 0, 0},\n"
               "        {(void *)(uintptr_t)sgx_one, 0, 0},");
}

Test(import, file_that_is_reached_on_two_ways_counts_once)
{
    given_library();
    given_file("a.edl", "enclave { from \"library.edl\" import *; };");
    given_file("b.edl", "enclave { from \"library.edl\" import one; };");
    assert_accepted(compile_body("from \"a.edl\" import *; from \"b.edl\" import *;\n"
                                 "from \"library.edl\" import two, two;"));
}

Test(import, names_are_found_behind_further_imports)
{
    const struct outcome *o;

    given_library();
    given_file("a.edl",
               "enclave { from \"library.edl\" import *; trusted { void three(void); }; };");
    o = compile_body("from \"a.edl\" import two;");
    cr_assert(declares(o, "two") && !(declares(o, "three")));
}

Test(import, types_of_imported_files_can_be_used)
{
    given_library();
    assert_accepted(compile_body("from \"library.edl\" import one;\n"
                                 "struct mine { struct l l; };\n"
                                 "trusted { public void f([in] struct l *l); };"));
}

Test(import, search_path_is_looked_at_in_its_order)
{
    given_file("x/f.edl", "enclave { trusted { public void from_x(void); }; };");
    given_file("y/f.edl", "enclave { trusted { public void from_y(void); }; };");
    given_file("f.edl", "enclave { trusted { public void from_here(void); }; };");
    cr_assert(declares(compile_body("from \"f.edl\" import *;"), "from_here"));
    given_search_path("y");
    given_search_path("x");
    cr_assert(declares(compile_body("from \"f.edl\" import *;"), "from_y"));
}

Test(import, file_beside_the_one_that_asks_is_found_at_last)
{
    given_file("x/a.edl", "enclave { from \"b.edl\" import *; };");
    given_file("x/b.edl", "enclave { trusted { public void beside(void); }; };");
    cr_assert(declares(compile_body("from \"x/a.edl\" import *;"), "beside"));
}

Test(import, absolute_names_are_taken_as_they_are)
{
    given_search_path("x");
    given_file("/abs/f.edl", "enclave { trusted { public void absolute(void); }; };");
    cr_assert(declares(compile_body("from \"/abs/f.edl\" import *;"), "absolute"));
}

Test(import, macros_do_not_cross)
{
    given_file("a.edl", "enclave {\n#define HERE\n#ifdef OUTER\n#error crossed\n#endif\n};");
    assert_accepted(
        compile_body("#define OUTER\nfrom \"a.edl\" import *;\n#ifdef HERE\n#error\n#endif"));
}

/* ------------------------------------------------------------------ complaints */

Test(import, file_that_is_not_there)
{
    const struct outcome *o = compile_body("from \"nowhere.edl\" import *;");

    assert_refused(o, "test.edl:2:6: error: cannot read 'nowhere.edl'");
    cr_assert(strstr(o->said, "hint: --search-path") != NULL);
}

Test(import, function_that_is_not_there)
{
    given_library();
    assert_refused(compile_body("from \"library.edl\" import one, three;"),
                   "2:32: error: 'library.edl' declares no function 'three'");
}

Test(import, circles_of_every_size)
{
    given_file("self.edl", "enclave { from \"self.edl\" import *; };");
    assert_refused(compile_body("from \"self.edl\" import *;"),
                   "self.edl:1:16: error: this import leads in a circle");
    given_file("a.edl", "enclave { from \"b.edl\" import *; };");
    given_file("b.edl", "enclave { from \"a.edl\" import x; };");
    assert_refused(compile_body("from \"a.edl\" import *;"),
                   "b.edl:1:16: error: this import leads in a circle: 'a.edl'");
    assert_refused(compile_body("from \"test.edl\" import *;"),
                   "error: this import leads in a circle");
}

/* f0 imports f1, which imports f2, and so on to the last. */
static void given_chain(int last)
{
    static char names[100][16], texts[100][80];

    for (int i = 0; i < last; i++) {
        snprintf(names[i], sizeof names[i], "f%d.edl", i);
        snprintf(texts[i], sizeof texts[i], "enclave { from \"f%d.edl\" import *; };", i + 1);
        given_file(names[i], texts[i]);
    }
    snprintf(names[last], sizeof names[last], "f%d.edl", last);
    given_file(names[last], "enclave { };");
}

Test(import, long_chain)
{
    given_chain(60);
    assert_accepted(compile_body("from \"f0.edl\" import *;"));
}

Test(import, chain_that_is_too_long)
{
    given_chain(80);
    assert_refused(compile_body("from \"f0.edl\" import *;"),
                   "error: imports are nested too deeply");
}

Test(import, error_in_an_imported_file_is_shown_there)
{
    given_file("bad.edl", "enclave {\n  trusted { public void f(int); };\n};");
    assert_refused(compile_body("from \"bad.edl\" import *;"),
                   "bad.edl:2:30: error: unexpected ')'");
}

Test(import, two_files_that_declare_the_same_name)
{
    const struct outcome *o;

    given_library();
    given_file("other.edl", "enclave { trusted { public void one(void); }; };");
    o = compile_body("from \"library.edl\" import *; from \"other.edl\" import *;");
    assert_refused(o, "other.edl:1:33: error: the name 'one' is already taken");
    cr_assert(strstr(o->said, "library.edl:2:23: note: it is declared here") != NULL);
}
