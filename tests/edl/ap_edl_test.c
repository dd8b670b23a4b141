/* SPDX-License-Identifier: Apache-2.0 */
/* ap_edl_test.c - the tool as it is called */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/ap-edl-test.XXXXXX";
static char said[65536]; /* standard output and error of the latest run */

/* In an empty folder of its own. */
static void begin(void)
{
    FILE *f;

    cr_assert(mkdtemp(folder) != NULL && chdir(folder) == 0);
    f = fopen("vault.edl", "w");
    cr_assert(f != NULL);
    fputs("enclave { from \"lib.edl\" import *; trusted { public void f(void); void g(void); }; };",
          f);
    fclose(f);
    cr_assert(mkdir("lib", 0700) == 0);
    f = fopen("lib/lib.edl", "w");
    cr_assert(f != NULL);
    fputs("enclave {\n#ifdef LEVEL\ntrusted { public void level(void); };\n#endif\n};", f);
    fclose(f);
}

static void end(void)
{
    char command[100];

    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert(chdir("/") == 0 && system(command) == 0);
}

static int run(const char *arguments)
{
    char command[1000];
    size_t size;
    FILE *f;

    snprintf(command, sizeof command, "%s %s 2>&1", AP_EDL, arguments);
    f = popen(command, "r");
    cr_assert(f != NULL);
    size = fread(said, 1, sizeof said - 1, f);
    said[size] = '\0';
    return WEXITSTATUS(pclose(f));
}

static bool there_is(const char *path)
{
    return access(path, F_OK) == 0;
}

static bool contains(const char *path, const char *text)
{
    static char content[65536];
    FILE *f = fopen(path, "r");
    size_t size;

    if (!f)
        return false;
    size = fread(content, 1, sizeof content - 1, f);
    content[size] = '\0';
    fclose(f);
    return strstr(content, text) != NULL;
}

#define SAID(text) cr_assert(strstr(said, text) != NULL, "expected: %s\nit said:\n%s", text, said)

TestSuite(ap_edl, .init = begin, .fini = end);

Test(ap_edl, makes_four_files_here)
{
    cr_assert_eq(run("--search-path lib vault.edl"), 0, "%s", said);
    cr_assert(there_is("vault_t.h") && there_is("vault_t.c"));
    cr_assert(there_is("vault_u.h") && there_is("vault_u.c"));
    SAID("vault.edl:1:72: warning [-Wunused-private]");
}

Test(ap_edl, makes_one_side_in_a_folder_that_was_not_there)
{
    cr_assert_eq(run("--untrusted vault.edl --search-path lib --untrusted-dir a/b/c"), 0);
    cr_assert(there_is("a/b/c/vault_u.h") && there_is("a/b/c/vault_u.c"));
    cr_assert(!(there_is("a/b/c/vault_t.h")) && !(there_is("vault_t.h")));
    cr_assert_eq(run("--trusted vault.edl --search-path lib --trusted-dir ./t/"), 0);
    cr_assert(there_is("t/vault_t.h") && there_is("t/vault_t.c") && !(there_is("vault_u.h")));
}

Test(ap_edl, makes_headers_only)
{
    cr_assert_eq(run("--header-only --search-path=lib vault.edl"), 0);
    cr_assert(there_is("vault_t.h") && there_is("vault_u.h"));
    cr_assert(!(there_is("vault_t.c")) && !(there_is("vault_u.c")));
}

Test(ap_edl, prefixes_the_hosts_functions)
{
    cr_assert_eq(run("--use-prefix --search-path lib vault.edl"), 0);
    cr_assert(contains("vault_u.h", "sgx_status_t vault_f(sgx_enclave_id_t eid);"));
}

Test(ap_edl, searches_every_folder_the_latest_option_first)
{
    cr_assert_eq(run("vault.edl"), 1);
    SAID("vault.edl:1:16: error: cannot read 'lib.edl'");
    cr_assert_not(there_is("vault_t.h"));
    cr_assert_eq(run("--search-path /nowhere:lib vault.edl"), 0, "%s", said);
    cr_assert(mkdir("other", 0700) == 0);
    cr_assert(system("echo 'enclave { nonsense };' > other/lib.edl") == 0);
    cr_assert_eq(run("--search-path other --search-path lib vault.edl"), 0, "%s", said);
    cr_assert_eq(run("--search-path lib --search-path other vault.edl"), 1);
}

Test(ap_edl, takes_macros)
{
    cr_assert_eq(run("-DLEVEL --search-path lib vault.edl"), 0);
    cr_assert(contains("vault_t.h", "void level(void);"));
    cr_assert_eq(run("--define LEVEL=2 -D X=Y --search-path lib vault.edl"), 0);
    cr_assert_eq(run("-D 3x --search-path lib vault.edl"), 2);
    SAID("-D 3x does not begin with a macro's name");
}

Test(ap_edl, warnings_can_be_fatal)
{
    cr_assert_eq(run("-Werror --search-path lib vault.edl"), 1);
    SAID("error [-Werror=unused-private]");
    cr_assert_not(there_is("vault_t.c"));
    cr_assert_eq(run("-Werror -Wno-unused-private --search-path lib vault.edl"), 0);
    cr_assert_str_eq(said, "");
    cr_assert_eq(run("-Wnonsense vault.edl"), 2);
    SAID("there is no warning '-Wnonsense'");
}

Test(ap_edl, refused_file_leaves_the_old_output_alone)
{
    cr_assert_eq(run("--search-path lib vault.edl"), 0);
    cr_assert(system("echo old > vault_t.c; echo 'enclave {};' > vault.edl") == 0);
    cr_assert_eq(run("vault.edl"), 1);
    SAID("'vault' has no public ecall");
    cr_assert(contains("vault_t.c", "old"));
}

Test(ap_edl, writes_dependencies)
{
    cr_assert_eq(run("--trusted --search-path lib --depfile v.d vault.edl"), 0);
    cr_assert(contains("v.d", "./vault_t.h ./vault_t.c :"));
    cr_assert(contains("v.d", "lib/lib.edl"));
    cr_assert(contains("v.d", "vault.edl"));
    cr_assert_eq(run("--depfile v.d vault.edl vault.edl"), 2);
}

Test(ap_edl, compiles_several_files_and_fails_if_one_does)
{
    cr_assert(system("echo 'enclave { trusted { public void x(void); }; };' > two.edl") == 0);
    cr_assert_eq(run("--search-path lib vault.edl two.edl"), 0);
    cr_assert(there_is("two_t.c") && there_is("vault_t.c"));
    cr_assert_eq(run("nowhere.edl two.edl"), 1);
    SAID("error: cannot read 'nowhere.edl': No such file or directory");
}

Test(ap_edl, output_that_cannot_be_written_is_an_error)
{
    cr_assert_eq(run("--search-path lib --trusted-dir vault.edl vault.edl"), 1);
    SAID("error: cannot ");
    cr_assert(mkdir("vault_t.h", 0700) == 0);
    cr_assert_eq(run("--search-path lib vault.edl"), 1);
    SAID("error: cannot write './vault_t.h'");
    cr_assert_eq(run("lib"), 1);
    SAID("error: cannot read 'lib': is a folder");
}

Test(ap_edl, explains_itself)
{
    cr_assert_eq(run("--help"), 0);
    SAID("--untrusted-dir FOLDER");
    cr_assert_eq(run("--version"), 0);
    SAID("ap-edl ");
    cr_assert_eq(run("--list-warnings"), 0);
    SAID("unused-private     on");
    cr_assert_eq(run(""), 2);
    SAID("usage: ap-edl");
    cr_assert_eq(run("--nonsense vault.edl"), 2);
    cr_assert_eq(run("--version > /dev/full"), 1);
}

/* What authors have written for years. */
Test(ap_edl, known_idioms_compile)
{
    cr_assert_eq(run("-Wall -Wno-user-check --search-path " CASES " " CASES "/idioms.edl"), 0, "%s",
                 said);
    cr_assert_str_eq(said, "");
}
