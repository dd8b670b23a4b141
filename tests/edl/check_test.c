/* SPDX-License-Identifier: Apache-2.0 */
/* check_test.c - what is well formed and yet wrong; each rule with its refusal */
#include "support.h"

#define ECALL_REFUSED(text, error) assert_refused(compile_ecalls(text), error)
#define OCALL_REFUSED(text, error) assert_refused(compile_ocalls(text), error)
#define BODY_REFUSED(text, error)  assert_refused(compile_body(text), error)

/* ------------------------------------------------------------------ directions */

Test(check, pointer_without_direction)
{
    const struct outcome *o = compile_ecalls("public void f(int *p);");

    assert_refused(o, "2:20: error: 'p' is a pointer: in which direction");
    cr_assert(strstr(o->said, "hint: [in], [out], [in, out], or [user_check]") != NULL);
    ECALL_REFUSED("public void f(int a[2]);", "2:19: error: 'a' is an array: in which direction");
    ECALL_REFUSED("public void f([isptr] t p);", "error: 'p' is a pointer: in which direction");
    ECALL_REFUSED("public void f([isary] t p);", "error: 'p' is a pointer: in which direction");
    OCALL_REFUSED("void f(int *p);", "2:13: error: 'p' is a pointer: in which direction");
}

Test(check, user_check_and_a_direction)
{
    ECALL_REFUSED("public void f([in, user_check] int *p);", "2:20: error: 'user_check' excludes");
    ECALL_REFUSED("public void f([user_check, out] int *p);", "2:16: error: 'user_check' excludes");
}

Test(check, out_and_const)
{
    ECALL_REFUSED("public void f([out] const int *p);", "2:16: error: 'p' points to const");
    ECALL_REFUSED("public void f([in, out, string] const char *p);", "error: 'p' points to const");
    ECALL_REFUSED("public void f([out, isptr, readonly] t p);", "2:16: error: 'p' is 'readonly'");
}

Test(check, attributes_on_a_value)
{
    const struct outcome *o = compile_ecalls("public void f([in] handle_t h);");

    assert_refused(o, "2:15: error: 'h' is passed by value, so there is nothing to copy");
    cr_assert(strstr(o->said, "hint: if 'handle_t' is a pointer or an array") != NULL);
    ECALL_REFUSED("public void f([user_check] int a);", "2:15: error: 'a' is passed by value");
    ECALL_REFUSED("public void f([in] struct s a);", "2:15: error: 'a' is passed by value");
}

/* ------------------------------------------------------------------ size= and count= */

Test(check, size_that_names_no_parameter)
{
    const struct outcome *o = compile_ecalls("public void f([in, size=lenn] void *p, size_t len);");

    assert_refused(o, "2:25: error: 'size' names 'lenn', which is no parameter");
    cr_assert(strstr(o->said, "hint: did you mean 'len'?") != NULL);
    ECALL_REFUSED("public void f([in, count=q] int *p, size_t elements);",
                  "2:26: error: 'count' names 'q', which is no parameter");
}

Test(check, size_that_names_no_integer)
{
    ECALL_REFUSED("public void f([in, size=d] void *p, double d);",
                  "'size' names 'd', which is no int");
    ECALL_REFUSED("public void f([in, size=p] void *p);", "'size' names 'p', which is no integer");
    ECALL_REFUSED("public void f([in, count=q] int *p, [in] int *q);",
                  "'count' names 'q', which is");
    ECALL_REFUSED("public void f([in, count=s] int *p, struct s s);",
                  "'count' names 's', which is");
    ECALL_REFUSED("public void f([in, count=a] int *p, [in] int a[2]);",
                  "'count' names 'a', which");
}

Test(check, size_of_zero)
{
    ECALL_REFUSED("public void f([in, size=0] void *p);", "2:25: error: 'size' is zero");
    ECALL_REFUSED("public void f([in, count=0] int *p);", "2:26: error: 'count' is zero");
    ECALL_REFUSED("public void f([in, size=9223372036854775808] void *p);",
                  "error: no memory is that");
}

Test(check, size_where_nothing_is_copied)
{
    ECALL_REFUSED("public void f([user_check, size=4] void *p);", "2:28: error: 'size' has no use");
    ECALL_REFUSED("public void f([user_check, count=4] int *p);",
                  "2:28: error: 'count' has no use");
}

Test(check, size_of_what_has_one)
{
    ECALL_REFUSED("public void f([in, size=4] int a[2]);", "2:20: error: an array says itself");
    ECALL_REFUSED("public void f([in, count=4] int a[2]);", "2:20: error: an array says itself");
    ECALL_REFUSED("public void f([in, isary, size=4] t a);", "error: 'isary' and 'size' exclude");
    ECALL_REFUSED("public void f([in, isary, count=4] t a);", "error: 'isary' and 'count' exclude");
}

Test(check, void_pointer_without_size)
{
    const struct outcome *o = compile_ecalls("public void f([in] void *p);");

    assert_refused(o, "2:26: error: 'p' points to void: how much is there?");
    cr_assert(strstr(o->said, "hint: give it size=, in bytes") != NULL);
    ECALL_REFUSED("public void f([out, count=3] void *p);", "'p' points to void");
    assert_accepted(compile_ecalls("public void f([user_check] void *p, [in] void **q);"));
}

Test(check, sizefunc_is_gone)
{
    const struct outcome *o = compile_ecalls("public void f([in, sizefunc=g] char *p);");

    assert_refused(o, "2:20: error: 'sizefunc' is gone");
    cr_assert(strstr(o->said, "hint: pass the size as a parameter") != NULL);
}

/* ------------------------------------------------------------------ strings */

Test(check, strings_of_the_wrong_type)
{
    ECALL_REFUSED("public void f([in, string] int *p);", "2:20: error: 'string' is for char *");
    ECALL_REFUSED("public void f([in, string] unsigned char *p);", "error: 'string' is for char *");
    ECALL_REFUSED("public void f([in, string] char **p);", "error: 'string' is for char *");
    ECALL_REFUSED("public void f([in, string] char p[4]);", "error: 'string' is for char *");
    ECALL_REFUSED("public void f([in, string] wchar_t *p);", "error: 'string' is for char *");
    ECALL_REFUSED("public void f([in, wstring] char *p);",
                  "2:20: error: 'wstring' is for wchar_t *");
}

Test(check, strings_need_in)
{
    const struct outcome *o = compile_ecalls("public void f([out, string] char *p);");

    assert_refused(o, "2:21: error: 'string' needs 'in'");
    cr_assert(strstr(o->said, "hint: for a text that comes back") != NULL);
    ECALL_REFUSED("public void f([out, wstring] wchar_t *p);", "error: 'wstring' needs 'in'");
    ECALL_REFUSED("public void f([user_check, string] char *p);", "error: 'string' needs 'in'");
}

Test(check, strings_exclude_sizes_and_each_other)
{
    ECALL_REFUSED("public void f([in, string, size=4] char *p);",
                  "error: 'string' and 'size' exclude");
    ECALL_REFUSED("public void f([in, string, count=4] char *p);", "'string' and 'count' exclude");
    ECALL_REFUSED("public void f([in, wstring, size=4] wchar_t *p);",
                  "'wstring' and 'size' exclude");
    cr_assert(strstr(compile_ecalls("public void f([in, string, wstring] char *p);")->said,
                     "error: 'string' and 'wstring' exclude each other") != NULL);
}

/* ------------------------------------------------------------------ foreign types */

Test(check, foreign_attributes_on_other_types)
{
    ECALL_REFUSED("public void f([in, isptr] int *p);",
                  "2:20: error: 'isptr' is for a type of yours");
    ECALL_REFUSED("public void f([in, isptr] int p);", "error: 'isptr' is for a type of yours");
    ECALL_REFUSED("public void f([in, isptr] t *p);", "not for 't *'");
    ECALL_REFUSED("public void f([in, isary] int p);", "error: 'isary' is for a type of yours");
    ECALL_REFUSED("public void f([in, isary] t p[2]);", "not for 't []'");
    ECALL_REFUSED("public void f([in, isptr, isary] t p);", "error: 'isptr' and 'isary' exclude");
    ECALL_REFUSED("public void f([in, readonly] t *p);", "2:20: error: 'readonly' is for foreign");
    ECALL_REFUSED("public void f([in, isary, readonly] t p);", "error: 'readonly' is for foreign");
}

Test(check, array_of_pointers)
{
    ECALL_REFUSED("public void f([in] int *a[2]);", "2:25: error: 'a' is an array of pointers");
    ECALL_REFUSED("public void f([user_check] int *a[2]);", "error: 'a' is an array of pointers");
}

Test(check, function_attributes_where_they_do_not_belong)
{
    ECALL_REFUSED("public void f([in, cdecl] int *p);", "2:20: error: 'cdecl' is an attribute of");
    ECALL_REFUSED("public [cdecl] void f(void);", "2:8: error: an ecall has no attributes");
    OCALL_REFUSED("[in] void f(void);", "2:2: error: 'in' is no attribute of a function");
    OCALL_REFUSED("[cdecl, stdcall] void f(void);", "2:1: error: cdecl, stdcall and fastcall");
}

/* ------------------------------------------------------------------ void */

Test(check, void_is_no_value)
{
    ECALL_REFUSED("public void f(void a);", "2:15: error: a parameter cannot be void");
    ECALL_REFUSED("public void f(int a, void b);", "2:22: error: a parameter cannot be void");
    ECALL_REFUSED("public void f([in] void a[2]);", "error: a parameter cannot be void");
    BODY_REFUSED("struct s { void a; };", "2:12: error: a member cannot be void");
}

/* ------------------------------------------------------------------ names */

Test(check, names_that_are_taken)
{
    ECALL_REFUSED("public void f(void); public int f(int a);",
                  "2:33: error: the name 'f' is already");
    BODY_REFUSED("untrusted { void way_in(void); };", "error: the name 'way_in' is already taken");
    BODY_REFUSED("struct s { int a; }; union s { int a; };",
                 "2:28: error: the name 's' is already");
    BODY_REFUSED("struct way_in { int a; };", "error: the name 'way_in' is already taken");
    BODY_REFUSED("enum e { A, A };", "2:13: error: the name 'A' is already taken");
    BODY_REFUSED("enum e { way_in };", "error: the name 'way_in' is already taken");
    ECALL_REFUSED("public void f(int a, int a);", "2:26: error: there is already a parameter 'a'");
    BODY_REFUSED("struct s { int a; char a; };", "2:24: error: there is already a member 'a'");
}

Test(check, names_that_c_or_the_generated_code_keep)
{
    ECALL_REFUSED("public void f(int static);", "2:19: error: 'static' is a word of C");
    ECALL_REFUSED("public void return(void);", "2:13: error: 'return' is a word of C");
    ECALL_REFUSED("public void f(int eid);", "2:19: error: 'eid' is the first parameter");
    ECALL_REFUSED("public int f(int retval);", "2:18: error: 'retval' is the parameter");
    ECALL_REFUSED("public int f(int _len_a);", "2:18: error: names that begin with '_len_'");
    ECALL_REFUSED("public void ecall(void);", "2:13: error: an ecall 'ecall' would be reached");
    assert_accepted(
        compile_ecalls("public void f(int retval, int ms, int pms, int status, int i);"));
    assert_accepted(compile_ocalls("void ecall(int eid);"));
}

Test(check, names_that_only_cpp_keeps)
{
    assert_warned(compile_ecalls("public void f(int class);"), "2:19: warning [-Wc++-keyword]");
}

/* ------------------------------------------------------------------ who may call */

Test(check, enclave_that_nobody_can_enter)
{
    const struct outcome *o = compile_file_text("enclave { untrusted { void f(void); }; };");

    assert_refused(o, "ap-edl: error: 'test' has no public ecall");
    given_headers_only();
    assert_accepted(compile_file_text("enclave { untrusted { void f(void); }; };"));
}

Test(check, allowing_what_is_no_ecall)
{
    const struct outcome *o = compile_ocalls("void f(void) allow(way_im);");

    assert_refused(o, "2:20: error: 'f' allows 'way_im', which is no ecall of this enclave");
    cr_assert(strstr(o->said, "hint: did you mean 'way_in'?") != NULL);
    OCALL_REFUSED("void f(void) allow(f);", "'f' allows 'f', which is no ecall");
    OCALL_REFUSED("void f(void) allow(way_in, way_in);", "2:28: error: 'way_in' is allowed twice");
}

Test(check, private_ecall_that_nobody_allows)
{
    assert_warned(compile_ecalls("void hidden(void);"),
                  "2:6: warning [-Wunused-private]: no ocall");
    assert_accepted(
        compile_body("trusted { void f(void); }; untrusted { void o(void) allow(f); };"));
}

Test(check, switchless_where_it_cannot_help)
{
    assert_warned(compile_body("trusted { void f(void) transition_using_threads; };\n"
                               "untrusted { void o(void) allow(f); };"),
                  "2:16: warning [-Wswitchless]: 'f' is private");
    assert_warned(compile_ocalls("void o(void) allow(way_in) transition_using_threads;"),
                  "2:6: warning [-Wswitchless]: 'o' may run on a worker thread");
}

/* ------------------------------------------------------------------ structures */

#define DEEP "struct d { [count=n] int *p; int n; };\n"

Test(check, deep_structure_by_value)
{
    const struct outcome *o = compile_body(DEEP "trusted { public void f(struct d a); };");

    assert_refused(
        o, "3:34: error: struct d is copied with what it points to, so it cannot be passed");
    cr_assert(strstr(o->said, "hint: pass [in] or [in, out] struct d *") != NULL);
    BODY_REFUSED(DEEP "trusted { public struct d f(void); };",
                 "3:27: error: struct d is copied with");
}

Test(check, deep_structure_that_only_comes_out)
{
    BODY_REFUSED(DEEP "trusted { public void f([out] struct d *a); };",
                 "3:26: error: struct d is copied with what it points to, which 'out' alone");
    BODY_REFUSED(DEEP "trusted { public void f([out] struct d a[2]); };", "which 'out' alone");
}

Test(check, deep_structure_named_by_its_typedef)
{
    const struct outcome *o = compile_body(DEEP "trusted { public void f([in] d *a); };");

    assert_refused(o, "3:30: error: 'd' is copied with what it points to");
    cr_assert(strstr(o->said, "hint: say so: struct d") != NULL);
}

Test(check, structure_named_by_its_typedef)
{
    assert_warned(compile_body("struct s { int a; };\ntrusted { public void f(s a); };"),
                  "3:25: warning [-Wforeign-struct]: 's' is defined as struct s");
}

Test(check, members_that_cannot_be_what_they_say)
{
    BODY_REFUSED("struct s { [in, size=4] int *p; };", "2:13: error: a member cannot be 'in'");
    BODY_REFUSED("struct s { [string] char *p; };", "2:13: error: a member cannot be 'string'");
    BODY_REFUSED("struct s { [user_check] char *p; };",
                 "2:13: error: a member cannot be 'user_chec");
    BODY_REFUSED("struct s { [size=4] int p; };", "2:12: error: 'p' is no pointer");
    BODY_REFUSED("struct s { [size=4] int p[2]; };", "2:12: error: 'p' is no pointer");
    BODY_REFUSED("struct s { [size=4] t p; };", "2:12: error: 'p' is no pointer");
    BODY_REFUSED("struct s { [size=4] const int *p; };", "2:21: error: 'p' cannot be const");
    BODY_REFUSED("struct s { [count=4] void *p; };", "2:28: error: 'p' points to void");
    BODY_REFUSED("struct s { [size=n] int *p; };",
                 "2:18: error: 'size' names 'n', which is no member");
    BODY_REFUSED("struct s { [size=n] int *p; float n; };",
                 "'size' names 'n', which is no integer");
    BODY_REFUSED("union u { [size=4] int *p; };",
                 "2:11: error: members of a union have no attributes");
}

Test(check, members_that_are_defined_below)
{
    BODY_REFUSED("struct a { struct b b; }; struct b { int x; };",
                 "2:12: error: struct b must be defined before it is a member");
    BODY_REFUSED("struct a { struct a a; };", "2:12: error: struct a must be defined before");
    assert_accepted(compile_body("struct a { struct b *b; }; struct b { struct a a; };"));
}

Test(check, tag_of_another_kind)
{
    const struct outcome *o =
        compile_body("struct s { int a; };\ntrusted { public void f(union s a); };");

    assert_refused(o, "3:25: error: 's' is not a union");
    cr_assert(strstr(o->said, "2:8: note: it is defined here") != NULL);
}

Test(check, pointers_that_stay_behind)
{
    assert_warned(compile_body("struct s { char *p; };\ntrusted { public void f(struct s a); };"),
                  "3:34: warning [-Wstruct-pointer]: struct s is passed by value");
    assert_warned(compile_body(DEEP "struct o { struct d d; };"), "warning [-Wnested-deep-copy]");
    assert_warned(compile_body(DEEP "struct o { [count=2] struct d *d; };"),
                  "[-Wnested-deep-copy]");
}

Test(check, warnings_for_the_curious)
{
    assert_accepted(compile_ecalls("public char *f([user_check] char *p);"));
    given_warning("all");
    cr_assert_eq(compile_ecalls("public char *f([user_check] char *p);")->warnings, 2);
    assert_warned(
        compile_body("struct s { char *p; };\ntrusted { public void f([in] struct s *a); };"),
        "3:40: warning [-Wshallow-copy]: what s's 'p' points to is not copied with 'a'");
}

Test(check, many_errors_are_reported_in_one_run)
{
    const struct outcome *o =
        compile_ecalls("public void a(int *p);\npublic void b([in] void *p);\n"
                       "public void c([in, size=q] void *p);\npublic void a(int x, int x);");

    cr_assert_eq(o->errors, 5, "it said:\n%s", o->said);
}
