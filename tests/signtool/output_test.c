/* SPDX-License-Identifier: Apache-2.0 */
/* output_test.c - files that appear whole or not at all */
#include <criterion/criterion.h>

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "output.h"

static char folder[] = "/tmp/output_test.XXXXXX";
static struct failure failure;

static void make_folder(void)
{
    cr_assert(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
}

static void remove_folder(void)
{
    char command[64];

    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(output, .init = make_folder, .fini = remove_folder);

static unsigned files_here(void)
{
    DIR *d = opendir(".");
    unsigned count = 0;

    while (readdir(d))
        count++;
    closedir(d);
    return count - 2; /* . and .. */
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    fputs(text, f);
    fclose(f);
}

static void expect_text(const char *path, const char *text)
{
    char found[64] = "";
    FILE *f = fopen(path, "r");

    cr_assert(f, "%s is missing", path);
    cr_expect(fgets(found, sizeof found, f));
    cr_expect_str_eq(found, text);
    fclose(f);
}

Test(output, the_destination_changes_only_at_the_end)
{
    struct output o;

    write_text("file", "old");
    cr_assert_eq(output_begin(&o, "file", &failure), 0);
    cr_assert_eq(output_write(&o, "new", 3, &failure), 0);
    fflush(o.file);
    expect_text("file", "old");
    cr_assert_eq(output_commit(&o, 1, &failure), 0);
    expect_text("file", "new");
    cr_assert_eq(files_here(), 1);
}

Test(output, an_abandoned_one_leaves_nothing)
{
    struct output o;

    cr_assert_eq(output_begin(&o, "file", &failure), 0);
    cr_assert_eq(output_write(&o, "new", 3, &failure), 0);
    output_abandon(&o);
    output_abandon(&o);
    cr_assert_eq(files_here(), 0);
}

Test(output, a_new_file_has_the_permissions_that_the_mask_leaves)
{
    struct output o;
    struct stat st;

    umask(027);
    cr_assert_eq(output_begin(&o, "file", &failure), 0);
    cr_assert_eq(output_commit(&o, 1, &failure), 0);
    cr_assert_eq(stat("file", &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0640);
}

Test(output, a_device_or_a_folder_is_not_replaced)
{
    struct output o;

    cr_assert_lt(output_begin(&o, "/dev/null", &failure), 0);
    cr_assert(strstr(failure.text, "/dev/null: exists and is not a regular file"));
    cr_assert_lt(output_begin(&o, ".", &failure), 0);
    cr_assert_eq(files_here(), 0);
}

Test(output, a_folder_that_is_not_there_is_named)
{
    struct output o;

    cr_assert_lt(output_begin(&o, "missing/file", &failure), 0);
    cr_assert(strstr(failure.text, "missing/file: cannot be written: No such file"));
}

Test(output, if_one_cannot_be_put_in_place_the_first_does_not_appear)
{
    struct output o[2];

    cr_assert_eq(output_begin(&o[0], "one", &failure), 0);
    cr_assert_eq(output_begin(&o[1], "two", &failure), 0);
    mkdir("two", 0777); /* since it was looked at */
    cr_assert_lt(output_commit(o, 2, &failure), 0);
    cr_assert(strstr(failure.text, "two: cannot be written"));
    cr_assert_eq(files_here(), 1);
}

Test(output, a_file_that_may_not_grow_is_an_error_and_leaves_nothing)
{
    struct rlimit limit = {4096, 4096};
    static char bytes[65536];
    struct output o;
    int r;

    cr_assert_eq(output_begin(&o, "file", &failure), 0);
    setrlimit(RLIMIT_FSIZE, &limit);
    r = output_write(&o, bytes, sizeof bytes, &failure);
    if (r == 0)
        r = output_commit(&o, 1, &failure);
    output_abandon(&o);
    cr_assert_lt(r, 0);
    cr_assert_eq(files_here(), 0);
}

Test(output, a_signal_removes_the_temporary_file_and_still_ends_the_program)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        struct output o;

        output_begin(&o, "file", &failure);
        raise(SIGTERM);
        _exit(0);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    cr_assert_eq(files_here(), 0);
}
